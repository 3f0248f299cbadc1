"""Branches of fixed points over a parameter: overlaps, length and energy, dotted where unstable, special points marked."""

import numpy

from . import style

MARKS = {"fold": "o", "pitchfork": "D", "transcritical": "X", "branch_point": "s", "hopf": "^"}


def fits(dataset):
    return "special_kind" in dataset and "overlap" in dataset and dataset["overlap"].dims[-3:] == ("branch", "step",
                                                                                                    "pattern")


def line(axis, x, y, unstable, changes, colour):
    """One branch: stable and unstable stretches. They meet at the special point between them, if there is one."""
    for k in numpy.flatnonzero(numpy.diff(unstable > 0))[::-1]:
        between = [value for value in changes if min(x[k : k + 2]) <= value <= max(x[k : k + 2])]
        at = between[0] if between else x[k]
        part = (at - x[k]) / (x[k + 1] - x[k]) if x[k + 1] != x[k] else 0.0
        there = [[at, at], [y[k] + part * (y[k + 1] - y[k])] * 2, unstable[[k, k + 1]]]
        x, y, unstable = (numpy.insert(old, k + 1, new) for old, new in zip([x, y, unstable], there))
    for here, dashes in [(unstable == 0, "-"), (unstable > 0, ":")]:
        axis.plot(x, numpy.where(here, y, numpy.nan), dashes, color=colour, lw=1.8)


def draw(dataset):
    """Overlaps with up to two patterns, the length of the output and, if there is one, the energy; the first point of a
    sweep."""
    first = dataset.isel({name: 0 for name in dataset["overlap"].dims[:-3]})
    shown = min(first.sizes["pattern"], 2)
    quantities = [(first["overlap"].isel(pattern=k), f"overlap with pattern {k}") for k in range(shown)]
    if "length" in first:
        quantities.append((first["length"], "length of the output"))
    if first["energy"].notnull().any():
        quantities.append((first["energy"], "energy"))
    drawn, axes = style.figure(len(quantities), size=(6.4, 0.8 + 2.2 * len(quantities)))
    for axis, (quantity, name) in zip(axes[:, 0], quantities, strict=True):
        for b in range(first.sizes["branch"]):
            branch = first.isel(branch=b)
            x, y = branch["parameter"].values, quantity.isel(branch=b).values
            there = numpy.isfinite(branch["special_parameter"].values)
            done = numpy.isfinite(x)
            line(axis, x[done], y[done], branch["unstable"].values[done], branch["special_parameter"].values[there],
                 style.COLOURS[b % len(style.COLOURS)])
            for kind, value in zip(branch["special_kind"].values[there], branch["special_parameter"].values[there],
                                   strict=True):
                nearest = numpy.nanargmin(numpy.abs(x - value))
                axis.plot(value, y[nearest], MARKS[str(kind)], color="black", ms=5, zorder=4)
        axis.set_ylabel(name)
        axis.sharex(axes[-1, 0])
    kinds = sorted({str(kind) for kind in first["special_kind"].values.ravel()} - {""})
    for kind in kinds:
        axes[0, 0].plot([], [], MARKS[kind], color="black", ms=5, ls="", label=kind.replace("_", " "))
    if kinds:
        style.legend_beside(axes[0, 0])
    axes[-1, 0].set_xlabel(style.label(first["parameter"]))
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn
