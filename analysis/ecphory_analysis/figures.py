"""The figure that fits a result."""

from . import (capacity, closeness, continuation, curves, equivalence, heads, landscape, learning, loss, mean_field, one_step,
               panels, phases, points, relaxation, scores, starts, strips, style, temperature, trial)
from .grids import unfolded
from .replicates import averaged
from .results import ResultError

#: Kinds of figures, the most special first: a module with fits(dataset) and draw(dataset). Both get averages over
#: replicates, unless it sets DRAWS_REPLICATES.
KINDS = [scores, strips, relaxation, trial, capacity, continuation, landscape, equivalence, one_step, heads, phases,
         closeness, starts, learning, mean_field, panels, temperature, loss, curves, points]


def draw(dataset):
    """The matplotlib figure of the first kind that fits; replicates are averaged first, proportions pooled, but for kinds
    that draw them.

    Raises ResultError when none does.
    """
    average = unfolded(averaged(dataset) if "replicate" in dataset.dims else dataset)
    for kind in KINDS:
        drawable = unfolded(dataset) if getattr(kind, "DRAWS_REPLICATES", False) else average
        if kind.fits(drawable):
            drawn = kind.draw(drawable)
            style.note_missing(drawn, dataset)
            return drawn
    held = ", ".join(f"{name} ({', '.join(array.dims)})" for name, array in dataset.data_vars.items())
    kinds = "; ".join(kind.__doc__.strip().rstrip(".") for kind in KINDS)
    raise ResultError(f"no figure fits this file, which holds {held}; figures there are: {kinds}")
