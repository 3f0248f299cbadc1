"""What the heads of a Transformer are as memories, over training."""

import numpy

from . import style
from .learning import colours_of
from .runs import course, mean_and_half, runs_of

DRAWS_REPLICATES = True
PANELS = {"effective_beta": "effective β", "untied": "values not along keys", "antisymmetric": "antisymmetric part of $W_Q^T W_K$",
          "rotation": "rotation of the flow", "layer_drift": "length of what is written,\nof the token's",
          "energy": "fall of the nearest energy\nin a whole step",
          "fixed_points": "fixed points reached", "basin": "share of values that end\nwhere the query does",
          "settling": "distance of the end from the\nhead's output, of the output", "same_token": "end attends to the\ntoken that the head does"}
SHARES = {"untied", "antisymmetric", "rotation", "basin", "same_token"}
RANDOM = {"antisymmetric": 2**-0.5, "rotation": 2**-0.5}  #: of a random matrix
LOOKS = ["--", "-", ":", "-."]


def fits(dataset):
    return {"effective_beta", "untied", "fixed_points", "energy_before"} <= set(dataset) and "step" in dataset


def draw(dataset):
    """Means over replicates with 95% t bands; one colour a run, one line style a layer; heads of a layer are averaged."""
    runs, names = runs_of(dataset)
    runs = runs.assign(energy=runs["energy_before"] - runs["energy_after"])
    runs = runs.map(lambda array: array.mean("head", keep_attrs=True) if "head" in array.dims else array, keep_attrs=True)
    drawn, axes = style.figure(3, 4, size=(13.5, 8.6))
    colours = colours_of(runs.sizes["run"])
    for k, colour in enumerate(colours):
        run = runs.isel(run=k)
        band(axes[0, 0], *course(run, "accuracy", test_set="in_context"), colour, "-", str(run["run"].values))
    axes[0, 0].set(title="accuracy in context", ylim=(-0.02, 1.02))
    for axis, (name, title) in zip(axes.flat[1:], PANELS.items()):
        for k, colour in enumerate(colours):
            run = runs.isel(run=k)
            for i, layer in enumerate(runs["layer"].values):
                band(axis, *course(run, name, layer=layer), colour, LOOKS[i % len(LOOKS)])
        axis.set_title(title)
        if name in SHARES:
            axis.set_ylim(-0.02, 1.02)
        if name in RANDOM:
            axis.axhline(RANDOM[name], color="#BBBBBB", lw=0.8, zorder=1)
        if name == "fixed_points":
            axis.set_ylim(bottom=0)
    for axis in axes.flat[1 + len(PANELS):]:
        axis.set_axis_off()
    for row in axes:
        row[0].set_ylabel("mean over replicates")
    key = axes.flat[1 + len(PANELS)]
    for k, colour in enumerate(colours):
        key.plot([], [], color=colour, label=f"{', '.join(names)} = {runs['run'].values[k]}" if names else "this run")
    for i, layer in enumerate(runs["layer"].values):
        key.plot([], [], color="#444444", ls=LOOKS[i % len(LOOKS)], label=f"layer {layer}")
    key.legend(frameon=False, loc="center", fontsize=9)
    for axis in axes[-1]:
        axis.set_xlabel("steps of training")
    for axis in axes.flat:
        axis.title.set_fontsize(10)
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn


def band(axis, steps, values, colour, look, label=None):
    mean, half = mean_and_half(values)
    axis.plot(steps, mean, look, color=colour, lw=1.4, marker="o" if len(steps) == 1 else None, ms=4, label=label)
    if numpy.isfinite(half).any():
        axis.fill_between(steps, mean - half, mean + half, color=colour, alpha=0.15, lw=0)
