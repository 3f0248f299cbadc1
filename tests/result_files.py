"""Reads result files with h5py alone, so that tests do not rest on the code they test."""

import h5py

#: Root attributes that differ between two runs of the same numbers.
OF_THE_RUN = {"command", "start_time", "end_time"}


def numbers(path):
    """Everything but provenance, bit for bit: name → (type, shape, bytes or strings)."""
    with h5py.File(path, "r") as file:
        return {name: (str(array.dtype), array.shape, bits(array)) for name, array in file.items()}


def bits(array):
    if h5py.check_string_dtype(array.dtype):
        return array.asstr()[()] if array.shape == () else tuple(array.asstr()[()].flat)
    return array[()].tobytes()


def attributes(path):
    """Root attributes without those of the run."""
    with h5py.File(path, "r") as file:
        return {name: value for name, value in file.attrs.items() if name not in OF_THE_RUN}


def config_of(path):
    """The text of the experiment file inside a result."""
    with h5py.File(path, "r") as file:
        return file["config"].asstr()[()]
