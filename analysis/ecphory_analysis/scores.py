"""Score, softmax and argmax matrices of one trial."""

from . import style

MATRICES = ["score", "softmax", "argmax"]


def fits(dataset):
    return all(name in dataset and dataset[name].dims[-2:] == ("query", "key") for name in MATRICES)


def draw(dataset):
    """One row for each point of the sweep, one column for each matrix; queries run downwards, keys across."""
    leading = list(dataset["score"].dims[:-2])
    points = dataset.stack(point=leading) if leading else dataset.expand_dims("point")
    n = points.sizes["point"]
    drawn, axes = style.figure(n, len(MATRICES), size=(10.5, 0.6 + 3.2 * n))
    for row in range(n):
        point = points.isel(point=row)
        where = ", ".join(f"{name} = {point[name].item()}" for name in leading)
        for column, name in enumerate(MATRICES):
            axis = axes[row, column]
            bounds = {} if name == "score" else {"vmin": 0, "vmax": 1}
            image = axis.imshow(point[name].transpose("query", "key"), cmap="viridis", **bounds)
            axis.set(xlabel="key (token)", ylabel="query (token)")
            axis.set_title(f"{name}, {where}" if where else name, fontsize=10)
            axis.spines[:].set_visible(True)
            drawn.colorbar(image, ax=axis, shrink=0.8)
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn
