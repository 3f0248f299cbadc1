"""What ecphory refuses: exit code 2, a message that helps, nothing started, nothing written, nothing overwritten."""

import pytest

from conftest import SMALL

#: The second line of an experiment file → the key at fault, the problem, what is expected, the remedy.
BAD_LINES = {
    "unknown key": ("task.trails = 10", "task.trails", "unknown key", "task.trials", "did you mean task.trials?"),
    "unknown section": ("modle.a = 1.0", "modle.a", "unknown key", "model.a", "did you mean model.a?"),
    "unknown swept key": ("sweep.model.similarty = {values = [1]}", "sweep.model.similarty", "unknown key",
                          "model.similarity", "did you mean model.similarity?"),
    "string for a number": ('task.trials = "many"', "task.trials", '"many" has the wrong type', "a whole number >= 1",
                            "1000, the default"),
    "real for a whole number": ("task.trials = 10.5", "task.trials", "10.5 has the wrong type", "a whole number >= 1",
                                "1000, the default"),
    "number for a boolean": ("record.scores = 1", "record.scores", "1 has the wrong type", "true or false", "false"),
    "wrong type in an axis": ('sweep.model.a = {values = [1.0, "x"]}', "sweep.model.a", '"x" has the wrong type',
                              "a number >= 0", "2.0, the default"),
    "unknown name": ('model.similarity = "dott"', "model.similarity", '"dott" is not allowed',
                     "one of dot, correlation, euclidean, manhattan", 'did you mean "dot"?'),
    "beta < 0": ("model.beta = -0.5", "model.beta", "-0.5 is not allowed", "a number >= 0", "the default is inf"),
    "beta is not a number": ("model.beta = nan", "model.beta", "nan is not allowed", "a number >= 0", "inf"),
    "a = -1": ("model.a = -1", "model.a", "-1 is not allowed", "a number >= 0", "the default is 2.0"),
    "a = -1 in an axis": ("sweep.model.a = {linspace = [-1, 1, 3]}", "sweep.model.a", "-1 is not allowed",
                          "a number >= 0", "the default is 2.0"),
    "odd length": ("task.length = 7", "task.length", "7 is not allowed", "an even whole number >= 4",
                   "the default is 20"),
    "one class": ("task.classes = 1", "task.classes", "1 is not allowed", "a whole number >= 2", "the default is 50"),
    "noise < 0": ("task.noise = -0.1", "task.noise", "-0.1 is not allowed", "a number >= 0", "the default is 0.1"),
    "empty list": ("sweep.model.a = {values = []}", "sweep.model.a", "the axis is empty", "at least one value",
                   "remove the axis"),
    "axis of zero points": ("sweep.model.a = {linspace = [0.0, 1.0, 0]}", "sweep.model.a", "the axis is empty",
                            "1 to 10000000 values", "change the last number"),
    "number for an axis": ("sweep.model.a = 1.0", "sweep.model.a", "this is not an axis", "{values = […]}", ""),
    "bare list for an axis": ("sweep.model.a = [1.0]", "sweep.model.a", "this is not an axis", "{values = […]}", ""),
    "number in an axis": ("sweep.model.a = {values = 1.0}", "sweep.model.a", "an axis needs a list", "{values = […]}",
                          ""),
    "axis in two ways": ("sweep.model.a = {values = [1.0], linspace = [0, 1, 2]}", "sweep.model.a",
                         "an axis is written in one way", "{values = […]}", ""),
    "unknown kind of axis": ("sweep.model.a = {linspce = [0, 1, 3]}", "sweep.model.a",
                             '"linspce" is no way to write an axis', "linspace", "did you mean linspace?"),
    "incomplete axis": ("sweep.model.a = {linspace = [0, 1]}", "sweep.model.a", "{linspace = [0, 1]} cannot be",
                        "[first, last, number of values]", ""),
    "value twice": ("sweep.model.a = {values = [1, 1.0]}", "sweep.model.a", "the axis has 1.0 twice",
                    "values that differ", "replicates"),
    "list for a setting": ("model.a = [0.0, 1.0]", "model.a", "a setting has one value", "a number", "[sweep]"),
    "no replicates": ("sweep.replicates = 0", "sweep.replicates", "0 is not allowed", "a whole number >= 1", ""),
    "swept recording": ("sweep.record.scores = {values = [true, false]}", "sweep.record.scores",
                        "what is recorded cannot be swept", "the same arrays", "set record.scores to one value"),
}


def left_in(folder):
    """Names and contents of all files of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(program, *arguments):
    """The message of a command that must be refused and leave everything as it was."""
    before = left_in(program.folder)
    run = program(*arguments)
    assert run.returncode == 2, run
    assert run.stdout == ""
    assert run.stderr.startswith("error: ")
    assert "Ecphory, please report" not in run.stderr
    assert left_in(program.folder) == before
    return run.stderr


@pytest.mark.parametrize("bad", BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_refused_with_its_place_and_a_way_out(ecphory, experiment, bad):
    line, key, problem, expected, remedy = bad
    experiment(f'experiment = "amicl"\n{line}\nseed = 3\n', "bad.toml")
    message = refused(ecphory, "run", "bad.toml")
    lines = message.splitlines()
    assert lines[0].startswith(f"error: bad.toml:2: {key}: {problem}")
    assert lines[1].startswith("  expected: ") and expected in lines[1]
    if remedy:
        assert lines[2].startswith("  remedy: ") and remedy in lines[2]
    assert refused(ecphory, "run", "bad.toml", "--dry-run") == message


def test_a_key_both_set_and_swept_is_refused(ecphory, experiment):
    experiment('experiment = "amicl"\nmodel.a = 1.0\nsweep.model.a = {values = [1.0]}\n', "bad.toml")
    message = refused(ecphory, "run", "bad.toml")
    assert message.startswith("error: bad.toml:2: model.a: is both set to one value and swept")
    assert "remedy: remove one" in message


@pytest.mark.parametrize("text, line", [("experiment = amicl\n", 1), ('experiment = "amicl"\n[model\na = 1\n', 2),
                                        ('experiment = "amicl"\n\nseed = 1\nseed = 2\n', 4),
                                        ('experiment = "amicl"\ntitle = "\n', 2)])
def test_a_file_that_is_not_toml_is_refused_with_the_line(ecphory, experiment, text, line):
    experiment(text, "bad.toml")
    message = refused(ecphory, "run", "bad.toml")
    assert message.startswith(f"error: bad.toml:{line}: ")
    assert "expected: TOML" in message


def test_an_unknown_experiment_is_refused_with_the_nearest(ecphory, experiment):
    experiment('\nexperiment = "amicle"\n', "bad.toml")
    message = refused(ecphory, "run", "bad.toml")
    assert message.startswith('error: bad.toml:2: experiment: "amicle" is not known')
    assert "expected: one of amicl" in message and 'remedy: did you mean "amicl"?' in message


@pytest.mark.parametrize("text, problem", [("", "the file does not say which experiment it is"),
                                           ("experiment = 3\n", "must be a string")])
def test_a_file_without_an_experiment_is_refused(ecphory, experiment, text, problem):
    experiment(text, "bad.toml")
    message = refused(ecphory, "run", "bad.toml")
    assert f"experiment: {problem}" in message and "expected: one of amicl" in message


@pytest.mark.parametrize("name", ["none.toml", "folder"])
def test_a_missing_experiment_file_is_refused(ecphory, name):
    (ecphory.folder / "folder").mkdir()
    message = refused(ecphory, "run", name)
    assert message.startswith(f"error: {name}: there is no such experiment file") and "remedy: " in message


@pytest.mark.parametrize("override, problem", [
    ("model.a=-1", "--set model.a=-1: model.a: -1 is not allowed"),
    ("model.aa=1", "--set model.aa=1: model.aa: unknown key"),
    ("model.similarity=dott", '--set model.similarity=dott: model.similarity: "dott" is not allowed'),
    ("task.trials=", '--set task.trials=: task.trials: "" has the wrong type'),
    ("task.trials", "--set task.trials: this sets nothing"),
    ("=3", "--set =3: this sets nothing"),
    ("sweep.model.a=1", "--set sweep.model.a=1: sweep.model.a: this is no value for that key"),
    ("sweep.model.a={values=[]}", "--set sweep.model.a={values=[]}: sweep.model.a: the axis is empty"),
    ("model.a=2", "--set model.a=2: model.a: is both set to one value and swept"),
])
def test_a_bad_override_is_refused_and_named(ecphory, experiment, override, problem):
    experiment()
    message = refused(ecphory, "run", "small.toml", "--set", override)
    assert message.startswith(f"error: {problem}")
    assert "\n  expected: " in message


def test_an_existing_output_is_refused(ecphory, experiment):
    experiment()
    (ecphory.folder / "small.h5").write_text("precious")
    message = refused(ecphory, "run", "small.toml")
    assert message.startswith("error: small.h5: there is already a file of this name")
    assert "remedy: " in message and "--force" in message


def test_an_existing_output_is_refused_also_behind_a_dangling_link(ecphory, experiment):
    experiment()
    (ecphory.folder / "small.h5").symlink_to("elsewhere.h5")
    assert "already a file" in refused(ecphory, "run", "small.toml")


@pytest.mark.parametrize("output, problem, remedy", [
    ("no/such/x.h5", "no/such/x.h5: the folder no/such does not exist", "mkdir -p no/such"),
    ("small.toml/x.h5", "small.toml/x.h5: the folder small.toml does not exist", ""),
    ("folder", "folder: this is a folder, not a file", "name a file inside it"),
    ("folder/", "folder/: this is a folder, not a file", "name a file inside it"),
])
def test_an_output_without_a_place_is_refused(ecphory, experiment, output, problem, remedy):
    experiment()
    (ecphory.folder / "folder").mkdir()
    message = refused(ecphory, "run", "small.toml", "--output", output, "--force")
    assert message.startswith(f"error: {problem}")
    assert f"  remedy: {remedy}" in message


def test_a_read_only_output_folder_is_refused(with_disk, experiment):
    experiment()
    run = with_disk("$ECPHORY run small.toml --output disk/x.h5; code=$?; ls -A disk; exit $code", read_only=True)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("error: disk/x.h5: the folder disk cannot be written to: Read-only file system")
    assert "remedy: choose another folder with --output" in run.stderr


def test_a_full_disk_is_refused(with_disk, experiment):
    experiment()
    run = with_disk("head -c 250000 /dev/zero > disk/other; $ECPHORY run small.toml --output disk/x.h5; code=$?; "
                    "ls -A disk; exit $code")
    assert (run.returncode, run.stdout) == (2, "other\n")
    assert "error: disk/x.h5: the disk has " in run.stderr and " bytes left" in run.stderr
    assert "remedy: make room" in run.stderr


@pytest.mark.parametrize("arguments, problem, remedy", [
    ([], "subcommand is required", "ecphory --help"),
    (["rum"], "rum: there is no such verb\n  expected: one of run, status, collect, retry, models, describe, inspect",
     "did you mean ecphory run?"),
    (["simulate"], "simulate: there is no such verb", "ecphory --help"),
    (["--frce"], "subcommand is required", "ecphory --help"),
    (["run"], "EXPERIMENT.toml is required", "ecphory run --help"),
    (["run", "small.toml", "--frce"], "--frce", "ecphory run --help"),
    (["run", "small.toml", "--threads", "0"], "--threads", "ecphory run --help"),
    (["run", "small.toml", "--threads", "two"], "--threads", "ecphory run --help"),
    (["run", "small.toml", "other.toml"], "other.toml", "ecphory run --help"),
    (["run", "small.toml", "--output"], "--output", "ecphory run --help"),
    (["describe", "amicle"], "amicle: there is no model or experiment of this name", "did you mean amicl?"),
    (["describe"], "NAME is required", "ecphory describe --help"),
    (["inspect"], "FILE.h5 is required", "ecphory inspect --help"),
    (["inspect", "none.h5"], "none.h5: there is no such file", ""),
    (["inspect", "small.toml"], "small.toml: opening it as HDF5 failed", "check that the file is a readable HDF5 file"),
    (["models", "amicl"], "amicl", "ecphory models --help"),
])
def test_a_bad_command_line_is_refused(ecphory, experiment, arguments, problem, remedy):
    experiment()
    message = refused(ecphory, *arguments)
    assert problem in message
    assert remedy in message


def test_inspect_refuses_a_truncated_result(ecphory, small_result):
    whole = small_result.read_bytes()
    for length in [0, 7, 96, len(whole) // 2, len(whole) - 1]:
        (ecphory.folder / "cut.h5").write_bytes(whole[:length])
        assert "cut.h5" in refused(ecphory, "inspect", "cut.h5")


def test_the_file_these_tests_bend_runs_as_it_is(ecphory, experiment):
    assert ecphory("run", experiment(SMALL)).returncode == 0
