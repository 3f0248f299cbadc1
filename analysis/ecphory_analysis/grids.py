"""Points that are a grid after all, as one."""

import numpy


def axes_of(dataset):
    """Names of the coordinates over the points that tell any two points apart, as few as possible: the others follow
    from these, as a setting does that some memories have and some have not."""
    kept = [name for name, array in dataset.coords.items() if array.dims == ("point",) and name != "point"]
    columns = {name: [str(value) for value in dataset[name].values] for name in kept}
    for name in reversed(kept.copy()):
        others = [columns[other] for other in kept if other != name]
        if len(set(zip(*others))) == dataset.sizes["point"]:
            kept.remove(name)
    return kept


def unfolded(dataset):
    """The dataset over the axes of a grid, where its points are all those of a grid of two axes or more; else as it is.
    Values keep the order in which they come."""
    if "point" not in dataset.dims:
        return dataset
    axes = axes_of(dataset)
    values = {name: dataset[name].values[numpy.sort(numpy.unique(dataset[name].values, return_index=True)[1])]
              for name in axes}
    if len(axes) < 2 or numpy.prod([len(value) for value in values.values()]) != dataset.sizes["point"]:
        return dataset
    attributes = {name: dataset[name].attrs for name in axes}
    others = [name for name, array in dataset.coords.items() if array.dims == ("point",) and name not in axes]
    folded = dataset.drop_vars(others).set_index(point=axes)
    grid = folded.unstack("point", fill_value=0).reindex(values)  # nothing is filled: 0 is a number that integers have
    return grid.assign_coords({name: grid[name].assign_attrs(attributes[name]) for name in axes})
