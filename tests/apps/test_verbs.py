"""models, describe, inspect, --version, --help; completion and man pages that know every option."""

import json
import re
import shutil
import subprocess
import tomllib

import h5py
import pytest

from conftest import BINARY, ROOT
from result_files import config_of

APP = ROOT / "apps/ecphory"
VERBS = ["run", "status", "collect", "retry", "models", "describe", "inspect", "bridge"]


def options_of(ecphory, verb):
    """Long options that `ecphory VERB --help` lists."""
    return set(re.findall(r"--[a-z-]+", ecphory(verb, "--help").stdout))


def test_version_names_what_a_bug_report_needs(ecphory):
    run = ecphory("--version")
    assert (run.returncode, run.stderr) == (0, "")
    first, *rest = run.stdout.splitlines()
    assert re.fullmatch(r"ecphory \d+\.\d+\.\d+", first)
    said = dict(line.split(maxsplit=1) for line in rest)
    assert list(said) == ["commit", "compiler", "CUDA", "HDF5", "BLAS"]
    assert re.match(r"[0-9a-f]{40}|unknown", said["commit"])
    assert re.match(r"(GNU|Clang) \d+\.\d+", said["compiler"])
    assert re.match(r"none|\d+\.\d+", said["CUDA"])
    assert re.match(r"1\.\d+\.\d+", said["HDF5"])
    assert re.match(r"\w+ \d+\.\d+|Eigen", said["BLAS"])


def test_help_names_every_verb(ecphory):
    run = ecphory("--help")
    assert (run.returncode, run.stderr) == (0, "")
    for verb in VERBS:
        assert re.search(rf"^  {verb} +\w", run.stdout, re.MULTILINE)
        assert ecphory(verb, "--help").returncode == 0


def test_models_lists_name_and_title(ecphory):
    run = ecphory("models")
    assert (run.returncode, run.stderr) == (0, "")
    assert re.search(r"^amicl +Associative memory for in-context learning$", run.stdout, re.MULTILINE)
    [amicl] = [model for model in json.loads(ecphory("models", "--json").stdout) if model["name"] == "amicl"]
    assert "arXiv 2412.15113" in amicl["source"]


def test_describe_shows_equation_source_and_every_key_with_its_default(ecphory):
    run = ecphory("describe", "amicl")
    assert (run.returncode, run.stderr) == (0, "")
    assert "q_t = k_t = (a x_{t-1} + x_t) / (a + 1)" in run.stdout and "arXiv 2412.15113" in run.stdout
    keys = {key["key"]: key for key in json.loads(ecphory("describe", "amicl", "--json").stdout)["keys"]}
    for key, said in keys.items():
        assert re.search(rf"^  {re.escape(key)} ", run.stdout, re.MULTILINE)
        assert f"default {said['default']}; {said['allowed']}" in run.stdout
        assert said["meaning"] and said["unit"]
    assert keys["task.length"]["allowed"] == "an even whole number >= 4 and <= 100000"


def test_describe_shows_every_key_of_an_experiment(ecphory):
    described = json.loads(ecphory("describe", "relaxation", "--json").stdout)
    assert {"model.beta", "model.noise", "task.cues", "integrator.rtol", "record.kept"} <= {key["key"] for key in described["keys"]}
    points = next(key for key in described["keys"] if key["key"] == "record.points")
    assert points["when"] == 'record.kept == "times"'
    run = ecphory("describe", "retrieval")
    assert 'only where model.name == "dense"' in run.stdout
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("retrieval: ") and "task.retrieved_above" in run.stdout


def test_the_defaults_that_describe_shows_are_those_that_run(ecphory, experiment):
    plan = json.loads(ecphory("run", experiment('experiment = "amicl"\n'), "--dry-run", "--json").stdout)
    config = tomllib.loads(plan["config"])
    for key in json.loads(ecphory("describe", "amicl", "--json").stdout)["keys"]:
        *section, name = key["key"].split(".")
        value = (config[section[0]] if section else config)[name]
        if name != "experiment":
            assert value == tomllib.loads(f"value = {key['default']}")["value"], key["key"]


def test_inspect_shows_every_variable_with_shape_and_type(ecphory, small_result):
    run = ecphory("inspect", small_result)
    assert (run.returncode, run.stderr) == (0, "")
    coordinates, variables = run.stdout.split("\nvariables\n")
    assert re.search(r"^  similarity \(similarity: 2\) +string ", coordinates, re.MULTILINE)
    assert re.search(r"^  accuracy \(similarity: 2, a: 3\) +float64 +\[1\]  fraction", variables, re.MULTILINE)
    assert re.search(r"^  score \(similarity: 2, a: 3, query: 8, key: 8\) +float32 ", variables, re.MULTILINE)
    assert re.search(r'^title +"small"$', coordinates, re.MULTILINE)


def test_inspect_in_json_says_what_h5py_sees(ecphory, small_result):
    said = json.loads(ecphory("inspect", small_result, "--json").stdout)
    with h5py.File(small_result) as file:
        assert {variable["name"] for variable in said["variables"]} == set(file)
        for variable in said["variables"]:
            array = file[variable["name"]]
            assert variable["shape"] == list(array.shape)
            assert variable["units"] == array.attrs["units"] and variable["long_name"] == array.attrs["long_name"]
            assert variable["type"] == ("string" if array.dtype == object else str(array.dtype))
            if not variable["coordinate"]:
                assert variable["dimensions"] == [scales[0].name[1:] for scales in array.dims]
        assert said["attributes"]["seed"] == file.attrs["seed"] == 7


def test_inspect_config_prints_the_experiment_file_alone(ecphory, small_result):
    run = ecphory("inspect", small_result, "--config")
    assert (run.stdout, run.stderr) == (config_of(small_result), "")
    assert tomllib.loads(run.stdout)["task"]["dimension"] == 12


def test_no_escape_codes_outside_a_terminal(ecphory, experiment, small_result):
    experiment()
    for arguments in [["--help"], ["models"], ["describe", "amicl"], ["inspect", small_result], ["run", "small.toml"],
                      ["rnu"]]:
        run = ecphory(*arguments)
        assert run.stdout + run.stderr
        assert "\033" not in run.stdout + run.stderr and "\r" not in run.stdout + run.stderr


@pytest.mark.parametrize("words, expected", [
    (["ecphory", "des"], ["describe"]),
    (["ecphory", ""], [*VERBS, "--version", "--help"]),
    (["ecphory", "run", ""], ["folder/", "mine.toml", "x.sweep/"]),
    (["ecphory", "run", "mine.toml", "--th"], ["--threads"]),
    (["ecphory", "inspect", ""], ["folder/", "x.h5", "x.sweep/"]),
    (["ecphory", "inspect", "--c"], ["--config"]),
    (["ecphory", "status", ""], ["x.sweep"]),
    (["ecphory", "describe", "ho"], ["hopfield"]),
    (["ecphory", "describe", "re"], ["relaxation", "retrieval"]),
])
def test_bash_completes(tmp_path, words, expected):
    for name in ["folder", "x.sweep"]:
        (tmp_path / name).mkdir()
    for name in ["mine.toml", "x.h5", "notes.txt"]:
        (tmp_path / name).touch()
    quoted = " ".join(f"'{word}'" for word in words)
    script = (f"source '{APP}/completion/ecphory.bash'; ecphory() {{ '{BINARY}' \"$@\"; }}; "
              f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _ecphory; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    run = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert run.stderr == ""
    assert sorted(run.stdout.split()) == sorted(expected)


@pytest.mark.parametrize("verb", VERBS)
def test_completion_and_man_page_know_every_option(ecphory, verb):
    options = options_of(ecphory, verb)
    assert "--help" in options
    script = (f"source '{APP}/completion/ecphory.bash'; COMP_WORDS=(ecphory {verb} --); COMP_CWORD=2; _ecphory; "
              "echo \"${COMPREPLY[@]}\"")
    completed = subprocess.run(["bash", "-c", script], capture_output=True, text=True).stdout.split()
    assert set(completed) == options
    page = (APP / "man/ecphory.1").read_text()
    for option in options:
        assert f"Fl -{option[2:]}" in page, option


@pytest.mark.parametrize("page", ["ecphory.1", "ecphory-experiment.5"])
def test_man_pages_render_without_warnings(page):
    path = APP / "man" / page
    if shutil.which("mandoc"):
        command = ["mandoc", "-T", "utf8", "-W", "warning", path]
    elif shutil.which("groff"):
        command = ["groff", "-mdoc", "-Tutf8", "-P-cbou", "-ww", path]
    else:
        pytest.skip("neither mandoc nor groff is installed")
    run = subprocess.run(command, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    for title in re.findall(r"^\.Sh (.*)", path.read_text(), re.MULTILINE):
        assert f"\n{title}\n" in run.stdout


def test_the_experiment_file_of_the_man_page_runs(ecphory, experiment):
    page = (APP / "man/ecphory-experiment.5").read_text()
    example = re.search(r"\.Bd -literal.*?\n(.*?)\.Ed", page, re.DOTALL)[1]
    run = ecphory("run", experiment(example), "--set", "task.trials=1")
    assert run.returncode == 0, run.stderr
    assert "303 of 303 points done" in run.stderr
