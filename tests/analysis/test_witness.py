"""The C++ program and NumPy compute the same logits, loss and gradients: two programs, no code in common."""

import subprocess

import h5py
import numpy
import pytest

from conftest import BINARY
from ecphory_analysis import icl_transformer

WITNESS = BINARY.parent / "witness"
CASES = [("2", "1", stream, "previous", mix) for stream in ["none", "query", "key", "value"]
         for mix in ["sum", "mean", "learned"]]
CASES += [("3", heads, stream, source, mix) for heads in ["1", "4"] for stream in ["query", "key", "value"]
          for source, mix in [("previous", "sum"), ("all", "mean"), ("first", "learned"), ("all", "learned_heads")]]


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_logits_loss_and_gradients_agree(tmp_path, case):
    subprocess.run([WITNESS, tmp_path, *case], check=True)
    weights, architecture = icl_transformer.load_checkpoint(tmp_path / "weights.h5")
    gradients, _ = icl_transformer.load_checkpoint(tmp_path / "gradients.h5")
    inputs, labels = icl_transformer.load_batch(tmp_path / "batch.h5")
    with h5py.File(tmp_path / "batch.h5") as file:
        logits, loss = file["logits"][()], file["loss"][()]
    # Sums of some hundred terms in two orders.
    expected = icl_transformer.forward(weights, inputs, architecture)
    assert numpy.abs(logits - expected).max() < 1e-12 * numpy.abs(expected).max()
    expected_loss, expected_gradients = icl_transformer.loss_and_gradients(weights, inputs, labels, architecture)
    assert loss == pytest.approx(expected_loss, rel=1e-13)
    assert gradients.keys() == expected_gradients.keys()
    for name, expected in expected_gradients.items():
        assert numpy.abs(gradients[name] - expected).max() < 1e-11 * numpy.abs(expected).max(), name
