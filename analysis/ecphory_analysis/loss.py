"""A loss over two swept settings, with its smallest value."""

import numpy

from . import style


def fits(dataset):
    return ("loss" in dataset and len(dataset["loss"].dims) == 2
            and all(numpy.issubdtype(dataset[name].dtype, numpy.number) for name in dataset["loss"].dims))


def draw(dataset):
    """A heat map; the grid point of the smallest loss is marked."""
    down, across = dataset["loss"].dims
    dataset = dataset.sortby([down, across])
    loss = dataset["loss"].transpose(down, across)
    drawn, axes = style.figure()
    axis = axes[0, 0]
    image = axis.pcolormesh(dataset[across], dataset[down], loss, cmap="viridis", shading="nearest",
                            vmax=min(float(loss.max()), 3 * float(loss.min())))
    at = loss.argmin(...)
    best = loss.isel(at)
    title = f"{dataset.attrs.get('title', '')}"
    axis.plot(best[across], best[down], "D", mfc="none", ms=9, color=style.COLOURS[1],
              label=f"{float(best):.4f} at {across} = {float(best[across]):.3g}, {down} = {float(best[down]):.3g}")
    for name, scale in [(across, axis.set_xscale), (down, axis.set_yscale)]:
        if dataset[name].min() > 0:
            scale("log")
    axis.set(xlabel=style.label(dataset[across]), ylabel=style.label(dataset[down]))
    axis.set_title(title)
    axis.legend(frameon=True, fontsize=8)
    drawn.colorbar(image, ax=axis, label=style.label(dataset["loss"]))
    return drawn
