"""Checkpoints and batches of the in-context-learning Transformer (icl_transformer.py) as HDF5 files.

Weights are a dict. layer1.query, layer1.key, layer1.value, layer2.query, ... and mlp1.weight, ...: (width, width);
mlp1.bias, ...: () or (1,); readout.weight: (labels, width); with `learned`, layer2.mix, ...: (), or (heads,) for a
lambda of each head.

A checkpoint has one dataset of exactly that name at its root for each of them, and the attributes model
("icl_transformer"), checkpoint_version (1), stream, stream_source, stream_mix and heads. Further datasets have no dot
in their names. A batch has content (sequence, token, feature), shift (sequence), label (sequence), and the attribute
positions: how many one-hot columns stand before the content.
"""

import re
from dataclasses import dataclass

import h5py
import numpy

MODEL, CHECKPOINT_VERSION = "icl_transformer", 1
PROJECTIONS = ("query", "key", "value")
CHOICES = {"stream": ("none", *PROJECTIONS), "stream_source": ("previous", "all", "first"),
           "stream_mix": ("sum", "mean", "learned", "learned_heads")}


@dataclass(frozen=True)
class Architecture:
    """What the shapes of the weights do not tell. Raises ValueError for a name that is not in CHOICES."""

    stream: str = "none"
    stream_source: str = "previous"
    stream_mix: str = "sum"
    heads: int = 1

    def __post_init__(self):
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it may be {', '.join(allowed)}")
        if not isinstance(self.heads, int) or self.heads < 1:
            raise ValueError(f"heads is {self.heads!r}; it must be an integer from 1 up")

    def sources(self, layer):
        """The layers whose raw projections the stream adds up for `layer`; none for the first."""
        if self.stream == "none" or layer == 1:
            return []
        return {"previous": [layer - 1], "all": list(range(1, layer)), "first": [1]}[self.stream_source]


def load_checkpoint(path, dtype=numpy.float64):
    """(weights, Architecture) of a checkpoint; dtype None keeps the numbers as they are stored.

    Raises ValueError for what is no such checkpoint.
    """
    with _opened(path) as file:
        found = {name: _attribute(file, path, name) for name in ("model", "checkpoint_version", *CHOICES, "heads")}
        for name, expected in (("model", MODEL), ("checkpoint_version", CHECKPOINT_VERSION)):
            if found[name] != expected:
                raise ValueError(f"{path}: {name} is {found[name]!r}; only {expected!r} can be read")
        datasets = {name: array for name, array in file.items() if "." in name and isinstance(array, h5py.Dataset)}
        weights = {name: numpy.asarray(array[()], dtype or array.dtype.newbyteorder("="))
                   for name, array in datasets.items()}
    try:
        architecture = Architecture(*(found[name] for name in CHOICES), heads=found["heads"])
        check(weights, architecture)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return weights, architecture


def load_batch(path):
    """inputs (sequence, token, width) and labels (sequence): one-hot positions shift + t, then the content.

    Raises ValueError for what is missing or of the wrong shape, and for positions outside their columns.
    """
    with _opened(path) as file:
        positions = _attribute(file, path, "positions")
        if not isinstance(positions, int) or positions < 0:
            raise ValueError(f"{path}: positions is {positions!r}; expected a number of columns")
        for name in ("content", "shift", "label"):
            if name not in file:
                raise ValueError(f"{path}: it has no dataset {name}; a batch has content, shift and label")
        content, shift, labels = file["content"][()].astype(float), file["shift"][()], file["label"][()]
    if content.ndim != 3 or shift.shape != content.shape[:1] or labels.shape != content.shape[:1]:
        raise ValueError(f"{path}: content {content.shape}, shift {shift.shape} and label {labels.shape} do not fit; "
                         "expected (sequence, token, feature), (sequence) and (sequence)")
    column = shift[:, None] + numpy.arange(content.shape[1])  # (sequence, token)
    if column.size and (column.min() < 0 or column.max() >= positions):
        raise ValueError(f"{path}: tokens stand in columns {column.min()} to {column.max()} of {positions} positions")
    one_hot = (column[:, :, None] == numpy.arange(positions)).astype(float)
    return numpy.concatenate([one_hot, content], axis=2), labels


def _opened(path):
    if not h5py.is_hdf5(path):
        raise ValueError(f"{path}: there is no HDF5 file of that name")
    return h5py.File(path)


def _attribute(file, path, name):
    if name not in file.attrs:
        raise ValueError(f"{path}: it has no attribute {name}")
    value = numpy.asarray(file.attrs[name])
    if value.size != 1:
        raise ValueError(f"{path}: attribute {name} has {value.size} elements; expected one")
    value = value.item()
    return value.decode() if isinstance(value, bytes) else value


def layers_of(weights, kind="layer"):
    """How many layers of attention the weights have, or of the perceptron with kind "mlp"."""
    return max((int(found[1]) for found in (re.match(rf"{kind}(\d+)\.", name) for name in weights) if found), default=0)


def check(weights, architecture):
    """Raises ValueError unless the weights are exactly those of such a network, of shapes that fit."""
    for name in ("layer1.query", "readout.weight"):
        if name not in weights or weights[name].ndim != 2:
            raise ValueError(f"the weights have no matrix {name}")
    width, heads = weights["layer1.query"].shape[1], architecture.heads
    if width % heads:
        raise ValueError(f"a width of {width} cannot be split into {heads} heads")
    expected = {"readout.weight": [(len(weights["readout.weight"]), width)]}
    for layer in range(1, layers_of(weights) + 1):
        expected |= {f"layer{layer}.{name}": [(width, width)] for name in PROJECTIONS}
        if architecture.sources(layer) and architecture.stream_mix.startswith("learned"):
            expected[f"layer{layer}.mix"] = [(), (heads,)]
    for layer in range(1, layers_of(weights, "mlp") + 1):
        expected |= {f"mlp{layer}.weight": [(width, width)], f"mlp{layer}.bias": [(), (1,)]}
    for name in sorted(expected.keys() | weights.keys()):
        if name not in weights:
            raise ValueError(f"the weights have no {name}")
        if name not in expected:
            raise ValueError(f"{name} is no weight of this network; it has {', '.join(expected)}")
        if weights[name].dtype.kind != "f":
            raise ValueError(f"{name} holds {weights[name].dtype}; expected real numbers")
        if weights[name].shape not in expected[name]:
            shapes = " or ".join(map(str, expected[name]))
            raise ValueError(f"{name} has shape {weights[name].shape}; expected {shapes}")
