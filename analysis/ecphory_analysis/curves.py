"""Accuracy over a, one line for each value of another dimension."""

import numpy

from . import published, style
from .results import config_of


def fits(dataset):
    return "accuracy" in dataset and "a" in dataset.dims and len(dataset["accuracy"].dims) <= 2


def draw(dataset):
    """Lines with their 95% Wilson bands; the published numbers where the settings are theirs."""
    drawn, axes = style.figure()
    axis = axes[0, 0]
    dataset = dataset.sortby("a")
    others = [name for name in dataset["accuracy"].dims if name != "a"]
    if others:
        coordinate = dataset[others[0]]
        numeric = numpy.issubdtype(coordinate.dtype, numpy.number)
        shades = style.pyplot.get_cmap("viridis")(numpy.linspace(0, 0.9, coordinate.size))
        for i, value in enumerate(coordinate.values):
            line(axis, dataset.isel({others[0]: i}), shades[i] if numeric else style.COLOURS[i % 6], str(value))
        axis.legend(title=others[0], frameon=False)
    else:
        line(axis, dataset, style.COLOURS[0], "this run", marker="o")
        if not published.differing_settings(config_of(dataset), published.AMICL_SETTINGS):
            axis.plot(*zip(*published.AMICL_TABLE.items()), "D", mfc="none", ms=9, color=style.COLOURS[1],
                      label="published")
            axis.legend(frameon=False, loc="lower right")
    axis.set(xlabel=style.label(dataset["a"]), ylabel="accuracy", ylim=(-0.02, 1.02))
    axis.set_title(dataset.attrs.get("title", ""))
    return drawn


def line(axis, dataset, colour, label, marker=None):
    axis.plot(dataset["a"], dataset["accuracy"], color=colour, label=label, marker=marker, lw=1.6)
    axis.fill_between(dataset["a"], dataset["accuracy_low"], dataset["accuracy_high"], color=colour, alpha=0.25, lw=0)
