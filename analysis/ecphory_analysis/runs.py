"""Training runs: one axis for all that is swept, courses over training, and differences between runs in pairs.

Points of a sweep with the same replicate share their data and initial weights, so what a setting does shows best in the
differences between runs of one replicate.
"""

import math

import numpy

from .grids import axes_of


def runs_of(dataset):
    """The dataset over (run, replicate, ...), and the names of the settings that tell runs apart; the coordinate `run`
    has their values as text. A file without a sweep is one run, and one without replicates has one of each."""
    if "replicate" not in dataset.dims:
        dataset = dataset.expand_dims("replicate")
    swept = [name for name in dataset["steps_to_criterion"].dims if name != "replicate"]
    names = axes_of(dataset) if swept == ["point"] else swept
    stacked = dataset.stack(run=swept) if swept else dataset.expand_dims("run")
    columns = [[f"{value:g}" if isinstance(value, float) else str(value) for value in stacked[name].values]
               for name in names]
    labels = [", ".join(values) for values in zip(*columns)] if names else ["this run"]
    return stacked.drop_vars(["run", *swept], errors="ignore").assign_coords(run=labels), names


def course(run, name, **where):
    """Steps (evaluation) and values (replicate, evaluation, ...) of a result of one run of runs_of.

    Replicates that were not run are left out. The course ends where the first replicate does: what goes on after that is
    no fair sample, since replicates stop early when they learn fast.
    """
    looks = evaluations(run)
    done, length = looks > 0, min(looks[looks > 0], default=0)
    values = run[name].sel(where) if where else run[name]
    order = ["replicate", "evaluation", *(dim for dim in values.dims if dim not in ("replicate", "evaluation"))]
    steps = run["step"].transpose("replicate", "evaluation").values[done, :length]
    return steps[0] if done.any() else numpy.zeros(0), values.transpose(*order).values[done, :length]


def evaluations(run):
    """How many evaluations each replicate has; 0 if it was not run. After them reals are NaN and integers 0."""
    return numpy.isfinite(run["accuracy"]).all("test_set").sum("evaluation").values


def steps_trained(run):
    """Steps of training of each replicate."""
    return run["step"].max("evaluation").values


def t_quantile(freedom):
    """The 97.5% quantile of Student's t.

    With t = sqrt(freedom) tan(angle) its density is that of angle, cos^(freedom - 1) up to a factor, on a quarter circle
    to either side; the sum over midpoints is that integral to 1e-7.
    """
    edges = numpy.linspace(0, math.pi / 2, 100_001)
    below = numpy.concatenate([[0], numpy.cumsum(numpy.cos((edges[1:] + edges[:-1]) / 2) ** (freedom - 1))])
    return math.sqrt(freedom) * math.tan(numpy.interp(0.95 * below[-1], below, edges))


def mean_and_half(values):
    """The mean over the first axis, and half of its 95% Student-t interval; NaN for what the number does not allow."""
    n = len(values)
    mean = values.mean(axis=0) if n else numpy.full(values.shape[1:], numpy.nan)
    if n < 2:
        return mean, numpy.full(values.shape[1:], numpy.nan)
    return mean, t_quantile(n - 1) * values.std(axis=0, ddof=1) / math.sqrt(n)


def changes(first, other):
    """By how many percent each replicate takes more steps in `other` than in `first`, of those that end in both."""
    both = numpy.isfinite(first) & numpy.isfinite(other) & (first > 0)
    return 100 * (other[both] / first[both] - 1)
