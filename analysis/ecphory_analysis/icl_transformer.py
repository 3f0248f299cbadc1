"""The in-context-learning Transformer in NumPy, float64, its gradients by the chain rule written out.

Burns, Fukai & Earls 2024, arXiv 2412.15113, after Reddy 2024, arXiv 2312.03002. It is the witness that tests hold the
C++ program to, so it computes what the equations say and leaves nothing out. Weights act as W x; layers count from 1.

    q^_l, k^_l, v^_l = W_Q x, W_K x, W_V x            raw projections of the input x of layer l
    u_l = mix(u^_l, s_l)                              for u the residual stream (q, k or v) and l > 1, else u_l = u^_l
    x <- x + sum_{t' <= t} softmax(q_t . k_t') v_t'   each head on its own rows; no 1/sqrt(d), no layer norm
    x <- relu(W x + b)                                three times, b a scalar
    logits = R x_T                                    of the last token T; the loss is the mean cross-entropy

Source s_l: `previous` u^_{l-1}, `all` sum_{m<l} u^_m, `first` u^_1. Mix: `sum` u^_l + s_l, `mean` the average of u^_l
and the terms of s_l, `learned` u^_l + lambda_l s_l.
"""

import numpy

from .icl_checkpoint import PROJECTIONS, Architecture, check, layers_of, load_batch, load_checkpoint

__all__ = ["Architecture", "forward", "load_batch", "load_checkpoint", "loss_and_gradients"]


def forward(weights, inputs, architecture):
    """logits (sequence, label) of inputs (sequence, token, width). Raises ValueError for what does not fit."""
    return _forward(weights, inputs, architecture)[-1]


def loss_and_gradients(weights, inputs, labels, architecture):
    """The mean cross-entropy and its gradient with respect to every weight, named and shaped like the weights.

    Raises ValueError for what does not fit.
    """
    attention, perceptron, x_last, logits = _forward(weights, inputs, architecture)
    outside = (labels < 0) | (labels >= logits.shape[1])
    if labels.shape != inputs.shape[:1] or labels.dtype.kind not in "iu" or outside.any():
        raise ValueError(f"labels must be {len(inputs)} integers from 0 to {logits.shape[1] - 1}")
    row = numpy.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probability = shifted - numpy.log(numpy.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_probability[row, labels].mean()
    d_logits = numpy.exp(log_probability)
    d_logits[row, labels] -= 1
    d_logits /= len(labels)

    gradients = {"readout.weight": d_logits.T @ x_last[:, -1]}
    d_x = numpy.zeros_like(x_last)
    d_x[:, -1] = d_logits @ weights["readout.weight"]
    for layer in range(len(perceptron), 0, -1):
        x, before = perceptron[layer - 1]
        d_before = d_x * (before > 0)
        gradients[f"mlp{layer}.weight"] = _outer(d_before, x)
        gradients[f"mlp{layer}.bias"] = d_before.sum().reshape(weights[f"mlp{layer}.bias"].shape)
        d_x = d_before @ weights[f"mlp{layer}.weight"]

    # Of every layer's raw projections: layers above add to it what they take through the stream.
    d_raw = [{name: numpy.zeros_like(d_x) for name in PROJECTIONS} for _ in attention]
    for layer in range(len(attention), 0, -1):
        x, raw, used, probabilities = attention[layer - 1]
        d_used = _attend_backward(d_x, used, probabilities, architecture.heads)
        for name in PROJECTIONS:
            own, share = _coefficients(weights, architecture, layer, name, x.shape[2])
            d_raw[layer - 1][name] += own * d_used[name]
            for source in _sources(architecture, layer, name):
                d_raw[source - 1][name] += share * d_used[name]
        if f"layer{layer}.mix" in weights:
            name = architecture.stream
            stream = sum(attention[source - 1][1][name] for source in architecture.sources(layer))
            of_rows = (d_used[name] * stream).sum(axis=(0, 1))  # (width)
            mix = weights[f"layer{layer}.mix"]
            gradients[f"layer{layer}.mix"] = of_rows.reshape(mix.size, -1).sum(axis=1).reshape(mix.shape)
        for name in PROJECTIONS:
            gradients[f"layer{layer}.{name}"] = _outer(d_raw[layer - 1][name], x)
            d_x = d_x + d_raw[layer - 1][name] @ weights[f"layer{layer}.{name}"]
    return loss, gradients


def _forward(weights, inputs, architecture):
    """(x, raw, used, probabilities) of every layer of attention, (x, W x + b) of the perceptron, its output, logits."""
    check(weights, architecture)
    width = weights["readout.weight"].shape[1]
    if inputs.ndim != 3 or 0 in inputs.shape or inputs.shape[2] != width:
        raise ValueError(f"inputs have shape {inputs.shape}; expected (sequence, token, {width})")
    x, attention, perceptron = inputs, [], []  # x: (sequence, token, width)
    for layer in range(1, layers_of(weights) + 1):
        raw = {name: x @ weights[f"layer{layer}.{name}"].T for name in PROJECTIONS}
        used = {}
        for name in PROJECTIONS:
            own, share = _coefficients(weights, architecture, layer, name, width)
            used[name] = own * raw[name]
            for source in _sources(architecture, layer, name):
                used[name] = used[name] + share * attention[source - 1][1][name]
        output, probabilities = _attend(used, architecture.heads)
        attention.append((x, raw, used, probabilities))
        x = x + output
    for layer in range(1, layers_of(weights, "mlp") + 1):
        before = x @ weights[f"mlp{layer}.weight"].T + weights[f"mlp{layer}.bias"]
        perceptron.append((x, before))
        x = numpy.maximum(before, 0)
    return attention, perceptron, x, x[:, -1] @ weights["readout.weight"].T


def _sources(architecture, layer, name):
    return architecture.sources(layer) if name == architecture.stream else []


def _coefficients(weights, architecture, layer, name, width):
    """What a layer's own raw projection, and each one of its sources, is multiplied by: numbers or (width)."""
    sources = _sources(architecture, layer, name)
    if sources and architecture.stream_mix == "mean":
        return 1 / (1 + len(sources)), 1 / (1 + len(sources))
    if sources and architecture.stream_mix.startswith("learned"):
        mix = weights[f"layer{layer}.mix"]
        return 1.0, numpy.repeat(mix, width // mix.size)
    return 1.0, 1.0


def _attend(used, heads):
    """Causal softmax attention (sequence, token, width), and the probabilities (sequence, query, key) of each head."""
    output, probabilities = numpy.zeros_like(used["value"]), []
    causal = numpy.tri(output.shape[1], dtype=bool)
    for rows in _heads(output.shape[2], heads):
        q, k, v = (used[name][:, :, rows] for name in PROJECTIONS)
        scores = numpy.where(causal, q @ k.transpose(0, 2, 1), -numpy.inf)
        p = numpy.exp(scores - scores.max(axis=2, keepdims=True))
        p /= p.sum(axis=2, keepdims=True)
        output[:, :, rows] = p @ v
        probabilities.append(p)
    return output, probabilities


def _attend_backward(d_output, used, probabilities, heads):
    """The gradients of queries, keys and values from that of the output."""
    d_used = {name: numpy.zeros_like(d_output) for name in PROJECTIONS}
    for rows, p in zip(_heads(d_output.shape[2], heads), probabilities, strict=True):
        q, k, v = (used[name][:, :, rows] for name in PROJECTIONS)
        d_p = d_output[:, :, rows] @ v.transpose(0, 2, 1)
        d_scores = p * (d_p - (p * d_p).sum(axis=2, keepdims=True))
        d_used["query"][:, :, rows] = d_scores @ k
        d_used["key"][:, :, rows] = d_scores.transpose(0, 2, 1) @ q
        d_used["value"][:, :, rows] = p.transpose(0, 2, 1) @ d_output[:, :, rows]
    return d_used


def _heads(width, heads):
    """The rows of each head."""
    return [slice(head * width // heads, (head + 1) * width // heads) for head in range(heads)]


def _outer(d_y, x):
    """The gradient of W where y = W x, summed over sequences and tokens."""
    return numpy.einsum("sti,stj->ij", d_y, x)
