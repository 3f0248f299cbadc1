"""Overlaps with the stored patterns over time, with the energy below, for up to six trajectories."""

import numpy

from . import style

REACHED = 0.8  #: the overlap above which a trajectory has come to a pattern

def fits(dataset):
    return ("energy" in dataset and "overlap" in dataset and "time" in dataset
            and dataset["overlap"].dims[-3:] in [("trajectory", "time", "pattern"), ("trajectory", "sample", "pattern")])


def draw(dataset):
    """One column a trajectory; the first point of a sweep. Patterns that it comes to, its cue's own first, are coloured;
    the energy stands below where the memory has one."""
    first = dataset.isel({name: 0 for name in dataset["energy"].dims[:-2]})
    n = min(first.sizes["trajectory"], 6)
    patterns = first.sizes["pattern"]
    shown = first["overlap"].isel(trajectory=slice(n))
    with_energy = bool(first["energy"].isel(trajectory=slice(n)).notnull().any())
    drawn, axes = style.figure(1 + with_energy, n, size=(1.0 + 2.3 * n, 4.6 if with_energy else 3.2))
    for j in range(n):
        trajectory = first.isel(trajectory=j)
        own = j % patterns
        time = trajectory["time"]
        marker = "." if time.size < 40 else None
        courses = trajectory["overlap"].values  # (times, patterns)
        reached = courses.max(axis=0, initial=-1, where=numpy.isfinite(courses)) > REACHED
        reached[own] = True
        axes[0, j].plot(time, courses[:, ~reached], color="#BBBBBB", lw=0.8, zorder=2)
        for pattern in numpy.flatnonzero(reached):
            colour = style.COLOURS[(pattern - own) % patterns % len(style.COLOURS)]
            axes[0, j].plot(time, courses[:, pattern], color=colour, lw=1.8, marker=marker, zorder=3)
        axes[0, j].set(ylim=(min(0.0, float(shown.min())) - 0.05, 1.05), title=f"cue of pattern {own}",
                       xlim=(float(time.min()), float(time.max())))
        if with_energy:
            axes[1, j].plot(time, trajectory["energy"], color=style.COLOURS[1], lw=1.6, marker=marker)
            axes[0, j].sharex(axes[1, j])
            axes[0, j].tick_params(labelbottom=False)
        axes[-1, j].set_xlabel(style.label(time))
        if j:
            axes[0, j].tick_params(labelleft=False)
    axes[0, 0].set_ylabel("overlap (cosine)")
    if with_energy:
        axes[1, 0].set_ylabel("energy")
    else:
        drawn.supxlabel("this memory has no energy", fontsize=9)
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn
