"""How far attention layers are from the trajectory that they stand for, over the step, beta, the number of memories, depth."""

import numpy

from . import style

MARKERS = ["o", "s", "^", "D", "v", "P"]
EPSILON = {"single": 2.0**-23, "double": 2.0**-52}


def fits(dataset):
    return "worst_deviation" in dataset and "layer" in dataset.get("deviation", dataset["worst_deviation"]).dims


def draw(dataset):
    """For each precision the largest deviation over the step; then all deviations over depth, in machine epsilons. Zeros
    have no place on logarithmic axes: the two agree there to the last bit."""
    for name in ("precision", "beta", "ratio", "memories"):
        if name not in dataset["worst_deviation"].dims:
            dataset = dataset.expand_dims(name)
    others = [name for name in dataset["worst_deviation"].dims
              if name not in ("precision", "beta", "ratio", "memories", "layer")]
    dataset = dataset.max(others, keep_attrs=True) if others else dataset
    precisions = [str(value) for value in dataset["precision"].values]
    drawn, axes = style.figure(1, len(precisions) + 1, size=(4.2 * (len(precisions) + 1) + 1.2, 4.0))
    for axis, precision in zip(axes[0], precisions):
        over_steps(dataset.sel(precision=precision), axis, EPSILON.get(precision))
        axis.set_title(f"{precision} precision")
    axes[0, 0].set_ylabel("largest deviation, relative to the state")
    over_depth(dataset, axes[0, -1], precisions)
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn


def over_steps(dataset, axis, epsilon):
    for i, beta in enumerate(dataset["beta"].values):
        for k, memories in enumerate(dataset["memories"].values):
            line = dataset["worst_deviation"].sel(beta=beta, memories=memories).transpose("ratio").values
            axis.plot(dataset["ratio"], numpy.where(line > 0, line, numpy.nan), marker=MARKERS[k % len(MARKERS)], ms=4,
                      lw=1, color=style.COLOURS[i % len(style.COLOURS)],
                      label=f"β = {beta:g}, M = {memories}" + ("" if (line > 0).any() else ": equal bits"))
    if epsilon:
        axis.axhline(epsilon, color="#888888", lw=0.8, ls="--")
        axis.annotate("machine epsilon", (0.02, epsilon), xycoords=("axes fraction", "data"), ha="left", va="top",
                      fontsize=7, color="#666666")
    axis.set(xscale="log", yscale="log", xlabel="step in time constants")


def over_depth(dataset, axis, precisions):
    depth = dataset["layer"].values
    for k, precision in enumerate(precisions):
        cells = dataset["deviation"].sel(precision=precision).transpose("layer", ...).values.reshape(len(depth), -1)
        cells = cells / EPSILON.get(precision, 1)
        colour = style.COLOURS[(k + 3) % len(style.COLOURS)]
        for look, of_cells, name in (("-", numpy.nanmax(cells, axis=1), "largest"),
                                     (":", numpy.nanmedian(cells, axis=1), "median")):
            axis.plot(depth, numpy.where(of_cells > 0, of_cells, numpy.nan), look, color=colour, label=f"{precision}, {name}")
    axis.set(xscale="log", yscale="log", xlabel="layers", ylabel="deviation in machine epsilons", title="all cells over depth")
    depths, names = axis.get_legend_handles_labels()
    handles, labels = axis.figure.axes[0].get_legend_handles_labels()
    axis.legend(handles + depths, labels + names, frameon=False, fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1.02),
                borderaxespad=0)
