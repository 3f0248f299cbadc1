"""The figure that fits a result."""

from . import capacity, continuation, curves, landscape, loss, panels, points, relaxation, scores, strips, style, temperature, trial
from .results import ResultError

#: Kinds of figures, the most special first: a module with fits(dataset) and draw(dataset).
KINDS = [scores, strips, relaxation, trial, capacity, continuation, landscape, panels, temperature, loss, curves, points]


def averaged(dataset):
    """The dataset with the means over replicates of its reals, and without other arrays over replicates."""
    means = {name: array.mean("replicate", keep_attrs=True) for name, array in dataset.data_vars.items()
             if "replicate" in array.dims and array.dtype.kind == "f"}
    return dataset.drop_dims("replicate").assign(means)


def draw(dataset):
    """The matplotlib figure of the first kind that fits; replicates are averaged first.

    Raises ResultError when none does.
    """
    drawable = averaged(dataset) if "replicate" in dataset.dims else dataset
    for kind in KINDS:
        if kind.fits(drawable):
            drawn = kind.draw(drawable)
            style.note_missing(drawn, dataset)
            return drawn
    held = ", ".join(f"{name} ({', '.join(array.dims)})" for name, array in dataset.data_vars.items())
    kinds = "; ".join(kind.__doc__.strip().rstrip(".") for kind in KINDS)
    raise ResultError(f"no figure fits this file, which holds {held}; figures there are: {kinds}")
