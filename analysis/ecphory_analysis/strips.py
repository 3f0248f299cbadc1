"""Cue, retrieved and stored images, one column a cue."""

import numpy

from . import style

ROWS = ["cue_image", "retrieved_image", "stored_image"]


def fits(dataset):
    return all(name in dataset and numpy.size(dataset[name].attrs.get("image_shape")) == 2 for name in ROWS)


def draw(dataset):
    """The first point of a sweep; every image on its own grey scale."""
    first = dataset.isel({name: 0 for name in dataset["cue_image"].dims[:-2]})
    shape = numpy.asarray(first["cue_image"].attrs["image_shape"])
    n = min(first.sizes["cue"], 12)
    drawn, axes = style.figure(len(ROWS), n, size=(0.9 + 1.1 * n, 3.9))
    for row, name in enumerate(ROWS):
        for column in range(n):
            axis = axes[row, column]
            axis.imshow(first[name].isel(cue=column).values.reshape(shape), cmap="gray")
            axis.set(xticks=[], yticks=[])
        axes[row, 0].set_ylabel(name.removesuffix("_image"))
    for column in range(n):
        axes[-1, column].set_xlabel(f"cue {column}")
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn
