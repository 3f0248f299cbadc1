"""Cues completed over the load, and the load at which half are over the number of neurons."""

import numpy

from . import style


def fits(dataset):
    return "capacity" in dataset and "look" in dataset.dims and dataset["capacity"].dims[-1:] == ("size",)


def draw(dataset):
    """The first point of a sweep. One colour a size; the extrapolation to infinite size is a line."""
    first = dataset.isel({name: 0 for name in dataset["capacity"].dims[:-1]})
    drawn, axes = style.figure(1, 2, size=(9.0, 4.0))
    curve, limit = axes[0]
    for k in range(first.sizes["size"]):
        one = first.isel(size=k)
        colour = style.COLOURS[k % len(style.COLOURS)]
        below, above = one["retrieved"] - one["retrieved_low"], one["retrieved_high"] - one["retrieved"]
        curve.errorbar(one["load"], one["retrieved"], yerr=numpy.stack([below, above]), color=colour, marker="o", ms=4,
                       lw=1.2, label=f"{int(one['neurons'])}")
        limit.errorbar([int(one["neurons"])], [float(one["capacity"])],
                       yerr=numpy.abs([[one["capacity"] - one["capacity_low"]], [one["capacity_high"] - one["capacity"]]]),
                       color=colour, marker="o", ms=5, capsize=3)
    curve.axhline(0.5, color="#BBBBBB", lw=0.8)
    curve.set(xlabel="load M/N", ylabel="cues completed", ylim=(-0.02, 1.02))
    curve.legend(title="neurons", frameon=False, fontsize=8)
    limit.set(xlabel="neurons N", ylabel="load at which half are completed", xscale="log")
    if numpy.isfinite(first["limit"]):
        value, error = float(first["limit"]), float(first["limit_error"])
        limit.axhline(value, color=style.COLOURS[1], lw=1.2, ls="--", label=f"N to infinity: {value:.3f} ± {error:.3f}")
        limit.legend(frameon=False, fontsize=8)
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn
