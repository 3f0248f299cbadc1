"""What all Python tests share: the program, small experiment files, one small result, and disks that misbehave."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("ECPHORY_BINARY", ROOT / "build/release/bin/ecphory")).resolve()

sys.path.insert(0, str(ROOT / "analysis"))

#: Two axes of different lengths, matrices in every point, and a run of milliseconds.
SMALL = """\
experiment = "amicl"
title = "small"
seed = 7

[task]
trials = 20
classes = 16
length = 8
dimension = 12

[record]
scores = true

[sweep]
model.similarity = {values = ["dot", "euclidean"]}
model.a = {linspace = [0.0, 2.0, 3]}
"""


class Program:
    """Runs ecphory in `folder`."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, *arguments):
        """The CompletedProcess, with text in stdout and stderr."""
        return subprocess.run(self._command(arguments), cwd=self.folder, capture_output=True, text=True, timeout=60)

    def start(self, *arguments):
        """The Popen of a run that goes on."""
        return subprocess.Popen(self._command(arguments), cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    @staticmethod
    def _command(arguments):
        assert BINARY.is_file(), f"{BINARY}: build the program first, or set ECPHORY_BINARY"
        return [str(BINARY), *map(str, arguments)]


@pytest.fixture
def ecphory(tmp_path):
    """The program, in the test's own folder."""
    return Program(tmp_path)


@pytest.fixture
def experiment(tmp_path):
    """Writes an experiment file into the test's folder and returns its path."""

    def write(text=SMALL, name="small.toml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture(scope="session")
def small_result(tmp_path_factory):
    """The result of SMALL. Not to be changed."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "small.toml").write_text(SMALL)
    run = Program(folder)("run", "small.toml")
    assert run.returncode == 0, run.stderr
    return folder / "small.h5"


@pytest.fixture
def with_disk(tmp_path):
    """Runs a bash script in the test's folder with a small disk mounted as `disk`; ECPHORY names the program.

    The disk lives in a namespace of its own and is gone when the script ends.
    """

    def run(script, size="256k", read_only=False):
        (tmp_path / "disk").mkdir(exist_ok=True)
        mount = f"mount -t tmpfs -o size={size}{',ro' if read_only else ''} tmpfs disk"
        return subprocess.run(["unshare", "--map-root-user", "--mount", "bash", "-c", f"{mount} && {{ {script}\n}}"],
                              cwd=tmp_path, env={**os.environ, "ECPHORY": shlex.quote(str(BINARY))},
                              capture_output=True, text=True, timeout=60)

    try:
        allowed = run("true").returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        pytest.skip("no small disk: this machine does not let us mount one (unshare --map-root-user --mount)")
    return run
