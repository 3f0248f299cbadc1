"""Learning in context or in weights over the number of classes and burstiness."""

import numpy

from . import style

DRAWS_REPLICATES = True
SETS = {"in_context": "novel classes: learned in context", "in_weights": "known classes: learned in weights"}


def fits(dataset):
    return ("accuracy" in dataset and {"test_set", "evaluation"} <= set(dataset["accuracy"].dims)
            and set(dataset["accuracy"].dims) - {"test_set", "evaluation", "replicate"} == {"classes", "burstiness"})


def final(accuracy):
    """The last evaluation that each run has, averaged over replicates."""
    there = accuracy.notnull()
    last = accuracy.isel(evaluation=(there.cumsum("evaluation") * there).argmax("evaluation"))
    return last.mean("replicate") if "replicate" in last.dims else last


def edges(values):
    """Bounds of the cells around values on a logarithmic axis, a factor of two in all for a single one."""
    logarithm = numpy.log(values.astype(float))
    middle = (logarithm[1:] + logarithm[:-1]) / 2
    first, last = (logarithm[0] - middle[0], logarithm[-1] - middle[-1]) if len(middle) else [-numpy.log(2) / 2,
                                                                                             numpy.log(2) / 2]
    return numpy.exp([logarithm[0] + first, *middle, logarithm[-1] + last])


def draw(dataset):
    """Two heat maps of the final accuracy, as in Reddy (2024), arXiv 2312.03002."""
    dataset = dataset.sortby(["classes", "burstiness"])
    drawn, axes = style.figure(1, len(SETS), size=(10.0, 3.8))
    classes, burstiness = dataset["classes"].values, dataset["burstiness"].values
    for axis, (name, title) in zip(axes[0], SETS.items()):
        accuracy = final(dataset["accuracy"].sel(test_set=name)).transpose("burstiness", "classes").values
        image = axis.pcolormesh(edges(classes), edges(burstiness), accuracy, vmin=0, vmax=1, cmap="viridis")
        for (j, i), value in numpy.ndenumerate(accuracy):
            if numpy.isfinite(value):
                axis.text(classes[i], burstiness[j], f"{value:.2f}", ha="center", va="center", fontsize=9,
                          color="black" if value > 0.6 else "white")
        axis.set(xscale="log", yscale="log", xlabel="classes K", title=title)
        axis.set_xticks(classes, [str(value) for value in classes])
        axis.set_yticks(burstiness, [str(value) for value in burstiness])
        axis.minorticks_off()
    axes[0, 0].set_ylabel("burstiness B")
    drawn.colorbar(image, ax=axes[0, -1], label="accuracy at the end of training")
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn
