"""The README's code blocks do what they say."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from conftest import BINARY, ROOT

#: Lines of sh blocks that do not run here, and why.
NOT_RUN = {
    "./quickstart": "it runs these tests itself",
    "cmake --install": "ctest's consumer test installs the library",
}
#: Languages of blocks, each with its test below.
TESTED = {"sh", "toml", "python", "octave", "julia", "cpp", "cmake"}
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which the README's commands find what they name, and have run."""
    path = tmp_path_factory.mktemp("readme")
    for name in ["experiments", "analysis"]:
        (path / name).symlink_to(ROOT / name)
    (path / "build/release/bin").mkdir(parents=True)
    (path / "build/release/bin/ecphory").symlink_to(BINARY)
    for line in "".join(blocks("sh")).splitlines():
        if line.startswith(tuple(NOT_RUN)):
            continue
        run = subprocess.run(["bash", "-c", line], cwd=path, capture_output=True, text=True)
        assert run.returncode == 0, f"{line}\n{run.stderr}"
        assert run.stdout, line
    return path


def test_every_block_is_of_a_language_that_is_tested():
    fences = re.findall(r"^```(.*)$", README, re.MULTILINE)
    assert len(fences) % 2 == 0
    assert set(fences[0::2]) <= TESTED
    assert set(fences[1::2]) == {""}


def test_the_commands_run_and_leave_their_files(folder):
    assert {"table.h5", "other.h5", "table.png"} <= {file.name for file in folder.iterdir()}


def test_the_python_block_prints_the_accuracy_and_the_experiment_file(folder):
    (block,) = blocks("python")
    run = subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", block], cwd=folder, capture_output=True,
                         text=True, env={**os.environ, "PYTHONPATH": str(ROOT / "analysis")})
    assert run.returncode == 0, run.stderr
    assert 0.98 < float(run.stdout.split()[0]) <= 1
    assert 'experiment = "amicl"' in run.stdout


@pytest.mark.parametrize("language, program", [("octave", ["octave", "--eval"]), ("julia", ["julia", "-e"])])
def test_the_blocks_of_other_languages_run(folder, language, program):
    if shutil.which(program[0]) is None:
        pytest.skip(f"{program[0]} is not installed")
    (block,) = blocks(language)
    run = subprocess.run([*program, block], cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("language, file", [("cpp", "main.cpp"), ("cmake", "CMakeLists.txt")])
def test_the_library_example_is_the_one_that_the_consumer_test_builds(language, file):
    (block,) = blocks(language)
    assert block == (ROOT / "tests/consumer" / file).read_text()


def test_the_sweep_block_is_an_experiment_file(ecphory, experiment):
    (block,) = blocks("toml")
    run = ecphory("run", experiment(block), "--set", "task.trials=1", "--set", "sweep.sample.points=8")
    assert run.returncode == 0, run.stderr


def test_every_experiment_file_is_listed():
    for file in (ROOT / "experiments").glob("*/*.toml"):
        assert str(file.relative_to(ROOT)) in README
