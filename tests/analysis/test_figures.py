"""Every experiment file draws the figure that fits it: its numbers, its axes, real pixels."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import h5py
import matplotlib.image
import netCDF4  # noqa: F401  (so that its own import warns here and not in a test)
import numpy
import pytest

import ecphory_analysis
from conftest import ROOT
from ecphory_analysis import figures, replicates

pytestmark = pytest.mark.filterwarnings("error")

EXPERIMENTS = sorted((ROOT / "experiments").glob("*/*.toml"))
ACCURACY = 'experiment = "amicl"\ntask.trials = 5\ntask.dimension = 10\n'


@pytest.fixture
def analysis(monkeypatch, capsys):
    """Runs python3 -m ecphory_analysis in this process; returns exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["ecphory_analysis", *map(str, arguments)])
        monkeypatch.delitem(sys.modules, "ecphory_analysis.__main__", raising=False)
        with pytest.raises(SystemExit) as end:
            runpy.run_module("ecphory_analysis", run_name="__main__")
        return end.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def drawn():
    """Draws a file; returns the figure and the dataset."""

    def draw(path):
        with ecphory_analysis.open(path) as dataset:
            return figures.draw(dataset), dataset.load()

    return draw


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    from matplotlib import pyplot

    pyplot.close("all")


@pytest.fixture
def curve(ecphory, tmp_path_factory):
    """A result whose figure is drawn fast. Not in the test's own folder."""
    file = tmp_path_factory.mktemp("curve") / "curve.toml"
    file.write_text(ACCURACY + "sweep.model.a = {values = [0.0, 1.0, 2.0]}\n")
    assert ecphory("run", file, "--output", file.with_suffix(".h5")).returncode == 0
    return file.with_suffix(".h5")


def data_axes(figure):
    """The figure's axes without colour bars."""
    return [axis for axis in figure.axes if axis.get_label() != "<colorbar>"]


def run_small(ecphory, file, *more):
    fewer = "task.trials=4" if "amicl" in file.read_text() or "denoising" in file.read_text() else "task.cues=4"
    if file.parent.name == "images":
        images = Path(os.environ.get("ECPHORY_DATA", ROOT / "../shared/data")) / "mnist-t10k-images-idx3-ubyte.gz"
        if not images.is_file():
            pytest.skip(f"there is no {images}; ECPHORY_DATA names the folder that has it")
        more = (*more, "--set", f"task.file={images}", "--set", "integrator.duration=5")
        if "[sweep]" in file.read_text():
            more = (*more, "--set", "sweep.task.patterns={values=[2, 3]}")
    if file.parent.name == "capacity":
        more = (*more, "--set", "task.neurons=40")
    if file.stem == "one_step":
        more = (*more, "--set", "sweep.task.patterns={values=[4, 64]}")
    if file.stem == "amicl_beta":
        fewer = "training.test_sequences=20"
    elif 'experiment = "icl_transformer"' in file.read_text():
        fewer = "training.test_sequences=20"
        for change in ["training.steps=40", "training.evaluate_every=20", "training.batch=16"]:
            more = (*more, "--set", change)
        if "checkpoints" in file.read_text():
            more = (*more, "--set", 'training.checkpoints=""')
    if file.stem == "equivalence":
        fewer = "bridge.layers=4"
    if file.parent.name == "temperature":
        more = (*more, "--set", "integrator.duration=5")
    if file.is_relative_to(ROOT) and "replicates" in file.read_text() and "stop" not in file.read_text():
        more = ("--set", "sweep.replicates=2", *more)
    run = ecphory("run", file, "--output", "x.h5", "--set", fewer, *more)
    assert run.returncode == 0, run.stderr
    return ecphory.folder / "x.h5"


@pytest.mark.parametrize("file", EXPERIMENTS, ids=[file.stem for file in EXPERIMENTS])
def test_every_experiment_file_has_its_figure(ecphory, analysis, file):
    code, stdout, stderr = analysis("plot", run_small(ecphory, file))
    figure = ecphory.folder / "x.png"
    assert (code, stdout, stderr) == (0, f"{figure}\n", "")
    pixels = matplotlib.image.imread(figure)
    assert pixels.shape[0] >= 400 and pixels.shape[1] >= 600
    colours, counts = numpy.unique(pixels[..., :3].reshape(-1, 3), axis=0, return_counts=True)
    assert len(colours) > 50 and counts.max() < 0.98 * counts.sum()
    coloured = numpy.ptp(pixels[..., :3], axis=-1) > 0.2
    images_are_grey = file.stem == "completion"
    assert images_are_grey or coloured.mean() > 0.002, "more than a black frame on white"


@pytest.mark.parametrize("file", EXPERIMENTS, ids=[file.stem for file in EXPERIMENTS])
def test_rows_and_columns_of_axes_are_labelled(ecphory, drawn, file):
    figure, dataset = drawn(run_small(ecphory, file))
    assert data_axes(figure)
    for axis in data_axes(figure):
        place = axis.get_subplotspec()
        assert axis.get_xlabel() or not place.is_last_row()
        assert axis.get_ylabel() or not place.is_first_col()
    titles = [axis.get_title() for axis in figure.axes] + [text.get_text() for text in figure.texts]
    assert dataset.attrs["title"] in titles + [figure._suptitle.get_text() if figure._suptitle else ""]


@pytest.mark.parametrize("name, other", [("accuracy", "similarity"), ("dimension", "dimension"), ("length", "length")])
def test_curves_are_the_accuracies_of_the_file_one_for_each_value(ecphory, drawn, name, other):
    figure, dataset = drawn(run_small(ecphory, ROOT / f"experiments/amicl/{name}.toml"))
    [axis] = data_axes(figure)
    legend = axis.get_legend()
    assert legend.get_title().get_text() == other
    assert [text.get_text() for text in legend.get_texts()] == [str(value) for value in dataset[other].values]
    assert len({line.get_color() if isinstance(line.get_color(), str) else tuple(line.get_color())
                for line in axis.lines}) == dataset.sizes[other]
    for line, value in zip(axis.lines, dataset[other].values, strict=True):
        assert numpy.array_equal(line.get_xdata(), dataset["a"])
        assert numpy.array_equal(line.get_ydata(), dataset["accuracy"].sel({other: value}))


def test_the_published_numbers_stand_beside_their_own_settings_only(ecphory, drawn):
    table = ROOT / "experiments/amicl/table.toml"
    [axis] = data_axes(drawn(run_small(ecphory, table))[0])
    ours, published = axis.lines
    assert published.get_ydata().tolist() == [0.325, 0.907, 0.994, 1.0, 1.0]
    assert ours.get_xdata().tolist() == published.get_xdata().tolist()
    [axis] = data_axes(drawn(run_small(ecphory, table, "--set", "task.classes=50", "--force"))[0])
    assert len(axis.lines) == 1


def test_the_heat_map_has_beta_upwards_and_a_across(ecphory, drawn):
    figure, dataset = drawn(run_small(ecphory, ROOT / "experiments/amicl/temperature.toml"))
    [axis] = data_axes(figure)
    mesh = axis.collections[0]
    assert numpy.array_equal(mesh.get_array().reshape(31, 41), dataset["accuracy"].transpose("beta", "a"))
    assert axis.get_yscale() == "log" and axis.get_ylim()[1] > 900 and axis.get_xlim()[1] < 3


def test_matrices_are_drawn_with_queries_downwards(ecphory, drawn):
    figure, dataset = drawn(run_small(ecphory, ROOT / "experiments/amicl/scores.toml"))
    axes = data_axes(figure)
    assert len(axes) == 6
    for row, a in enumerate([1.0, 2.0]):
        for axis, name in zip(axes[3 * row : 3 * row + 3], ["score", "softmax", "argmax"], strict=True):
            assert axis.get_title() == f"{name}, a = {a}"
            assert (axis.get_xlabel(), axis.get_ylabel()) == ("key (token)", "query (token)")
            assert numpy.array_equal(axis.images[0].get_array(), dataset[name].sel(a=a).transpose("query", "key"))


def test_branches_change_their_stability_at_the_pitchfork(ecphory, drawn):
    figure, dataset = drawn(run_small(ecphory, ROOT / "experiments/continuation/hopfield.toml"))
    first = dataset["special_parameter"].values[0, 0]
    stable, unstable = data_axes(figure)[0].lines[:2]
    assert numpy.nanmax(numpy.where(numpy.isnan(stable.get_ydata()), numpy.nan, stable.get_xdata())) == first
    assert numpy.nanmin(numpy.where(numpy.isnan(unstable.get_ydata()), numpy.nan, unstable.get_xdata())) == first


def test_the_whole_course_is_shown_of_a_memory_without_an_energy(ecphory, drawn):
    figure, _ = drawn(run_small(ecphory, ROOT / "experiments/relaxation/sequence.toml"))
    for axis in data_axes(figure):
        assert axis.get_xlim()[0] <= 0 and axis.get_xlim()[1] >= 30


def test_replicates_are_averaged(ecphory, experiment, drawn):
    text = ACCURACY + "sweep.model.a = {values = [0.0, 1.0, 2.0]}\nsweep.replicates = 3\n"
    figure, dataset = drawn(run_small(ecphory, experiment(text)))
    assert dataset["accuracy"].sizes["replicate"] == 3
    [axis] = data_axes(figure)
    assert numpy.allclose(axis.lines[0].get_ydata(), dataset["accuracy"].mean("replicate"), rtol=1e-14)


def test_the_band_over_replicates_is_that_of_all_their_trials(ecphory, experiment, drawn):
    text = ACCURACY + "sweep.model.a = {values = [0.0, 1.0, 2.0]}\nsweep.replicates = 3\n"
    path = run_small(ecphory, experiment(text), "--set", "task.trials=5")
    with h5py.File(path, "r+") as file:  # a replicate that was not needed
        for name in ["accuracy", "accuracy_low", "accuracy_high"]:
            file[name][1, 2] = numpy.nan
        accuracy = file["accuracy"][()]
    trials = numpy.array([15, 10, 15])
    centre, half, p = [], [], numpy.nansum(5 * accuracy, axis=1) / trials
    for share, n in zip(p, trials, strict=True):  # Wilson (1927), as Brown, Cai & DasGupta (2001) write it
        z = 1.959963984540054
        centre.append((n * share + z**2 / 2) / (n + z**2))
        half.append(z * n**0.5 / (n + z**2) * (share * (1 - share) + z**2 / (4 * n)) ** 0.5)
    [axis] = data_axes(drawn(path)[0])
    assert numpy.allclose(axis.lines[0].get_ydata(), p, rtol=1e-14)
    edges = axis.collections[0].get_paths()[0].vertices[:, 1]
    for expected in [numpy.subtract(centre, half).clip(0), numpy.add(centre, half).clip(None, 1)]:
        assert numpy.abs(edges[:, None] - expected).min(axis=0).max() < 1e-12


@pytest.mark.parametrize("n", [1, 2, 5, 40, 1000, 10**6])
def test_an_interval_tells_its_number_of_trials(n):
    successes = numpy.unique(numpy.linspace(0, n, 9).round())
    assert (replicates.trials_of(*replicates.wilson(successes, n)) == n).all()


def test_curves_run_from_left_to_right_whatever_the_order_of_the_axis(ecphory, experiment, drawn):
    text = ACCURACY + "sweep.model.a = {values = [2.0, 0.0, 1.0]}\n"
    figure, dataset = drawn(run_small(ecphory, experiment(text)))
    [axis] = data_axes(figure)
    assert axis.lines[0].get_xdata().tolist() == [0.0, 1.0, 2.0]
    assert axis.lines[0].get_ydata().tolist() == dataset["accuracy"].values[[1, 2, 0]].tolist()


def test_points_that_are_a_grid_are_drawn_as_one(ecphory, drawn):
    figure, dataset = drawn(run_small(ecphory, ROOT / "experiments/lesions/visible.toml", "--set", "sweep.replicates=1"))
    assert "point" in dataset.dims, "beta and gain have no effect on some of the memories"
    names = ["hopfield", "dense", "modern"]
    axis = data_axes(figure)[0]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == names
    for line, name in zip(axis.lines, names, strict=True):
        own = dataset.isel(point=dataset["name"].values == name)
        assert numpy.array_equal(line.get_xdata(), own["lesion_neurons"])
        assert numpy.array_equal(line.get_ydata(), own["retrieved"].squeeze())


def test_scattered_points_are_not_taken_for_a_grid(ecphory, drawn):
    figure, dataset = drawn(run_small(ecphory, ROOT / "experiments/amicl/sensitivity.toml", "--set",
                                      "sweep.sample.points=16"))
    assert len(data_axes(figure)) == 4 and dataset.sizes["point"] == 16


@pytest.mark.parametrize("axes", ["sweep.model.a = {values = [1.0]}",
                                  "sweep.model.beta = {values = [1.0]}\nsweep.model.a = {values = [1.0]}",
                                  "sweep.model.a = {values = [1.0, 2.0]}\nsweep.model.beta = {values = [1.0, inf]}",
                                  "sweep.model.beta = {values = [0.0, 1.0]}\nsweep.model.a = {values = [1.0, 2.0]}"])
def test_awkward_axes_are_drawn_without_a_warning(ecphory, experiment, analysis, axes):
    code, _, stderr = analysis("plot", run_small(ecphory, experiment(ACCURACY + axes)))
    assert (code, stderr) == (0, "")


def test_missing_points_are_said_in_the_figure(ecphory, experiment, drawn):
    path = run_small(ecphory, experiment(ACCURACY + "sweep.model.a = {linspace = [0.0, 2.0, 5]}"))
    with h5py.File(path, "r+") as file:
        file["status"][3:] = 0
        for name in ["accuracy", "accuracy_low", "accuracy_high"]:
            file[name][3:] = numpy.nan
    figure, _ = drawn(path)
    assert "2 of 5 points missing" in [text.get_text() for text in figure.texts]


def test_output_names_the_figure_and_its_format(ecphory, curve, analysis):
    figure = ecphory.folder / "mine.svg"
    assert analysis("plot", curve, "-o", figure)[:2] == (0, f"{figure}\n")
    assert re.match(r"<\?xml.*<svg ", figure.read_text()[:2000], re.DOTALL)
    assert list(ecphory.folder.iterdir()) == [figure]


def test_a_file_that_no_figure_fits_says_what_it_holds_and_what_there_is(ecphory, experiment, analysis):
    path = run_small(ecphory, experiment(ACCURACY + "sweep.task.classes = {values = [4, 5]}"))
    code, stdout, stderr = analysis("plot", path)
    assert (code, stdout) == (2, "")
    assert stderr.startswith("error: no figure fits this file, which holds ")
    assert "accuracy (classes)" in stderr
    for kind in ["Score, softmax and argmax matrices", "Accuracy over inverse temperature and a", "Accuracy over a"]:
        assert kind in stderr
    assert not path.with_suffix(".png").exists()


@pytest.mark.parametrize("arguments, problem", [
    (["none.h5"], "none.h5: there is no such file"),
    (["text.h5"], "text.h5: this is not a readable HDF5 file"),
    (["small.h5", "-o", "no/such/x.png"], "no/such"),
    (["small.h5", "-o", "x.nonsense"], "nonsense"),
])
def test_what_cannot_be_drawn_is_an_error_of_one_line(ecphory, curve, analysis, monkeypatch, arguments, problem):
    monkeypatch.chdir(ecphory.folder)
    (ecphory.folder / "small.h5").symlink_to(curve)
    (ecphory.folder / "text.h5").write_text("not HDF5")
    code, stdout, stderr = analysis("plot", *arguments)
    assert (code, stdout) == (2, "")
    assert stderr.startswith("error: ") and problem in stderr and stderr.count("\n") == 1


def test_a_foreign_hdf5_file_is_an_error_of_one_line(tmp_path, analysis):
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["a"] = [0.0, 1.0]
        file["a"].make_scale("a")
        for name in ["accuracy", "accuracy_low", "accuracy_high"]:
            file[name] = [0.5, 0.75]
            file[name].dims[0].attach_scale(file["a"])
    for verb in ["plot", "compare"]:
        code, stdout, stderr = analysis(verb, tmp_path / "foreign.h5")
        assert (code, stdout) == (2, "")
        assert stderr.startswith("error: ") and "config" in stderr and stderr.count("\n") == 1


def test_the_module_runs_as_a_command(curve, tmp_path):
    run = subprocess.run([sys.executable, "-m", "ecphory_analysis", "plot", curve, "-o", tmp_path / "x.png"],
                         env={**os.environ, "PYTHONPATH": str(ROOT / "analysis")}, capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, f"{tmp_path / 'x.png'}\n", "")
