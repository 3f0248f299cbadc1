"""Numbers from papers, to be set beside ours, and the settings that they are for."""

SOURCE = "Burns, Fukai & Earls 2024, arXiv 2412.15113"

#: Accuracy of the associative-memory model over a.
AMICL_TABLE = {1.0: 0.325, 1.25: 0.907, 1.5: 0.994, 1.75: 1.0, 2.0: 1.0}

#: The settings of that table.
AMICL_SETTINGS = {
    "model.similarity": "dot",
    "task.classes": 512,
    "task.dimension": 100,
    "task.length": 20,
    "task.noise": 0.1,
}

#: Change in the steps of training to 95% accuracy in context that a residual stream makes, in percent.
STREAM_CHANGES = {"value": -24}
#: The same steps in an independent port of the published setting, each number one run.
STREAM_STEPS_PORT = {"none": [30_500], "query": [24_500], "key": [29_500], "value": [24_500, 25_500]}
STREAM_SOURCES = [SOURCE, "port: single runs of an independent port of the published setting, not by its authors"]

#: The settings of these runs.
STREAM_SETTINGS = {
    "model.layers": 2,
    "model.heads": 1,
    "model.mlp_layers": 3,
    "model.mix": "sum",
    "task.classes": 512,
    "task.labels": 32,
    "task.pairs": 8,
    "task.most_pairs": 32,
    "task.dimension": 85,
    "task.noise": 0.1,
    "task.burstiness": 2,
    "task.bursty": 0.5,
    "task.novel": 0.5,
    "task.novel_classes": 128,
    "task.zipf": 0.0,
    "training.batch": 128,
    "training.criterion": 0.95,
    "training.method": "sgd",
    "training.rate": 0.01,
    "training.decay": 1e-6,
    "training.warmup": 0,
    "training.schedule": "constant",
}


def differing_settings(config, settings):
    """Settings of the file that are not the published ones, as (key, here, published)."""
    differing = []
    for key, value in settings.items():
        section, name = key.split(".")
        here = config.get(section, {}).get(name, "swept")
        if here != value:
            differing.append((key, here, value))
    return differing
