"""The NumPy twin of the in-context-learning Transformer: golden numbers, every stream, its files, and its export."""

import json
import math
import runpy
import sys
import textwrap

import h5py
import numpy
import pytest

from conftest import ROOT
from ecphory_analysis import icl_transformer, to_torch
from ecphory_analysis.icl_transformer import Architecture, forward, load_batch, load_checkpoint, loss_and_gradients

GOLDEN = ROOT / "tests/golden/icl_transformer.h5"
STREAMS = ["none", "query", "key", "value"]
#: Of the golden file's gradient descent: w <- (1 - RATE * DECAY) w - RATE * gradient, of biases too; ten losses, each
#: before its step.
RATE, DECAY = 0.01, 1e-4
#: The golden file and the twin add the same numbers in another order.
ROUNDING = 1e-12
#: Every architecture, and the shape of its lambdas: one of the layer or one of each head.
VARIANTS = [(Architecture(heads=heads), None) for heads in (1, 2)] + [
    (Architecture(stream, source, mix, heads), shape) for stream in STREAMS[1:]
    for source in ("previous", "all", "first") for heads in (1, 2)
    for mix, shape in (("sum", None), ("mean", None), ("learned", ()), ("learned", (heads,)))]
every_variant = pytest.mark.parametrize("architecture, mix_shape", VARIANTS, ids=[
    f"{a.stream}-{a.stream_source}-{a.stream_mix}{'' if shape is None else list(shape)}-{a.heads}"
    for a, shape in VARIANTS])
WIDTH, LABELS, LAYERS = 6, 3, 3


def tree(group):
    """Name with dots → array."""
    found = {}
    group.visititems(lambda name, item: found.update({name.replace("/", "."): item[()]})
                     if isinstance(item, h5py.Dataset) else None)
    return found


@pytest.fixture(scope="module")
def golden():
    """The file's arrays by group."""
    with h5py.File(GOLDEN) as file:
        return {name: tree(item) if isinstance(item, h5py.Group) else item[()] for name, item in file.items()}


def near(actual, expected):
    """Within rounding of the largest element."""
    actual, expected = numpy.asarray(actual), numpy.asarray(expected)
    assert actual.shape == expected.shape
    return abs(actual - expected).max() <= ROUNDING * abs(expected).max()


def network(architecture, mix_shape, seed):
    """Random weights, inputs (2, 5, WIDTH) and labels; large enough for attention that is not uniform."""
    random = numpy.random.default_rng(seed)
    weights = {f"layer{layer}.{name}": random.normal(0, 0.4, (WIDTH, WIDTH))
               for layer in range(1, LAYERS + 1) for name in ("query", "key", "value")}
    if mix_shape is not None:
        weights |= {f"layer{layer}.mix": numpy.asarray(random.normal(0.7, 0.3, mix_shape))
                    for layer in range(2, LAYERS + 1)}
    for layer in (1, 2, 3):
        weights[f"mlp{layer}.weight"] = random.normal(0, 0.6, (WIDTH, WIDTH))
        weights[f"mlp{layer}.bias"] = numpy.asarray(0.3)
    weights["readout.weight"] = random.normal(0, 1, (LABELS, WIDTH))
    return weights, random.normal(0, 1, (2, 5, WIDTH)), numpy.array([2, 0])


def smooth_network(architecture, mix_shape):
    """The first network whose loss has no kink close by: no relu of the last token within 0.02 of its corner."""
    for seed in range(100):
        weights, inputs, labels = network(architecture, mix_shape, seed)
        _, perceptron, _, _ = icl_transformer._forward(weights, inputs, architecture)
        if min(abs(before[:, -1]).min() for _, before in perceptron) > 0.02:
            return weights, inputs, labels
    raise AssertionError("no smooth network among a hundred")


def spelled_out(weights, tokens, architecture):
    """logits of one sequence, number by number: heads before mixing, the mix as a list of terms."""
    x, below = [list(token) for token in tokens], []
    size = WIDTH // architecture.heads

    def mixed(layer, name, head, t):
        rows = range(head * size, (head + 1) * size)
        own = [below[layer - 1][name][t][i] for i in rows]
        if name != architecture.stream or layer == 1:
            return own
        chosen = {"previous": below[layer - 2:layer - 1], "all": below[:layer - 1], "first": below[:1]}
        terms = [[raw[name][t][i] for i in rows] for raw in chosen[architecture.stream_source]]
        if architecture.stream_mix == "mean":
            return [sum(column) / len(column) for column in zip(own, *terms)]
        weight = 1.0
        if architecture.stream_mix == "learned":
            mix = weights[f"layer{layer}.mix"]
            weight = mix if mix.shape == () else mix[head]
        return [first + weight * sum(others) for first, *others in zip(own, *terms)]

    for layer in range(1, LAYERS + 1):
        below.append({name: [[sum(a * b for a, b in zip(row, token)) for row in weights[f"layer{layer}.{name}"]]
                             for token in x] for name in ("query", "key", "value")})
        after = [list(token) for token in x]
        for head in range(architecture.heads):
            for t in range(len(x)):
                query = mixed(layer, "query", head, t)
                scores = [math.exp(sum(a * b for a, b in zip(query, mixed(layer, "key", head, s))))
                          for s in range(t + 1)]
                for s, score in enumerate(scores):
                    for i, value in enumerate(mixed(layer, "value", head, s)):
                        after[t][head * size + i] += score / sum(scores) * value
        x = after
    last = x[-1]
    for layer in (1, 2, 3):
        last = [max(0.0, sum(a * b for a, b in zip(row, last)) + weights[f"mlp{layer}.bias"])
                for row in weights[f"mlp{layer}.weight"]]
    return [sum(a * b for a, b in zip(row, last)) for row in weights["readout.weight"]]


@pytest.mark.parametrize("stream", STREAMS)
def test_golden_logits_loss_and_gradients(golden, stream):
    expected = golden[f"stream_{stream}"]
    logits = forward(golden["weights"], golden["inputs"], Architecture(stream))
    loss, gradients = loss_and_gradients(golden["weights"], golden["inputs"], golden["labels"], Architecture(stream))
    assert near(logits, expected["logits"])
    assert near(loss, expected["loss"])
    assert {f"gradients.{name}" for name in gradients} == {name for name in expected if name.startswith("gradients.")}
    for name, gradient in gradients.items():
        assert near(gradient, expected[f"gradients.{name}"]), name


@pytest.mark.parametrize("stream", STREAMS)
def test_golden_losses_of_gradient_descent(golden, stream):
    weights, losses = dict(golden["weights"]), []
    for _ in range(10):
        loss, gradients = loss_and_gradients(weights, golden["inputs"], golden["labels"], Architecture(stream))
        losses.append(loss)
        weights = {name: (1 - RATE * DECAY) * weights[name] - RATE * gradients[name] for name in weights}
    assert near(losses, golden[f"stream_{stream}"]["sgd_losses"])


@every_variant
def test_logits_are_those_of_the_equations_number_by_number(architecture, mix_shape):
    weights, inputs, _ = network(architecture, mix_shape, seed=5)
    assert near(forward(weights, inputs, architecture),
                [spelled_out(weights, tokens, architecture) for tokens in inputs])


def cross_entropy(logits, labels):
    return numpy.mean([numpy.log(numpy.exp(row - row[label]).sum()) for row, label in zip(logits, labels, strict=True)])


@every_variant
def test_gradients_are_the_slopes_of_the_loss_along_a_direction_in_each_weight(architecture, mix_shape):
    weights, inputs, labels = smooth_network(architecture, mix_shape)
    loss, gradients = loss_and_gradients(weights, inputs, labels, architecture)
    assert near(loss, cross_entropy(forward(weights, inputs, architecture), labels))
    assert {name: g.shape for name, g in gradients.items()} == {name: w.shape for name, w in weights.items()}
    random = numpy.random.default_rng(11)
    for name, gradient in gradients.items():
        direction = random.normal(size=gradient.shape)
        direction /= numpy.linalg.norm(direction)

        def at(step):
            moved = weights | {name: weights[name] + step * direction}
            return cross_entropy(forward(moved, inputs, architecture), labels)

        h = 3e-4  # the error is of order h^4, that of rounding 1e-16 / h
        difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
        slope = (gradient * direction).sum()
        assert abs(difference - slope) <= 1e-7 * abs(slope), name


def test_the_first_layer_has_no_lambda(golden):
    weights, inputs, _ = network(Architecture("key", stream_mix="learned"), (), seed=1)
    with pytest.raises(ValueError, match="layer1.mix is no weight of this network; it has .*layer2.mix"):
        forward(weights | {"layer1.mix": numpy.asarray(1.0)}, inputs, Architecture("key", stream_mix="learned"))


@pytest.fixture
def checkpoint(tmp_path, golden):
    """Writes the golden weights as a checkpoint, with changes to attributes and datasets; None leaves one out."""

    def write(attributes=(), **datasets):
        path = tmp_path / "checkpoint.h5"
        with h5py.File(path, "w") as file:
            others = {"config": "seed = 1", "width": numpy.arange(17)}
            for name, array in (golden["weights"] | others | datasets).items():
                if array is not None:
                    file[name] = array
            for name, value in ({"model": "icl_transformer", "checkpoint_version": 1, "stream": "value", "heads": 1,
                                 "stream_source": "previous", "stream_mix": "sum"} | dict(attributes)).items():
                if value is not None:
                    file.attrs[name] = value
        return path

    return write


@pytest.fixture
def batch(tmp_path, golden):
    """Writes the golden inputs as a batch, with changes; None leaves a dataset out."""

    def write(positions=9, **datasets):
        path = tmp_path / "batch.h5"
        with h5py.File(path, "w") as file:
            for name, array in ({"content": golden["inputs"][:, :, 9:], "shift": golden["shift"],
                                 "label": golden["labels"]} | datasets).items():
                if array is not None:
                    file[name] = array
            if positions is not None:
                file.attrs["positions"] = positions
        return path

    return write


@pytest.mark.parametrize("attributes", [{}, {"stream": numpy.bytes_("value"), "heads": numpy.array([1])}])
def test_a_checkpoint_and_a_batch_give_the_golden_logits(golden, checkpoint, batch, attributes):
    weights, architecture = load_checkpoint(checkpoint(attributes))
    inputs, labels = load_batch(batch())
    assert architecture == Architecture("value")
    assert weights.keys() == golden["weights"].keys()
    assert numpy.array_equal(inputs, golden["inputs"])
    assert numpy.array_equal(labels, golden["labels"])
    assert near(forward(weights, inputs, architecture), golden["stream_value"]["logits"])


def test_single_precision_is_computed_with_in_double(golden, checkpoint):
    single = golden["weights"]["readout.weight"].astype(numpy.float32)
    weights, _ = load_checkpoint(checkpoint(**{"readout.weight": single}))
    assert weights["readout.weight"].dtype == numpy.float64
    assert numpy.array_equal(weights["readout.weight"], single)


@pytest.mark.parametrize("attributes, datasets, problem", [
    ({"model": "gpt"}, {}, "model is 'gpt'; only 'icl_transformer' can be read"),
    ({"checkpoint_version": 2}, {}, "checkpoint_version is 2; only 1 can be read"),
    ({"stream": None}, {}, "no attribute stream"),
    ({"stream": "values"}, {}, "stream is 'values'; it may be none, query, key, value"),
    ({"stream_source": "last"}, {}, "stream_source is 'last'; it may be previous, all, first"),
    ({"stream_mix": "max"}, {}, "stream_mix is 'max'; it may be sum, mean, learned"),
    ({"heads": 0}, {}, "heads is 0; it must be an integer from 1 up"),
    ({"heads": "two"}, {}, "heads is 'two'"),
    ({"heads": [1, 2]}, {}, "attribute heads has 2 elements"),
    ({"heads": 2}, {}, "a width of 17 cannot be split into 2 heads"),
    ({"stream_mix": "learned"}, {}, "the weights have no layer2.mix"),
    ({}, {"layer2.mix": 1.0}, "layer2.mix is no weight"),
    ({}, {"layer1.query": None}, "no matrix layer1.query"),
    ({}, {"layer2.key": None}, "the weights have no layer2.key"),
    ({}, {"mlp2.bias": None}, "the weights have no mlp2.bias"),
    ({}, {"mlp3.bias": numpy.zeros(17)}, r"mlp3.bias has shape \(17,\); expected \(\) or \(1,\)"),
    ({}, {"layer2.value": numpy.zeros((17, 16))}, r"layer2.value has shape \(17, 16\); expected \(17, 17\)"),
    ({}, {"readout.weight": numpy.zeros((5, 16))}, r"readout.weight has shape \(5, 16\); expected \(5, 17\)"),
    ({}, {"layer1.output": numpy.zeros((17, 17))}, "layer1.output is no weight"),
])
def test_checkpoints_that_do_not_fit_are_refused(checkpoint, attributes, datasets, problem):
    with pytest.raises(ValueError, match=f"checkpoint.h5: .*{problem}"):
        load_checkpoint(checkpoint(attributes, **datasets))


def test_weights_that_are_no_real_numbers_are_refused(checkpoint):
    with pytest.raises(ValueError, match="readout.weight holds int64; expected real numbers"):
        load_checkpoint(checkpoint(**{"readout.weight": numpy.ones((5, 17), int)}), dtype=None)


@pytest.mark.parametrize("changes, problem", [
    ({"positions": None}, "no attribute positions"),
    ({"positions": "nine"}, "positions is 'nine'; expected a number of columns"),
    ({"positions": 7}, "tokens stand in columns 0 to 7 of 7 positions"),
    ({"shift": numpy.array([-1, 0, 0, 0])}, "tokens stand in columns -1 to 6 of 9 positions"),
    ({"shift": None}, "no dataset shift"),
    ({"label": numpy.zeros(3, int)}, r"label \(3,\) do not fit"),
    ({"content": numpy.zeros((4, 7))}, r"content \(4, 7\), .* do not fit"),
])
def test_batches_that_do_not_fit_are_refused(batch, changes, problem):
    with pytest.raises(ValueError, match=problem):
        load_batch(batch(**changes))


@pytest.mark.parametrize("load", [load_checkpoint, load_batch])
def test_a_file_that_is_not_there_or_no_hdf5_is_refused(tmp_path, load):
    (tmp_path / "text.h5").write_text("x")
    for name in ("absent.h5", "text.h5"):
        with pytest.raises(ValueError, match=f"{name}: there is no HDF5 file"):
            load(tmp_path / name)


@pytest.mark.parametrize("inputs, labels, problem", [
    (numpy.zeros((4, 7, 16)), numpy.zeros(4, int), r"inputs have shape \(4, 7, 16\); expected \(sequence, token, 17\)"),
    (numpy.zeros((4, 0, 17)), numpy.zeros(4, int), "inputs have shape"),
    (numpy.zeros((4, 7, 17)), numpy.array([0, 1, 2, 5]), "labels must be 4 integers from 0 to 4"),
    (numpy.zeros((4, 7, 17)), numpy.array([0, 1, 2, -1]), "labels must be"),
    (numpy.zeros((4, 7, 17)), numpy.zeros(3, int), "labels must be"),
    (numpy.zeros((4, 7, 17)), numpy.zeros(4), "labels must be"),
])
def test_inputs_and_labels_that_do_not_fit_are_refused(golden, inputs, labels, problem):
    with pytest.raises(ValueError, match=problem):
        loss_and_gradients(golden["weights"], inputs, labels, Architecture())


def read_safetensors(path):
    """Header and arrays, by the format's description alone."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8:8 + size]), content[8 + size:]
    metadata = header.pop("__metadata__")
    assert (8 + size) % 8 == 0
    ends = [0] + [entry["data_offsets"][1] for entry in header.values()]
    assert [entry["data_offsets"][0] for entry in header.values()] == ends[:-1], "no holes"
    assert ends[-1] == len(data)
    return metadata, {name: numpy.frombuffer(data[slice(*entry["data_offsets"])], {"F32": "<f4", "F64": "<f8"}[
        entry["dtype"]]).reshape(entry["shape"]) for name, entry in header.items()}


@pytest.mark.parametrize("stored", ["<f8", "<f4", ">f8"])
def test_safetensors_hold_the_weights_bit_for_bit_in_the_type_they_were_stored(checkpoint, golden, tmp_path, stored):
    weights = {name: array.astype(stored) for name, array in golden["weights"].items()}
    weights |= {"layer2.mix": numpy.asarray(0.5, stored), "mlp1.bias": numpy.asarray(0.25, stored)}
    to_torch.export(checkpoint({"stream_mix": "learned"}, **weights), tmp_path / "weights.safetensors")
    metadata, found = read_safetensors(tmp_path / "weights.safetensors")
    assert metadata == {"format": "pt", "model": "icl_transformer", "stream": "value", "stream_source": "previous",
                        "stream_mix": "learned", "heads": "1"}
    assert found.keys() == weights.keys()
    for name, array in weights.items():
        assert found[name].dtype.itemsize == array.dtype.itemsize
        assert found[name].shape == array.shape
        assert numpy.array_equal(found[name], array), name


def test_the_documented_module_computes_the_golden_logits_in_pytorch(checkpoint, golden, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    to_torch.export(checkpoint(), "weights.pt")
    code = to_torch.__doc__[to_torch.__doc__.index("    class Attention"):]
    names = {"torch": torch, "width": 17, "inputs": torch.from_numpy(golden["inputs"])}
    exec(textwrap.dedent(code), names)
    assert near(names["logits"].detach().numpy(), golden["stream_value"]["logits"])


def test_without_pytorch_a_state_dict_is_refused_with_what_to_do(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ValueError, match="sudo apt install python3-torch.* or write a .safetensors file"):
        to_torch.export(checkpoint(), tmp_path / "weights.pt")
    assert not (tmp_path / "weights.pt").exists()


def test_another_ending_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(ValueError, match="weights.onnx: the name must end in .safetensors or .pt"):
        to_torch.export(tmp_path / "absent.h5", tmp_path / "weights.onnx")


def test_the_command_writes_beside_the_checkpoint_or_where_it_is_told(checkpoint, monkeypatch, capsys):
    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["ecphory_analysis", "to_torch", *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("ecphory_analysis", run_name="__main__")
        return ended.value.code, *capsys.readouterr()

    folder = checkpoint().parent
    monkeypatch.chdir(folder)
    assert command("checkpoint.h5") == (0, "checkpoint.safetensors\n", "")
    assert command("checkpoint.h5", "-o", "w.safetensors") == (0, "w.safetensors\n", "")
    assert (folder / "w.safetensors").read_bytes() == (folder / "checkpoint.safetensors").read_bytes()
    assert command("absent.h5") == (2, "", "error: absent.h5: there is no HDF5 file of that name\n")
