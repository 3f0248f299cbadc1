"""Final overlap of Hopfield's binary network over Glauber's temperature, beside the mean-field theory."""

import numpy

from . import style
from .results import ResultError, config_of


Z = numpy.linspace(-8, 8, 4001)
WEIGHT = numpy.exp(-(Z**2) / 2) / numpy.exp(-(Z**2) / 2).sum()


def fits(dataset):
    dims = set(dataset["overlap"].dims) if "overlap" in dataset else set()
    if "temperature" not in dims or dims not in [{"temperature"}, {"temperature", "load"}, {"temperature", "patterns"}]:
        return False
    try:
        model = config_of(dataset).get("model", {})
    except ResultError:
        return False
    return (model.get("name"), model.get("rule", "hebb")) == ("binary_hopfield", "hebb")


def overlap(temperature, load):
    """Overlap m of a retrieved pattern in an infinite network: Amit, Gutfreund & Sompolinsky (1985), PRL 55:1530.

    m = <tanh((m + √(α r) z)/T)>, q = <tanh²((m + √(α r) z)/T)>, r = q/(1 − (1 − q)/T)², the means over z of N(0, 1);
    without load m = tanh(m/T). Iterated by half steps from m = q = 1 to where retrieval ends, 0 if it does not last.
    T of 0 is taken as 0.01, which the sum over z still resolves.
    """
    if load == 0 and temperature >= 1:
        return 0.0  # where the iteration slows down for ever
    temperature = max(temperature, 0.01)
    m = q = 1.0
    for _ in range(10000):
        spread = load * q / (1 - (1 - q) / temperature) ** 2
        field = numpy.tanh((m + numpy.sqrt(spread) * Z) / temperature)
        step_m, step_q = WEIGHT @ field - m, WEIGHT @ field**2 - q
        m, q = m + step_m / 2, q + step_q / 2
        if m < 1e-3:
            return 0.0
        if abs(step_m) + abs(step_q) < 1e-9:
            break
    return float(m)


def loads_of(dataset):
    """The load for each of the lines: the other stored patterns per neuron, for they make the crosstalk."""
    task = config_of(dataset)["task"]
    if "load" in dataset.dims:
        patterns = numpy.rint(dataset["load"].values * task["neurons"])
    elif "patterns" in dataset.dims:
        patterns = dataset["patterns"].values
    else:
        patterns = numpy.array([round(task.get("load", 0) * task["neurons"]) or task.get("patterns")])
    return (patterns - 1) / task["neurons"]


def draw(dataset):
    """Dots are measured, lines the theory. One colour for each load."""
    drawn, axes = style.figure()
    axis = axes[0, 0]
    dataset = dataset.sortby("temperature")
    others = [name for name in dataset["overlap"].dims if name != "temperature"]
    fine = numpy.linspace(dataset["temperature"].min().item(), dataset["temperature"].max().item(), 200)
    for i, load in enumerate(loads_of(dataset)):
        colour = style.COLOURS[i % len(style.COLOURS)]
        line = dataset.isel({others[0]: i}) if others else dataset
        axis.plot(line["temperature"], line["overlap"], "o", ms=5, color=colour,
                  label=f"{line[others[0]].item():g}" if others else "this run")
        axis.plot(fine, [overlap(temperature, load) for temperature in fine], color=colour, lw=1.4)
    axis.plot([], [], color="black", lw=1.4, label="mean field")
    axis.set(xlabel="temperature T", ylabel="final overlap m", ylim=(min(-0.05, float(dataset["overlap"].min())), 1.02))
    style.legend_beside(axis, title=others[0] if others else None)
    axis.set_title(dataset.attrs.get("title", ""))
    return drawn
