"""A disk that fills up while the result is written, and memory that does not suffice: a clear error, nothing left."""

import resource
import subprocess

import pytest

from conftest import BINARY

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
    assert run.stderr.startswith("error: disk/x.h5: writing the ")
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
    assert run.stderr.startswith("error: run.h5: ")
    assert "File too large" in run.stderr and "remedy: nothing was left behind" in run.stderr
    assert [path.name for path in ecphory.folder.iterdir()] == ["run.toml"]


def test_results_that_do_not_fit_into_memory_are_an_error(ecphory, experiment):
    experiment(RUN, "run.toml")
    gigabyte = 1 << 30
    run = subprocess.run([BINARY, "run", "run.toml", "--threads", "2", "--set", "task.length=1000", "--set",
                          "sweep.model.a={linspace=[0.0, 1.0, 10000]}"],
                         cwd=ecphory.folder, capture_output=True, text=True, timeout=60,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (16 * gigabyte, 16 * gigabyte)))
    assert (run.returncode, run.stdout) == (1, "")
    assert "error: there is not enough memory" in run.stderr and "remedy: " in run.stderr
    assert [path.name for path in ecphory.folder.iterdir()] == ["run.toml"]


def test_a_record_that_the_disk_does_not_take_fails_its_point_with_the_remedy(with_disk, experiment):
    """It records 32 MB on a disk of 2 MB."""
    experiment('experiment = "relaxation"\ntask.patterns = 2\ntask.neurons = 1000\ntask.cues = 2\nrecord.points = 2000\n',
               "run.toml")
    run = with_disk("$ECPHORY run run.toml --output disk/x.h5; code=$?; ls -A disk; exit $code", size="2m")
    assert run.returncode == 3
    assert "recording to disk failed: No space left on device" in run.stderr
    assert "record less, or choose another place with --output" in run.stderr
    assert run.stdout.split() == ["disk/x.h5", "x.h5"]
