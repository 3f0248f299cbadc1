"""Memory neurons, their softmax and the output's approach to the label in one trial."""

from . import style

PANELS = [("memory", "memory neurons h"), ("probability", "softmax of h")]


def fits(dataset):
    return all(name in dataset for name in ("memory", "probability", "label_overlap", "is_label"))


def draw(dataset):
    """One column for each point of the sweep; the memories whose value is the label are coloured."""
    leading = list(dataset["label_overlap"].dims[:-1])
    points = dataset.stack(point=leading) if leading else dataset.expand_dims("point")
    n = min(points.sizes["point"], 4)
    drawn, axes = style.figure(3, n, size=(1.2 + 3.0 * n, 6.0))
    for column in range(n):
        point = points.isel(point=column)
        for row, (name, label) in enumerate(PANELS):
            for token in range(point.sizes["token"]):
                mine = bool(point["is_label"].isel(token=token))
                axes[row, column].plot(point["time"], point[name].isel(token=token), zorder=3 if mine else 2,
                                       color=style.COLOURS[1] if mine else "#BBBBBB", lw=1.8 if mine else 0.8)
            axes[row, 0].set_ylabel(label)
        axes[2, column].plot(point["time"], point["label_overlap"], color=style.COLOURS[0], lw=1.6)
        axes[1, column].set_ylim(-0.02, 1.02)
        axes[2, column].set(ylim=(-0.05, 1.05), xlabel="time since the query [ms]")
        axes[0, column].set_title(", ".join(f"{name} = {point[name].item():g}" for name in leading), fontsize=10)
    axes[2, 0].set_ylabel("cosine of output and label")
    drawn.suptitle(dataset.attrs.get("title", ""))
    return drawn
