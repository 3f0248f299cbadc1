"""Success with its 95% Wilson interval, and below it overlap, latency, crosstalk or order and pace, over a swept setting."""

import numpy

from . import style

#: Success rates that such files hold, and the panels below them.
RATES = {"retrieved": "cues completed", "accuracy": "accuracy", "recalled": "sequences recalled"}
BELOW = {"overlap": "final overlap", "latency": "median latency", "crosstalk": "crosstalk",
         "in_order": "transitions in order", "lost": "share of time at none", "dwell": "time at a pattern"}
WITHIN_ONE = {*RATES, "overlap", "in_order", "lost"}


def rate_of(dataset):
    return next((name for name in RATES if name in dataset), None)


def swept(dataset):
    """The swept dimensions, the longest numeric one last: it becomes the horizontal axis."""
    return sorted(dataset[rate_of(dataset)].dims,
                  key=lambda name: (numpy.issubdtype(dataset[name].dtype, numpy.number), dataset.sizes[name]))


def fits(dataset):
    return (rate_of(dataset) is not None and any(name in dataset for name in BELOW)
            and 1 <= len(dataset[rate_of(dataset)].dims) <= 2)


def band(dataset, name):
    """Lower and upper edge of what lies around a result: its interval, or a standard deviation; None without either."""
    if f"{name}_low" in dataset:
        return dataset[f"{name}_low"], dataset[f"{name}_high"]
    if f"{name}_variance" in dataset:
        spread = numpy.sqrt(dataset[f"{name}_variance"])
        return dataset[name] - spread, dataset[name] + spread
    return None


def draw(dataset):
    """One line for each value of the other dimension."""
    rate = rate_of(dataset)
    *others, across = swept(dataset)
    dataset = dataset.sortby(across)
    below = {name: text for name, text in BELOW.items() if name in dataset and dataset[name].fillna(0).any()}
    shown = {rate: RATES[rate], **below}
    drawn, axes = style.figure(len(shown), 1, size=(6.4, 0.4 + 2.2 * len(shown)))
    values = dataset[others[0]].values if others else [None]
    marker = "o" if dataset.sizes[across] < 30 else None
    for i, value in enumerate(values):
        line = dataset.isel({others[0]: i}) if others else dataset
        colour = style.COLOURS[i % len(style.COLOURS)]
        label = None if value is None else f"{value:g}" if isinstance(value, float) else str(value)
        for axis, name in zip(axes[:, 0], shown):
            axis.plot(line[across], line[name], color=colour, label=label, lw=1.6, marker=marker, ms=3)
            if (edges := band(line, name)) is not None:
                axis.fill_between(line[across], *edges, color=colour, alpha=0.2, lw=0)
    first, last = dataset[across].values[[0, -1]]
    for axis in axes[:-1, 0]:
        axis.sharex(axes[-1, 0])
    for axis, (name, text) in zip(axes[:, 0], shown.items()):
        axis.set_xscale("log" if first > 0 and last / first > 50 else "linear")
        units = dataset[name].attrs.get("units", "1")
        low = min(0, dataset[name].min(skipna=True).item()) if dataset[name].notnull().any() else 0
        axis.set(ylabel=text if units == "1" else f"{text} [{units}]",
                 ylim=(low - 0.02, 1.02) if name in WITHIN_ONE else (0, None))
    axes[-1, 0].set_xlabel(style.label(dataset[across]))
    if others:
        style.legend_beside(axes[0, 0], title=others[0])
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn
