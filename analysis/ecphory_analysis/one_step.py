"""One attention layer against the dynamics at rest: cues completed, final overlap, and layers that make up for it."""

import numpy

from . import style


def fits(dataset):
    return "one_layer_retrieved" in dataset and "at_rest_retrieved" in dataset


def draw(dataset):
    """Over the swept setting with most values, a colour for each value of the other: after one layer dashed, at rest solid."""
    swept = sorted(dataset["one_layer_retrieved"].dims,
                   key=lambda name: (numpy.issubdtype(dataset[name].dtype, numpy.number), dataset.sizes[name]))
    *others, across = swept or [None]
    if across is None:
        dataset, across = dataset.expand_dims("point"), "point"
    for name in others[:-1]:
        dataset = dataset.isel({name: 0})
    other = others[-1] if others else None
    drawn, axes = style.figure(3, 1, size=(6.8, 7.4))
    for i in range(dataset.sizes[other] if other else 1):
        line = (dataset.isel({other: i}) if other else dataset).sortby(across)
        colour = style.COLOURS[i % len(style.COLOURS)]
        name = f"{other} = {line[other].item():g}" if other else None
        for axis, what in zip(axes[:2, 0], ("retrieved", "overlap")):
            for when, look in (("at_rest", "-"), ("one_layer", "--")):
                result = f"{when}_{what}"
                axis.plot(line[across], line[result], look, color=colour, lw=1.6, marker="o", ms=3,
                          label=name if when == "at_rest" else None)
                if what == "retrieved":
                    axis.fill_between(line[across], line[f"{result}_low"], line[f"{result}_high"], color=colour,
                                      alpha=0.15, lw=0)
        axes[2, 0].plot(line[across], line["layers_needed"], color=colour, lw=1.6, marker="o", ms=3)
    axes[0, 0].plot([], [], "-", color="#444444", label="at rest")
    axes[0, 0].plot([], [], "--", color="#444444", label="after one layer")
    values = dataset[across].values
    logarithmic = numpy.issubdtype(values.dtype, numpy.number) and values.min() > 0 and values.max() / values.min() > 20
    for axis, text in zip(axes[:, 0], ("cues completed", "cosine with the pattern", "layers to within 1%\nof rest (median)")):
        axis.set(ylabel=text, xscale="log" if logarithmic else "linear")
    axes[0, 0].set_ylim(-0.02, 1.02)
    axes[2, 0].set(xlabel=style.label(dataset[across]), yscale="log")
    style.legend_beside(axes[0, 0])
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn
