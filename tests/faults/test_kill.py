"""kill -9 at any moment: every file that can be seen is complete, and resuming gives the numbers of an undisturbed run."""

import random
import shutil
import time

import h5py
import pytest

from result_files import numbers

#: Points of a few milliseconds whose matrices make commits take about as long, so that kills hit both.
RUN = """\
experiment = "amicl"

[task]
trials = 300
length = 40
dimension = 12

[record]
scores = true
gzip = 1

[sweep]
model.a = {linspace = [0.0, 2.0, 400]}
"""

MOMENTS = 40


@pytest.fixture
def undisturbed(ecphory, experiment):
    """The numbers of a run that nobody kills, and its seconds."""
    experiment(RUN, "run.toml")
    start = time.monotonic()
    run = ecphory("run", "run.toml", "--output", "undisturbed.h5", "--commit-every", "0")
    seconds = time.monotonic() - start
    assert run.returncode == 0, run.stderr
    return numbers(ecphory.folder / "undisturbed.h5"), seconds


def kill_after(ecphory, seconds, *arguments):
    """Whether the run was still going when it was killed."""
    process = ecphory.start("run", *arguments)
    time.sleep(seconds)
    process.kill()
    process.communicate()
    return process.returncode == -9


def assert_every_file_is_complete(ecphory, folder):
    """All that is seen but the parts of killed processes opens, and ecphory finds nothing damaged in it."""
    seen = [path for path in folder.rglob("*") if path.is_file() and ".part-" not in path.name]
    for path in seen:
        with h5py.File(path) as file:
            assert file.attrs["plan"]
            for array in file.values():
                array[()]
    if (folder / "x.sweep/plan.h5").exists():
        status = ecphory("status", folder / "x.sweep")
        assert status.returncode == 0 and "damaged" not in status.stdout, status


def test_kills_lose_nothing_that_was_committed(ecphory, undisturbed):
    """One sweep is killed and resumed again and again; when it is complete another begins."""
    complete, duration = undisturbed
    moments = random.Random(1)
    killed, part_left, progress, finished = 0, 0, 0, 0
    folder = ecphory.folder / "0"
    folder.mkdir()
    for _ in range(MOMENTS):
        before = set((folder / "x.sweep").glob("1-of-1.*.h5"))
        was_killed = kill_after(ecphory, moments.uniform(0, 0.8) * duration, "run.toml", "--output", folder / "x.h5",
                                "--commit-every", "0", "--resume")
        killed += was_killed
        part_left += any(".part-" in path.name for path in folder.rglob("*"))
        assert_every_file_is_complete(ecphory, folder)
        after = set((folder / "x.sweep").glob("1-of-1.*.h5"))
        assert before <= after or (folder / "x.h5").exists()
        progress += was_killed and len(after) > len(before)
        if not was_killed:
            finished += 1
            assert numbers(folder / "x.h5") == complete
            folder = ecphory.folder / str(finished)
            folder.mkdir()
    run = ecphory("run", "run.toml", "--output", folder / "x.h5", "--resume")
    assert run.returncode == 0, run.stderr
    assert numbers(folder / "x.h5") == complete
    assert [path.name for path in folder.iterdir()] == ["x.h5"], "parts of killed processes are cleared"
    assert killed >= MOMENTS // 2, "most kills came after the end: the moments do not cover the run"
    assert part_left >= 1, "no kill hit the writing"
    assert progress >= 1, "no kill came between a commit and the end"


def test_a_kill_under_force_leaves_the_old_file_or_the_new_one(ecphory, undisturbed):
    new, duration = undisturbed
    target = ecphory.folder / "x.h5"
    assert ecphory("run", "run.toml", "--output", target, "--set", "seed=2").returncode == 0
    old = numbers(target)
    assert old != new
    moments = random.Random(2)
    for _ in range(6):
        kill_after(ecphory, moments.uniform(0.3, 1) * duration, "run.toml", "--output", target, "--force")
        assert numbers(target) in (old, new)


def test_another_plan_in_the_folder_is_not_touched(ecphory, experiment):
    """A folder that a killed run of one file has left is not taken by another."""
    experiment(RUN, "run.toml")
    process = ecphory.start("run", "run.toml", "--output", "x.h5", "--commit-every", "0")
    until = time.monotonic() + 50
    while not (ecphory.folder / "x.sweep/plan.h5").exists() and time.monotonic() < until:
        time.sleep(0.001)
    process.kill()
    process.communicate()
    assert process.returncode == -9, "it still ran"
    kept = ecphory.folder / "kept"
    shutil.copytree(ecphory.folder / "x.sweep", kept)
    for arguments in [[], ["--resume"]]:
        run = ecphory("run", "run.toml", "--output", "x.h5", "--set", "seed=3", *arguments)
        assert run.returncode in (1, 2) and "x.sweep" in run.stderr
    before, after = ({path.name: path.read_bytes() for path in folder.iterdir() if ".part-" not in path.name}
                     for folder in [kept, ecphory.folder / "x.sweep"])
    assert before == after
