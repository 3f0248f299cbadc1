"""Overlaps with the stored patterns over time, with the energy below, for up to six trajectories."""

from . import style


def fits(dataset):
    return ("energy" in dataset and "overlap" in dataset and "time" in dataset
            and dataset["overlap"].dims[-3:] in [("trajectory", "time", "pattern"), ("trajectory", "sample", "pattern")])


def draw(dataset):
    """One column a trajectory; the first point of a sweep. The cue's own pattern is the coloured line."""
    first = dataset.isel({name: 0 for name in dataset["energy"].dims[:-2]})
    n = min(first.sizes["trajectory"], 6)
    drawn, axes = style.figure(2, n, size=(1.0 + 2.3 * n, 4.6))
    for j in range(n):
        trajectory = first.isel(trajectory=j)
        own = j % first.sizes["pattern"]
        time = trajectory["time"]
        for pattern in range(first.sizes["pattern"]):
            mine = pattern == own
            axes[0, j].plot(time, trajectory["overlap"].isel(pattern=pattern), zorder=3 if mine else 2,
                            color=style.COLOURS[0] if mine else "#BBBBBB", lw=1.8 if mine else 0.8)
        if trajectory["energy"].notnull().any():
            axes[1, j].plot(time, trajectory["energy"], color=style.COLOURS[1], lw=1.6)
        else:
            axes[1, j].set(xlim=(float(time.min()), float(time.max())), yticks=[])
            axes[1, j].text(0.5, 0.5, "no energy", ha="center", va="center", transform=axes[1, j].transAxes)
        axes[0, j].set(ylim=(-1.05, 1.05), title=f"cue of pattern {own}")
        axes[0, j].sharex(axes[1, j])
        axes[0, j].tick_params(labelbottom=False)
        axes[1, j].set_xlabel(style.label(time))
        if j:
            axes[0, j].tick_params(labelleft=False)
    axes[0, 0].set_ylabel("overlap (cosine)")
    axes[1, 0].set_ylabel("energy")
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn
