"""The figure that fits a result."""

from . import curves, scores, style, temperature
from .results import ResultError

#: Kinds of figures, the most special first: a module with fits(dataset) and draw(dataset).
KINDS = [scores, temperature, curves]


def draw(dataset):
    """The matplotlib figure of the first kind that fits; replicates are averaged first.

    Raises ResultError when none does.
    """
    drawable = dataset
    if "replicate" in dataset.dims:
        drawable = dataset.drop_vars(["status", "message"], errors="ignore").mean("replicate", keep_attrs=True)
        drawable["config"] = dataset["config"]
    for kind in KINDS:
        if kind.fits(drawable):
            drawn = kind.draw(drawable)
            style.note_missing(drawn, dataset)
            return drawn
    held = ", ".join(f"{name} ({', '.join(array.dims)})" for name, array in dataset.data_vars.items())
    kinds = "; ".join(kind.__doc__.strip().rstrip(".") for kind in KINDS)
    raise ResultError(f"no figure fits this file, which holds {held}; figures there are: {kinds}")
