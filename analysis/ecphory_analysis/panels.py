"""Success with its 95% Wilson interval, latency, and crosstalk where there is one, over a swept setting."""

import numpy

from . import style

#: Success rates that such files hold, and the panels below them.
RATES = {"retrieved": "cues completed", "accuracy": "accuracy"}
BELOW = ["latency", "crosstalk"]


def rate_of(dataset):
    return next((name for name in RATES if name in dataset), None)


def swept(dataset):
    """The swept dimensions, the longest numeric one last: it becomes the horizontal axis."""
    return sorted(dataset[rate_of(dataset)].dims,
                  key=lambda name: (numpy.issubdtype(dataset[name].dtype, numpy.number), dataset.sizes[name]))


def fits(dataset):
    return rate_of(dataset) is not None and "latency" in dataset and 1 <= len(dataset[rate_of(dataset)].dims) <= 2


def draw(dataset):
    """One line for each value of the other dimension."""
    rate = rate_of(dataset)
    *others, across = swept(dataset)
    dataset = dataset.sortby(across)
    below = [name for name in BELOW if name in dataset]
    drawn, axes = style.figure(1 + len(below), 1, size=(6.4, 2.6 + 2.2 * len(below)))
    values = dataset[others[0]].values if others else [None]
    for i, value in enumerate(values):
        line = dataset.isel({others[0]: i}) if others else dataset
        colour = style.COLOURS[i % len(style.COLOURS)]
        label = None if value is None else f"{value:g}" if isinstance(value, float) else str(value)
        axes[0, 0].plot(line[across], line[rate], color=colour, label=label, lw=1.6)
        axes[0, 0].fill_between(line[across], line[f"{rate}_low"], line[f"{rate}_high"], color=colour, alpha=0.2, lw=0)
        for axis, name in zip(axes[1:, 0], below):
            axis.plot(line[across], line[name], color=colour, lw=1.6)
    first, last = dataset[across].values[[0, -1]]
    for axis in axes[:-1, 0]:
        axis.sharex(axes[-1, 0])
    for axis in axes[:, 0]:
        axis.set_xscale("log" if first > 0 and last / first > 50 else "linear")
    axes[0, 0].set(ylim=(-0.02, 1.02), ylabel=RATES[rate])
    for axis, name in zip(axes[1:, 0], below):
        units = dataset[name].attrs.get("units", "1")
        axis.set(ylim=(0, None), ylabel=name if units == "1" else f"median {name} [{units}]")
    axes[-1, 0].set_xlabel(style.label(dataset[across]))
    if others:
        axes[0, 0].legend(title=others[0], frameon=False, fontsize=8)
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn
