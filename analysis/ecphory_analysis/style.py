"""What all figures share."""

import re

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as pyplot  # noqa: E402  (after the backend)

#: Okabe & Ito's palette, safe for the colour-blind.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]


def label(array):
    """Axis label of an array: its meaning, and its unit if it has one."""
    text = re.sub(r"; \d[ :].*", "", array.attrs.get("long_name", array.name))  # what single values stand for
    units = array.attrs.get("units", "1")
    return text if units == "1" else f"{text} [{units}]"


def figure(rows=1, columns=1, size=(6.4, 4.2)):
    """A figure and its axes (always an array), without top and right spines."""
    drawn, axes = pyplot.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
    return drawn, axes


def legend_beside(axis, title=None):
    """A legend to the right of the axis, where it covers no data."""
    axis.legend(title=title, frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1.02), borderaxespad=0)


def note_missing(drawn, dataset):
    """Says in the figure how many points were not done."""
    if "status" not in dataset:
        return
    missing = int(dataset["status"].isin([0, 2]).sum())  # 1 is done, 3 was not needed
    if missing:
        drawn.text(0.01, 0.005, f"{missing} of {dataset['status'].size} points missing", fontsize=8, color="#AA0000")
