"""Numbers from papers, to be set beside ours."""

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
