"""Steps of training to the criterion, run by run, beside the published numbers."""

import numpy

from . import published
from .results import config_of
from .runs import changes, evaluations, mean_and_half, runs_of


def rows(dataset):
    """For each run: its label, how many replicates reached the criterion and how many were run, the mean of their steps
    and its standard error, and the mean change from the first run in percent with both ends of its 95% t interval. The
    change is that of pairs of one replicate, of those that reached the criterion in both."""
    runs, _ = runs_of(dataset)
    first = runs["steps_to_criterion"].isel(run=0).values
    result = []
    for k, label in enumerate(runs["run"].values):
        steps = runs["steps_to_criterion"].isel(run=k).values
        reached = steps[numpy.isfinite(steps)]
        error = reached.std(ddof=1) / len(reached) ** 0.5 if len(reached) > 1 else numpy.nan
        change, half = mean_and_half(changes(first, steps))
        done = int((evaluations(runs.isel(run=k)) > 0).sum())
        result.append((str(label), len(reached), done, mean_and_half(reached)[0], error, change, change - half,
                       change + half))
    return result


def table(dataset):
    """The comparison as text; published numbers stand beside streams."""
    config = config_of(dataset)
    names = runs_of(dataset)[1]
    found = rows(dataset)
    width = max(len(text) for text in [", ".join(names), *(row[0] for row in found)])
    beside = "  published  port" if names == ["stream"] else ""
    lines = [f"{', '.join(names):{width}}   reached     steps to it  from {found[0][0]}    95% interval{beside}"]
    for k, (label, reached, of, steps, error, change, low, high) in enumerate(found):
        mean = "-" if not reached else f"{steps:,.0f}" + (f" ± {error:,.0f}" if numpy.isfinite(error) else "")
        change = f"{change:+.1f}%" if k and numpy.isfinite(change) else "-"
        interval = f"{low:+.1f} to {high:+.1f}" if k and numpy.isfinite(low) else "-"
        line = f"{label:{width}}  {reached:2} of {of:2}  {mean:>14}  {change:>{5 + len(found[0][0])}}  {interval:>14}"
        if beside:
            paper = published.STREAM_CHANGES.get(label)
            port = published.STREAM_STEPS_PORT.get(label, [])
            line += f"  {'' if paper is None else f'{paper:+}%':>9}  {', '.join(f'{steps:,}' for steps in port)}"
        lines.append(line.rstrip())
    lines.append(f"criterion: accuracy of {config['training'].get('criterion', 'swept')} on novel classes, in context; "
                 "changes are means over replicates that reached it in both")
    if beside:
        for key, here, value in published.differing_settings(config, published.STREAM_SETTINGS):
            lines.append(f"note: {key} is {here} here and {value} in the published runs")
        lines += [f"published: {published.STREAM_SOURCES[0]}", published.STREAM_SOURCES[1]]
    return "\n".join(lines)
