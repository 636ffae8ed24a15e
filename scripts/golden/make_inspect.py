"""What `dltrain inspect` should say of a network: parameters counted by PyTorch, multiply-adds by its counter of
operations, and receptive fields by which pixels a gradient reaches."""

import json

import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from golden import options, save


class Block(nn.Module):
    """He et al. 2016, with a projection (option B)."""

    def __init__(self, input, output, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(input, output, 3, stride, 1, bias=False), nn.BatchNorm2d(output)
        self.conv2, self.bn2 = nn.Conv2d(output, output, 3, 1, 1, bias=False), nn.BatchNorm2d(output)
        self.downsample = nn.Identity() if input == output else nn.Sequential(
            nn.Conv2d(input, output, 1, stride, bias=False), nn.BatchNorm2d(output))

    def forward(self, x):
        return torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))) + self.downsample(x))


class ResNet(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)

        def stage(input, output, stride):
            return nn.Sequential(Block(input, output, stride), *[Block(output, output, 1) for _ in range(blocks - 1)])

        self.layer1, self.layer2, self.layer3 = stage(16, 16, 1), stage(16, 32, 2), stage(32, 64, 2)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


class Last(nn.LSTM):
    def forward(self, x):
        return super().forward(x)[0]


class LastGRU(nn.GRU):
    def forward(self, x):
        return super().forward(x)[0]


class Concat(nn.ModuleDict):
    def forward(self, x):
        return torch.cat([branch(x) for branch in self.values()], 1)


class Sum(nn.ModuleList):
    def forward(self, x):
        return sum(branch(x) for branch in self)


def branches():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        Concat({"one": nn.Sequential(nn.Conv2d(4, 2, 1)), "two": nn.Sequential(
            nn.Conv2d(4, 2, 3, padding=1), nn.ReLU(), Sum([
                nn.Sequential(nn.Conv2d(2, 2, 3, padding=2, dilation=2)), nn.Sequential(nn.Conv2d(2, 2, (1, 5), padding=(0, 2)))]),
            nn.Conv2d(2, 3, 3, padding=1))}),
        nn.MaxPool2d(2), Sum([nn.Sequential(nn.Conv2d(5, 4, 3, 2, 1)), nn.Sequential(nn.Conv2d(5, 4, 1, 2))]),
        nn.Conv2d(4, 2, 3), nn.Flatten(), nn.Linear(8, 10))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def windows():
    return nn.Sequential(
        nn.Conv2d(4, 6, (3, 1), dilation=(2, 1), groups=2, bias=False), nn.ReLU(),
        nn.Conv2d(6, 6, 3, stride=(1, 2), padding=1, groups=6), nn.AvgPool2d((2, 3), (2, 1)),
        nn.ConvTranspose2d(6, 3, 4, stride=2, padding=1), nn.Flatten(), nn.Linear(588, 10))


CASES = [
    ("lenet", "{name: lenet5}", (1, 28, 28), lenet),
    ("resnet20", "{name: resnet_cifar, shortcut: projection}", (3, 32, 32), lambda: ResNet(3)),
    ("windows", "{layers: [{conv2d: {out: 6, kernel: [3, 1], dilation: [2, 1], groups: 2, bias: false}}, relu, "
     "{conv2d: {out: 6, kernel: 3, stride: [1, 2], padding: 1, groups: 6}}, {avg_pool2d: {kernel: [2, 3], stride: [2, 1]}}, "
     "{conv_transpose2d: {out: 3, kernel: 4, stride: 2, padding: 1}}, flatten, {linear: {out: 10}}]}", (4, 18, 17), windows),
    ("branches", "{layers: [{conv2d: {out: 4, kernel: 3, padding: 1}}, {concat: {branches: {one: [{conv2d: {out: 2, kernel: 1}}], "
     "two: [{conv2d: {out: 2, kernel: 3, padding: 1}}, relu, {sum: {branches: [[{conv2d: {out: 2, kernel: 3, padding: 2, dilation: 2}}], "
     "[{conv2d: {out: 2, kernel: [1, 5], padding: [0, 2]}}]]}}, {conv2d: {out: 3, kernel: 3, padding: 1}}]}}}, {max_pool2d: {kernel: 2}}, "
     "{sum: {branches: [[{conv2d: {out: 4, kernel: 3, stride: 2, padding: 1}}], [{conv2d: {out: 4, kernel: 1, stride: 2}}]]}}, "
     "{conv2d: {out: 2, kernel: 3}}, flatten, {linear: {out: 10}}]}", (3, 16, 16), branches),
    ("conv1d", "{layers: [{conv1d: {out: 6, kernel: 5, stride: 2, padding: 2, groups: 3}}, relu, flatten, {linear: {out: 10}}]}",
     (3, 16), lambda: nn.Sequential(nn.Conv1d(3, 6, 5, 2, 2, groups=3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 10))),
    ("lstm", "{layers: [{lstm: {hidden: 5, layers: 2, bidirectional: true}}, flatten, {linear: {out: 10}}]}", (7, 3),
     lambda: nn.Sequential(Last(3, 5, 2, batch_first=True, bidirectional=True), nn.Flatten(), nn.Linear(70, 10))),
    ("gru", "{layers: [{gru: {hidden: 4, bias: false}}, flatten, {linear: {out: 10}}]}", (6, 3),
     lambda: nn.Sequential(LastGRU(3, 4, bias=False, batch_first=True), nn.Flatten(), nn.Linear(24, 10))),
    ("transformer", "{layers: [{transformer_encoder_layer: {heads: 2, feed_forward: 12, dropout: 0}}, flatten, {linear: {out: 10}}]}",
     (5, 8), lambda: nn.Sequential(nn.TransformerEncoderLayer(8, 2, 12, 0.0, batch_first=True), nn.Flatten(), nn.Linear(40, 10))),
]


def products(call, *inputs):
    """The multiply-adds that PyTorch counts, two operations each."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        call(*inputs)
    assert counter.get_total_flops() % 2 == 0
    return counter.get_total_flops() // 2


def leaves(model):
    """What is listed by its path: layers without parts; the parts of attention are not called as layers."""
    return {name: layer for name, layer in model.named_modules()
            if not list(layer.children()) and not isinstance(layer, nn.Identity) and "self_attn" not in name}


def observed(model, x):
    """The inputs and outputs of the leaves for an input."""
    seen, hooks = {}, []
    for name, layer in leaves(model).items():
        hooks.append(layer.register_forward_hook(lambda _, inputs, output, name=name: seen.update({name: (inputs, output)})))
    model(x)
    for hook in hooks:
        hook.remove()
    return seen


def positive(model):
    """The same geometry where every path counts: weights above 0, averages in place of maxima."""
    for name, layer in list(model.named_modules()):
        if isinstance(layer, nn.MaxPool2d):
            parent = model.get_submodule(name.rpartition(".")[0])
            setattr(parent, name.rpartition(".")[2], nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding))
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.1)
    return model.double().eval()


def fields(make, channels):
    """How many pixels, from the first to the last, an output in the middle of a large image depends on."""
    model, result = positive(make()), {}
    x = torch.ones(1, channels, 160, 160, dtype=torch.float64, requires_grad=True)
    trunk = {}
    hooks = [layer.register_forward_hook(lambda _, inputs, output, name=name: trunk.update({name: output}))
             for name, layer in leaves(model).items()]
    try:
        model(x)
    except RuntimeError as error:
        # The linear layers behind Flatten are of another size.
        assert "shapes cannot be multiplied" in str(error)
    for hook in hooks:
        hook.remove()
    for name, y in trunk.items():
        extents = []
        # A transposed convolution's outputs depend on more or fewer by their place.
        for shift in range(2 if y.ndim == 4 else 0):
            place = y[0, :, y.shape[2] // 2 + shift, y.shape[3] // 2 + shift].sum()
            reached = torch.autograd.grad(place, x, retain_graph=True)[0][0].abs().sum(0) > 0
            extents.append([int(axis.nonzero().max() - axis.nonzero().min()) + 1 for axis in (reached.any(1), reached.any(0))])
        result[name] = np.max(extents, 0) if extents else np.zeros(2)
    return result


def inspect():
    tensors, metadata = {}, {}
    for case, yaml, shape, make in CASES:
        # In training mode, so that no fused layer hides its products.
        model = make().train()
        x = torch.ones(2, *shape)
        seen = observed(model, x)
        field = fields(make, shape[0]) if len(shape) == 3 else {}
        names = list(leaves(model))
        rows = []
        for name, layer in leaves(model).items():
            parameters = sum(p.numel() for p in layer.parameters())
            # Counted for the batch of two, since batch norm takes no single row.
            rows.append([parameters, products(layer, seen[name][0][0].detach()) // 2, *field.get(name, [0, 0])])
        rows.append([sum(p.numel() for p in model.parameters()), products(model, x) // 2, 0, 0])
        tensors[f"{case}/f64/out/rows"] = np.array(rows, dtype=np.int32)
        # Images are height, width, channels here, sequences under convolutions length, channels.
        input = list(shape) if case in ("lstm", "gru", "transformer") else [*shape[1:], shape[0]]
        metadata[case] = options(op="inspect", model=yaml, shape=json.dumps(input), names=[*names, "total"])
    save("inspect.safetensors", tensors, metadata)


if __name__ == "__main__":
    inspect()
