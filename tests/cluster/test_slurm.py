"""The job array of experiments/cluster on a real Slurm: what is killed, requeued and left alone ends in the same bits."""

import json
import shutil
import subprocess
import time

import pytest

from conftest import BINARY, ROOT
from result_files import numbers
from slurm import Slurm, Unavailable

SCRIPT = ROOT / "experiments/cluster/slurm.sh"

#: Four tasks of a few seconds each.
SWEEP = """\
experiment = "amicl"
task.trials = 12000
[sweep]
task.noise = {values = [0.1, 1.0]}
model.a = {linspace = [0.0, 2.0, 120]}
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A Slurm that runs two tasks at a time."""
    try:
        with Slurm(tmp_path_factory.mktemp("slurm")) as slurm:
            slurm.environment["ECPHORY"] = str(BINARY)
            yield slurm
    except Unavailable as reason:
        pytest.skip(f"no Slurm: {reason}")


@pytest.fixture
def submit(cluster, experiment, tmp_path):
    """Submits the array; the job's id."""
    experiment(SWEEP, "x.toml")

    def run(tasks, *options):
        return cluster.submit(SCRIPT, tmp_path / "x.toml", tmp_path / "x.h5", "--commit-every", "0.2", *options,
                              options=[f"--chdir={tmp_path}", f"--array={tasks}", "--cpus-per-task=1"])

    return run


def wait_for(condition, seconds=40):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def at_work(folder, *tasks, of=4):
    """Whether these tasks have all committed something."""
    return all(list(folder.glob(f"x.sweep/{task}-of-{of}.*.h5")) for task in tasks)


def test_an_array_collects_to_the_bits_of_one_process_whatever_happens_to_its_tasks(cluster, submit, ecphory, tmp_path):
    job = submit("1-4")
    wait_for(lambda: at_work(tmp_path, 1, 2))
    cluster.stop_slurmd()
    time.sleep(1)
    cluster.start_slurmd()
    cluster.kill_task(job, 1)
    wait_for(lambda: at_work(tmp_path, 3))
    cluster.requeue(job, 3)
    assert set(cluster.wait(job, 90).values()) == {"COMPLETED"}, cluster.logs()
    assert cluster.restarts(job) == {1: 1, 2: 0, 3: 1, 4: 0}
    said = json.loads(ecphory("status", "x.sweep", "--json").stdout)
    assert (said["done"], said["missing"], said["shards"]) == (240, 0, 6), "a task that was put back goes on"
    collect = ecphory("collect", "x.sweep")
    assert collect.returncode == 0, collect.stderr
    assert ecphory("run", "x.toml", "--output", "whole.h5").returncode == 0
    assert numbers(tmp_path / "x.h5") == numbers(tmp_path / "whole.h5")


def test_a_task_whose_time_is_nearly_up_commits_and_goes_on_in_its_next_turn(cluster, submit, ecphory, tmp_path):
    job = submit("1", "--set", "sweep.task.noise={values=[0.1]}")
    wait_for(lambda: at_work(tmp_path, 1, of=1))
    cluster.warn(job, 1)
    assert cluster.wait(job, 60) == {1: "COMPLETED"}, cluster.logs()
    assert cluster.restarts(job) == {1: 1}
    log = next(tmp_path.glob("ecphory-*_1.log")).read_text()
    assert "stopped by signal 10: " in log and "shard 1/1 was stopped (138) and is queued again" in log
    assert "120 of 120 points done" in log


def test_a_cancelled_task_commits_and_stays_cancelled(cluster, submit, ecphory, tmp_path):
    job = submit("1-2")
    wait_for(lambda: at_work(tmp_path, 1, of=2))
    cluster.cancel(job, 1)
    assert cluster.wait(job, 60)[1] == "CANCELLED"
    assert cluster.restarts(job)[1] == 0
    assert "stopped by signal 15: " in next(tmp_path.glob("ecphory-*_1.log")).read_text()
    assert json.loads(ecphory("status", "x.sweep", "--json").stdout)["done"] > 0


def test_a_file_that_is_wrong_fails_its_tasks_and_they_are_not_run_again(cluster, submit, tmp_path):
    job = submit("1", "--set", "task.trails=3")
    assert cluster.wait(job, 30) == {1: "FAILED"}
    assert cluster.restarts(job) == {1: 0}
    assert "did you mean task.trials?" in next(tmp_path.glob("ecphory-*_1.log")).read_text()


def test_gnu_parallel_runs_the_shards_and_collects(ecphory, experiment, tmp_path):
    if shutil.which("parallel") is None:
        pytest.skip("GNU parallel is not installed")
    experiment(SWEEP.replace("12000", "50"), "x.toml")
    run = subprocess.run([ROOT / "experiments/cluster/parallel.sh", "x.toml", "x.h5", "5"], cwd=tmp_path, text=True,
                         capture_output=True, env={"PATH": "/usr/bin:/bin", "ECPHORY": str(BINARY), "HOME": str(tmp_path)})
    assert (run.returncode, run.stdout.splitlines()[-1]) == (0, str(tmp_path / "x.h5")), run.stderr
    assert ecphory("run", "x.toml", "--output", "whole.h5").returncode == 0
    assert numbers(tmp_path / "x.h5") == numbers(tmp_path / "whole.h5")
