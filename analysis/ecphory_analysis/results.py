"""Result files as xarray datasets."""

import tomllib
from pathlib import Path

import xarray


class ResultError(Exception):
    """A file that is not what was asked for; the message says what to do."""


def open(path):
    """The result file `path` as an xarray.Dataset: named dimensions, coordinates, units, provenance.

    Raises ResultError when the file is missing or is not HDF5.
    """
    path = Path(path)
    if not path.is_file():
        raise ResultError(f"{path}: there is no such file; ecphory run writes one")
    try:
        return xarray.open_dataset(path, engine="h5netcdf")
    except OSError as error:
        raise ResultError(f"{path}: this is not a readable HDF5 file ({error})") from error


def config_of(dataset):
    """The experiment file that made the result, every key resolved, as nested dictionaries.

    Raises ResultError when the file holds none.
    """
    if "config" not in dataset:
        raise ResultError("the file has no config in it; only files that ecphory run has written do")
    return tomllib.loads(str(dataset["config"].values[()]))
