"""Sweeps in parts: shards, status, collect, retry, resume; parameter spaces that are no grid."""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy
import pytest
import xarray

from conftest import BINARY
from result_files import numbers

SWEEP = """\
experiment = "amicl"
title = "parts"

[task]
trials = 20
dimension = 20

[sweep]
model.a = {linspace = [0.0, 2.0, 30]}
replicates = 2
"""

#: Some of whose points may take long.
UNEVEN = 'experiment = "amicl"\ntask.dimension = 20\n[sweep]\nreplicates = 2\nmodel.a = {values = [1, 2]}\n'

#: One file for every way to write a space, with the settings that its points must have.
SPACES = {
    "zip": ("[[sweep.zip]]\nmodel.a = {values = [1, 2]}\ntask.length = {values = [4, 6]}\n",
            {"a": [1, 2], "length": [4, 6]}),
    "zip beside an axis": ("[sweep]\nmodel.beta = {values = [3, inf]}\n[[sweep.zip]]\nmodel.a = {values = [1, 2]}\n"
                           "task.length = {values = [4, 6]}\n",
                           {"beta": [3, 3, numpy.inf, numpy.inf], "a": [1, 2, 1, 2], "length": [4, 6, 4, 6]}),
    "blocks": ("[model]\na = 0.5\n[[sweep.block]]\nmodel.a = {values = [1, 2]}\n[[sweep.block]]\n"
               "task.length = {values = [4]}\n", {"a": [1, 2, 0.5], "length": [20, 20, 4]}),
    "exclude": ('[sweep]\nmodel.a = {values = [0, 1, 2]}\ntask.length = {values = [4, 6]}\n'
                'exclude = ["model.a > 0 and task.length == 4", "model.a == 2"]\n', {"a": [0, 0, 1], "length": [4, 6, 6]}),
    "condition": ('[sweep]\nmodel.similarity = {values = ["dot", "euclidean"]}\n'
                  "model.a = {values = [1, 3], when = \"model.similarity == 'dot'\"}\n",
                  {"similarity": ["dot", "dot", "euclidean"], "a": [1, 3, 2]}),
    "sobol": ('[sweep.sample]\npoints = 3\nmodel.a = {linear = [0, 2]}\nmodel.beta = {logarithmic = [1, 100]}\n',
              {"a": [1, 1.5, 0.5], "beta": [10, 100**0.25, 100**0.75]}),
}

#: The lines after experiment = "amicl" → line, the key at fault, the problem, a part of what follows.
BAD_SPACES = {
    "zip of unequal lengths": ("[[sweep.zip]]\nmodel.a = {values = [1, 2]}\ntask.length = {values = [4]}\n", 4,
                               "sweep.task.length", "has 1 values, but model.a of the same zip has 2", "make them equally"),
    "key swept twice": ("[sweep]\nmodel.a = {values = [1]}\n[[sweep.zip]]\nmodel.a = {values = [1]}\n", 3,
                        "sweep.model.a", "is swept twice", "remove one"),
    "unknown key in a condition": ('[sweep]\nmodel.a = {values = [1]}\nexclude = "modle.a > 1"\n', 4, "sweep.exclude",
                                   "column 1 of the condition", "did you mean model.a?"),
    "condition of no sense": ('[sweep]\nmodel.a = {values = [1], when = "task.length"}\n', 3, "sweep.model.a",
                              "column 1 of the condition", "expected: a condition"),
    "all points excluded": ('[sweep]\nmodel.a = {values = [1]}\nexclude = "model.a > 0"\n', 4, "sweep.exclude",
                            "leaves no point", "some points do not meet"),
    "sample without points": ("[sweep.sample]\nmodel.a = {linear = [0, 1]}\n", 2, "sweep.sample.points", "is missing", "how many"),
    "unknown sampler": ('[sweep.sample]\npoints = 2\nmethod = "sobl"\nmodel.a = {linear = [0, 1]}\n', None,
                        "sweep.sample.method", '"sobl" is not known', "one of sobol, latin_hypercube, random"),
    "range the wrong way": ("[sweep.sample]\npoints = 2\nmodel.a = {linear = [1, 0]}\n", 4, "sweep.model.a",
                            "the range from 1 to 0 has no extent", "low < high"),
    "unknown kind of range": ("[sweep.sample]\npoints = 2\nmodel.a = {liner = [1, 0]}\n", 4, "sweep.model.a",
                              '"liner" is no way to write a range', "did you mean linear?"),
    "range out of range": ("[sweep.sample]\npoints = 2\nmodel.a = {linear = [-1, 1]}\n", 4, "sweep.model.a",
                           "-1.0 is not allowed", "a number >= 0"),
    "name in a sample": ("[sweep.sample]\npoints = 2\nmodel.similarity = {linear = [0, 1]}\n", 4, "sweep.model.similarity",
                         "is not a number and cannot be sampled", ""),
    "ratio through zero": ("[sweep]\nmodel.a = {geomspace = [0, 1, 3]}\n", 3, "sweep.model.a", "there is no ratio", "above 0"),
    "stop without replicates": ('[sweep]\nmodel.a = {values = [1]}\nstop = {result = "accuracy", width = 0.1}\n', 4,
                                "sweep.stop", "there are no replicates to stop", "replicates ="),
    "stop without a width": ('[sweep]\nreplicates = 9\nstop = {result = "accuracy", least = 2}\n', None, "sweep.stop.width",
                             "0 is not allowed", "a number > 0"),
    "unknown key of stop": ('[sweep]\nreplicates = 9\nstop = {reslt = "accuracy"}\n', 4, "sweep.stop.reslt", "unknown key",
                            "did you mean result?"),
    "replicates in a block": ("[[sweep.block]]\nmodel.a = {values = [1]}\nreplicates = 2\n", 4, "sweep.replicates",
                              "belongs to the whole sweep", "[sweep]"),
}


def columns(path):
    with h5py.File(path) as file:
        return {name: [value.decode() if isinstance(value, bytes) else value for value in array[()].tolist()]
                for name, array in file.items() if array.shape and array.dims[0] and array.dims[0][0].name == "/point"}


@pytest.mark.parametrize("text, expected", SPACES.values(), ids=SPACES.keys())
def test_a_space_has_the_points_that_it_says(ecphory, experiment, text, expected):
    run = ecphory("run", experiment('experiment = "amicl"\ntask.trials = 2\n' + text), "--output", "x.h5")
    assert run.returncode == 0, run.stderr
    found = columns(ecphory.folder / "x.h5")
    for name, values in expected.items():
        assert found[name] == (values if isinstance(values[0], str) else pytest.approx(values)), name
    with xarray.open_dataset(ecphory.folder / "x.h5", engine="h5netcdf") as data:
        assert set(expected) <= set(data.coords) and data.accuracy.dims == ("point",)


@pytest.mark.parametrize("text", [text for text, _ in SPACES.values()], ids=SPACES.keys())
def test_the_config_of_a_space_gives_its_numbers_again(ecphory, experiment, text):
    file = experiment('experiment = "amicl"\ntask.trials = 2\n' + text + "")
    plan = json.loads(ecphory("run", file, "--dry-run", "--json").stdout)
    again = json.loads(ecphory("run", experiment(plan["config"], "again.toml"), "--dry-run", "--json").stdout)
    assert again["plan"] == plan["plan"] and again["config"] == plan["config"]


@pytest.mark.parametrize("text, line, key, problem, rest", BAD_SPACES.values(), ids=BAD_SPACES.keys())
def test_a_space_that_makes_no_sense_is_refused_with_its_place(ecphory, experiment, text, line, key, problem, rest):
    experiment('experiment = "amicl"\n' + text, "bad.toml")
    run = ecphory("run", "bad.toml")
    assert run.returncode == 2
    assert run.stderr.startswith(f"error: bad.toml:{line}: {key}: {problem}" if line else "error: bad.toml:"), run.stderr
    assert f"{key}: {problem}" in run.stderr and rest in run.stderr


def test_more_sobol_points_continue_the_sequence(ecphory, experiment):
    file = experiment('experiment = "amicl"\ntask.trials = 9\n[sweep.sample]\npoints = 8\nmodel.a = {linear = [0, 2]}\n')
    assert ecphory("run", file, "--output", "few.h5").returncode == 0
    assert ecphory("run", file, "--output", "many.h5", "--set", "sweep.sample.points=20").returncode == 0
    few, many = (columns(ecphory.folder / name) for name in ["few.h5", "many.h5"])
    for name in ["a", "accuracy", "distance"]:
        assert many[name][:8] == few[name] and len(many[name]) == 20


def test_a_value_more_on_an_axis_changes_no_other_point(ecphory, experiment):
    file = experiment(SWEEP)
    values = [[0.5, 1.0], [0.25, 0.5, 1.5, 1.0]]
    for i, list_ in enumerate(values):
        assert ecphory("run", file, "--output", f"{i}.h5", "--set", f"sweep.model.a={{values={list_}}}").returncode == 0
    with h5py.File(ecphory.folder / "0.h5") as few, h5py.File(ecphory.folder / "1.h5") as many:
        assert (few["distance"][0] == many["distance"][1]).all() and (few["distance"][1] == many["distance"][3]).all()


def test_dry_run_estimates_time_and_bytes(ecphory, experiment):
    file = experiment(SWEEP)
    plan = json.loads(ecphory("run", file, "--dry-run", "--json", "--threads", "1", "--set", "task.trials=4000").stdout)
    assert (plan["runs"], plan["points"], plan["swept"]) == (60, 30, ["model.a"])
    run = json.loads(ecphory("run", file, "--json", "--threads", "1", "--set", "task.trials=4000").stdout)
    assert plan["seconds"] == pytest.approx(run["seconds"], rel=1), "within a factor of two on a machine with other work"
    assert 60 * 4 * 8 < plan["bytes"] < 60 * 6 * 8


def test_collected_bits_are_those_of_one_run_for_any_shards(ecphory, experiment):
    experiment(SWEEP, "x.toml")
    assert ecphory("run", "x.toml", "--output", "whole.h5", "--threads", "1").returncode == 0
    whole = numbers(ecphory.folder / "whole.h5")
    for n in [1, 3, 16]:
        order = list(range(1, n + 1))[::-1]
        for i in order:
            run = ecphory("run", "x.toml", "--output", f"{n}.h5", "--shard", f"{i}/{n}")
            assert (run.returncode, run.stdout) == (0, f"{n}.sweep\n"), run.stderr
            assert not (ecphory.folder / f"{n}.h5").exists()
        assert len(list((ecphory.folder / f"{n}.sweep").iterdir())) == 1 + n
        collect = ecphory("collect", f"{n}.sweep/plan.h5")
        assert (collect.returncode, collect.stdout, collect.stderr) == (0, f"{n}.h5\n", "")
        assert numbers(ecphory.folder / f"{n}.h5") == whole


def test_shards_of_many_processes_at_once_and_some_twice(ecphory, experiment):
    experiment(SWEEP, "x.toml")
    assert ecphory("run", "x.toml", "--output", "whole.h5").returncode == 0
    with ThreadPoolExecutor(6) as pool:
        runs = list(pool.map(lambda i: ecphory("run", "x.toml", "--shard", f"{i}/3", "--commit-every", "0"),
                             [1, 2, 3, 1, 2, 3]))
    assert [run.returncode for run in runs] == [0] * 6, runs
    assert ecphory("collect", "x.sweep").returncode == 0
    assert numbers(ecphory.folder / "x.h5") == numbers(ecphory.folder / "whole.h5")


def test_another_layout_of_shards_does_what_is_missing(ecphory, experiment):
    experiment(SWEEP, "x.toml")
    assert ecphory("run", "x.toml", "--output", "whole.h5").returncode == 0
    for shard in ["1/3", "2/5"]:
        assert ecphory("run", "x.toml", "--shard", shard).returncode == 0
    before = json.loads(ecphory("status", "x.sweep", "--json").stdout)
    assert 20 < before["done"] < 40 and before["missing"] == 60 - before["done"]
    resumed = ecphory("run", "x.toml", "--resume", "--threads", "2")
    assert resumed.returncode == 0 and "60 of 60 points done" in resumed.stderr
    assert numbers(ecphory.folder / "x.h5") == numbers(ecphory.folder / "whole.h5")
    assert "x.sweep is not needed any more" in resumed.stderr and (ecphory.folder / "x.sweep/plan.h5").exists()


def test_resume_of_what_is_finished_does_nothing(ecphory, experiment):
    experiment(SWEEP, "x.toml")
    assert ecphory("run", "x.toml", "--resume").returncode == 0
    before = (ecphory.folder / "x.h5").stat().st_mtime_ns
    again = ecphory("run", "x.toml", "--resume")
    assert (again.returncode, again.stdout, again.stderr) == (0, "x.h5\n", "nothing is missing\n")
    assert (ecphory.folder / "x.h5").stat().st_mtime_ns == before
    other = ecphory("run", "x.toml", "--resume", "--set", "seed=2")
    assert other.returncode == 2 and "x.h5: there is already a file of this name" in other.stderr


def test_status_counts_what_is_done_failed_and_missing(ecphory, experiment):
    experiment(UNEVEN, "x.toml")
    timed = ["--set", "sweep.task.trials={values=[20, 20_000_000]}", "--point-timeout", "0.2", "--threads", "1"]
    run = ecphory("run", "x.toml", "--shard", "1/2", *timed)
    assert run.returncode == 3, run.stderr
    status = ecphory("status", "x.sweep")
    assert (status.returncode, status.stderr) == (0, "")
    said = json.loads(ecphory("status", "x.sweep", "--json").stdout)
    assert said["runs"] == 8 and said["done"] + said["failed"] == 4 and said["missing"] == 4
    assert said["failed"] >= 1
    [failure] = said["failures"]
    assert failure["message"].startswith("took longer than 0.2 s") and failure["points"] == said["failed"]
    for part in [f"{said['done']} done", f"{said['failed']} failed", "4 missing", "took longer than 0.2 s", "s a run"]:
        assert part in status.stdout


def test_retry_runs_failures_and_nothing_else(ecphory, experiment):
    """Points of 30,000 trials do not end within 0.05 s, and do when they have more."""
    experiment(UNEVEN, "x.toml")
    sizes = ["--set", "sweep.task.trials={values=[20, 30_000]}"]
    run = ecphory("run", "x.toml", *sizes, "--point-timeout", "0.05")
    assert run.returncode == 3 and "4 points failed: ecphory retry x.sweep runs them again" in run.stderr
    with h5py.File(ecphory.folder / "x.h5") as file:
        assert file["status"][()].tolist() == [[[1, 1], [2, 2]], [[1, 1], [2, 2]]]
    resumed = ecphory("run", "x.toml", *sizes, "--resume")
    assert resumed.returncode == 3, "resume does not run failures again"
    retry = ecphory("retry", "x.sweep")
    assert (retry.returncode, retry.stdout) == (0, "x.h5\n"), retry.stderr
    assert "4 of 4 points that had failed are done" in retry.stderr
    assert ecphory("run", "x.toml", *sizes, "--output", "whole.h5").returncode == 0
    assert numbers(ecphory.folder / "x.h5") == numbers(ecphory.folder / "whole.h5")
    assert not (ecphory.folder / "x.sweep").exists()


def test_fail_fast_stops_and_keeps_what_is_done(ecphory, experiment):
    experiment(UNEVEN, "x.toml")
    run = ecphory("run", "x.toml", "--set", "sweep.task.trials={values=[3_000_000, 20]}", "--point-timeout", "0.05",
                  "--fail-fast", "--threads", "1")
    assert (run.returncode, run.stdout) == (1, "")
    assert "stopped at the first failure" in run.stderr and not (ecphory.folder / "x.h5").exists()
    said = json.loads(ecphory("status", "x.sweep", "--json").stdout)
    assert said["failed"] == 1 and said["missing"] >= 1


def test_stop_by_confidence_gives_the_same_for_any_shards(ecphory, experiment):
    text = SWEEP.replace("30]}", "4]}").replace("replicates = 2", 'replicates = 60\nstop = {result = "accuracy", width = 0.1, least = 3}')
    experiment(text, "x.toml")
    run = ecphory("run", "x.toml", "--output", "whole.h5")
    assert run.returncode == 0 and " not needed" in run.stderr
    with h5py.File(ecphory.folder / "whole.h5") as file:
        status, accuracy = file["status"][()], file["accuracy"][()]
    used = (status == 1).sum(axis=1)
    assert ((status == 1) | (status == 3)).all() and len(set(used)) > 1 and used.min() >= 3
    for point in range(4):
        n = used[point]
        half = [3.182, 2.776, 2.571, 2.447]
        assert numpy.isnan(accuracy[point, n:]).all()
        if 4 <= n <= 7:
            values = accuracy[point, :n]
            assert 2 * half[n - 4] * values.std(ddof=1) / n**0.5 < 0.1
    for i in [2, 1]:
        assert ecphory("run", "x.toml", "--shard", f"{i}/2").returncode == 0
    assert ecphory("collect", "x.sweep").returncode == 0
    assert numbers(ecphory.folder / "x.h5") == numbers(ecphory.folder / "whole.h5")


def test_a_virtual_file_reads_from_its_shards_wherever_it_is_opened(ecphory, experiment, tmp_path_factory):
    experiment(SWEEP, "x.toml")
    for i in [1, 2, 3]:
        assert ecphory("run", "x.toml", "--shard", f"{i}/3", "--set", "record.scores=true").returncode == 0
    assert ecphory("collect", "x.sweep", "--output", "copied.h5").returncode == 0
    assert ecphory("collect", "x.sweep", "--virtual").returncode == 0
    moved = tmp_path_factory.mktemp("moved") / "there"
    os.rename(ecphory.folder, moved)
    with h5py.File(moved / "x.h5") as file:
        assert file["score"].is_virtual
    assert numbers(moved / "x.h5") == numbers(moved / "copied.h5")
    assert (moved / "x.h5").stat().st_size < (moved / "copied.h5").stat().st_size
    os.rename(moved, ecphory.folder)


@pytest.mark.parametrize("how", ["cut short", "one bit"])
def test_a_damaged_shard_is_set_aside_and_run_again(ecphory, experiment, how):
    experiment(SWEEP, "x.toml")
    assert ecphory("run", "x.toml", "--output", "whole.h5").returncode == 0
    for i in [1, 2]:
        assert ecphory("run", "x.toml", "--shard", f"{i}/2").returncode == 0
    shard = ecphory.folder / "x.sweep/1-of-2.000.h5"
    data = bytearray(shard.read_bytes())
    if how == "cut short":
        del data[len(data) // 2:]
    else:
        data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    if how == "cut short":
        assert "1-of-2.000.h5 is damaged" in ecphory("status", "x.sweep").stdout
    collect = ecphory("collect", "x.sweep")
    assert collect.returncode == 3
    assert "1-of-2.000.h5 is damaged: " in collect.stderr and "30 points are missing" in collect.stderr
    assert (ecphory.folder / "x.sweep/1-of-2.000.h5.damaged").exists()
    assert ecphory("run", "x.toml", "--resume").returncode == 0
    assert numbers(ecphory.folder / "x.h5") == numbers(ecphory.folder / "whole.h5")
    assert ecphory("collect", "x.sweep").returncode == 0


def test_plans_and_shards_of_others_are_refused(ecphory, experiment):
    experiment(SWEEP, "x.toml")
    assert ecphory("run", "x.toml", "--shard", "1/2").returncode == 0
    assert ecphory("run", "x.toml", "--output", "y.h5", "--shard", "1/2", "--set", "seed=2").returncode == 0
    other = ecphory("run", "x.toml", "--shard", "2/2", "--set", "task.trials=21")
    assert other.returncode == 2
    assert other.stderr.startswith("error: x.sweep/plan.h5: holds another plan (trials = 20 there, trials = 21 here)")
    (ecphory.folder / "x.sweep/stray.000.h5").write_bytes((ecphory.folder / "y.sweep/1-of-2.000.h5").read_bytes())
    for arguments in [["status", "x.sweep"], ["collect", "x.sweep"], ["retry", "x.sweep"], ["run", "x.toml", "--resume"]]:
        run = ecphory(*arguments)
        assert run.returncode in (1, 2) and "stray.000.h5: is a shard of another plan" in run.stderr, arguments
    (ecphory.folder / "x.sweep/stray.000.h5").unlink()
    plan = ecphory.folder / "x.sweep/plan.h5"
    plan.write_bytes(plan.read_bytes()[:900])
    for verb in ["status", "collect", "retry"]:
        run = ecphory(verb, "x.sweep")
        assert run.returncode == 2 and "x.sweep/plan.h5: the plan is damaged" in run.stderr


@pytest.mark.parametrize("arguments, problem", [
    (["run", "x.toml", "--shard", "5/4"], "--shard: there is no shard 5/4"),
    (["run", "x.toml", "--shard", "0/4"], "--shard: there is no shard 0/4"),
    (["run", "x.toml", "--shard", "two"], "--shard: there is no shard two"),
    (["run", "x.toml", "--shard", ""], "--shard: there is no shard"),
    (["run", "x.toml", "--resume", "--force"], "--resume: and --force do not go together"),
    (["run", "x.toml", "--point-timeout", "nan"], "nan is no number of seconds"),
    (["run", "x.toml", "--commit-every", "1e300"], "1e300 is no number of seconds"),
    (["run", "x.toml", "--shard", "1/4", "--force"], "--force: would remove what other shards have done"),
    (["run", "x.toml", "--commit-every", "-1"], "--commit-every"),
    (["run", "x.toml", "--device", "gpu"], "--device: gpu not in {cpu,cuda}"),
    (["run", "x.toml", "--device", "cuda"], "--device: the experiment amicl runs on the CPU"),
    (["run", "x.toml", "--device", "cuda", "--dry-run"], "--device: the experiment amicl runs on the CPU"),
    (["run", "x.toml", "--together", "0"], "--together: Value 0 not in range"),
    (["run", "x.toml", "--together", "2"], "--together: the experiment amicl runs each point by itself"),
    (["status", "none.sweep"], "none.sweep: there is no such plan"),
    (["collect", "x.toml"], "x.toml: is no plan of a sweep"),
    (["retry", "."], "there is no such plan"),
    (["status"], "PLAN is required"),
])
def test_what_cannot_be_is_refused_and_nothing_is_left(ecphory, experiment, arguments, problem):
    experiment(SWEEP, "x.toml")
    run = ecphory(*arguments)
    assert run.returncode == 2 and problem in run.stderr, run.stderr
    assert [path.name for path in ecphory.folder.iterdir()] == ["x.toml"]


def test_retry_and_resume_refuse_a_device_that_the_experiment_cannot_use(ecphory, experiment):
    experiment(SWEEP, "x.toml")
    assert ecphory("run", "x.toml", "--shard", "1/2").returncode == 0
    before = sorted(path.name for path in ecphory.folder.rglob("*"))
    for verb in [["retry", "x.sweep"], ["run", "x.toml", "--resume"], ["run", "x.toml", "--shard", "2/2"]]:
        for options in [["--device", "cuda"], ["--together", "2"]]:
            run = ecphory(*verb, *options)
            assert run.returncode == 2 and f"{options[0]}: the experiment amicl runs " in run.stderr, run.stderr
    assert sorted(path.name for path in ecphory.folder.rglob("*")) == before


def test_the_device_is_an_attribute_and_no_part_of_the_plan(ecphory, experiment):
    experiment(SWEEP, "x.toml")
    assert ecphory("run", "x.toml", "--shard", "1/2").returncode == 0
    assert ecphory("run", "x.toml", "--shard", "2/2", "--device", "cpu", "--together", "1").returncode == 0
    assert ecphory("collect", "x.sweep").returncode == 0
    with h5py.File(ecphory.folder / "x.h5") as file:
        assert file.attrs["device"] == "cpu"


def test_progress_is_a_bar_on_a_terminal_and_rare_lines_elsewhere(ecphory, experiment):
    experiment(SWEEP, "x.toml")
    command = f"'{BINARY}' run x.toml --force --threads 1 --set task.trials=4000"
    on_terminal = subprocess.run(["script", "-qec", command, "/dev/null"], cwd=ecphory.folder, capture_output=True, text=True)
    assert "/60 points, " in on_terminal.stdout and "/s, " in on_terminal.stdout and " left" in on_terminal.stdout
    elsewhere = subprocess.run(["bash", "-c", command], cwd=ecphory.folder, capture_output=True, text=True)
    assert "left" not in elsewhere.stderr and "\r" not in elsewhere.stderr


def test_the_plan_is_found_from_inside_its_folder(ecphory, experiment):
    experiment(SWEEP, "x.toml")
    for i in [1, 2]:
        assert ecphory("run", "x.toml", "--output", "r0.5", "--shard", f"{i}/2").returncode == 0
    status = subprocess.run([BINARY, "status", "plan.h5"], cwd=ecphory.folder / "r0.5.sweep", capture_output=True, text=True)
    assert "60 done" in status.stdout
    collect = subprocess.run([BINARY, "collect", "plan.h5"], cwd=ecphory.folder / "r0.5.sweep", capture_output=True, text=True)
    assert (collect.returncode, collect.stdout) == (0, "../r0.5\n")


def test_a_collected_file_is_not_replaced_by_less(ecphory, experiment):
    experiment(SWEEP, "x.toml")
    assert ecphory("run", "x.toml").returncode == 0
    assert ecphory("run", "x.toml", "--shard", "1/2").stderr == "nothing is missing\n"
    whole = (ecphory.folder / "x.h5").read_bytes()
    os.rename(ecphory.folder / "x.h5", ecphory.folder / "kept.h5")
    assert ecphory("run", "x.toml", "--shard", "1/2").returncode == 0
    os.rename(ecphory.folder / "kept.h5", ecphory.folder / "x.h5")
    less = ecphory("collect", "x.sweep")
    assert less.returncode == 1 and "x.h5: has 60 points of this sweep; the shards have 30" in less.stderr
    assert (ecphory.folder / "x.h5").read_bytes() == whole
    assert ecphory("collect", "x.sweep", "--force").returncode == 3


@pytest.mark.parametrize("output", ["x.sweep/plan.h5", "x.sweep/1-of-2.000.h5", "x.sweep/all.h5"])
def test_nothing_is_collected_into_the_folder_of_the_sweep(ecphory, experiment, output):
    experiment(SWEEP, "x.toml")
    assert ecphory("run", "x.toml", "--shard", "1/2").returncode == 0
    for arguments in [["collect", "x.sweep", "--output", output], ["collect", "x.sweep", "--output", output, "--force"]]:
        run = ecphory(*arguments)
        assert run.returncode == 2 and f"{output}: lies in the folder of the sweep" in run.stderr
    assert json.loads(ecphory("status", "x.sweep", "--json").stdout)["done"] == 30


def test_a_virtual_file_of_a_sweep_that_still_runs_is_refused(ecphory, experiment):
    experiment(SWEEP, "x.toml")
    assert ecphory("run", "x.toml", "--shard", "1/2").returncode == 0
    run = ecphory("collect", "x.sweep", "--virtual")
    assert run.returncode == 1 and "--virtual: points are missing" in run.stderr
    assert not (ecphory.folder / "x.h5").exists()


def test_collecting_while_the_sweep_runs_gives_what_is_done_or_says_that_it_changed(ecphory, experiment):
    """Points of falling cost: later commits put rows before those that were there."""
    text = UNEVEN.replace("[1, 2]", "[2.0, 1.8, 1.6, 1.4, 1.2, 1.0]") + "task.trials = {values = [2000, 8000]}\n"
    experiment(text, "x.toml")
    assert ecphory("run", "x.toml", "--output", "whole.h5").returncode == 0
    process = ecphory.start("run", "x.toml", "--threads", "1", "--commit-every", "0")
    collected = 0
    with h5py.File(ecphory.folder / "whole.h5") as whole:
        while process.poll() is None:
            run = ecphory("collect", "x.sweep", "--output", "part.h5", "--force")
            if run.returncode != 3:
                continue
            with h5py.File(ecphory.folder / "part.h5") as part:
                done = part["status"][()] == 1
                if not 0 < done.sum() < done.size:
                    continue
                collected += 1
                assert (part["distance"][()][done] == whole["distance"][()][done]).all()
    process.communicate()
    assert collected >= 3


def test_a_result_to_stop_by_that_is_not_there_is_refused_with_those_that_are(ecphory, experiment):
    experiment(SWEEP, "x.toml")
    run = ecphory("run", "x.toml", "--set", "sweep.stop.result=acuracy", "--set", "sweep.stop.width=0.1", "--set",
                  "sweep.stop.least=2")
    assert run.returncode == 1 and 'sweep.stop.result: "acuracy" is no result that is one real number' in run.stderr
    assert "one of accuracy, accuracy_low" in run.stderr and 'did you mean "accuracy"?' in run.stderr
    assert not (ecphory.folder / "x.sweep").exists()


def test_logspace_serves_whole_numbers(ecphory, experiment):
    run = ecphory("run", experiment('experiment = "amicl"\nsweep.task.trials = {logspace = [0, 2, 3]}\n'), "--output", "x.h5")
    assert run.returncode == 0, run.stderr
    with h5py.File(ecphory.folder / "x.h5") as file:
        assert file["trials"][()].tolist() == [1, 10, 100]
