"""Golden values of dropout: the masks from keyed random numbers worked out anew, outputs and gradients from
PyTorch under these masks."""

import numpy as np
import torch

from golden import Family, Random
from keyed import keeps, key


def masks(p, seed, step, path, call, shape, first_row, parts):
    """The mask of a layer's call, to be broadcast over `shape`; `parts` of a row go as wholes."""
    columns = int(np.prod(shape[1:])) if parts == "element" else shape[-1] if parts == "channel" else 1
    drawn = keeps(key(seed, "dropout", step, path, call), p, shape[0], columns, first_row)
    if parts == "element":
        return drawn.reshape(shape)
    ones = [1] * (len(shape) - 2)
    return np.broadcast_to(drawn.reshape(shape[0], *ones, -1) if len(shape) > 1 else drawn[:, 0], shape).copy()


def parts():
    family = Family("dropout")
    for op, part, cases in [
        ("dropout", "element", [("row", (1, 70)), ("rows", (5, 7)), ("axis", (9,)), ("image", (3, 2, 3, 5)),
                                ("text", (2, 3, 11))]),
        ("channel_dropout", "channel", [("image", (3, 4, 2, 9)), ("text", (4, 5, 6)), ("rows", (5, 8))]),
        ("drop_path", "path", [("image", (12, 2, 3, 2)), ("rows", (20, 3)), ("axis", (16,))]),
    ]:
        for case, shape in cases:
            for number, (p, training, settings) in enumerate([
                (0.0, True, {}), (0.3, True, {"call": 1}), (0.9, True, {"step": 7}), (0.3, False, {}),
                (0.3, True, {"first_row": 5, "seed": 2**63 + 11}), (0.9, True, {"first_row": 2**33 + 3, "step": 2}),
            ]):
                if number in (0, 1, 3) and case not in ("rows", "image"):
                    continue
                name = f"{op}_{case}_{p}" + ("" if training else "_eval") + "".join(f"_{key}" for key in settings)
                settings = {"seed": 1, "step": 0, "call": 0, "first_row": 0, "path": "1.0", **settings}
                keep = masks(p, settings["seed"], settings["step"], settings["path"], settings["call"], shape,
                             settings["first_row"], part) if training else np.ones(shape, dtype=np.uint8)
                assert training and p > 0 or keep.all()
                family.record(
                    name, op, {"x": Random(name).away_from_zero(*shape), "keep": keep},
                    lambda x, keep: {"y": x * keep / (1 - p if training else 1)}, wrt=["x"], p=p, training=training,
                    **{**settings, "seed": str(settings["seed"])})
    recurrent(family)
    family.save()


def recurrent(family):
    """Two or three layers of torch's own, each alone, with masks between them by step of time and row."""
    for op, case, layers, p, first_row, both in [
        ("lstm", "two_layers", 2, 0.4, 0, False), ("lstm", "rows", 3, 0.3, 6, False),
        ("gru", "bidirectional", 2, 0.5, 2, True), ("rnn", "two_layers", 2, 0.9, 0, False),
    ]:
        random = Random(f"dropout_{op}_{case}")
        batch, time, size, hidden = 3, 4, 2, 3
        kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[op]

        def alone(layer):
            return kind(size if layer == 0 else hidden * (1 + both), hidden, batch_first=True, bidirectional=both)

        inputs = {"x": random.normal(batch, time, size)}
        for layer in range(layers):
            for name, parameter in alone(layer).named_parameters():
                inputs[name.replace("_l0", f"_l{layer}")] = random.normal(*parameter.shape, scale=0.6)
        seed, step = 5, 3
        between = [np.stack([keeps(key(seed, "dropout", step, "0", 0, layer, t), p, batch, hidden * (1 + both), first_row)
                             for t in range(time)], 1) for layer in range(1, layers)]

        def function(x, **parameters):
            for layer in range(layers):
                if layer > 0:
                    x = x * torch.from_numpy(between[layer - 1]) / (1 - p)
                names = dict(alone(layer).named_parameters())
                given = {name: parameters[name.replace("_l0", f"_l{layer}")] for name in names}
                x = torch.func.functional_call(alone(layer).to(x.dtype), given, (x,))[0]
            return {"y": x}

        family.record(f"{op}_dropout_{case}", f"{op}_dropout", inputs, function, wrt=list(inputs), p=p, seed=str(seed),
                      step=step, first_row=first_row, layers=layers, hidden=hidden, bidirectional=both)


if __name__ == "__main__":
    parts()
