"""compare: a result beside the published numbers, and when it may not stand there."""

import re

import numpy
import pytest

import ecphory_analysis
from conftest import ROOT
from ecphory_analysis import compare

TABLE = ROOT / "experiments/amicl/table.toml"
PUBLISHED = {1.0: 0.325, 1.25: 0.907, 1.5: 0.994, 1.75: 1.0, 2.0: 1.0}


@pytest.fixture
def compared(ecphory):
    """Runs table.toml with changes; returns rows(), table() and the dataset."""

    def run(*changes, file=TABLE):
        changes = [word for change in changes for word in ("--set", change)]
        run = ecphory("run", file, *changes, "--output", "x.h5", "--force")
        assert run.returncode == 0, run.stderr
        with ecphory_analysis.open(ecphory.folder / "x.h5") as dataset:
            return compare.rows(dataset), compare.table(dataset), dataset.load()

    return run


def test_rows_hold_the_file_and_the_published_numbers(compared):
    rows, _, dataset = compared("task.trials=200")
    assert [(row[0], row[4]) for row in rows] == list(PUBLISHED.items())
    assert [row[1] for row in rows] == dataset["accuracy"].values.tolist()
    assert [row[2] for row in rows] == dataset["accuracy_low"].values.tolist()
    assert [row[3] for row in rows] == dataset["accuracy_high"].values.tolist()


def test_deviations_are_in_binomial_standard_errors_of_this_many_trials(compared):
    rows, _, dataset = compared("task.trials=400")
    accuracy = float(dataset["accuracy"][0])
    assert rows[0][5] == pytest.approx((accuracy - 0.325) / numpy.sqrt(0.325 * 0.675 / 400), rel=1e-12)
    assert numpy.isnan(rows[4][5]), "no standard error where the published number is 1"


def test_the_table_of_the_paper_is_reproduced(compared):
    _, text, _ = compared()
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[1:6]] == ["1.00", "1.25", "1.50", "1.75", "2.00"]
    deviations = [float(line.split()[-1]) for line in lines[1:4]]
    assert max(map(abs, deviations)) < 4
    assert all(line.split()[1] == "1.000" and line.endswith("-") for line in lines[4:6])
    assert lines[6] == "published: Burns, Fukai & Earls 2024, arXiv 2412.15113"


def test_settings_that_are_not_the_papers_are_noted(compared):
    _, text, _ = compared("task.trials=10", "task.classes=50", "task.noise=0.2")
    assert re.findall("note: .*", text) == ["note: task.classes is 50 here and 512 in the published table",
                                            "note: task.noise is 0.2 here and 0.1 in the published table"]


def test_of_several_similarities_dot_is_compared(compared):
    rows, text, dataset = compared("task.trials=30", file=ROOT / "experiments/amicl/accuracy.toml")
    assert [row[0] for row in rows] == [1.0, 1.5, 2.0]
    for row in rows:
        assert row[1] == dataset["accuracy"].sel(similarity="dot").sel(a=row[0], method="nearest")
    assert "note: model.similarity is swept here" in text


def test_values_of_a_that_are_not_published_are_left_out_in_any_order(compared):
    rows, _, dataset = compared("task.trials=30", "sweep.model.a={values=[2.0, 0.3, 1.0]}")
    assert [row[0] for row in rows] == [1.0, 2.0]
    assert [row[1] for row in rows] == dataset["accuracy"].values[[2, 0]].tolist()


@pytest.mark.parametrize("change, problem", [
    ("sweep.task.classes={values=[50, 512]}", "accuracy is over classes, a; the published table is over a alone"),
    ("sweep.replicates=2", "accuracy is over a, replicate"),
])
def test_accuracies_over_more_than_a_are_refused(compared, experiment, change, problem):
    file = experiment(f'experiment = "amicl"\ntask.trials = 5\n{change.replace("=", " = ", 1)}\n'
                      "sweep.model.a = {values = [1.0, 2.0]}\n")
    with pytest.raises(ecphory_analysis.ResultError, match=re.escape(problem.split(";")[0])):
        compared(file=file)


def test_a_file_without_accuracy_over_a_is_refused(compared, experiment):
    with pytest.raises(ecphory_analysis.ResultError, match="no accuracy over a; run experiments/amicl/table.toml"):
        compared(file=experiment('experiment = "amicl"\ntask.trials = 5\n'))
