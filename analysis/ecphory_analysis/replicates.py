"""Replicates made one: means, and proportions with the interval of all their trials."""

import numpy

Z = 1.959963984540054  #: the normal quantile of the 95% intervals in result files
WILSON = "95% Wilson interval"


def wilson(successes, trials):
    """Proportion and both ends of its 95% Wilson (1927) score interval; NaN without trials."""
    with numpy.errstate(invalid="ignore", divide="ignore"):
        share, k = successes / trials, Z**2 / trials
        centre = (share + k / 2) / (1 + k)
        half = numpy.sqrt(share * (1 - share) * k + k**2 / 4) / (1 + k)
    return share, numpy.clip(centre - half, 0, 1), numpy.clip(centre + half, 0, 1)


def trials_of(share, low, high):
    """The number of trials of a proportion with that Wilson interval. A file need not say it, and it may be swept or
    differ between replicates.

    With h half the interval's width and k = Z²/n, h² (1 + k)² = p (1 − p) k + k²/4: a quadratic equation for 1/k with
    one positive root.
    """
    square = ((high - low) / 2) ** 2
    b = 2 * square - share * (1 - share)
    with numpy.errstate(invalid="ignore"):
        return numpy.rint(Z**2 * (numpy.sqrt(b**2 + square * (1 - 4 * square)) - b) / (2 * square))


def proportions(dataset):
    """Names of the results over replicates that stand between ends of a Wilson interval."""
    return [name for name, array in dataset.data_vars.items()
            if "replicate" in array.dims and f"{name}_high" in dataset
            and WILSON in dataset.get(f"{name}_low", array).attrs.get("long_name", "")]


def pooled(share, low, high):
    """Proportion and interval of the trials of all replicates together, as three arrays without that dimension.

    Trials of one replicate count as independent, like those of several. Cues of one network are not quite: they share
    its patterns, so the interval is too narrow where networks differ by more than chance.
    """
    trials = trials_of(*(array.astype(float) for array in (share, low, high)))
    successes = numpy.rint(share * trials).sum("replicate")
    return [array.assign_attrs(old.attrs)
            for array, old in zip(wilson(successes, trials.sum("replicate")), [share, low, high], strict=True)]


def averaged(dataset):
    """The dataset with the means over replicates of its reals, and without other arrays over replicates; proportions
    and their 95% intervals are those of the trials of all replicates (see pooled)."""
    result = {name: array.mean("replicate", keep_attrs=True) for name, array in dataset.data_vars.items()
              if "replicate" in array.dims and array.dtype.kind == "f"}
    for name in proportions(dataset):
        ends = [name, f"{name}_low", f"{name}_high"]
        result.update(zip(ends, pooled(*(dataset[end] for end in ends)), strict=True))
    return dataset.drop_dims("replicate").assign(result)
