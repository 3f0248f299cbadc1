"""A checkpoint of the in-context-learning Transformer for PyTorch.

Names, shapes and number types are the checkpoint's own, and weights act as W x, as in torch.nn.Linear:

    layer1.query, layer1.key, layer1.value, layer2.query, ...    (width, width)
    layer2.mix, ...                                              () or (heads,); only where the mix is learned
    mlp1.weight, mlp2.weight, mlp3.weight                        (width, width)
    mlp1.bias, mlp2.bias, mlp3.bias                              () or (1,)
    readout.weight                                               (labels, width)

Modules whose parameters have these names take them as they are; the equations are in icl_transformer.py. Here those of
one head, with the value stream of the layer below summed:

    class Attention(torch.nn.Module):
        def __init__(self, width):
            super().__init__()
            self.query, self.key, self.value = (torch.nn.Parameter(torch.empty(width, width)) for _ in range(3))

        def forward(self, x, v_below=0.0):
            q, k, v = x @ self.query.T, x @ self.key.T, x @ self.value.T
            later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
            return x + (q @ k.mT).masked_fill(later, -torch.inf).softmax(-1) @ (v + v_below), v

    weights = torch.load("weights.pt")  # or safetensors.torch.load_file("weights.safetensors")
    layers = torch.nn.ModuleDict({"layer1": Attention(width), "layer2": Attention(width)}).to(inputs.dtype)
    layers.load_state_dict({name: weights[name] for name in layers.state_dict()})
    x, v = layers["layer1"](inputs)
    x, _ = layers["layer2"](x, v)
    for l in (1, 2, 3):
        x = torch.relu(x @ weights[f"mlp{l}.weight"].T + weights[f"mlp{l}.bias"])
    logits = x[:, -1] @ weights["readout.weight"].T
"""

import json
from dataclasses import asdict
from pathlib import Path

from .attention_form import is_attention_form, load_attention
from .icl_checkpoint import MODEL, load_checkpoint


def export(file, output):
    """Writes the weights of a checkpoint, or of attention layers that `ecphory bridge` has made of a network, to
    `output`: .safetensors, or .pt for a state dict by torch.save. Those of attention layers are the parameters of
    load_attention(file).module() (attention_form.py).

    Raises ValueError for another ending, for .pt where PyTorch is missing, and for what is neither.
    """
    suffix = Path(output).suffix
    if suffix not in (".safetensors", ".pt"):
        raise ValueError(f"{output}: the name must end in .safetensors or .pt")
    if is_attention_form(file):
        form = load_attention(file)
        weights, description = form.tensors(), {"model": "attention_form", **form.description()}
    else:
        weights, architecture = load_checkpoint(file, dtype=None)
        description = {"model": MODEL, **asdict(architecture)}
    if suffix == ".pt":
        save_torch(output, weights)
    else:
        save_safetensors(output, weights, {"format": "pt", **description})


def save_torch(path, weights):
    try:
        import torch
    except ImportError as error:
        raise ValueError(f"{path}: this needs PyTorch ({error}); install it with `sudo apt install python3-torch` or "
                         "`pip install torch`, or write a .safetensors file, which needs nothing") from error
    torch.save({name: torch.tensor(array) for name, array in weights.items()}, path)


def save_safetensors(path, weights, metadata):
    """The header's length (8 bytes, little-endian), the header (JSON), the numbers (little-endian, row-major)."""
    header, data = {"__metadata__": {name: str(value) for name, value in metadata.items()}}, b""
    for name, array in weights.items():
        number = array.astype(array.dtype.newbyteorder("<")).tobytes()
        header[name] = {"dtype": f"F{8 * array.dtype.itemsize}", "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + len(number)]}
        data += number
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers are aligned
    Path(path).write_bytes(len(text).to_bytes(8, "little") + text + data)
