"""A disk that fills up while the result is written, and memory that does not suffice: a clear error, nothing left."""

import json
import re
import resource
import subprocess
import sys

import pytest

from conftest import BINARY
from result_files import numbers

#: About 0.6 MB, most of it matrices: more than the check before the run expects.
RUN = """\
experiment = "amicl"
task.trials = 1
task.length = 20
task.dimension = 5
record.scores = true
sweep.model.a = {linspace = [0.0, 2.0, 120]}
"""


@pytest.mark.parametrize("gzip", [0, 1])
def test_a_disk_that_fills_up_is_an_error_and_nothing_is_left(with_disk, experiment, gzip):
    experiment(RUN, "run.toml")
    run = with_disk(f"$ECPHORY run run.toml --output disk/x.h5 --set record.gzip={gzip}; code=$?; ls -A disk; "
                    "exit $code", size="128k")
    assert (run.returncode, run.stdout) == (1, "")
    assert re.match(r"error: disk/x.sweep/(plan|1-of-1.000).h5: writing the ", run.stderr)
    assert "failed: No space left on device\n  remedy: nothing was left behind; make room" in run.stderr
    assert len(run.stderr.splitlines()) == 2


def test_a_disk_that_fills_up_under_force_keeps_the_old_file(with_disk, experiment):
    experiment(RUN, "run.toml")
    run = with_disk("$ECPHORY run run.toml --output disk/x.h5 --set record.scores=false && cp disk/x.h5 before.h5 && "
                    "$ECPHORY run run.toml --output disk/x.h5 --force; code=$?; ls -A disk; cmp disk/x.h5 before.h5 && "
                    "exit $code")
    assert run.returncode == 1
    assert run.stdout.splitlines() == ["disk/x.h5", "x.h5"]
    assert "No space left on device" in run.stderr


@pytest.mark.parametrize("kilobytes", [1, 20, 100, 400])
def test_a_file_that_may_not_grow_is_an_error_and_nothing_is_left(ecphory, experiment, kilobytes):
    experiment(RUN, "run.toml")
    run = subprocess.run(["bash", "-c", f"trap '' XFSZ; ulimit -f {kilobytes}; exec '{BINARY}' run run.toml"],
                         cwd=ecphory.folder, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout) == (1, "")
    assert re.match(r"error: run.sweep/(plan|1-of-1.000).h5: ", run.stderr)
    assert "File too large" in run.stderr and "remedy: nothing was left behind" in run.stderr
    assert [path.name for path in ecphory.folder.iterdir()] == ["run.toml"]


def test_a_point_that_does_not_fit_into_memory_fails_and_the_others_are_kept(ecphory, experiment):
    experiment('experiment = "amicl"\ntask.trials = 1\nrecord.scores = true\n'
               "sweep.task.length = {values = [4, 40_000]}\n", "run.toml")
    limit = 2 << 30
    run = subprocess.run([BINARY, "run", "run.toml", "--threads", "1"], cwd=ecphory.folder, capture_output=True, text=True,
                         timeout=60, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    assert (run.returncode, run.stdout) == (3, "run.h5\n")
    assert "failed: task.length = 40000: no memory for an array of 6400000000 bytes" in run.stderr


def test_results_larger_than_memory_pass_through(ecphory, experiment):
    """Scores of 100 contexts are 480 MB; the program has a good part of that at no time."""
    experiment('experiment = "amicl"\ntask.trials = 1\nrecord.scores = true\ntask.length = 632\n'
               "sweep.model.a = {linspace = [0.0, 1.0, 100]}\n", "run.toml")
    code = ("import resource, subprocess, sys; assert subprocess.run(sys.argv[1:]).returncode == 0;"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    run = subprocess.run([sys.executable, "-c", code, BINARY, "run", "run.toml"], cwd=ecphory.folder, capture_output=True,
                         text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert (ecphory.folder / "run.h5").stat().st_size > 450e6
    assert int(run.stdout.split()[-1]) < 260_000  # kB


def test_a_record_that_the_disk_does_not_take_fails_its_point_with_the_remedy(with_disk, experiment):
    """It records 32 MB on a disk of 2 MB."""
    experiment('experiment = "relaxation"\ntask.patterns = 2\ntask.neurons = 1000\ntask.cues = 2\nrecord.points = 2000\n',
               "run.toml")
    run = with_disk("$ECPHORY run run.toml --output disk/x.h5; code=$?; ls -A disk; exit $code", size="2m")
    assert run.returncode == 3
    assert "recording to disk failed: No space left on device" in run.stderr
    assert "record less, or choose another place with --output" in run.stderr
    assert run.stdout.split() == ["disk/x.h5", "x.h5", "x.sweep"]


def test_a_disk_that_fills_up_during_a_sweep_keeps_what_was_committed(with_disk, experiment):
    """The disk has room for some of the points, which take long beside the 100 ms between looks at the clock; with
    more room the sweep goes on, to the same numbers."""
    folder = experiment(RUN.replace("trials = 1", "trials = 15_000"), "run.toml").parent
    run = with_disk("""
        $ECPHORY run run.toml --output whole.h5 || exit 10
        head -c 1500000 /dev/zero > disk/other
        $ECPHORY run run.toml --output disk/x.h5 --commit-every 0 --threads 1
        [ $? -eq 1 ] || exit 11
        $ECPHORY status disk/x.sweep --json > status.json || exit 12
        rm disk/other
        $ECPHORY run run.toml --output disk/x.h5 --resume || exit 13
        cp disk/x.h5 resumed.h5; ls -A disk""", size="2m")
    assert run.returncode == 0, run
    assert "No space left on device" in run.stderr
    assert "what was committed before is kept in disk/x.sweep; make room and go on with --resume" in run.stderr
    said = json.loads((folder / "status.json").read_text())
    assert 0 < said["done"] < 120 and said["damaged"] == []
    assert numbers(folder / "resumed.h5") == numbers(folder / "whole.h5")
    assert run.stdout.splitlines()[-1] == "x.h5"
