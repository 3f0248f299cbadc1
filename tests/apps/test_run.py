"""ecphory run: the same numbers every time, and what the options promise."""

import json

import h5py
import numpy
import pytest

from result_files import attributes, config_of, numbers

CONFIG_CASES = {
    "defaults": 'experiment = "amicl"\ntask.trials = 30\n',
    "grid of names and reals": 'experiment = "amicl"\nseed = 123456789012\ntask.trials = 30\n'
                               'sweep.model.similarity = {values = ["manhattan", "dot"]}\n'
                               "sweep.model.a = {values = [1, 0.1, 1e-3]}\n",
    "replicates, whole numbers, inf": 'experiment = "amicl"\ntitle = "ä \\"quoted\\" \\\\ title\\nof two lines"\n'
                                      "task.trials = 30\n"
                                      "sweep.task.length = {linspace = [4, 8, 3]}\n"
                                      "sweep.model.beta = {values = [0, 2.5, inf]}\nsweep.replicates = 2\n",
    "logspace, single precision": 'experiment = "amicl"\ntask.trials = 30\nrecord.precision = "single"\n'
                                  "record.gzip = 3\nsweep.model.beta = {logspace = [-0.5, 1.7, 5]}\n",
}


@pytest.mark.parametrize("text", CONFIG_CASES.values(), ids=CONFIG_CASES.keys())
def test_config_of_the_file_alone_gives_its_numbers_again(ecphory, experiment, text):
    assert ecphory("run", experiment(text), "--output", "first.h5").returncode == 0
    again = experiment(config_of(ecphory.folder / "first.h5"), "again.toml")
    assert ecphory("run", again, "--output", "second.h5").returncode == 0
    assert numbers(ecphory.folder / "second.h5") == numbers(ecphory.folder / "first.h5")
    assert attributes(ecphory.folder / "second.h5") == attributes(ecphory.folder / "first.h5")


@pytest.mark.parametrize("change", [[], ["--set", "sweep.model.a={values=[1.0]}", "--set",
                                         'sweep.model.similarity={values=["dot"]}', "--set", "task.trials=500"]],
                         ids=["many points", "one point of many trials"])
def test_same_bits_with_any_number_of_threads_and_on_a_second_run(ecphory, experiment, change):
    file = experiment()
    for name, threads in [("one", 1), ("two", 2), ("five", 5), ("again", 2)]:
        assert ecphory("run", file, *change, "--threads", threads, "--output", f"{name}.h5").returncode == 0
    reference = numbers(ecphory.folder / "one.h5")
    for name in ["two", "five", "again"]:
        assert numbers(ecphory.folder / f"{name}.h5") == reference


def test_another_seed_gives_other_numbers(ecphory, experiment):
    file = experiment()
    assert ecphory("run", file, "--output", "first.h5").returncode == 0
    assert ecphory("run", file, "--output", "second.h5", "--set", "seed=8").returncode == 0
    first, second = (numbers(ecphory.folder / name) for name in ["first.h5", "second.h5"])
    assert first["score"] != second["score"]


def test_stdout_has_only_the_name_of_the_file(ecphory, experiment):
    run = ecphory("run", experiment(), "--output", "x.h5")
    assert (run.returncode, run.stdout) == (0, "x.h5\n")
    assert "6 of 6 points done, 0 failed" in run.stderr


def test_output_is_named_after_the_experiment_file_in_the_current_folder(ecphory, experiment):
    (ecphory.folder / "deep").mkdir()
    assert ecphory("run", experiment(name="deep/mine.toml")).stdout == "mine.h5\n"
    assert sorted(path.name for path in ecphory.folder.iterdir()) == ["deep", "mine.h5"]
    assert [path.name for path in (ecphory.folder / "deep").iterdir()] == ["mine.toml"]


def test_set_replaces_values_and_axes_and_adds_keys(ecphory, experiment):
    run = ecphory("run", experiment(), "--set", "task.dimension=5", "--set", "model.beta=2", "--set",
                  "title=Bare words", "--set", "sweep.model.similarity={values=['correlation']}",
                  "--set", "sweep.replicates=4")
    assert run.returncode == 0, run.stderr
    with h5py.File(ecphory.folder / "small.h5") as file:
        assert file["accuracy"].shape == (1, 3, 4)
        assert file["similarity"].asstr()[()].tolist() == ["correlation"]
        assert file.attrs["title"] == "Bare words"
        assert "--set 'task.dimension=5'" in file.attrs["command"]
    config = config_of(ecphory.folder / "small.h5")
    assert "dimension = 5\n" in config and "beta = 2.0\n" in config and "replicates = 4\n" in config


def test_the_last_set_of_a_key_holds(ecphory, experiment):
    ecphory("run", experiment(), "--set", "task.dimension=5", "--set", "task.dimension=6")
    assert "dimension = 6\n" in config_of(ecphory.folder / "small.h5")


def test_dry_run_writes_nothing_and_prints_the_plan(ecphory, experiment):
    file = experiment()
    run = ecphory("run", file, "--dry-run", "--set", "task.dimension=5")
    assert (run.returncode, run.stderr) == (0, "")
    for part in ["small\n6 runs into small.h5\n", "similarity (2)", "a (3)", "dimension = 5"]:
        assert part in run.stdout
    assert list(ecphory.folder.iterdir()) == [file]


def test_dry_run_in_json_holds_the_config_that_would_run(ecphory, experiment):
    plan = json.loads(ecphory("run", experiment(), "--dry-run", "--json").stdout)
    assert plan["runs"] == 6
    assert plan["dimensions"] == [{"dimension": "similarity", "size": 2}, {"dimension": "a", "size": 3}]
    ecphory("run", "small.toml")
    assert plan["config"] == config_of(ecphory.folder / "small.h5")


def test_json_on_stdout_parses(ecphory, experiment):
    run = ecphory("run", experiment(), "--json")
    said = json.loads(run.stdout)
    assert said.pop("seconds") > 0
    assert said == {"output": "small.h5", "runs": 6, "done": 6, "failed": 0, "missing": 0}


def test_force_replaces_the_whole_file(ecphory, experiment):
    file = experiment()
    old = ecphory.folder / "small.h5"
    old.write_bytes(b"something of the user's, longer than nothing" * 10000)
    assert ecphory("run", file, "--force").returncode == 0
    assert ecphory("run", file, "--output", "other.h5").returncode == 0
    assert numbers(old) == numbers(ecphory.folder / "other.h5")


def test_failed_points_are_listed_marked_and_cost_no_others(ecphory, experiment):
    """Points of ten million trials do not end within the time that is given them."""
    text = ('experiment = "amicl"\nsweep.model.a = {values = [0.0, 1.0]}\n'
            "sweep.task.trials = {values = [4, 10_000_000]}\n")
    run = ecphory("run", experiment(text), "--threads", "1", "--point-timeout", "0.3")
    assert run.returncode == 3
    assert run.stdout == "small.h5\n"
    assert "failed: model.a = 1.0, task.trials = 10000000: took longer than 0.3 s" in run.stderr
    with h5py.File(ecphory.folder / "small.h5") as file:
        assert file["status"][()].tolist() == [[1, 2], [1, 2]]
        assert "took longer" in file["message"].asstr()[1, 1] and file["message"].asstr()[1, 0] == ""
        assert (file["accuracy"][:, 0] >= 0).all()


def test_what_differs_in_size_between_points_takes_the_largest(ecphory, experiment):
    text = ('experiment = "amicl"\ntask.trials = 2\nrecord.scores = true\n'
            "sweep.task.length = {values = [4, 6]}\n")
    assert ecphory("run", experiment(text)).returncode == 0
    with h5py.File(ecphory.folder / "small.h5") as file:
        score = file["score"][()]
    assert score.shape == (2, 6, 6)
    assert numpy.isfinite(score[0, :4, :4]).all() and numpy.isfinite(score[1]).all()
    assert numpy.isnan(score[0, 4:]).all() and numpy.isnan(score[0, :, 4:]).all()
