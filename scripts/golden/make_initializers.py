"""Golden values of initialisers: PyTorch's own functions and layers, whose uniform and normal draws come from
the keyed streams of Sources/DLTensor/Random.swift, worked out in numpy."""

import contextlib
import math
from unittest import mock

import numpy as np
import torch
from torch import nn

from golden import options, save
from keyed import key, normals, uniforms
from make_state_dict import Everything

SEED = 3


def in_memory_order(values, shape):
    """Numbers drawn in the order of memory, as a tensor of PyTorch's shape: a kernel's places, its inputs and
    then its outputs come first to last in memory, the other way round in PyTorch."""
    if len(shape) < 3:
        return values.reshape(shape)
    output, input, *window = shape
    return np.moveaxis(values.reshape(*window, input, output), (-1, -2), (0, 1))


class Draws:
    """What `tensor.uniform_` and `tensor.normal_` draw: the stream of the tensor's name. A second call for
    one tensor, as to draw anew what was rejected, gives each element the next number that stands for it."""

    def __init__(self, names, order=in_memory_order, redraws=None):
        self.names, self.order, self.redraws, self.calls = names, order, redraws, 0

    def key(self, tensor):
        return key(SEED, "initialise", self.names.get(id(tensor), next(iter(self.names.values()))))

    def uniform(self, tensor, low=0.0, high=1.0, generator=None):
        return self.put(tensor, low + (high - low) * uniforms(self.key(tensor), tensor.numel()))

    def normal(self, tensor, mean=0.0, std=1.0, generator=None):
        if self.redraws is None:
            return self.put(tensor, mean + std * normals(self.key(tensor), tensor.numel()))
        self.calls += 1
        return self.put(tensor, mean + std * self.redraws(self.key(tensor), tensor.numel(), self.calls - 1))

    def put(self, tensor, values):
        with torch.no_grad():
            return tensor.copy_(torch.from_numpy(np.ascontiguousarray(self.order(values, tuple(tensor.shape)))))

    @contextlib.contextmanager
    def instead(self):
        with mock.patch.object(torch.Tensor, "uniform_", lambda t, *a, **k: self.uniform(t, *a, **k)), \
                mock.patch.object(torch.Tensor, "normal_", lambda t, *a, **k: self.normal(t, *a, **k)):
            yield


def rejected(bound):
    """The numbers of a stream by the element that they are drawn for: the next element's follow the first
    within the bound. An element's numbers past that do not count."""

    def draws(key, count, call):
        stream, place, result = normals(key, 40 * count + 100), 0, []
        for _ in range(count):
            start = place
            while abs(stream[place]) > bound:
                place += 1
            result.append(stream[min(start + call, place)])
            place += 1
        return np.array(result)

    return draws


def rules():
    """Name, initialiser, its options, and PyTorch's function."""
    init = nn.init
    yield "xavier_uniform", {}, init.xavier_uniform_
    yield "xavier_uniform", {"gain": 1.5}, lambda w: init.xavier_uniform_(w, 1.5)
    yield "xavier_normal", {}, init.xavier_normal_
    yield "xavier_normal", {"gain": 0.5}, lambda w: init.xavier_normal_(w, 0.5)
    for rule, function in [("he_uniform", init.kaiming_uniform_), ("he_normal", init.kaiming_normal_)]:
        for mode, name, slope in [("fan_in", "relu", 0), ("fan_out", "tanh", 0), ("fan_in", "leaky_relu", 0.5),
                                  ("fan_out", "selu", 0), ("fan_in", "sigmoid", 0), ("fan_out", "linear", 0)]:
            yield rule, {"mode": mode, "nonlinearity": name, "slope": slope}, \
                lambda w, f=function, m=mode, n=name, s=slope: f(w, s, m, n)
    yield "normal", {"std": 0.02}, lambda w: init.normal_(w, 0, 0.02)
    yield "uniform", {"bound": 0.25}, lambda w: init.uniform_(w, -0.25, 0.25)
    yield "constant", {"value": -1.5}, lambda w: init.constant_(w, -1.5)
    yield "zeros", {}, init.zeros_
    yield "ones", {}, init.ones_


SHAPES = [("linear", (6, 10)), ("conv1d", (5, 4, 3)), ("conv2d", (4, 3, 3, 2))]


def initializers():
    tensors, metadata = {}, {}

    def record(case, values, **settings):
        assert case not in metadata
        tensors[f"{case}/f64/out/weight"] = values
        metadata[case] = options(**settings)

    for index, (rule, settings, function) in enumerate(rules()):
        # A third of the shapes each, but for Xavier's and He's own.
        for layer, shape in SHAPES if index in (0, 2, 4, 10) else [SHAPES[index % 3]]:
            weight = torch.empty(shape, dtype=torch.float64)
            with Draws({id(weight): "weight"}).instead():
                function(weight)
            case = "_".join([rule, layer, *(str(value) for value in settings.values())])
            record(case, weight.numpy(), op=rule, layer=layer, **settings)
    for layer, shape, gain in [("linear", (5, 9), 1.0), ("linear", (9, 5), 1.5), ("linear", (7, 7), 1.0),
                               ("linear", (1, 6), 2.0), ("conv1d", (4, 3, 2), 1.0), ("conv2d", (4, 3, 3, 2), 1.0),
                               ("conv2d", (14, 2, 2, 3), 0.5)]:
        # Vectors are drawn one by one, a kernel's inputs in the order of memory.
        window = shape[2:]
        moved = torch.empty(shape[0], *window, shape[1], dtype=torch.float64)

        def order(values, matrix):
            return values.reshape(matrix) if matrix[0] < matrix[1] else values.reshape(matrix[::-1]).T

        with Draws({0: "weight"}, order).instead():
            nn.init.orthogonal_(moved, gain)
        record(f"orthogonal_{layer}_" + "x".join(map(str, shape)), np.moveaxis(moved.numpy(), -1, 1), op="orthogonal",
               layer=layer, gain=gain)
    for layer, shape, std, bound in [("linear", (20, 10), 1.0, 2.0), ("linear", (12, 10), 0.5, 0.5),
                                     ("conv2d", (4, 3, 3, 2), 0.02, 0.04)]:
        weight = torch.empty(shape, dtype=torch.float64)
        with Draws({0: "weight"}, redraws=rejected(bound / std)).instead():
            nn.init.trunc_normal_(weight, 0.0, std, -bound, bound)
        quantiles(weight.numpy(), std, bound)
        record(f"truncated_normal_{layer}_{std}_{bound}", weight.numpy(), op="truncated_normal", layer=layer, std=std,
               bound=bound)
    record("defaults", np.zeros(0), op="defaults")
    for name, value in fresh(Everything()).items():
        tensors[f"defaults/f64/out/{name}"] = value.double().numpy()
    del tensors["defaults/f64/out/weight"]
    residual(tensors, metadata)
    save("initializers.safetensors", tensors, metadata)


def quantiles(values, std, bound):
    """The values lie as the inverse of erf spreads uniform numbers, by Kolmogorov's test at 1 in 1000."""
    count = values.size
    edge = math.erf(bound / std / math.sqrt(2))
    uniform = (np.vectorize(math.erf)(np.sort(values.reshape(-1)) / std / math.sqrt(2)) / edge + 1) / 2
    steps = np.arange(count)
    distance = max((uniform - steps / count).max(), ((steps + 1) / count - uniform).max())
    assert distance < 1.95 / math.sqrt(count), distance
    middle = torch.erfinv(torch.from_numpy(2 * uniform - 1) * edge).numpy() * std * math.sqrt(2)
    np.testing.assert_allclose(middle, np.sort(values.reshape(-1)), 1e-9)


def fresh(model):
    """The state of a model whose layers have reset their parameters, in the order in which PyTorch makes them."""
    model = model.double()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    with Draws(names).instead():
        for name, layer in reversed(list(model.named_modules())):
            # A tied head takes the table as it is.
            if name != "head" and layer is not model:
                for reset in ["reset_parameters", "_reset_parameters"]:
                    if hasattr(layer, reset):
                        getattr(layer, reset)()
    return model.state_dict()


def residual(tensors, metadata):
    """A ResNet for small images with zeros in the last scale of each block (Goyal et al. 2017, section 5.1;
    torchvision's `zero_init_residual`). Of each weight the first numbers, their sum and their squares'."""

    class Block(nn.Module):
        def __init__(self, input, output):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(input, output, 3, bias=False), nn.BatchNorm2d(output)
            self.conv2, self.bn2 = nn.Conv2d(output, output, 3, bias=False), nn.BatchNorm2d(output)

    class ResNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, bias=False), nn.BatchNorm2d(16)
            self.layer1 = nn.Sequential(Block(16, 16))
            self.layer2 = nn.Sequential(Block(16, 32))
            self.layer3 = nn.Sequential(Block(32, 64))
            self.fc = nn.Linear(64, 10)

    for zeros in [True, False]:
        model = ResNet()
        fresh(model)
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        with Draws(names).instead():
            for layer in model.modules():
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        for layer in model.modules():
            if isinstance(layer, Block) and zeros:
                nn.init.constant_(layer.bn2.weight, 0)
        case = "residual_zeros" if zeros else "residual_ones"
        metadata[case] = options(op="zero_init_residual", zeros=zeros)
        for name, parameter in model.named_parameters():
            values = parameter.detach().numpy().reshape(-1)
            # The sums of float32 weights are near zero only to a part of what is added up.
            tensors[f"{case}/f64/out/{name}"] = np.array([*values[:5], np.abs(values).sum(), (values ** 2).sum()])


if __name__ == "__main__":
    initializers()
