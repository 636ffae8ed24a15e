"""Golden values of networks with branches as `model.layers` has them, in training, under PyTorch's names."""

import json
import math

import torch
from torch import nn

from golden import Family, nchw
from make_attention import draw, module


class Concat(nn.ModuleDict):
    """Branches by name, beside each other in the channels."""

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.values()], 1)


class NumberedConcat(nn.ModuleList):
    def __init__(self, branches, dim):
        super().__init__(branches)
        self.dim = dim

    def forward(self, x):
        return torch.cat([branch(x) for branch in self], self.dim)


class Sum(nn.ModuleList):
    def forward(self, x):
        return sum(branch(x) for branch in self)


class Product(nn.ModuleList):
    """A factor without height and width is for all of them."""

    def forward(self, x):
        factors = [branch(x) for branch in self]
        rank = max(factor.dim() for factor in factors)
        return math.prod(factor[(...,) + (None,) * (rank - factor.dim())] for factor in factors)


class DenseLayer(nn.Sequential):
    """Huang et al. 2017 under torchvision's names, with or without a bottleneck."""

    def __init__(self, channels, growth, bottleneck):
        super().__init__()
        self.norm1, self.relu1 = nn.BatchNorm2d(channels), nn.ReLU()
        if bottleneck is None:
            self.conv1 = nn.Conv2d(channels, growth, 3, padding=1, bias=False)
        else:
            self.conv1 = nn.Conv2d(channels, bottleneck * growth, 1, bias=False)
            self.norm2, self.relu2 = nn.BatchNorm2d(bottleneck * growth), nn.ReLU()
            self.conv2 = nn.Conv2d(bottleneck * growth, growth, 3, padding=1, bias=False)


class DenseBlock(nn.ModuleDict):
    def __init__(self, channels, layers, growth, bottleneck):
        super().__init__({f"denselayer{i + 1}": DenseLayer(channels + i * growth, growth, bottleneck)
                          for i in range(layers)})

    def forward(self, x):
        features = [x]
        for layer in self.values():
            features.append(layer(torch.cat(features, 1)))
        return torch.cat(features, 1)


class Tokens(nn.Module):
    def forward(self, x):
        return x.flatten(2).transpose(1, 2)


class ClassToken(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, size))

    def forward(self, x):
        return torch.cat([self.class_token.expand(len(x), -1, -1), x], 1)


class Positions(nn.Embedding):
    def forward(self, x):
        return x + super().forward(torch.arange(x.shape[1]))


class Select(nn.Module):
    def __init__(self, position, dim=1):
        super().__init__()
        self.position, self.dim = position, dim

    def forward(self, x):
        return x.select(self.dim, self.position)


class Mean(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


class Rows(nn.Module):
    """PyTorch's `[batch, channels, height, width]` as it lies here."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1)


def encoder(size):
    return nn.TransformerEncoderLayer(size, 2, 6, 0.0, "gelu", batch_first=True, norm_first=True)


def conv(out, kernel, **more):
    return {"conv2d": {"out": out, "kernel": kernel, "padding": kernel // 2, **more}}


def networks():
    family = Family("network")
    words = {"heads": 2, "feed_forward": 6, "dropout": 0, "activation": "gelu", "norm_first": True}
    for case, shape, layers, make in [
        ("concat_named", (3, 4, 5, 2),
         [conv(3, 3), {"concat": {"branches": {
             "one": [conv(2, 1), "batch_norm", "relu"], "same": [],
             "deep": [conv(2, 1), "relu", conv(3, 3)],
             "pool": [{"max_pool2d": {"kernel": 3, "stride": 1, "padding": 1}}, conv(1, 1)]}}},
          "batch_norm"],
         lambda: [nn.Conv2d(2, 3, 3, padding=1), Concat({
             "one": nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2), nn.ReLU()), "same": nn.Sequential(),
             "deep": nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.Conv2d(2, 3, 3, padding=1)),
             "pool": nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(3, 1, 1))}),
             nn.BatchNorm2d(9), Rows()]),
        ("concat_rows", (2, 4, 3, 2),
         [{"concat": {"axis": 1, "branches": [[conv(2, 3)], [{"avg_pool2d": {"kernel": [2, 1]}}]]}}],
         lambda: [NumberedConcat([nn.Sequential(nn.Conv2d(2, 2, 3, padding=1)),
                                  nn.Sequential(nn.AvgPool2d((2, 1)))], 2), Rows()]),
        ("sum", (2, 4, 4, 3),
         [{"sum": {"branches": [[], [conv(3, 3), "batch_norm"], [conv(3, 1), "tanh", conv(3, 3)]]}}, "relu"],
         lambda: [Sum([nn.Sequential(), nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)),
                       nn.Sequential(nn.Conv2d(3, 3, 1), nn.Tanh(), nn.Conv2d(3, 3, 3, padding=1))]),
                  nn.ReLU(), Rows()]),
        ("multiply_by_channel", (3, 3, 4, 4),
         [{"multiply": {"branches": [[], ["global_avg_pool2d", {"linear": {"out": 2}}, "relu",
                                          {"linear": {"out": 4}}, "sigmoid"]]}}],
         lambda: [Product([nn.Sequential(), nn.Sequential(
             Mean(), nn.Linear(4, 2), nn.ReLU(), nn.Linear(2, 4), nn.Sigmoid())]), Rows()]),
        ("multiply_gate", (2, 3, 3, 2),
         [{"multiply": {"branches": [[conv(3, 3)], [conv(3, 3), "sigmoid"], [conv(3, 1)]]}}],
         lambda: [Product([nn.Sequential(nn.Conv2d(2, 3, 3, padding=1)),
                           nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.Sigmoid()),
                           nn.Sequential(nn.Conv2d(2, 3, 1))]), Rows()]),
        ("dense_block", (3, 4, 4, 3),
         [{"dense_block": {"layers": 3, "growth": 2, "bottleneck": 2}}],
         lambda: [DenseBlock(3, 3, 2, 2), Rows()]),
        ("dense_block_plain", (2, 4, 3, 2),
         [{"dense_block": {"layers": 2, "growth": 3, "bottleneck": None}}],
         lambda: [DenseBlock(2, 2, 3, None), Rows()]),
        ("vision_transformer", (2, 4, 6, 3),
         [{"conv2d": {"out": 4, "kernel": 2, "stride": 2}}, "tokens", "class_token", {"positional": {"kind": "learned"}},
          {"repeat": {"times": 2, "layers": [{"transformer_encoder_layer": words}]}}, "layer_norm", "select",
          {"linear": {"out": 3}}],
         lambda: [nn.Conv2d(3, 4, 2, 2), Tokens(), ClassToken(4), Positions(7, 4), encoder(4), encoder(4),
                  nn.LayerNorm(4), Select(0), nn.Linear(4, 3)]),
        ("repeat", (3, 4, 4, 2),
         [{"repeat": {"times": 2, "layers": [conv(2, 3), "relu"]}},
          {"sequential": {"layers": [{"repeat": {"times": 2, "layers": [conv(2, 1)]}}, "batch_norm"]}},
          {"repeat": {"times": 0, "layers": ["tanh"]}}, {"select": {"axis": 2, "position": -1}}],
         lambda: [nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(), nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(),
                  nn.Sequential(nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)),
                  Rows(), Select(-1, 2)]),
    ]:
        module(family, case, lambda: nn.Sequential(*make()), draw("network_" + case, x=shape),
               lambda layer, x: layer(nchw(x)), op="network", training=True,
               layers=json.dumps(layers).replace('"', ""))

    pad = {"kernel": 3, "padding": 1}
    for case, layers, make in [
        ("flatten_in_branches",
         [{"conv1d": {"out": 2, **pad}},
          {"concat": {"branches": [["flatten", {"linear": {"out": 2}}],
                                   ["relu", {"sequential": {"layers": ["flatten", {"linear": {"out": 3}}]}}]]}}],
         lambda: [nn.Conv1d(3, 2, 3, padding=1), NumberedConcat([
             nn.Sequential(nn.Flatten(), nn.Linear(8, 2)),
             nn.Sequential(nn.ReLU(), nn.Sequential(nn.Flatten(), nn.Linear(8, 3)))], 1)]),
    ]:
        module(family, case, lambda: nn.Sequential(*make()), draw("network_" + case, x=(2, 4, 3)),
               lambda layer, x: layer(x.transpose(1, 2)), op="network", training=True,
               layers=json.dumps(layers).replace('"', ""))
    family.save()


if __name__ == "__main__":
    networks()
