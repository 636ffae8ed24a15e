"""Golden values of short networks as `model.layers` has them: the order of what Flatten puts before a linear
layer, whose weights are PyTorch's."""

import json

from torch import nn

from golden import Family
from make_attention import draw, module


class Last(nn.LSTM):
    """An LSTM's outputs alone."""

    def forward(self, x):
        return super().forward(x)[0]


class Around(nn.Module):
    """A residual block without a shortcut."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.layers(x)


def chains():
    family = Family("chain")
    pad, linear = {"kernel": 3, "padding": 1}, {"linear": {"out": 3}}
    for case, shape, words, make, channels_last in [
        ("conv1d", (2, 6, 2), [{"conv1d": {"out": 4, **pad}}, "relu", {"max_pool1d": {"kernel": 2}}, "flatten", linear],
         lambda: [nn.Conv1d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(12, 3)], False),
        ("conv_transpose1d", (2, 3, 2), [{"conv_transpose1d": {"out": 3, "kernel": 2, "stride": 2}}, "tanh", "flatten", linear],
         lambda: [nn.ConvTranspose1d(2, 3, 2, stride=2), nn.Tanh(), nn.Flatten(), nn.Linear(18, 3)], False),
        ("residual", (3, 4, 2), [{"residual": {"layers": [{"conv1d": {"out": 2, **pad}}]}}, "silu", "flatten", linear],
         lambda: [Around(nn.Conv1d(2, 2, 3, padding=1)), nn.SiLU(), nn.Flatten(), nn.Linear(8, 3)], False),
        ("lstm", (2, 5, 3), [{"lstm": {"hidden": 4}}, "flatten", linear],
         lambda: [Last(3, 4, batch_first=True), nn.Flatten(), nn.Linear(20, 3)], True),
        ("linear", (2, 4, 3), [{"linear": {"out": 2}}, "relu", "flatten", linear],
         lambda: [nn.Linear(3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)], True),
        ("rows", (2, 3, 4), ["flatten", linear], lambda: [nn.Flatten(), nn.Linear(12, 3)], True),
    ]:
        def call(layer, x):
            return layer(x if channels_last else x.transpose(1, 2))

        module(family, "flatten_" + case, lambda: nn.Sequential(*make()), draw("chain_" + case, x=shape), call,
               op="chain",
               layers=json.dumps(words).replace('"', ""))
    family.save()


if __name__ == "__main__":
    chains()
