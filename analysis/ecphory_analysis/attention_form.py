"""Attention layers that `ecphory bridge` has made of a network, for NumPy and PyTorch.

A file has, of a state with `row` neurons, keep, gate, input and tau (row); for each layer of the network in it block, neurons
and residual (block); for each head beta, query_block and output_block (head); and keys_h (row of the block that asks,
memory), values_h (row of the block that is answered, memory), bias_h (memory) for h = 1 ... A layer is

    x <- keep x + gate (input + sum_h values_h softmax(beta_h (keys_h^T x + bias_h)))

and the network's trajectory is `depth` of them. `initial` and `final` (trajectory, row) are states before the first layer
and after the last, with which a copy elsewhere can be checked.
"""

from dataclasses import dataclass

import h5py
import numpy

VERSION = 1


@dataclass(frozen=True)
class Head:
    name: str
    beta: float
    query: slice  #: rows of the state that ask
    output: slice  #: rows that are answered
    keys: numpy.ndarray  #: (row, memory)
    values: numpy.ndarray  #: (row, memory)
    bias: numpy.ndarray  #: (memory)


@dataclass(frozen=True)
class AttentionForm:
    keep: numpy.ndarray
    gate: numpy.ndarray
    input: numpy.ndarray
    heads: list
    depth: int
    method: str
    step: float  #: ms of a layer

    def layer(self, x):
        """States (..., row) after one layer."""
        drive = numpy.broadcast_to(self.input, x.shape).copy()
        for head in self.heads:
            scores = head.beta * (x[..., head.query] @ head.keys + head.bias)
            p = numpy.exp(scores - scores.max(axis=-1, keepdims=True))
            drive[..., head.output] += (p / p.sum(axis=-1, keepdims=True)) @ head.values.T
        return self.keep * x + self.gate * drive

    def __call__(self, x):
        """States (..., row) after all layers."""
        for _ in range(self.depth):
            x = self.layer(x)
        return x

    def module(self):
        """The same as a torch.nn.Module of (batch, row), with torch.nn.functional.scaled_dot_product_attention; its
        parameters are keep, gate, input and, of head h, keys_h, values_h (memory, row) and bias_h; values of a tied
        head are a copy of its keys. Raises ImportError
        without PyTorch 2.1 or newer."""
        import torch

        form = self

        class Layers(torch.nn.Module):
            def __init__(self):
                super().__init__()
                parameter = lambda array: torch.nn.Parameter(torch.from_numpy(numpy.ascontiguousarray(array)))  # noqa: E731
                self.keep, self.gate, self.input = map(parameter, (form.keep, form.gate, form.input))
                for h, head in enumerate(form.heads, 1):
                    self.register_parameter(f"keys_{h}", parameter(head.keys.T))
                    self.register_parameter(f"values_{h}", parameter(head.values.T))
                    self.register_parameter(f"bias_{h}", parameter(head.bias))

            def forward(self, x):
                for _ in range(form.depth):
                    drive = [self.input.expand_as(x)]
                    for h, head in enumerate(form.heads, 1):
                        keys, values, bias = (getattr(self, f"{name}_{h}") for name in ("keys", "values", "bias"))
                        answer = torch.nn.functional.scaled_dot_product_attention(
                            x[:, head.query], keys, values, attn_mask=head.beta * bias.expand(len(x), -1),
                            scale=head.beta)
                        drive.append(torch.nn.functional.pad(answer, (head.output.start, x.shape[1] - head.output.stop)))
                    x = self.keep * x + self.gate * sum(drive)
                return x

        return Layers()

    def tensors(self):
        """The module's parameters by name, as NumPy arrays."""
        result = {"keep": self.keep, "gate": self.gate, "input": self.input}
        for h, head in enumerate(self.heads, 1):
            result |= {f"keys_{h}": numpy.ascontiguousarray(head.keys.T),
                       f"values_{h}": numpy.ascontiguousarray(head.values.T), f"bias_{h}": head.bias}
        return result

    def description(self):
        """What the tensors do not tell, as text by name: depth, method, step, and each head's β and rows."""
        result = {"depth": self.depth, "method": self.method, "step": self.step}
        for h, head in enumerate(self.heads, 1):
            result |= {f"beta_{h}": head.beta, f"query_{h}": f"{head.query.start}:{head.query.stop}",
                       f"output_{h}": f"{head.output.start}:{head.output.stop}"}
        return {name: str(value) for name, value in result.items()}


def is_attention_form(path):
    """Whether the file holds an attention form."""
    if not h5py.is_hdf5(path):
        return False
    with h5py.File(path) as file:
        return "attention_version" in file.attrs


def load_attention(path):
    """The AttentionForm of a file. Raises ValueError for a file of something else or of another version."""
    if not is_attention_form(path):
        raise ValueError(f"{path}: this is no attention form; ecphory bridge NETWORK.toml --to {path} writes one")
    with h5py.File(path) as file:
        if (version := int(file.attrs["attention_version"])) != VERSION:
            raise ValueError(f"{path}: it is of version {version}; only {VERSION} can be read")
        ends = numpy.cumsum(file["neurons"][()])
        rows = [slice(int(end - n), int(end)) for end, n in zip(ends, file["neurons"][()])]
        heads = [Head(name, float(file["beta"][h]), rows[file["query_block"][h]], rows[file["output_block"][h]],
                      file[f"keys_{h + 1}"][()], file[f"values_{h + 1}"][()], file[f"bias_{h + 1}"][()])
                 for h, name in enumerate(file["head"].asstr()[()])]
        text = lambda value: value.decode() if isinstance(value, bytes) else str(value)  # noqa: E731
        return AttentionForm(*(file[name][()] for name in ("keep", "gate", "input")), heads, int(file.attrs["depth"]),
                             text(file.attrs["method"]), float(file.attrs["step"]))
