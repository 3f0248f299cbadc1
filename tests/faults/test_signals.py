"""SIGINT, SIGTERM and SIGUSR1 leave a complete file of the points that were done, and exit with 128 + the signal."""

import re
import signal
import time
from pathlib import Path

import h5py
import numpy
import pytest

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
    assert stdout == "many.h5\n"
    assert sorted(path.name for path in ecphory.folder.iterdir()) == ["many.h5", "many.toml"]
    with h5py.File(ecphory.folder / "many.h5") as file, h5py.File(undisturbed) as whole:
        done = file["status"][()] == 1
        assert f"{done.sum()} of 4000 points done" in stderr
        assert 0 < done.sum() < done.size, "the signal came too late or too early to test anything"
        assert set(file["status"][~done]) == {0}
        assert list(file) == list(whole)
        for name in ["accuracy", "distance", "score"]:
            assert numpy.isnan(file[name][~done]).all()
            assert file[name][done].tobytes() == whole[name][done].tobytes()
        assert file["config"][()] == whole["config"][()]


def test_a_second_interrupt_ends_at_once_and_leaves_nothing(ecphory, experiment):
    experiment(ONE_LONG_POINT, "long.toml")
    process = ecphory.start("run", "long.toml")
    wait_until_it_listens(process, signal.SIGINT)
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    assert process.poll() is None, "the first interrupt waits for the point in hand"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=5) == -signal.SIGINT
    process.communicate()
    assert [path.name for path in ecphory.folder.iterdir()] == ["long.toml"]
