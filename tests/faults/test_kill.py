"""kill -9 at any moment leaves no file or a complete one, and what it leaves beside it is cleared by the next run."""

import random
import time

import pytest

from result_files import numbers

#: Computing and writing take about as long, so that kills hit both.
RUN = """\
experiment = "amicl"

[task]
trials = 30
length = 40
dimension = 12

[record]
scores = true
gzip = 4

[sweep]
model.a = {linspace = [0.0, 2.0, 300]}
"""

MOMENTS = 20


@pytest.fixture
def undisturbed(ecphory, experiment):
    """The numbers of a run that nobody kills, and its seconds."""
    experiment(RUN, "run.toml")
    start = time.monotonic()
    run = ecphory("run", "run.toml", "--output", "undisturbed.h5")
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


def test_a_kill_leaves_no_file_or_a_complete_one(ecphory, undisturbed):
    complete, duration = undisturbed
    moments = random.Random(1)
    killed, part_left = 0, 0
    for i in range(MOMENTS):
        folder = ecphory.folder / str(i)
        folder.mkdir()
        killed += kill_after(ecphory, moments.uniform(0, 1.1) * duration, "run.toml", "--output", folder / "x.h5")
        if (folder / "x.h5").exists():
            assert numbers(folder / "x.h5") == complete
        parts = [path for path in folder.iterdir() if path.name != "x.h5"]
        assert all(path.name.startswith("x.h5.part-") for path in parts)
        if parts:
            part_left += 1
            assert ecphory("run", "run.toml", "--output", folder / "x.h5", "--force").returncode == 0
            assert [path.name for path in folder.iterdir()] == ["x.h5"]
            assert numbers(folder / "x.h5") == complete
    assert killed >= MOMENTS // 2, "most kills came after the end: the moments do not cover the run"
    assert part_left >= 1, "no kill hit the writing"


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
