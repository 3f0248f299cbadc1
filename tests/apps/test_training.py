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
WITHOUT_CHECKPOINTS = RUN.replace('checkpoints = "states"\ncheckpoint_every = 150\n', "")


def arrays(ecphory, *settings):
    """Name → array of a run of run.toml with these settings."""
    sets = [word for setting in settings for word in ("--set", setting)]
    run = ecphory("run", "run.toml", "--force", *sets)
    assert run.returncode == 0, run.stderr
    with h5py.File(ecphory.folder / "run.h5") as file:
        return {name: array[()] for name, array in file.items()}


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
    experiment(RUN + """
[sweep]
model.stream = {values = ["none", "value"]}
replicates = 2
""", "run.toml")
    # Layer 1 is that of no stream whatever the stream, so before training its attention is the same.
    previous = arrays(ecphory, "training.steps=1")["previous_token"][:, :, 0]
    assert (previous[0] == previous[1]).all() and previous[0, 0] != previous[0, 1]
    assert len(list((ecphory.folder / "states").glob("*.h5"))) == 4, "each run has its own checkpoint"
    assert (previous != arrays(ecphory, "training.steps=1", "seed=2")["previous_token"][:, :, 0]).all()


def test_weights_that_are_amicl_answer_before_training_in_one_problem_with_drawn_ones(ecphory, experiment):
    experiment(RUN.replace("most_pairs = 4", "most_pairs = 8").replace("dimension = 7", "dimension = 31") + """
[model]
initial_a = 4.0
stream = "value"
[sweep]
model.initial = {values = ["random", "amicl", "amicl_attention"]}
""", "run.toml")
    run = ecphory("run", "run.toml", "--set", "training.steps=10", "--set", "training.test_sequences=1000")
    assert run.returncode == 0, run.stderr
    assert len(list((ecphory.folder / "states").glob("*.h5"))) == 3, "each start has its own checkpoint"
    with h5py.File(ecphory.folder / "run.h5") as file:
        sets = [name.decode() for name in file["test_set"][()]]
        accuracy = file["accuracy"][()][:, :, 0]  # before training
        previous = file["previous_token"][()][:, 0]
    for name in ("in_context", "swapped"):
        random, amicl, attention = accuracy[:, sets.index(name)]
        assert amicl > 0.98 and max(random, attention) < 0.6  # four labels, half of which are in a context
    assert previous[0] < 0.5 and (previous[1:] > 0.999).all()
    alone = numbers(ecphory.folder / "run.h5")
    for state in (ecphory.folder / "states").glob("*.h5"):
        state.unlink()
    together = ecphory("run", "run.toml", "--set", "training.steps=10", "--set", "training.test_sequences=1000",
                       "--together", "3", "--output", "together.h5")
    assert together.returncode == 0, together.stderr
    assert numbers(ecphory.folder / "together.h5") == alone


def test_weights_that_cannot_be_amicl_are_refused_before_anything_starts(ecphory, experiment):
    experiment(WITHOUT_CHECKPOINTS, "run.toml")
    run = ecphory("run", "run.toml", "--set", 'model.initial="amicl"')
    assert run.returncode == 2
    assert "task.most_pairs = 8" in run.stderr
    assert ecphory("run", "run.toml", "--set", 'model.initial="amicl"', "--set", "task.most_pairs=8", "--set",
                   "training.steps=1").returncode == 0


def test_a_run_among_eight_has_the_bits_of_the_same_run_alone(ecphory, experiment):
    """Alone it has both threads for the parts of its batch, among others one."""
    experiment(WITHOUT_CHECKPOINTS.replace("steps = 4000", "steps = 40").replace("batch = 32", "batch = 80")
               .replace("evaluate_every = 400", "evaluate_every = 20") + "[sweep]\nreplicates = 8\n", "run.toml")
    assert ecphory("run", "run.toml", "--output", "together.h5", "--threads", "2").returncode == 0
    for i in range(1, 9):
        assert ecphory("run", "run.toml", "--shard", f"{i}/8", "--threads", "2").returncode == 0
    assert ecphory("collect", "run.sweep").returncode == 0
    at_once = numbers(ecphory.folder / "together.h5")
    assert at_once["loss"][1] == (8, 4, 3)
    assert numbers(ecphory.folder / "run.h5") == at_once
    # As one problem, of all of them and of five and three.
    for n in (8, 5):
        assert ecphory("run", "run.toml", "--output", f"{n}.h5", "--together", str(n)).returncode == 0
        assert numbers(ecphory.folder / f"{n}.h5") == at_once


def test_runs_that_are_one_problem_fail_and_go_on_from_their_checkpoints_each_by_itself(ecphory, experiment):
    experiment(RUN + "[sweep]\ntraining.rate = {values = [0.03, 1e30, 0.02]}\nmodel.stream = {values = [\"none\", \"key\"]}\n",
               "run.toml")
    text = (ecphory.folder / "run.toml").read_text().replace("rate = 0.03\n", "", 1)
    (ecphory.folder / "run.toml").write_text(text)
    short = ["--set", "training.steps=300", "--set", "training.checkpoint_every=100"]
    alone = ecphory("run", "run.toml", *short, "--output", "alone.h5", "--set", 'training.checkpoints="others"')
    run = ecphory("run", "run.toml", *short, "--together", "6")
    assert (alone.returncode, run.returncode) == (3, 3)
    assert run.stderr.count("the loss is") == 2 and "lower the rate" in run.stderr
    with h5py.File(ecphory.folder / "run.h5") as file, h5py.File(ecphory.folder / "alone.h5") as other:
        assert numpy.array_equal(file["loss"][()], other["loss"][()], equal_nan=True)
        assert numpy.isfinite(file["loss"][[0, 2]]).all()
    # One of them begins again: it stands at another step than the rest, which have nothing left to do.
    states = sorted((ecphory.folder / "states").glob("*.h5"))
    assert len(states) == 4
    states[0].unlink()
    assert ecphory("run", "run.toml", *short, "--together", "6", "--force").returncode == 3
    with h5py.File(ecphory.folder / "run.h5") as file, h5py.File(ecphory.folder / "alone.h5") as other:
        assert numpy.array_equal(file["loss"][()], other["loss"][()], equal_nan=True)


def test_on_a_gpu_training_is_that_of_the_cpu_to_rounding(ecphory, experiment):
    experiment(WITHOUT_CHECKPOINTS.replace("steps = 4000", "steps = 150").replace("evaluate_every = 400", "evaluate_every = 50")
               + 'precision = "double"\n[sweep]\nmodel.stream = {values = ["none", "value"]}\nreplicates = 3\n', "run.toml")
    run = ecphory("run", "run.toml", "--device", "cuda", "--output", "there.h5")
    if run.returncode == 2:
        assert "this build of Ecphory has no CUDA" in run.stderr or "no GPU" in run.stderr
        assert not (ecphory.folder / "there.h5").exists()
        pytest.skip("no GPU: training there is not compared with that on the CPU")
    assert run.returncode == 0, run.stderr
    assert ecphory("run", "run.toml", "--output", "here.h5").returncode == 0
    with h5py.File(ecphory.folder / "there.h5") as there, h5py.File(ecphory.folder / "here.h5") as here:
        assert there.attrs["device"] == "cuda:0"
        for name in ("training_loss", "loss", "accuracy", "previous_token", "induction"):
            numpy.testing.assert_allclose(there[name], here[name], rtol=0, atol=1e-9)


def test_what_is_recorded_belongs_together(ecphory, experiment):
    experiment(WITHOUT_CHECKPOINTS, "run.toml")
    short = ["training.steps=30", "training.evaluate_every=20", "record.attention=true"]
    both, first, rest = (arrays(ecphory, *short, f"training.test_sequences={n}") for n in [1500, 1024, 476])
    assert both["step"].tolist() == [0, 20, 30]
    assert numpy.isnan(both["training_loss"][0]) and (both["training_loss"][1:] > 0.5).all()
    # Of single precision: a mean of 1500 sums of nine.
    maps, last = both["first_attention"], both["last_attention"]
    assert maps.sum(axis=2) == pytest.approx(1, abs=1e-6) and last.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert (numpy.triu(maps, 1) == 0).all(), "a query sees no key behind it"
    assert both["previous_token"] == pytest.approx(maps[:, [1, 3, 5, 7], [0, 2, 4, 6]].mean(axis=1), rel=1e-6)
    assert (both["induction"] < last[:, 1::2].sum(axis=1)).all()
    assert (both["induction"] != both["previous_token"]).all()
    # 1024 sequences are in memory at a time, and those behind them are others.
    right = 1500 * both["accuracy"]
    assert right == pytest.approx(right.round(), abs=1e-6)
    more = right - 1024 * first["accuracy"]
    assert ((more > -1e-6) & (more < 476)).all()
    assert (abs(1500 * both["loss"] - 1024 * first["loss"] - 476 * rest["loss"]) > 1e-3).all()


def test_every_step_has_sequences_of_its_own_that_are_no_test_sequences(ecphory, experiment):
    experiment(WITHOUT_CHECKPOINTS, "run.toml")
    still = ["training.rate=1e-30", "training.decay=0", "training.evaluate_every=2"]
    two = arrays(ecphory, *still, "training.steps=2", "training.batch=32", "training.test_sequences=64")
    one = arrays(ecphory, *still, "training.steps=1", "training.batch=64")
    assert two["training_loss"][1] == pytest.approx(one["training_loss"][1], rel=1e-6)
    assert abs(two["training_loss"][1] - two["loss"][:, 0]).min() > 1e-4
    assert abs(two["training_loss"][1] - two["loss"][0, 0]) < 0.5, "of one law: standard error 0.1"


def test_what_is_in_the_weights_helps_on_the_sets_of_known_classes_and_misleads_on_swapped_ones(ecphory, experiment):
    experiment(WITHOUT_CHECKPOINTS.replace("novel_classes = 8", "novel_classes = 8\nnovel = 0\nbursty = 0"),
               "run.toml")
    learned = arrays(ecphory, "training.rate=0.1", "record.attention=true")
    assert list(learned["test_set"]) == [b"mixed", b"in_context", b"swapped", b"in_weights"]
    mixed, in_context, swapped, in_weights = learned["accuracy"][:, -1]
    assert min(mixed, in_weights) > 0.9 and 0.1 < in_context < 0.6 and swapped < 0.1
    assert (learned["loss"][0] != learned["loss"][3]).all(), "two sets, though of one law"
    # In context the query's class has two labels of four; in this training's sequences one of sixteen.
    of_class = learned["induction"][0] / learned["last_attention"][0, 1::2].sum()
    assert of_class == pytest.approx(0.5, abs=0.1)


def test_steps_to_the_criterion_are_those_of_the_first_such_look_in_context(ecphory, experiment):
    experiment(WITHOUT_CHECKPOINTS, "run.toml")
    short = ["training.steps=300", "training.evaluate_every=20"]
    run = arrays(ecphory, *short, "training.criterion=1")
    assert numpy.isnan(run["steps_to_criterion"])
    assert "first_attention" not in run and "last_attention" not in run
    best = run["accuracy"][1].argmax()
    assert best > 0
    reached = [*short, f"training.criterion={run['accuracy'][1][best]!r}"]
    assert arrays(ecphory, *reached)["steps_to_criterion"] == run["step"][best]
    stopped = arrays(ecphory, *reached, "training.stop_at_criterion=true")
    assert stopped["steps_to_criterion"] == stopped["step"][-1] == run["step"][best]
    assert (stopped["loss"] == run["loss"][:, :best + 1]).all()


def test_a_checkpoint_of_another_model_is_refused_with_what_differs(ecphory, experiment):
    experiment(RUN + "[model]\nstream = \"value\"\n", "run.toml")
    states = ecphory.folder / "states"
    arrays(ecphory, "training.steps=1")
    [original] = states.glob("*.h5")
    for setting, problem in [
            ("model.layers=3", "its layers is 2"), ("model.heads=4", "its heads is 1"),
            ('model.stream="key"', "its stream is value"), ('model.source="first"', "its stream_source is previous"),
            ('model.mix="mean"', "its stream_mix is sum"), ("model.mlp_layers=2", "its mlp_layers is 3"),
            ("task.most_pairs=5", "its positions is 9"), ("task.dimension=11", "its content is 7"),
            ("task.labels=8", "its labels is 4"), ('training.method="adamw"', "its method is sgd"),
            ('training.precision="double"', "its precision is single")]:
        before = set(states.iterdir())
        arrays(ecphory, "training.steps=1", setting)
        [state] = set(states.iterdir()) - before
        with h5py.File(state) as file:
            assert ("first_moment" in file) == ("adamw" in setting)
            assert file["readout.weight"].dtype == ("f8" if "double" in setting else "f4")
        state.write_bytes(original.read_bytes())
        run = ecphory("run", "run.toml", "--force", "--set", "training.steps=1", "--set", setting)
        assert run.returncode == 3
        assert problem in run.stderr


def test_a_run_that_takes_too_long_is_given_up(ecphory, experiment):
    experiment(WITHOUT_CHECKPOINTS, "run.toml")
    run = ecphory("run", "run.toml", "--point-timeout", "0.2", "--set", "training.steps=100000000")
    assert run.returncode == 3
    assert "took longer than 0.2 s" in run.stderr


def test_a_dry_run_takes_few_steps_and_leaves_nothing(ecphory, experiment):
    experiment(RUN, "run.toml")
    run = ecphory("run", "run.toml", "--dry-run", "--json", "--set", "training.steps=100000000")
    assert json.loads(run.stdout)["seconds"] > 1000, "of all steps, 10 us each at the very least"
    assert [path.name for path in ecphory.folder.iterdir()] == ["run.toml"]


def test_the_memory_of_a_dry_run_is_what_the_run_takes(ecphory, experiment):
    """A batch of 4096 sequences has 128 parts with a gradient each."""
    experiment(WITHOUT_CHECKPOINTS, "run.toml")
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
    assert peaks[1] - peaks[0] == pytest.approx(said, rel=0.06)


def test_a_dry_run_knows_precision_moments_and_what_is_recorded(ecphory, experiment):
    experiment(WITHOUT_CHECKPOINTS, "run.toml")

    def said(what, *settings):
        sets = [word for setting in settings for word in ("--set", setting)]
        return json.loads(ecphory("run", "run.toml", "--dry-run", "--json", *sets).stdout)[what]

    single = said("memory")
    assert said("memory", 'training.precision="double"') == 2 * single
    # Two layers of three (16, 16) matrices, three with a bias, and four rows of the read-out; two moments each.
    assert said("memory", 'training.method="adamw"') == single + 4 * 2 * (9 * 16 * 16 + 3 + 4 * 16)
    recorded = ["record.attention=true", "training.steps=900"]
    size = said("bytes", *recorded)
    run = arrays(ecphory, *recorded)
    assert size == sum(run[name].nbytes for name in ["step", "training_loss", "loss", "accuracy", "previous_token",
                                                     "induction", "first_attention", "last_attention"])


@pytest.mark.parametrize("setting, complaint", [
    ("model.heads=7", "7 heads do not divide a width of 16"),
    ("task.classes=18", "task.classes"),
    ("task.burstiness=3", "task.burstiness"),
    ("training.batch=0", "training.batch"),
    ("training.steps=1000000000", "at most 2^32 sequences"),
    ("training.checkpoints=run.toml/states", "run.toml is no folder"),
])
def test_shapes_that_do_not_fit_are_refused_before_anything_starts(ecphory, experiment, setting, complaint):
    experiment(RUN, "run.toml")
    run = ecphory("run", "run.toml", "--set", setting)
    assert run.returncode == 2
    assert complaint in run.stderr
    assert [path.name for path in ecphory.folder.iterdir()] == ["run.toml"]
