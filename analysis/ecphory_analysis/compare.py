"""A result beside the published numbers."""

import math

import numpy

from . import published, speed
from .results import ResultError, config_of


def rows(dataset):
    """For each published a that the file has: a, accuracy, its interval, the published number, and their difference
    in binomial standard errors of the published number (NaN where that is 0 or 1)."""
    if "accuracy" not in dataset or "a" not in dataset.dims:
        raise ResultError("this file has no accuracy over a; run experiments/amicl/table.toml")
    trials = config_of(dataset)["task"]["trials"]
    if "similarity" in dataset.dims:
        dataset = dataset.sel(similarity="dot")
    if dataset["accuracy"].dims != ("a",):
        raise ResultError(f"accuracy is over {', '.join(dataset['accuracy'].dims)}; the published table is over a alone")
    result = []
    for a, expected in published.AMICL_TABLE.items():
        at = numpy.flatnonzero(numpy.isclose(dataset["a"], a, atol=1e-9))
        if at.size == 0:
            continue
        here = dataset.isel(a=at[0])
        error = math.sqrt(expected * (1 - expected) / trials)
        accuracy = float(here["accuracy"])
        deviation = (accuracy - expected) / error if error > 0 else math.nan
        result.append((a, accuracy, float(here["accuracy_low"]), float(here["accuracy_high"]), expected, deviation))
    return result


def table(dataset):
    """The comparison as text."""
    if "steps_to_criterion" in dataset:
        return speed.table(dataset)
    lines = ["     a   here   95% interval     published   standard errors apart"]
    for a, accuracy, low, high, expected, deviation in rows(dataset):
        apart = "-" if math.isnan(deviation) else f"{deviation:+.1f}"
        lines.append(f"{a:6.2f}  {accuracy:.3f}  {low:.3f} to {high:.3f}  {expected:9.3f}   {apart:>10}")
    for key, here, value in published.differing_settings(config_of(dataset), published.AMICL_SETTINGS):
        lines.append(f"note: {key} is {here} here and {value} in the published table")
    lines.append(f"published: {published.SOURCE}")
    return "\n".join(lines)
