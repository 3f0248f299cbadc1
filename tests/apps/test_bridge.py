"""ecphory bridge: networks into attention layers, trained heads into networks."""

import json

import h5py
import numpy
import pytest

from conftest import ROOT

RELAXATION = ROOT / "experiments/relaxation"

#: A Transformer that is trained in a second.
TRAINED = """\
experiment = "icl_transformer"
seed = 5

[model]
stream = "{stream}"

[task]
classes = 16
labels = 4
pairs = 4
most_pairs = 4
dimension = 7
novel_classes = 8

[training]
steps = 30
evaluate_every = 30
test_sequences = 20
batch = 32
checkpoints = "states-{stream}"
"""
WIDTH, TOKENS = 9 + 7, 9


@pytest.fixture
def trained(ecphory, experiment):
    """Trains with a stream; returns the checkpoint."""

    def train(stream="none"):
        experiment(TRAINED.format(stream=stream), "icl.toml")
        run = ecphory("run", "icl.toml", "--force")
        assert run.returncode == 0, run.stderr
        [checkpoint] = (ecphory.folder / f"states-{stream}").glob("*.h5")
        return checkpoint

    return train


def refused(run, *words):
    """Exit code 2, and a message with all of these words."""
    assert run.returncode == 2, run.stderr
    assert run.stdout == ""
    for word in words:
        assert word in run.stderr, run.stderr


def test_a_networks_layers_agree_with_its_trajectory_to_rounding(ecphory):
    run = ecphory("bridge", RELAXATION / "modern.toml", "--gate", "0.3", "--layers", "20", "--to", "a.h5", "--check",
                  "--json")
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert report["output"] == ["a.h5"] and report["changes"] == []
    assert len(report["deviation"]) == 20 and max(report["deviation"]) < 1e-13
    assert "never rises" in report["certificate"]
    with h5py.File(ecphory.folder / "a.h5") as file:
        assert file.attrs["depth"] == 20
        assert numpy.allclose(file["gate"][()], 0.3, rtol=1e-14, atol=0)
        assert numpy.allclose(file["keep"][()], 0.7, rtol=1e-14, atol=0)
        assert numpy.array_equal(file["deviation"][()], report["deviation"])
        assert file["initial"].shape == file["final"].shape == (6, 100)


def test_step_and_depth_are_those_of_the_integrator_where_it_has_the_form(ecphory):
    run = ecphory("bridge", RELAXATION / "modern.toml", "--to", "a.h5", "--set", "integrator.method=exponential_euler",
                  "--set", "integrator.step=2.0", "--set", "integrator.duration=30.0")
    assert run.returncode == 0, run.stderr
    with h5py.File(ecphory.folder / "a.h5") as file:
        assert (file.attrs["step"], file.attrs["depth"]) == (2.0, 15)
        assert numpy.allclose(file["keep"][()], numpy.exp(-0.2), rtol=1e-15, atol=0)


def test_a_gate_of_one_is_softmax_attention(ecphory, experiment):
    run = ecphory("bridge", RELAXATION / "modern.toml", "--to", "a.h5", "--gate", "1", "--check")
    assert run.returncode == 0, run.stderr
    with h5py.File(ecphory.folder / "a.h5") as file:
        assert (file["gate"][()] == 1).all() and (file["keep"][()] == 0).all()
        p = numpy.exp(file["beta"][0] * file["initial"][()] @ file["keys_1"][()])
        attention = (p / p.sum(axis=1, keepdims=True)) @ file["keys_1"][()].T
        assert numpy.abs(attention - file["final"][()]).max() < 1e-14
        assert file["deviation"][0] < 1e-14
    # It has a time constant all the same, and runs as a network.
    text = (RELAXATION / "modern.toml").read_text()
    experiment(text.replace('name = "modern"\nbeta = 20.0', 'name = "attention"\nfile = "a.h5"'), "back.toml")
    run = ecphory("run", "back.toml")
    assert run.returncode == 0, run.stderr


def test_layers_run_as_a_network_again(ecphory, experiment):
    assert ecphory("bridge", RELAXATION / "modern.toml", "--to", "a.h5", "--gate", "0.5").returncode == 0
    text = (RELAXATION / "modern.toml").read_text()
    experiment(text.replace('name = "modern"\nbeta = 20.0', 'name = "attention"\nfile = "a.h5"'), "back.toml")
    assert ecphory("run", "back.toml").returncode == 0
    with h5py.File(ecphory.folder / "back.h5") as file:
        assert file["overlap"].shape[2] == 20
    assert ecphory("bridge", "back.toml", "--to", "b.h5", "--gate", "0.5").returncode == 0
    with h5py.File(ecphory.folder / "a.h5") as there, h5py.File(ecphory.folder / "b.h5") as again:
        for name in ("keys_1", "values_1", "bias_1", "beta", "tied", "head", "block", "input", "tau", "keep", "gate"):
            assert numpy.array_equal(there[name][()], again[name][()]), name


def test_what_has_no_exact_form_is_refused_or_approximated_with_its_error(ecphory):
    dense = RELAXATION / "dense.toml"
    refused(ecphory("bridge", dense, "--to", "a.h5", "--gate", "0.5"), "visible", "tanh", "--approximate")
    assert not (ecphory.folder / "a.h5").exists()
    run = ecphory("bridge", dense, "--to", "a.h5", "--gate", "0.5", "--layers", "4", "--approximate")
    assert run.returncode == 0, run.stderr
    assert "approximated: visible" in run.stdout and "approximated: hidden" in run.stdout
    assert "deviation after layer 4" in run.stdout
    with h5py.File(ecphory.folder / "a.h5") as file:
        assert file["deviation"].shape == (4,) and file["deviation"][-1] > 1e-3
        assert len(file["change"]) == 2

    two_layer = (RELAXATION / "two_layer.toml", "--set", "model.variant=B", "--to", "b.h5", "--gate", "0.5")
    refused(ecphory("bridge", *two_layer), "hidden", "time constant", "--approximate")
    run = ecphory("bridge", *two_layer, "--approximate", "--json")
    assert run.returncode == 0, run.stderr
    [change] = json.loads(run.stdout)["changes"]
    assert change.startswith("hidden: it follows at once")

    # The reference is the network's own trajectory, whatever method the layers' steps are those of.
    errors = []
    for method in ("dormand_prince", "exponential_euler", "euler"):
        run = ecphory("bridge", RELAXATION / "two_layer.toml", "--set", "model.variant=B", "--set",
                      f"integrator.method={method}", "--set", "model.tau_hidden=5.0", "--set", "task.kind=spherical", "--to",
                      "e.h5", "--force", "--step", "5", "--layers", "3", "--approximate", "--json")
        assert run.returncode == 0, run.stderr
        errors.append(json.loads(run.stdout)["deviation"])
    assert errors[0] == pytest.approx(errors[1], rel=1e-12) and min(errors[0]) > 1e-3
    assert min(errors[2]) > 1e-3

    noisy = (RELAXATION / "modern.toml", "--set", "model.noise=0.1", "--set", "integrator.method=heun_stratonovich",
             "--to", "c.h5", "--gate", "0.5", "--layers", "3")
    refused(ecphory("bridge", *noisy), "visible", "noise")
    run = ecphory("bridge", *noisy, "--approximate", "--json")
    assert run.returncode == 0, run.stderr
    assert 0.01 < max(json.loads(run.stdout)["deviation"]) < 10


@pytest.mark.parametrize("stream", ["none", "query", "key", "value"])
def test_a_lifted_head_starts_at_its_own_output(ecphory, trained, stream):
    checkpoint = trained(stream)
    run = ecphory("bridge", checkpoint, "--layer", "2", "--to", "head.toml", "--check", "--json")
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert report["output"] == ["head.toml", "head.weights.h5"]
    assert max(report["deviation"]) < 1e-13
    assert "W_Q^T W_K" in report["certificate"] and report["effective_beta"] > 0
    with h5py.File(ecphory.folder / "head.weights.h5") as file:
        assert file["keys_1"].shape == file["values_1"].shape == (WIDTH, TOKENS)
        assert file["bias_1"][()].any() == (stream == "query")
        asks, output = file["patterns"][0], file["output"][0]
        scores = file["beta"][0] * (asks @ file["keys_1"][()] + file["bias_1"][()])
        p = numpy.exp(scores - scores.max())
        assert numpy.abs(file["values_1"][()] @ (p / p.sum()) - output).max() < 1e-13 * numpy.abs(output).max()

    # The network runs: from the token that asks, one exponential step without end is the head's output.
    run = ecphory("run", "head.toml", "--set", "integrator.method=exponential_euler", "--set", "integrator.step=8000.0",
                  "--set", "integrator.duration=8000.0", "--set", "record.kept=end", "--set", "record.states=true")
    assert run.returncode == 0, run.stderr
    with h5py.File(ecphory.folder / "head.h5") as file:
        assert numpy.abs(file["state"][0] - output).max() < 1e-13 * numpy.abs(output).max()


def readings_by_hand(keys, values, bias, asks, output):
    """What a head is as a memory, from its matrices."""
    less_mean = [x - x.mean(axis=1, keepdims=True) for x in (keys, values)]
    scale = (less_mean[0] * less_mean[1]).sum() / (less_mean[0] ** 2).sum()
    middle = values.mean(axis=1) - scale * keys.mean(axis=1)

    def energy(x):
        return ((x - middle) ** 2).sum() / 2 - scale * numpy.log(numpy.exp(keys.T @ x + bias).sum())

    ends = numpy.column_stack([asks, values])  # of the token that asks and of each value
    for _ in range(8000):  # in steps so short that a flow that rotates does not circle
        p = numpy.exp(keys.T @ ends + bias[:, None])
        ends = ends + 0.05 * (values @ (p / p.sum(axis=0)) - ends)
    end, near = ends[:, 0], 0.01 * numpy.linalg.norm(values) / numpy.sqrt(values.size)
    founders = []
    for x in ends.T:
        if all(numpy.linalg.norm(x - y) > near * numpy.sqrt(len(x)) for y in founders):
            founders.append(x)
    with_asks = (numpy.linalg.norm(ends[:, 1:] - end[:, None], axis=0) <= near * numpy.sqrt(len(end))).mean()
    norm = numpy.linalg.norm
    return {"tie_scale": scale, "untied": norm(less_mean[1] - scale * less_mean[0]) / norm(less_mean[1]),
            "layer_drift": norm(output) / norm(asks), "energy_before": energy(asks), "energy_after": energy(output),
            "settling": norm(end - output) / norm(output), "fixed_points": len(founders), "basin": with_asks,
            "same_token": (keys.T @ end + bias).argmax() == (keys.T @ asks + bias).argmax()}


@pytest.mark.parametrize("stream", ["key", "query"])
def test_what_is_recorded_of_heads_over_training_is_what_bridge_says_of_them(ecphory, trained, stream):
    checkpoint, sequences = trained(stream), 12
    run = ecphory("run", "icl.toml", "--output", "heads.h5", "--set", f"record.heads={sequences}", "--set",
                  'training.checkpoints=""')
    assert run.returncode == 0, run.stderr
    for layer in (1, 2):
        expected = []
        for sequence in range(sequences):
            run = ecphory("bridge", checkpoint, "--layer", layer, "--sequence", sequence, "--to", "head.toml", "--force",
                          "--check", "--json")
            with h5py.File(ecphory.folder / "head.weights.h5") as file:
                names = ("keys_1", "values_1", "bias_1", "initial", "output")
                keys, values, bias, asks, output = (file[name][()] for name in names)
            assert bias.any() == (stream == "query" and layer == 2)
            expected.append(readings_by_hand(keys, values, bias, asks[0], output[0])
                            | {"effective_beta": json.loads(run.stdout)["effective_beta"]})
        with h5py.File(ecphory.folder / "heads.h5") as file:
            for name in expected[0]:
                # The flow was followed until its rate was 1e-6.
                close = {"abs": 1e-4} if name == "settling" else {"rel": 1e-9}
                mean = numpy.mean([of_sequence[name] for of_sequence in expected])
                assert file[name][-1, layer - 1, 0] == pytest.approx(mean, **close), name


def test_the_two_experiments_say_what_must_be(ecphory):
    run = ecphory("run", ROOT / "experiments/bridge/equivalence.toml", "--output", "e.h5", "--set", "bridge.layers=8",
                  "--set", "sweep.task.memories={values=[8, 64]}", "--set", "sweep.model.beta={values=[1.0, 10.0]}")
    assert run.returncode == 0, run.stderr
    with h5py.File(ecphory.folder / "e.h5") as file:
        single, double = file["worst_deviation"][()]
        assert 0 < double.max() < 1e-13 and 1e-8 < single.max() < 1e-4
    # One pattern is retrieved from any cue by one layer, at any beta; at beta = 0.001 all patterns are one.
    one = ("run", ROOT / "experiments/bridge/one_step.toml", "--set", "sweep.replicates=1", "--set", "task.cues=20")
    run = ecphory(*one, "--output", "o.h5", "--set", "sweep.task.patterns={values=[1, 16]}", "--set",
                  "sweep.model.beta={values=[0.001, 1000.0]}")
    assert run.returncode == 0, run.stderr
    with h5py.File(ecphory.folder / "o.h5") as file:
        layer, rest, needed = (file[name][..., 0] for name in ("one_layer_retrieved", "at_rest_retrieved", "layers_needed"))
        assert (layer[:, 0] == 1).all() and (rest[:, 0] == 1).all() and (needed[:, 0] == 1).all()
        assert layer[0, 1] == rest[0, 1] == 0 and layer[1, 1] > 0.9


def test_a_context_of_ones_own_and_the_residual_layer(ecphory, trained):
    checkpoint = trained()
    tokens = numpy.random.default_rng(3).normal(size=(5, WIDTH))
    with h5py.File(ecphory.folder / "context.h5", "w") as file:
        file["tokens"] = tokens
        file["narrow"] = tokens[:, :-1]
    run = ecphory("bridge", checkpoint, "--layer", "1", "--to", "head.toml", "--context", "context.h5:tokens", "--token",
                  "3", "--residual", "--check", "--json")
    assert run.returncode == 0, run.stderr
    assert max(json.loads(run.stdout)["deviation"]) < 1e-13
    with h5py.File(ecphory.folder / "head.weights.h5") as file, h5py.File(checkpoint) as weights:
        assert file["residual"][0] == 1
        assert numpy.array_equal(file["patterns"][0], tokens[3])
        q, k, v = (weights[f"layer1.{name}"][()].astype(float) for name in ("query", "key", "value"))
        assert numpy.allclose(file["keys_1"][()], q.T @ k @ tokens[:4].T, rtol=1e-13, atol=1e-13)
        assert numpy.allclose(file["values_1"][()], v @ tokens[:4].T, rtol=1e-13, atol=1e-13)
    refused(ecphory("bridge", checkpoint, "--layer", "1", "--to", "x.toml", "--context", "context.h5:narrow"), "--context",
            "width 15", "16, the width of the checkpoint")
    refused(ecphory("bridge", checkpoint, "--layer", "1", "--to", "x.toml", "--context", "context.h5:absent"), "absent",
            "(token, width)")
    refused(ecphory("bridge", checkpoint, "--layer", "1", "--to", "x.toml", "--context", "context.h5"), "FILE.h5:VARIABLE")


def test_other_sequences_and_test_sets_are_other_contexts(ecphory, trained):
    checkpoint = trained()
    contexts = []
    for more in [(), ("--sequence", "1"), ("--test-set", "swapped")]:
        assert ecphory("bridge", checkpoint, "--layer", "1", "--to", "x.toml", "--force", *more).returncode == 0
        with h5py.File(ecphory.folder / "x.weights.h5") as file:
            contexts.append(file["context"][()])
    assert not numpy.array_equal(contexts[0], contexts[1]) and not numpy.array_equal(contexts[0], contexts[2])
    assert all((context[:, :9].sum(axis=1) == 1).all() for context in contexts), "one-hot positions"


def test_bad_input_is_refused_with_what_can_be_done(ecphory, experiment, trained, small_result):
    modern = RELAXATION / "modern.toml"
    refused(ecphory("bridge", modern, "--to", "a.h5"), "--step", "dormand_prince", "--gate 1 is softmax attention")
    refused(ecphory("bridge", modern, "--to", "a.h5", "--gate", "0"), "--gate", "above 0 and at most 1")
    refused(ecphory("bridge", modern, "--to", "a.h5", "--gate", "1.5"), "--gate", "1.5", "at most 1")
    refused(ecphory("bridge", modern, "--to", "a.h5", "--gate", "0.5", "--step", "3"), "--step", "one of the two")
    refused(ecphory("bridge", modern, "--to", "a.h5", "--step", "11", "--set", "integrator.method=euler"), "visible",
            "gate 1.1", "at most 10 ms")
    refused(ecphory("bridge", modern, "--to", "a.h5", "--gate", "0.5", "--layer", "1"), "--layer", "a checkpoint")
    refused(ecphory("bridge", ROOT / "experiments/amicl/table.toml", "--to", "a.h5"), "experiment", "model.name")
    experiment(modern.read_text() + "\n[sweep]\nmodel.tau = {values = [1.0, 2.0]}\n", "sweep.toml")
    refused(ecphory("bridge", "sweep.toml", "--to", "a.h5", "--gate", "0.5"), "2 points", "without [sweep]")
    refused(ecphory("bridge", "absent.toml", "--to", "a.h5"), "absent.toml", "no such file")
    (ecphory.folder / "taken.h5").write_text("mine")
    refused(ecphory("bridge", modern, "--to", "taken.h5", "--gate", "0.5"), "taken.h5", "--force")
    assert (ecphory.folder / "taken.h5").read_text() == "mine"

    checkpoint = trained()
    head = ("bridge", checkpoint, "--to", "x.toml")
    refused(ecphory(*head), "--layer", "from 1 up")
    refused(ecphory(*head, "--layer", "3"), "there is no layer 3", "1 to 2")
    refused(ecphory(*head, "--layer", "1", "--head", "2"), "there is no head 2")
    refused(ecphory(*head, "--layer", "1", "--token", "9"), "there is no token 9", "0 to 8")
    refused(ecphory(*head, "--layer", "1", "--gate", "0.5"), "--gate", "an experiment file")
    refused(ecphory(*head, "--layer", "1", "--tau", "0"), "--tau", "> 0")
    refused(ecphory(*head, "--layer", "1", "--token", "-3"), "--token", "from 0 up")
    refused(ecphory("bridge", modern, "--to", "a.toml", "--gate", "0.5"), "--to", ".h5")
    refused(ecphory("bridge", modern, "--to", "a.h5", "--gate", "0.5", "--tau", "3"), "--tau", "a checkpoint")
    refused(ecphory("bridge", modern, "--to", "a.h5", "--step", "1e-300"), "layers", "from 1 to")
    refused(ecphory("bridge", RELAXATION / "hopfield.toml", "--to", "a.h5", "--gate", "0.5"), "no exact attention form",
            "nor has the nearest one")
    continuation = ROOT / "experiments/continuation/modern.toml"
    refused(ecphory("bridge", continuation, "--to", "a.h5", "--gate", "0.5"), "no network of a memory with cues")
    (ecphory.folder / "folder.toml").mkdir()
    refused(ecphory("bridge", checkpoint, "--layer", "1", "--to", "folder.toml", "--force"), "this is no file")
    assert not (ecphory.folder / "folder.weights.h5").exists()
    kept = checkpoint.read_bytes()
    checkpoint.rename(ecphory.folder / "own.weights.h5")
    refused(ecphory("bridge", "own.weights.h5", "--layer", "1", "--to", "own.toml", "--force"), "this is what is read")
    assert (ecphory.folder / "own.weights.h5").read_bytes() == kept
    checkpoint.write_bytes(kept)
    refused(ecphory("bridge", checkpoint, "--layer", "1", "--to", "x.h5"), "--to", ".toml")
    refused(ecphory("bridge", small_result, "--layer", "1", "--to", "x.toml"), "no attribute model", "training.checkpoints")
    damaged = ecphory.folder / "damaged.h5"
    data = bytearray(checkpoint.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    refused(ecphory("bridge", damaged, "--layer", "1", "--to", "x.toml"), "damaged.h5")
    assert not list(ecphory.folder.glob("x.*"))
