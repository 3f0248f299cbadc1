"""Branches of fixed points over a parameter: overlaps and energy, dashed where unstable, special points marked."""

import numpy

from . import style

MARKS = {"fold": "o", "pitchfork": "D", "transcritical": "X", "branch_point": "s", "hopf": "^"}


def fits(dataset):
    return "special_kind" in dataset and "overlap" in dataset and dataset["overlap"].dims[-3:] == ("branch", "step",
                                                                                                    "pattern")


def line(axis, x, y, unstable, colour):
    """One branch: stable and unstable stretches, each with the point before it."""
    for here, dashes in [(unstable == 0, "-"), (unstable > 0, ":")]:
        shown = here | numpy.append(here[1:], False)
        axis.plot(x, numpy.where(shown, y, numpy.nan), dashes, color=colour, lw=1.8)


def draw(dataset):
    """Overlaps with up to two patterns and, if there is one, the energy; the first point of a sweep."""
    first = dataset.isel({name: 0 for name in dataset["overlap"].dims[:-3]})
    shown = min(first.sizes["pattern"], 2)
    quantities = [(first["overlap"].isel(pattern=k), f"overlap with pattern {k}") for k in range(shown)]
    if first["energy"].notnull().any():
        quantities.append((first["energy"], "energy"))
    drawn, axes = style.figure(len(quantities), size=(6.4, 0.8 + 2.2 * len(quantities)))
    for axis, (quantity, name) in zip(axes[:, 0], quantities, strict=True):
        for b in range(first.sizes["branch"]):
            branch = first.isel(branch=b)
            x, y = branch["parameter"].values, quantity.isel(branch=b).values
            line(axis, x, y, branch["unstable"].values, style.COLOURS[b % len(style.COLOURS)])
            there = numpy.isfinite(branch["special_parameter"].values)
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
        axes[0, 0].legend(frameon=False)
    axes[-1, 0].set_xlabel(style.label(first["parameter"]))
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn
