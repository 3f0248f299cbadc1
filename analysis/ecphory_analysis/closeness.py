"""Attention that the query's labels do not get, and errors, of AMICL as weights over the inverse temperature."""

import math

import numpy

from . import style
from .grids import unfolded
from .results import config_of
from .runs import mean_and_half

DRAWS_REPLICATES = True
SETS = {"in_context": ("novel classes", "o"), "swapped": ("swapped labels", "^")}


def fits(dataset):
    return ("induction" in dataset and "initial_beta" in dataset["induction"].dims
            and dataset.sizes.get("evaluation") == 1 and "config" in dataset)


def draw(dataset):
    """Left: dots are means over replicates with 95% t intervals, lines the bound of expected_outside. Right: errors in
    context, hollow at half an error in all sequences where there was none."""
    config = config_of(dataset)
    task, training = config.get("task", {}), config.get("training", {})
    data = unfolded(dataset).isel(evaluation=0)
    if "replicate" not in data.dims:
        data = data.expand_dims("replicate")
    if "initial_a" not in data.dims:
        data = data.expand_dims(initial_a=[float(config["model"]["initial_a"])])
    beta = data["initial_beta"].values.astype(float)
    drawn, (axes,) = style.figure(1, 2, size=(10, 4.2))
    for a, colour in zip(data["initial_a"].values, style.COLOURS):
        of_a = data.sel(initial_a=a)
        outside, half = mean_and_half(1 - of_a["induction"].transpose("replicate", "initial_beta").values)
        axes[0].errorbar(beta, outside, half, fmt="o", ms=4, capsize=2, color=colour, label=f"{a:g}")
        fine = numpy.geomspace(beta.min(), beta.max(), 60)
        axes[0].plot(fine, [min(1, expected_outside(task, float(a), b)) for b in fine], color=colour, lw=1.2)
        for name, (meaning, marker) in SETS.items():
            accuracy = of_a["accuracy"].sel(test_set=name).transpose("replicate", "initial_beta").values
            least = 0.5 / (len(accuracy) * training["test_sequences"])
            errors = numpy.maximum(1 - accuracy.mean(axis=0), least)
            some = errors > 1.5 * least
            axes[1].plot(beta, errors, "-", lw=0.8, color=colour, zorder=1)
            axes[1].plot(beta[~some], errors[~some], marker, ms=5, mfc="white", color=colour)
            axes[1].plot(beta[some], errors[some], marker, ms=4, color=colour, label=f"{a:g}, {meaning}")
    axes[0].set(xscale="log", yscale="log", xlabel="inverse temperature β", ylim=(1e-6, 1.5),
                ylabel="attention outside the query's labels")
    axes[0].legend(title="a, and its bound", frameon=False, fontsize=8)
    axes[1].set(xscale="log", yscale="log", xlabel="inverse temperature β", ylabel="errors in context (hollow: none)")
    style.legend_beside(axes[1], title="a, test set")
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn


def expected_outside(task, a, beta):
    """Upper bound of the attention outside, were scores normal for a query of given length: the sum over other tokens of
    E min(1, exp(-β Δ)/B), Δ what a token's score is below that of a label of the query's class."""
    d, b, n, noise = (float(task[name]) for name in ("dimension", "burstiness", "pairs", "noise"))
    k, likeness = a / (a + 1) ** 2, 1 / (1 + noise**2)
    m = numpy.arange(0.005, 4, 0.01)  # squared length of the query, chi-square(D)/D
    weights = numpy.exp((d / 2 - 1) * numpy.log(m) - d * m / 2 + d / 2)
    unit, same = k * numpy.sqrt(m / d), k * (a * likeness - 1) * m
    of_m = ((b + 1) * (n - b) / n * expected_weight(beta, b, same, unit * math.sqrt(1 + a * a))
            + b * b / n * expected_weight(beta, b, same, unit * abs(a - 1))
            + 2 * (n - b) * expected_weight(beta, b, k * a * likeness * m, unit * math.sqrt(2 + a * a)))
    return (weights * of_m).sum() / weights.sum()


def expected_weight(beta, copies, mean, deviation):
    """E min(1, exp(-β Δ)/copies) of normal Δ."""
    m, s = beta * mean + math.log(copies), numpy.maximum(beta * deviation, 1e-12)
    z = s - m / s
    with numpy.errstate(over="ignore", invalid="ignore"):
        near = numpy.exp(s * s / 2 - m) * below(-z)
    far = numpy.exp(-(m / s) ** 2 / 2) * z / ((z * z + 1) * math.sqrt(2 * math.pi))
    return below(-m / s) + numpy.where(z < 8, near, far)


def below(z):
    """The normal distribution."""
    return numpy.array([math.erfc(-x / math.sqrt(2)) / 2 for x in z])
