"""Attention layers that ecphory bridge has made, computed by NumPy and by PyTorch."""

import json

import h5py
import numpy
import pytest

from conftest import ROOT
from ecphory_analysis import attention_form, to_torch

MODERN = ROOT / "experiments/relaxation/modern.toml"


@pytest.fixture
def form(ecphory):
    """The modern network's layers as a file."""
    run = ecphory("bridge", MODERN, "--to", "attention.h5", "--gate", "0.4", "--layers", "7")
    assert run.returncode == 0, run.stderr
    return ecphory.folder / "attention.h5"


def states(path):
    with h5py.File(path) as file:
        return file["initial"][()], file["final"][()]


def test_numpy_gets_the_same_states_from_the_file(form):
    initial, final = states(form)
    layers = attention_form.load_attention(form)
    assert layers.depth == 7 and len(layers.heads) == 1
    assert numpy.abs(initial - final).max() > 0.1
    assert numpy.abs(layers(initial) - final).max() <= 1e-14


def test_it_is_the_exponential_step_of_the_network(form):
    initial, final = states(form)
    with h5py.File(form) as file:
        patterns, beta = file["patterns"][()], file["beta"][0]
        assert numpy.array_equal(file["keys_1"][()].T, patterns)
        assert file.attrs["step"] == pytest.approx(-10 * numpy.log(0.6))
    x = initial
    for _ in range(7):
        scores = beta * x @ patterns.T
        p = numpy.exp(scores - scores.max(axis=1, keepdims=True))
        x = 0.6 * x + 0.4 * (p / p.sum(axis=1, keepdims=True)) @ patterns
    assert numpy.abs(x - final).max() <= 1e-14


def test_pytorch_gets_the_same_states_with_scaled_dot_product_attention(form):
    torch = pytest.importorskip("torch", "2.1", "PyTorch 2.1 or newer is not installed: its attention is not compared")
    initial, final = states(form)
    module = attention_form.load_attention(form).module()
    result = module(torch.from_numpy(initial))
    assert numpy.abs(result.detach().numpy() - final).max() <= 1e-13
    result.sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_a_lifted_head_is_the_heads_own_output_in_pytorch_too(ecphory, experiment):
    torch = pytest.importorskip("torch", "2.1", "PyTorch 2.1 or newer is not installed: its attention is not compared")
    experiment('experiment = "icl_transformer"\n[model]\nstream = "query"\n[task]\nclasses = 16\nlabels = 4\npairs = 4\n'
               'most_pairs = 4\ndimension = 7\nnovel_classes = 8\n[training]\nsteps = 20\nevaluate_every = 20\n'
               'test_sequences = 20\ncheckpoints = "states"\n', "icl.toml")
    assert ecphory("run", "icl.toml").returncode == 0
    [checkpoint] = (ecphory.folder / "states").glob("*.h5")
    assert ecphory("bridge", checkpoint, "--layer", "2", "--to", "head.toml").returncode == 0
    form = attention_form.load_attention(ecphory.folder / "head.weights.h5")
    with h5py.File(ecphory.folder / "head.weights.h5") as file:
        asks, output = file["initial"][()], file["output"][()]
    assert form.heads[0].bias.any(), "the query stream"
    assert numpy.abs(form(asks) - output).max() <= 1e-13
    answer = form.module()(torch.from_numpy(asks)).detach().numpy()
    assert numpy.abs(answer - output).max() <= 1e-13


def test_the_export_has_the_modules_parameters(form):
    to_torch.export(form, form.with_suffix(".safetensors"))
    data = form.with_suffix(".safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    assert header["__metadata__"]["model"] == "attention_form"
    assert header["__metadata__"]["query_1"] == "0:100" and float(header["__metadata__"]["beta_1"]) == 20
    keys = header["keys_1"]
    assert keys["shape"] == [20, 100] and keys["dtype"] == "F64"
    first, last = keys["data_offsets"]
    with h5py.File(form) as file:
        assert numpy.array_equal(numpy.frombuffer(data[8 + length + first:8 + length + last]).reshape(20, 100),
                                 file["keys_1"][()].T)


def test_what_is_no_attention_form_is_refused(form, small_result):
    with pytest.raises(ValueError, match="no attention form; ecphory bridge NETWORK.toml"):
        attention_form.load_attention(small_result)
    with pytest.raises(ValueError, match="no attention form"):
        attention_form.load_attention(form.with_name("absent.h5"))
    with h5py.File(form, "r+") as file:
        file.attrs["attention_version"] = 9
    with pytest.raises(ValueError, match="version 9; only 1"):
        attention_form.load_attention(form)
