"""Accuracy over training and steps to the criterion, from drawn weights and from constructed ones."""

import numpy

from . import style
from .learning import colours_of, lines
from .results import ResultError, config_of
from .runs import evaluations, mean_and_half, runs_of, steps_trained

DRAWS_REPLICATES = True
STARTS = {"random": "drawn weights", "amicl_attention": "AMICL's attention,\ndrawn read-out", "amicl": "AMICL"}
SETS = {"in_context": "accuracy on novel classes,\nin context", "in_weights": "accuracy on known classes,\nin weights"}


def fits(dataset):
    return ("steps_to_criterion" in dataset and "accuracy" in dataset and "initial" in dataset["steps_to_criterion"].dims
            and {"test_set", "evaluation"} <= set(dataset["accuracy"].dims))


def draw(dataset):
    """A column for each start, with means over replicates and 95% t bands, one colour a run; then all steps to the
    criterion. Steps are linear up to the second look at the test sets, logarithmic after it."""
    try:
        config = config_of(dataset)
    except ResultError:
        config = {}
    starts = [str(name) for name in dataset["initial"].values]
    columns = [runs_of(dataset.sel(initial=name)) for name in starts]
    names = columns[0][1]
    last = max(float(steps_trained(runs).max()) for runs, _ in columns)
    looks = [steps_trained(run) / numpy.maximum(evaluations(run) - 1, 1) for runs, _ in columns
             for run in (runs.isel(run=k) for k in range(runs.sizes["run"]))]
    every = max(1, int(numpy.max(looks)))
    drawn, axes = style.figure(2, len(starts) + 1, size=(3.1 * len(starts) + 4.2, 6.2))
    colours = colours_of(columns[0][0].sizes["run"])
    for (runs, _), start, of_start in zip(columns, starts, axes.T):
        for axis, name in zip(of_start, SETS):
            lines(runs, colours, axis, "accuracy", test_set=name)
            if "labels" in config.get("task", {}):
                axis.axhline(1 / config["task"]["labels"], color="#BBBBBB", lw=0.8, zorder=1)
            step_scale(axis, "x", every, last)
            axis.set(ylim=(-0.02, 1.02), xlim=(0, None))
        of_start[0].set(title=STARTS.get(start, start), xlabel="")
    for axis, label in zip(axes[:, 0], SETS.values()):
        axis.set_ylabel(label)
    for axis in axes[:, 1:-1].flat:
        axis.set_yticklabels([])
    steps = axes[0, -1]
    steps.set_subplotspec(steps.get_gridspec()[:, -1])
    axes[1, -1].remove()
    steps_to_criterion(columns, starts, colours, steps, every, last, config.get("training", {}).get("criterion"))
    if names:
        style.legend_beside(steps, title=", ".join(names))
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn


def step_scale(axis, which, every, last):
    """Steps 0 to `last` along x or y, with ticks that stand apart from 0."""
    getattr(axis, f"set_{which}scale")("symlog", linthresh=every, linscale=0.4)
    ticks = [0, *(10**n for n in range(10) if 2 * every <= 10**n <= last)]
    getattr(axis, f"set_{which}ticks")(ticks, [f"{step:,}" for step in ticks])


def steps_to_criterion(columns, starts, colours, axis, every, last, criterion):
    """A dot a replicate and a line at their mean; a triangle where training ended first."""
    width = 0.8 / len(colours)
    for place, (runs, _) in enumerate(columns):
        for k, colour in enumerate(colours):
            run = runs.isel(run=k)
            steps = run["steps_to_criterion"].values
            at = place + (k - (len(colours) - 1) / 2) * width
            across = at + width * numpy.linspace(-0.25, 0.25, len(steps)) * (len(steps) > 1)
            axis.plot(across, steps, "o", ms=3.5, color=colour, label=str(run["run"].values) if place == 0 else None)
            missed = numpy.isnan(steps) & (evaluations(run) > 0)
            axis.plot(across[missed], steps_trained(run)[missed], "^", ms=5, mfc="none", color=colour)
            mean, _ = mean_and_half(steps[numpy.isfinite(steps)])
            axis.plot([at - 0.4 * width, at + 0.4 * width], [mean, mean], color=colour, lw=1.8)
    step_scale(axis, "y", every, last)
    axis.set_ylim(bottom=-0.4 * every)
    axis.set_xticks(range(len(starts)), [STARTS.get(name, name).replace(", ", ",\n").replace(" ", "\n", 1)
                                         for name in starts], fontsize=9)
    asked = "the criterion" if criterion is None else f"{100 * criterion:g}% in context"
    axis.set(xlim=(-0.6, len(starts) - 0.4), ylabel=f"steps to {asked}", xlabel="weights at the start")
