"""A result of points that are no grid, over each of the settings that they differ in."""

import numpy

from . import style

#: What is shown, the first that the file has; else its first real number of a point.
RESULTS = ["accuracy", "retrieved"]


def swept_numbers(dataset):
    """Names of the coordinates over the points that are numbers."""
    return [name for name, array in dataset.coords.items()
            if array.dims == ("point",) and name != "point" and numpy.issubdtype(array.dtype, numpy.number)]


def result_of(dataset):
    """The name of the result that is shown; None when there is none."""
    reals = [name for name, array in dataset.data_vars.items() if array.dims == ("point",) and array.dtype.kind == "f"]
    return next((name for name in [*RESULTS, *reals] if name in reals), None)


def fits(dataset):
    return bool(swept_numbers(dataset)) and result_of(dataset) is not None


def draw(dataset):
    """One panel a setting, up to six, in the colours of the first; a logarithmic axis where most values are small."""
    keys = swept_numbers(dataset)[:6]
    result = dataset[result_of(dataset)]
    drawn, axes = style.figure(1, len(keys), size=(1.2 + 2.8 * len(keys), 3.6))
    shade = dataset[keys[0]].values.argsort().argsort() if len(keys) > 1 else numpy.zeros(result.size)
    for axis, key in zip(axes[0], keys, strict=True):
        values = dataset[key]
        axis.scatter(values, result, c=shade, cmap="viridis", s=14, alpha=0.8, linewidths=0)
        finite = values.values[numpy.isfinite(values.values)]
        if finite.size and finite.min() > 0 and numpy.median(finite) < finite.max() / 5:
            axis.set_xscale("log")
        units = values.attrs.get("units", "1")
        axis.set_xlabel(key if units == "1" else f"{key} [{units}]")
    axes[0, 0].set_ylabel(style.label(result))
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn
