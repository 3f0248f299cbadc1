"""The mean-field theory that measured overlaps are drawn beside."""

import numpy
import pytest

from ecphory_analysis.mean_field import overlap


@pytest.mark.parametrize("temperature", [0.2, 0.5, 0.8, 0.95])
def test_without_load_the_overlap_solves_its_equation(temperature):
    m = overlap(temperature, 0)
    assert m > 0.3 and m == pytest.approx(numpy.tanh(m / temperature), abs=1e-7)


def test_without_load_retrieval_ends_at_a_temperature_of_one():
    assert overlap(0.99, 0) == pytest.approx(numpy.sqrt(3 * 0.01), rel=0.02)  # m² = 3 (1 − T) near 1
    assert overlap(1.01, 0) == 0


def test_cold_retrieval_ends_at_the_published_load():
    # Amit, Gutfreund & Sompolinsky (1985): 0.138, with an overlap of 0.967.
    assert overlap(0, 0.1375) == pytest.approx(0.967, abs=0.01)
    assert overlap(0, 0.1390) == 0
