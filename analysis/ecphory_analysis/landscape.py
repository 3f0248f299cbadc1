"""Fixed points: a section through their basins, or their number and kinds over a swept setting, or their energies."""

import numpy

from . import style


def fits(dataset):
    return "class" in dataset and "fixed_point" in dataset.dims


def kinds_of(dataset):
    return dataset["class"].attrs["flag_meanings"].split()


def draw(dataset):
    """A sweep over one setting gives numbers and shares by kind; one point gives energies, and its section."""
    swept = [name for name in dataset["class"].dims if name != "fixed_point"]
    if "section" in dataset and not swept:
        drawn, axes = style.figure(1, 2, size=(11.5, 4.2))
        section(dataset, drawn, axes[0, 0])
        energies(dataset, axes[0, 1])
        axes[0, 1].set_title("fixed points")
    elif len(swept) == 1 and numpy.issubdtype(dataset[swept[0]].dtype, numpy.number):
        drawn, axes = style.figure(2, 1, size=(6.4, 6.0))
        over(dataset.sortby(swept[0]), swept[0], axes[:, 0])
    else:
        drawn, axes = style.figure()
        energies(dataset.isel({name: 0 for name in swept}), axes[0, 0])
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn


def section(dataset, drawn, axis):
    reached = dataset["section"]
    known = [int(value) for value in numpy.unique(reached) if value >= 0]
    colours = ["#DDDDDD"] + [style.COLOURS[k % len(style.COLOURS)] for k in range(len(known))]
    shown = numpy.zeros(reached.shape, dtype=int)
    for k, pattern in enumerate(known):
        shown[reached.values == pattern] = k + 1
    axis.pcolormesh(dataset["across"], dataset["up"], shown, shading="nearest", vmin=-0.5, vmax=len(known) + 0.5,
                    cmap=style.matplotlib.colors.ListedColormap(colours))
    for k, pattern in enumerate(known):
        axis.plot([], [], "s", color=colours[k + 1], label=f"pattern {pattern}")
    if (reached < 0).any():
        axis.plot([], [], "s", color=colours[0], label="none")
    style.legend_beside(axis)
    axis.set(xlabel=style.label(dataset["across"]), ylabel=style.label(dataset["up"]), aspect="equal")
    axis.set_title("retrieved from there")


def energies(dataset, axis):
    """Energy over the cosine with the nearest pattern, a colour for each kind; saddles are open."""
    dataset = dataset[["class", "basin", "index", "cosine", "energy"]].load()
    for k, kind in enumerate(kinds_of(dataset)):
        chosen = (dataset["class"] == k) & (dataset["basin"] > 0)
        for stable in [True, False]:
            points = dataset[["cosine", "energy"]].isel(
                fixed_point=numpy.flatnonzero(chosen & ((dataset["index"] == 0) == stable)))
            if points.sizes["fixed_point"]:
                axis.plot(points["cosine"], points["energy"], "o" if stable else "D", ms=6, color=style.COLOURS[k],
                          mfc=style.COLOURS[k] if stable else "none", ls="",
                          label=f"{kind.replace('_', ' ')}{'' if stable else ', saddle'}")
    axis.set(xlabel="cosine with the nearest pattern", ylabel="energy",
             xlim=(float(dataset["cosine"].where(dataset["basin"] > 0).min()) - 0.1, 1.05))
    axis.ticklabel_format(useOffset=False)
    style.legend_beside(axis)


def over(dataset, name, axes):
    for k, kind in enumerate(kinds_of(dataset)):
        chosen = (dataset["class"] == k) & (dataset["basin"] > 0)
        colour = style.COLOURS[k]
        axes[0].plot(dataset[name], chosen.sum("fixed_point"), "o-", ms=4, color=colour, label=kind.replace("_", " "))
        axes[1].plot(dataset[name], dataset["share"].where(chosen).sum("fixed_point"), "o-", ms=4, color=colour)
    logarithmic = float(dataset[name][0]) > 0 and float(dataset[name][-1] / dataset[name][0]) > 20
    for axis in axes:
        axis.set_xscale("log" if logarithmic else "linear")
    axes[0].sharex(axes[1])
    axes[0].set_ylabel("fixed points")
    axes[1].set(xlabel=style.label(dataset[name]), ylabel="share of the starts", ylim=(-0.02, 1.02))
    style.legend_beside(axes[0])
