"""Figures of experiments/bridge: starts of training, and the bound of the attention outside."""

import math

import numpy
import pytest
import xarray

from ecphory_analysis import closeness, figures
from test_learning import made, markers

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    from matplotlib import pyplot

    pyplot.close("all")


def from_starts(**steps):
    """Datasets of test_learning.made with these steps (stream, replicate), side by side over `initial`."""
    each = [made(of_start) for of_start in steps.values()]
    all_of_them = xarray.concat([one.drop_vars("config") for one in each], dim="initial")
    return all_of_them.assign(config=each[0]["config"]).assign_coords(initial=list(steps))


def test_each_start_has_its_column_and_all_have_their_steps_in_one_axis():
    figure = figures.draw(from_starts(random=[[300, 200], [200, numpy.nan]], amicl_attention=[[100, 100], [100, 200]],
                                      amicl=[[0, 0], [0, 0]]))
    assert [axis.get_title() for axis in figure.axes if axis.get_title()] == [
        "drawn weights", "AMICL's attention,\ndrawn read-out", "AMICL"]
    [axis] = [axis for axis in figure.axes if axis.get_ylabel() == "steps to 95% in context"]
    dots = markers(axis, "o")
    assert [round(x) for x, y in dots if y == y] == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert [y for _, y in dots if y == y] == [300, 200, 200, 100, 100, 100, 200, 0, 0, 0, 0]
    [(x, y)] = markers(axis, "^")  # that replicate ended at its fourth look without the criterion
    assert round(x) == 0 and y == 300
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["none", "query"]


def test_training_files_without_starts_have_the_figure_that_they_had():
    titles = [axis.get_title() for axis in figures.draw(made([[100, 200], [200, 300]])).axes]
    assert "drawn weights" not in titles and "novel classes, in context" in titles


@pytest.mark.parametrize("beta", [1, 10, 100, 1e4])
@pytest.mark.parametrize("mean, deviation", [(0.2, 0.05), (0.2, 0.001), (0.1, 0.1), (-0.1, 0.05)])
def test_the_expected_weight_is_that_of_a_quadrature(beta, mean, deviation):
    x = numpy.linspace(-12, 12, 2_000_001)
    density = numpy.exp(-x**2 / 2) / math.sqrt(2 * math.pi)
    weight = numpy.exp(numpy.minimum(0, -beta * (mean + deviation * x) - math.log(2)))
    expected = (density * weight).sum() * (x[1] - x[0])
    [found] = closeness.expected_weight(beta, 2, numpy.array([mean]), numpy.array([deviation]))
    # Where the tail is far out it is its asymptotic form, off by 2/z^4 of itself, z > 8.
    assert abs(found - expected) <= 6e-4 * expected + 1e-30
