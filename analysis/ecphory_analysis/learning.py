"""Accuracy, steps to the criterion, and attention over training."""

import numpy

from . import style
from .results import ResultError, config_of
from .runs import changes, course, evaluations, mean_and_half, runs_of, steps_trained

DRAWS_REPLICATES = True
SETS = {"in_context": "novel classes, in context", "swapped": "swapped labels, in context",
        "in_weights": "known classes, in weights", "mixed": "mixed, as in training"}
STRENGTHS = {"previous_token": "attention of labels to their items\nin the first layer",
             "induction": "attention of the query to labels\nof its class, in the last layer"}


def fits(dataset):
    return ("steps_to_criterion" in dataset and "accuracy" in dataset
            and {"test_set", "evaluation"} <= set(dataset["accuracy"].dims))


def draw(dataset):
    """Means over replicates with 95% t bands, one colour a run; maps of attention for the first run and the last."""
    runs, names = runs_of(dataset)
    try:
        config = config_of(dataset)
    except ResultError:
        config = {}
    shown = sorted({0, runs.sizes["run"] - 1}) if "first_attention" in runs else []
    rows = 2 + len(shown)
    drawn, axes = style.figure(rows, 4, size=(13.5, 0.6 + 2.9 * rows))
    colours = colours_of(runs.sizes["run"])
    for axis, name in zip(axes[0], SETS):
        lines(runs, colours, axis, "accuracy", test_set=name)
        if "labels" in config.get("task", {}):
            axis.axhline(1 / config["task"]["labels"], color="#BBBBBB", lw=0.8, zorder=1)
        axis.set(title=SETS[name], ylim=(-0.02, 1.02))
    axes[0, 0].set_ylabel("accuracy")
    for axis, name in zip(axes[1, 2:], STRENGTHS):
        lines(runs, colours, axis, name)
        axis.set(title=STRENGTHS[name], ylim=(-0.02, 1.02))
    if names:
        style.legend_beside(axes[0, -1], title=", ".join(names))
    criterion = axes[1, 0]
    criterion.set_subplotspec(criterion.get_gridspec()[1, :2])
    axes[1, 1].remove()
    steps_to_criterion(runs, colours, criterion, config.get("training", {}).get("criterion"))
    criterion.set_xlabel(", ".join(names) or "this run")
    for row, k in enumerate(shown):
        attention(runs.isel(run=k), axes[2 + row], drawn)
    for axis in axes.flat:
        axis.title.set_fontsize(10)
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn


def colours_of(n):
    if n <= len(style.COLOURS):
        return style.COLOURS[:n]
    return list(style.pyplot.get_cmap("viridis")(numpy.linspace(0, 0.95, n)))


def lines(runs, colours, axis, name, **where):
    for k, colour in enumerate(colours):
        run = runs.isel(run=k)
        steps, values = course(run, name, **where)
        mean, half = mean_and_half(values)
        axis.plot(steps, mean, color=colour, lw=1.5, marker="o" if len(steps) == 1 else None, label=str(run["run"].values))
        if numpy.isfinite(half).any():
            axis.fill_between(steps, mean - half, mean + half, color=colour, alpha=0.2, lw=0)
    axis.set_xlabel("steps of training")


def steps_to_criterion(runs, colours, axis, criterion):
    """A dot a replicate, those of one replicate joined, and their mean; a triangle where training ended first. Below each
    run the mean change from the first run, in pairs, with its 95% t interval."""
    steps = runs["steps_to_criterion"].transpose("run", "replicate").values
    at, aside = numpy.arange(len(steps)), numpy.linspace(-0.12, 0.12, steps.shape[1]) if steps.shape[1] > 1 else 0
    across = at[:, None] + numpy.zeros_like(steps) + aside
    axis.plot(across, steps, color="#BBBBBB", lw=0.8, zorder=1)
    under = []
    for k, colour in enumerate(colours):
        run = runs.isel(run=k)
        missed = numpy.isnan(steps[k]) & (evaluations(run) > 0)
        axis.plot(across[k], steps[k], "o", ms=4, color=colour)
        axis.plot(across[k, missed], steps_trained(run)[missed], "^", ms=5, mfc="none", color=colour)
        axis.plot([k - 0.25, k + 0.25], 2 * [mean_and_half(steps[k, numpy.isfinite(steps[k])])[0]], color=colour, lw=1.8)
        mean, half = mean_and_half(changes(steps[0], steps[k]))
        change = f"\n{mean:+.0f}%" if k and numpy.isfinite(mean) else ""
        interval = f"\n[{mean - half:+.0f}, {mean + half:+.0f}]" if k and numpy.isfinite(half) else ""
        under.append(str(run["run"].values).replace(", ", "\n") + change + interval)
    axis.set_xticks(at, under, fontsize=9 if len(at) < 7 else 7)
    asked = "the criterion" if criterion is None else f"{100 * criterion:g}% in context"
    axis.set(xlim=(-0.5, len(at) - 0.5), ylabel=f"steps to {asked}")
    axis.set_ylim(bottom=0)


def attention(run, axes, drawn):
    """First layer, query downwards: at the start, after a third and at the end of training. Then the last token's in the
    last layer, over training."""
    steps, first = course(run, "first_attention")
    _, last = course(run, "last_attention")
    axes[0].set_ylabel(f"{run['run'].values}\nquery (token)")
    for axis in axes:
        axis.set_xlabel("key (token)")
    if not len(steps):
        return
    for axis, at in zip(axes, [0, (len(steps) - 1) // 3, len(steps) - 1]):
        image = axis.imshow(first[:, at].mean(axis=0), vmin=0, vmax=1, cmap="viridis")
        axis.set_title(f"first layer, step {steps[at]:,}")
        axis.yaxis.get_major_locator().set_params(integer=True)
    drawn.colorbar(image, cax=axes[2].inset_axes([1.04, 0, 0.05, 1]))
    image = axes[3].pcolormesh(numpy.arange(last.shape[2]), steps, last.mean(axis=0), vmin=0, cmap="viridis",
                               shading="nearest")
    axes[3].set(title="last token, last layer", ylabel="steps of training")
    drawn.colorbar(image, cax=axes[3].inset_axes([1.04, 0, 0.05, 1]))
