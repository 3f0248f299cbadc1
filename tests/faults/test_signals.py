"""SIGINT, SIGTERM and SIGUSR1 leave a complete file of the points that were done, and exit with 128 + the signal."""

import re
import signal
import time
from pathlib import Path

import h5py
import numpy
import pytest

from result_files import numbers

MANY_POINTS = """\
experiment = "amicl"
task.trials = 150
task.dimension = 20
record.scores = true
sweep.model.a = {linspace = [0.0, 2.0, 4000]}
"""

ONE_LONG_POINT = 'experiment = "amicl"\ntask.trials = 3000000\ntask.dimension = 1000\n'


def wait_until_it_listens(process, number):
    """Returns when the process has a handler for the signal."""
    for _ in range(2000):
        caught = re.search(r"SigCgt:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text())
        if caught and int(caught[1], 16) >> (number - 1) & 1:
            return
        time.sleep(0.005)
    pytest.fail("the run never listened for signals")


def stopped_by(ecphory, number, after, *arguments):
    """Exit code, stdout and stderr of a run that gets the signal `after` seconds of work."""
    process = ecphory.start("run", *arguments)
    wait_until_it_listens(process, number)
    time.sleep(after)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    return process.returncode, stdout, stderr


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The path of a run of MANY_POINTS that nobody stops."""
    from conftest import Program

    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "many.toml").write_text(MANY_POINTS)
    run = Program(folder)("run", "many.toml")
    assert run.returncode == 0, run.stderr
    return folder / "many.h5"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_keeps_the_points_that_were_done(ecphory, experiment, undisturbed, number):
    experiment(MANY_POINTS, "many.toml")
    code, stdout, stderr = stopped_by(ecphory, number, 0.2, "many.toml", "--threads", "1")
    assert code == 128 + number, stderr
    assert stdout == ""
    assert sorted(path.name for path in ecphory.folder.iterdir()) == ["many.sweep", "many.toml"]
    assert "the same command with --resume goes on; ecphory collect many.sweep makes" in stderr
    collect = ecphory("collect", "many.sweep")
    assert (collect.returncode, collect.stdout) == (3, "many.h5\n")
    with h5py.File(ecphory.folder / "many.h5") as file, h5py.File(undisturbed) as whole:
        done = file["status"][()] == 1
        assert f"{done.sum()} of 4000 points done, kept in many.sweep" in stderr
        assert f"{4000 - done.sum()} points are missing" in collect.stderr
        assert 0 < done.sum() < done.size, "the signal came too late or too early to test anything"
        assert set(file["status"][~done]) == {0}
        assert list(file) == list(whole)
        for name in ["accuracy", "distance", "score"]:
            assert numpy.isnan(file[name][~done]).all()
            assert file[name][done].tobytes() == whole[name][done].tobytes()
        assert file["config"][()] == whole["config"][()]
    resumed = ecphory("run", "many.toml", "--resume")
    assert (resumed.returncode, resumed.stdout) == (0, "many.h5\n")
    assert numbers(ecphory.folder / "many.h5") == numbers(undisturbed)
    assert sorted(path.name for path in ecphory.folder.iterdir()) == ["many.h5", "many.toml"]


def test_a_run_that_was_stopped_is_not_begun_again_by_accident(ecphory, experiment):
    experiment(MANY_POINTS, "many.toml")
    stopped_by(ecphory, signal.SIGTERM, 0.2, "many.toml", "--threads", "1")
    again = ecphory("run", "many.toml")
    assert again.returncode == 2
    assert again.stderr.startswith("error: many.sweep: there is an unfinished run of that name")
    assert "--resume" in again.stderr and "--force" in again.stderr
    other = ecphory("run", "many.toml", "--resume", "--set", "task.trials=151")
    assert other.returncode != 0
    assert "many.sweep/plan.h5: holds another plan (trials = 150 there, trials = 151 here)" in other.stderr


def test_a_second_interrupt_ends_at_once_and_leaves_nothing_half_done(ecphory, experiment):
    experiment(ONE_LONG_POINT, "long.toml")
    process = ecphory.start("run", "long.toml")
    wait_until_it_listens(process, signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    assert process.poll() is None, "the first interrupt waits for the point in hand"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=5) == -signal.SIGINT
    process.communicate()
    assert sorted(path.name for path in ecphory.folder.rglob("*")) == ["long.sweep", "long.toml", "plan.h5"]
