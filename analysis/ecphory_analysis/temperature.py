"""Accuracy over inverse temperature and a."""

from . import style


def fits(dataset):
    return "accuracy" in dataset and set(dataset["accuracy"].dims) == {"beta", "a"}


def draw(dataset):
    """A heat map with the contours of half and of 95% accuracy."""
    drawn, axes = style.figure()
    axis = axes[0, 0]
    accuracy = dataset["accuracy"].transpose("beta", "a")
    image = axis.pcolormesh(dataset["a"], dataset["beta"], accuracy, vmin=0, vmax=1, cmap="viridis", shading="nearest")
    if min(accuracy.shape) > 1:
        contours = axis.contour(dataset["a"], dataset["beta"], accuracy, levels=[0.5, 0.95], colors="white", linewidths=1)
        axis.clabel(contours, fontsize=8)
    axis.set(yscale="log", xlabel=style.label(dataset["a"]), ylabel="inverse temperature of the read-out")
    axis.set_title(dataset.attrs.get("title", ""))
    drawn.colorbar(image, ax=axis, label="accuracy")
    return drawn
