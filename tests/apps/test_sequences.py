"""The experiment sequences: its scores where the answer is known."""

import h5py
import numpy
import pytest

#: Few patterns, one update each; every cue is a pattern.
PLAIN = """\
experiment = "sequences"
model = {name = "sequence", exponent = 5, neuron = "binary"}
task = {neurons = 200, patterns = 8, cues = 8, level = 0.0, retrieved_above = 0.8, hidden = "silent"}
integrator = {method = "synchronous", step = 1.0, duration = 40.0}
"""
MIXED = ["model.exponent=10", "model.mixed=true", "model.stages=5", "model.strength=2.5"]
CONTINUOUS = ["model.neuron=graded", "model.mixed=true", "model.exponent=3", "model.tau=1", "integrator.duration=500",
              "integrator.method=dormand_prince"]


@pytest.fixture
def scores(ecphory, experiment):
    def run(*settings):
        done = ecphory("run", experiment(PLAIN), "--output", "x.h5", "--force",
                       *(part for setting in settings for part in ("--set", setting)))
        assert done.returncode == 0, done.stderr
        with h5py.File(ecphory.folder / "x.h5") as file:
            return {name: array[()] for name, array in file.items() if array.shape == () and name != "config"}

    return run


def test_a_sequence_that_is_recalled_has_all_its_transitions_at_the_pace_of_the_updates(scores):
    here = scores()
    assert (here["recalled"], here["in_order"], here["transitions"], here["lost"]) == (1, 1, 40, 0)
    assert (here["dwell"], here["dwell_variance"]) == (1, 0)
    assert here["recalled_low"] < 1 and here["in_order_low"] > here["recalled_low"], "320 transitions, 8 sequences"


def test_a_slow_current_over_five_updates_holds_a_pattern_for_five(scores):
    here = scores(*MIXED)
    assert here["recalled"] == here["in_order"] == 1
    assert (here["dwell"], here["dwell_variance"]) == (5, 0)


def test_a_sequence_with_an_end_is_recalled_from_its_first_pattern_only(scores):
    # Beyond the end crosstalk alone drives the network, and it goes anywhere.
    assert scores("model.cyclic=false")["recalled"] == 1 / 8
    assert scores("model.cyclic=false", "task.transitions=3")["recalled"] == 5 / 8


def test_an_overloaded_network_recalls_nothing(scores):
    here = scores("model.exponent=1", "task.patterns=160")
    assert here["recalled"] == 0 and here["lost"] > 0.8


def test_patterns_that_hold_themselves_have_no_transition_and_no_pace(scores):
    here = scores(*MIXED, "model.strength=0")
    assert here["recalled"] == here["transitions"] == here["lost"] == 0
    assert all(numpy.isnan(here[name]) for name in ["in_order", "in_order_low", "dwell", "dwell_variance"])


def test_in_continuous_time_the_pace_is_that_of_the_delay_line(scores):
    fast, slow = (scores(*CONTINUOUS, f"model.tau_slow={tau}") for tau in [25, 50])
    for here in [fast, slow]:
        assert here["recalled"] == here["in_order"] == 1 and 0 < here["lost"] < 0.5
    # Known to the interval of 1 ms; tau = 1 ms is short beside both.
    assert slow["dwell"] / fast["dwell"] == pytest.approx(2, rel=0.1)
