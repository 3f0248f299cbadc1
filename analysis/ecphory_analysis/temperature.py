"""Accuracy over inverse temperature and a."""

import numpy

from . import style


def fits(dataset):
    if "accuracy" not in dataset or set(dataset["accuracy"].dims) != {"beta", "a"}:
        return False
    return bool(numpy.all(numpy.isfinite(dataset["beta"]) & (dataset["beta"] > 0)))  # the axis is logarithmic


def draw(dataset):
    """A heat map with the contours of half and of 95% accuracy."""
    drawn, axes = style.figure()
    axis = axes[0, 0]
    dataset = dataset.sortby(["beta", "a"])
    accuracy = dataset["accuracy"].transpose("beta", "a")
    image = axis.pcolormesh(dataset["a"], dataset["beta"], accuracy, vmin=0, vmax=1, cmap="viridis", shading="nearest")
    levels = [level for level in [0.5, 0.95] if accuracy.min() < level < accuracy.max()]
    if levels and min(accuracy.shape) > 1:
        contours = axis.contour(dataset["a"], dataset["beta"], accuracy, levels=levels, colors="white", linewidths=1)
        axis.clabel(contours, fontsize=8)
    axis.set(yscale="log", xlabel=style.label(dataset["a"]), ylabel="inverse temperature of the read-out")
    axis.set_title(dataset.attrs.get("title", ""))
    drawn.colorbar(image, ax=axis, label="accuracy")
    return drawn
