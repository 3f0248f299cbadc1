"""Training from the command line: runs that are cut short go on, runs that blow up leave the others alone."""

import json
import subprocess
import sys
import time

import h5py
import numpy
import pytest

from conftest import BINARY
from result_files import numbers

#: Steps of a fraction of a millisecond.
RUN = """\
experiment = "icl_transformer"

[task]
classes = 16
labels = 4
pairs = 4
most_pairs = 4
dimension = 7
novel_classes = 8

[training]
steps = 4000
evaluate_every = 400
test_sequences = 100
batch = 32
rate = 0.03
checkpoints = "states"
checkpoint_every = 150
"""


def test_a_run_that_is_killed_goes_on_from_its_checkpoint_to_the_same_bits(ecphory, experiment):
    experiment(RUN, "run.toml")
    process = ecphory.start("run", "run.toml", "--output", "cut.h5")
    states = ecphory.folder / "states"
    until = time.monotonic() + 50
    while not list(states.glob("*.h5")) and time.monotonic() < until:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -9, "it was still training"
    [state] = states.glob("*-000.h5")
    with h5py.File(state) as file:
        reached = file.attrs["step"]
    assert 0 < reached < 4000
    assert ecphory("run", "run.toml", "--output", "cut.h5", "--resume").returncode == 0
    resumed = numbers(ecphory.folder / "cut.h5")
    with h5py.File(state) as file:
        weights = {name: array[()].tobytes() for name, array in file.items()}
        assert file.attrs["step"] == 4000
    state.unlink()
    assert ecphory("run", "run.toml", "--output", "whole.h5").returncode == 0
    assert numbers(ecphory.folder / "whole.h5") == resumed
    with h5py.File(state) as file:
        assert {name: array[()].tobytes() for name, array in file.items()} == weights


def test_a_damaged_checkpoint_is_refused_and_named(ecphory, experiment):
    experiment(RUN, "run.toml")
    assert ecphory("run", "run.toml", "--set", "training.steps=150").returncode == 0
    [state] = (ecphory.folder / "states").glob("*.h5")
    damaged = bytearray(state.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    state.write_bytes(damaged)
    run = ecphory("run", "run.toml", "--set", "training.steps=150", "--force")
    assert run.returncode == 3
    assert f"states/{state.name}" in run.stderr
    assert "go on from another one, or remove it to begin again" in run.stderr


def test_a_loss_that_blows_up_fails_its_run_and_the_others_go_on(ecphory, experiment):
    experiment(RUN + "[sweep]\ntraining.rate = {values = [0.03, 1e30]}\n", "run.toml")
    text = (ecphory.folder / "run.toml").read_text().replace("rate = 0.03\n", "", 1)
    (ecphory.folder / "run.toml").write_text(text)
    run = ecphory("run", "run.toml", "--set", "training.steps=300")
    assert (run.returncode, run.stdout) == (3, "run.h5\n")
    assert "failed: training.rate = 1e+30" in run.stderr or "failed: training.rate = 1e30" in run.stderr
    assert "the loss is" in run.stderr and "lower the rate" in run.stderr
    with h5py.File(ecphory.folder / "run.h5") as file:
        assert numpy.isfinite(file["loss"][0]).all() and numpy.isnan(file["loss"][1]).all()


def test_streams_of_one_replicate_share_their_data_and_weights(ecphory, experiment):
    experiment(RUN.replace('checkpoints = "states"\ncheckpoint_every = 150\n', "") + """
[sweep]
model.stream = {values = ["none", "value"]}
replicates = 2
""", "run.toml")
    assert ecphory("run", "run.toml", "--set", "training.steps=0").returncode == 0
    with h5py.File(ecphory.folder / "run.h5") as file:
        # Layer 1 is that of no stream whatever the stream, so before training its attention is the same.
        previous = file["previous_token"][:, :, 0]
    assert (previous[0] == previous[1]).all() and previous[0, 0] != previous[0, 1]


def test_the_memory_of_a_dry_run_is_what_the_run_takes(ecphory, experiment):
    """A batch of 4096 sequences has 128 parts with a gradient each."""
    experiment(RUN.replace("checkpoint_every = 150\n", "").replace('checkpoints = "states"\n', ""), "run.toml")
    large = ["--set", "training.batch=4096", "--set", "training.steps=1", "--set", "task.dimension=85",
             "--set", "task.most_pairs=32"]
    said = json.loads(ecphory("run", "run.toml", "--dry-run", "--json", *large).stdout)["memory"]
    peaks = []
    code = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    for more in [["--set", "training.batch=1"], []]:
        run = subprocess.run([sys.executable, "-c", code, str(BINARY), "run", "run.toml", "--force", *large, *more],
                             cwd=ecphory.folder, capture_output=True, text=True, check=True, timeout=60)
        peaks.append(1024 * int(run.stdout.split()[-1]))
    assert said > 150e6
    assert peaks[1] - peaks[0] == pytest.approx(said, rel=0.15)


@pytest.mark.parametrize("setting, complaint", [
    ("model.heads=7", "7 heads do not divide a width of 16"),
    ("task.classes=18", "task.classes"),
    ("task.burstiness=3", "task.burstiness"),
    ("training.batch=0", "training.batch"),
    ("training.steps=1000000000", "at most 2^32 sequences"),
])
def test_shapes_that_do_not_fit_are_refused_before_anything_starts(ecphory, experiment, setting, complaint):
    experiment(RUN, "run.toml")
    run = ecphory("run", "run.toml", "--set", setting)
    assert run.returncode == 2
    assert complaint in run.stderr
    assert [path.name for path in ecphory.folder.iterdir()] == ["run.toml"]
