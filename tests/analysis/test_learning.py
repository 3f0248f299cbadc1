"""Figures and comparisons of training files: means and t bands, pairs, runs that stopped early, maps of attention."""

import re

import numpy
import pytest
import xarray

import ecphory_analysis
from conftest import ROOT, Program
from ecphory_analysis import compare, figures, phases, runs

pytestmark = pytest.mark.filterwarnings("error")

SETS = ["mixed", "in_context", "swapped", "in_weights"]
SHOWN = ["in_context", "swapped", "in_weights", "mixed"]
#: Of Student's t, 97.5%, by degrees of freedom; from a table.
T = {1: 12.7062047, 2: 4.3026527, 3: 3.1824463, 7: 2.3646243, 30: 2.0422725}
TASK = """\
experiment = "icl_transformer"
title = "small"
[task]
classes = 16
labels = 4
pairs = 2
most_pairs = 4
dimension = 7
[training]
steps = 60
evaluate_every = 20
test_sequences = 40
criterion = 0.4
[record]
attention = true
"""


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    from matplotlib import pyplot

    pyplot.close("all")


def result(folder, *changes):
    """The result of TASK with `changes`, lines of an experiment file; what they sweep is not set."""
    swept = re.findall(r"sweep\.\w+\.(\w+)", "\n".join(changes))
    (folder / "x.toml").write_text("".join(line for line in TASK.splitlines(True) if line.split(" ")[0] not in swept))
    changes = [word for change in changes for word in ("--set", change.replace(" = ", "=", 1))]
    run = Program(folder)("run", "x.toml", "--threads", "1", *changes)
    assert run.returncode == 0, run.stderr
    with ecphory_analysis.open(folder / "x.h5") as dataset:
        return dataset.load()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two streams, three replicates. Not to be changed."""
    return result(tmp_path_factory.mktemp("trained"), 'sweep.model.stream = {values = ["none", "value"]}',
                  "sweep.replicates = 3")


def made(steps_to_criterion, evaluations=None, tokens=3, config='task.labels = 4\ntraining.criterion = 0.95'):
    """A dataset like the program's with these steps (stream, replicate). Each replicate has so many `evaluations`, one in
    100 steps, and is padded as the program pads: reals are NaN and integers 0."""
    steps_to_criterion = numpy.array(steps_to_criterion, dtype=float)
    shape = steps_to_criterion.shape
    looks = numpy.full(shape, 4) if evaluations is None else numpy.array(evaluations)
    number = numpy.arange(looks.max())
    there = number < looks[..., None]
    random = numpy.random.default_rng(0)
    accuracy = numpy.where(there[:, :, None], random.uniform(size=(*shape, 4, len(number))), numpy.nan)
    attention = numpy.zeros((tokens, tokens))
    attention[0, 0] = 1
    attention[numpy.arange(1, tokens), numpy.arange(tokens - 1)] = 1  # every query attends to the key before it
    over = ("stream", "replicate", "evaluation")
    return xarray.Dataset(
        {"steps_to_criterion": (over[:2], steps_to_criterion),
         "step": (over, numpy.where(there, 100 * number, 0)),
         "accuracy": ((*over[:2], "test_set", "evaluation"), accuracy),
         "previous_token": (over, numpy.where(there, 0.5, numpy.nan)),
         "induction": (over, numpy.where(there, 0.25, numpy.nan)),
         "first_attention": ((*over, "query", "key"), numpy.where(there[..., None, None], attention, numpy.nan)),
         "last_attention": ((*over, "key"), numpy.where(there[..., None], numpy.arange(tokens) / 10, numpy.nan)),
         "config": ((), config)},
        coords={"stream": ["none", "query", "key", "value"][:shape[0]], "test_set": SETS}, attrs={"title": "made"})


def titled(figure, title):
    [axis] = [axis for axis in figure.axes if title in axis.get_title()]
    return axis


def criterion_axis(figure):
    [axis] = [axis for axis in figure.axes if axis.get_ylabel().startswith("steps to ")]
    return axis


def markers(axis, marker):
    """(x, y) of all points drawn so."""
    return [numpy.round(point, 6).tolist() for line in axis.lines if line.get_marker() == marker
            for point in zip(line.get_xdata(), line.get_ydata())]


@pytest.mark.parametrize("freedom", T)
def test_the_quantile_is_students(freedom):
    assert runs.t_quantile(freedom) == pytest.approx(T[freedom], rel=1e-7)


def test_lines_are_the_means_of_the_file_and_bands_their_t_intervals(trained):
    figure = figures.draw(trained)
    panels = [(axis, trained["accuracy"].sel(test_set=name)) for axis, name in zip(figure.axes[:4], SHOWN)]
    panels += [(titled(figure, "labels to their items"), trained["previous_token"]),
               (titled(figure, "labels\nof its class"), trained["induction"])]
    for axis, values in panels:
        for k in range(2):
            mean, deviation = (values.isel(stream=k).reduce(numpy.mean, "replicate").values,
                               values.isel(stream=k).reduce(numpy.std, "replicate", ddof=1).values)
            assert axis.lines[k].get_xdata().tolist() == [0, 20, 40, 60]
            assert numpy.allclose(axis.lines[k].get_ydata(), mean, rtol=1e-12)
            edges = axis.collections[k].get_paths()[0].vertices[:, 1]
            for expected in [mean - T[2] * deviation / 3**0.5, mean + T[2] * deviation / 3**0.5]:
                assert numpy.abs(edges[:, None] - expected).min(axis=0).max() < 1e-6, "T has eight digits"


def test_chance_is_one_of_the_labels(trained):
    for axis in figures.draw(trained).axes[:4]:
        assert set(axis.lines[2].get_ydata()) == {0.25}


def test_dots_are_the_steps_to_the_criterion_and_pairs_are_joined(trained):
    steps = trained["steps_to_criterion"].values
    axis = criterion_axis(figures.draw(trained))
    assert axis.get_ylabel() == "steps to 40% in context"
    assert numpy.array_equal([line.get_ydata() for line in axis.lines[:3]], steps.T, equal_nan=True)
    for r, line in enumerate(axis.lines[:3]):
        dots = [dots for dots in axis.lines if dots.get_marker() == "o"]
        assert line.get_xdata().tolist() == [dots[k].get_xdata()[r] for k in range(2)]


def test_below_a_run_stands_its_mean_change_in_pairs():
    axis = criterion_axis(figures.draw(made([[1000, 2000, 500], [800, 1400, numpy.nan]])))  # -20%, -30%: 12.7 × 5
    assert [text.get_text() for text in axis.get_xticklabels()] == ["none", "query\n-25%\n[-89, +39]"]


def test_a_replicate_without_the_criterion_is_a_triangle_where_training_ended():
    dataset = made([[100, numpy.nan], [numpy.nan, numpy.nan]], evaluations=[[4, 3], [0, 4]])
    axis = criterion_axis(figures.draw(dataset))
    assert [y for _, y in markers(axis, "o") if numpy.isfinite(y)] == [100]
    assert markers(axis, "^") == [[0.12, 200], [1.12, 300]], "one of the second run was not run at all"
    assert [text.get_text() for text in axis.get_xticklabels()] == ["none", "query"]


def test_courses_end_where_the_first_replicate_does():
    dataset = made([[100, 300], [100, 100]], evaluations=[[2, 4], [2, 0]])
    axis = figures.draw(dataset).axes[0]
    accuracy = dataset["accuracy"].sel(test_set="in_context").values
    assert [line.get_xdata().tolist() for line in axis.lines[:2]] == [[0, 100], [0, 100]]
    assert axis.lines[0].get_ydata() == pytest.approx(accuracy[0, :, :2].mean(axis=0), rel=1e-12)
    assert axis.lines[1].get_ydata() == pytest.approx(accuracy[1, 0, :2]), "a replicate that was not run is left out"
    assert len(axis.collections) == 1, "no interval of one replicate"


def test_runs_that_were_not_run_at_all_leave_their_place_empty():
    figure = figures.draw(made([[100, 100], [numpy.nan, numpy.nan]], evaluations=[[4, 4], [0, 0]]))
    assert len(figure.axes[0].lines[1].get_xdata()) == 0


def test_maps_have_queries_downwards_and_the_key_before_them_just_below_the_diagonal():
    figure = figures.draw(made([[100, 100], [100, 100], [100, 100]]))
    maps = [axis for axis in figure.axes if axis.images]
    assert [axis.get_title() for axis in maps] == 2 * [f"first layer, step {step}" for step in [0, 100, 300]]
    assert [axis.get_ylabel() for axis in maps[::3]] == ["none\nquery (token)", "key\nquery (token)"]
    for axis in maps:
        shown = axis.images[0].get_array()
        assert axis.images[0].origin == "upper" and axis.get_xlabel() == "key (token)"
        assert numpy.array_equal(shown, [[1, 0, 0], [1, 0, 0], [0, 1, 0]])
    last = [axis for axis in figure.axes if "last token" in axis.get_title()]
    assert numpy.allclose(last[0].collections[0].get_array().reshape(4, 3), [[0, 0.1, 0.2]] * 4)


def test_the_programs_maps_are_queries_by_keys(trained):
    first = trained["first_attention"]
    assert first.dims[-2:] == ("query", "key")
    assert numpy.allclose(first.sum("key"), 1) and (numpy.triu(first.values, 1) == 0).all(), "causal"
    assert numpy.ptp(first.sum("query").values) > 0.5, "were these sums 1 too, a transposed map would pass"
    items, labels = [0, 2], [1, 3]
    to_items = numpy.mean([first.values[..., q, k] for q, k in zip(labels, items)], axis=0)
    assert numpy.allclose(to_items, trained["previous_token"])
    shown = [axis for axis in figures.draw(trained).axes if axis.images][5].images[0].get_array()
    assert numpy.allclose(shown, first.isel(stream=1, evaluation=3).mean("replicate"))


@pytest.mark.parametrize("lines, labels", [
    ([], ["this run"]),
    (["sweep.replicates = 2"], ["this run"]),
    (["training.steps = 0"], ["this run"]),
    (["sweep.task.burstiness = {values = [1, 2]}"], ["1", "2"]),
    (["sweep.training.evaluate_every = {values = [20, 30]}"], ["20", "30"]),
    (["sweep.task.pairs = {values = [2, 4]}"], ["2", "4"]),
    (["sweep.exclude = 'task.noise > 1 and task.zipf > 1.5'", "sweep.task.noise = {values = [0.5, 2.0]}",
      "sweep.task.zipf = {values = [1.0, 2.0]}", "sweep.replicates = 2"], ["0.5, 1", "0.5, 2", "2, 1"]),
    (["sweep.training.rate = {linspace = [0.01, 0.07, 7]}"], [f"0.0{k}" for k in range(1, 8)]),
])
def test_whatever_is_swept_has_its_lines(tmp_path, lines, labels):
    dataset = result(tmp_path, *lines)
    figure = figures.draw(dataset)
    rows = [line.split("  ")[0] for line in compare.table(dataset).splitlines()[1:]]
    assert rows[: len(labels)] == labels and rows[len(labels)].startswith("criterion")
    assert [line.get_label() for line in figure.axes[0].lines[: len(labels)]] == labels
    figure.savefig(tmp_path / "x.png")


def test_the_comparison_by_hand():
    settings = 'training.criterion = 0.95\nmodel.layers = 2\ntask.classes = 256'
    dataset = made([[1000, 2000, 3000], [900, 1600, numpy.nan], [numpy.nan] * 3, [500, 1400, 2400]],
                   evaluations=[[4, 4, 4], [4, 4, 4], [4, 4, 0], [4, 4, 4]], config=settings)
    lines = compare.table(dataset).splitlines()
    # One was not run. Pairs: -10% and -20%; -50%, -30% and -20%, whose standard deviation is 15.28.
    assert [re.split(r" {2,}", line) for line in lines[:5]] == [
        ["stream", "reached", "steps to it", "from none", "95% interval", "published", "port"],
        ["none", "3 of", "3", "2,000 ± 577", "-", "-", "30,500"],
        ["query", "2 of", "3", "1,250 ± 350", "-15.0%", "-78.5 to +48.5", "24,500"],
        ["key", "0 of", "2", "-", "-", "-", "29,500"],
        ["value", "3 of", "3", "1,433 ± 549", "-33.3%", "-71.3 to +4.6", "-24%", "24,500, 25,500"],
    ]
    assert lines[5].startswith("criterion: accuracy of 0.95 on novel classes")
    assert "note: task.classes is 256 here and 512 in the published runs" in lines
    assert not any("model.layers" in line or "criterion is" in line for line in lines)
    assert lines[-2] == "published: Burns, Fukai & Earls 2024, arXiv 2412.15113"


def test_the_published_file_has_the_published_settings(tmp_path):
    run = Program(tmp_path)("run", ROOT / "experiments/icl_transformer/streams.toml", "--set", "training.steps=0", "--set",
                            "training.test_sequences=10", "--set", "sweep.replicates=1", "--set",
                            'training.checkpoints=""', "--output", "x.h5")
    assert run.returncode == 0, run.stderr
    with ecphory_analysis.open(tmp_path / "x.h5") as dataset:
        text = compare.table(dataset)
    assert "note:" not in text and "port: " in text


def test_published_numbers_stand_beside_streams_only():
    dataset = made([[1000], [500]]).rename(stream="burstiness").assign_coords(burstiness=[1, 2])
    text = compare.table(dataset)
    assert "published" not in text and "30,500" not in text and "-50.0%" in text


def plane(evaluations):
    """A file over classes, in descending order, and burstiness, with replicates of so many evaluations. Accuracy is 0.1 a
    point, 0.01 an evaluation, and 0.4 more in weights."""
    number = numpy.arange(max(evaluations))
    accuracy = (numpy.arange(6).reshape(2, 3, 1, 1, 1) / 10 + numpy.array([0, 0, 0, 0.4])[:, None] + number / 100)
    accuracy = numpy.where(number < numpy.array(evaluations)[:, None, None], accuracy, numpy.nan)
    return xarray.Dataset({"accuracy": (("classes", "burstiness", "replicate", "test_set", "evaluation"), accuracy)},
                          coords={"classes": [64, 16], "burstiness": [1, 2, 4], "test_set": SETS})


def test_the_plane_has_classes_across_and_burstiness_upwards():
    in_context, in_weights = [axis for axis in figures.draw(plane([4, 4])).axes if axis.collections and axis.get_title()]
    for axis, extra in [(in_context, 0), (in_weights, 0.4)]:
        mesh = axis.collections[0]
        by_hand = numpy.array([[0.3, 0.0], [0.4, 0.1], [0.5, 0.2]]) + extra + 0.03  # (burstiness, classes)
        assert numpy.allclose(mesh.get_array().reshape(3, 2), by_hand)
        assert axis.get_xscale() == "log" and axis.get_xlabel() == "classes K"
        assert axis.get_xticks().tolist() == [16, 64] and axis.get_yticks().tolist() == [1, 2, 4]
        assert axis.texts[0].get_text() == f"{by_hand[0, 0]:.2f}" and axis.texts[0].get_position() == (16, 1)
    assert in_context.get_ylabel() == "burstiness B"


def test_the_plane_shows_the_last_evaluation_that_each_run_has():
    mesh = figures.draw(plane([2, 4])).axes[0].collections[0]
    assert mesh.get_array().reshape(3, 2)[0, 1] == pytest.approx((0.01 + 0.03) / 2)


def test_cells_have_their_value_in_the_middle_of_a_logarithmic_axis():
    assert phases.edges(numpy.array([16, 64, 256])) == pytest.approx([8, 32, 128, 512])
    assert phases.edges(numpy.array([3])) == pytest.approx([3 / 2**0.5, 3 * 2**0.5])
