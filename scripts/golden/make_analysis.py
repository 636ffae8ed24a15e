"""The gradient, Hessian-vector products and the whole Hessian's eigenvalues of small networks by PyTorch.

Each NAME of smooth (batch norm, layer norm, average pooling) and kinked (ReLU, max pooling) gives
    analysis-NAME.safetensors   x, y, weights, loss, gradient, v, hv (by parameter) and eigenvalues
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from golden import Random, save


def smooth():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(24, 6), nn.LayerNorm(6), nn.GELU(), nn.Linear(6, 3))


def kinked():
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 5), nn.Sigmoid(),
        nn.Linear(5, 3))


def rows(name, count=37):
    draw = Random(f"analysis {name}")
    return draw.normal(count, 6, 5, 1), draw.integers(count, below=3)


def weights(model, name):
    draw = Random(f"weights {name}")
    state = {}
    for key, value in model.state_dict().items():
        if key.endswith("num_batches_tracked"):
            state[key] = value
        elif key.endswith("running_var"):
            state[key] = torch.tensor(draw.uniform(*value.shape, low=0.5, high=2))
        else:
            scale = 0.4 if value.ndim > 1 else 0.2
            mean = 1.0 if key.endswith("weight") and value.ndim == 1 else 0.0
            state[key] = torch.tensor(draw.normal(*value.shape, scale=scale, mean=mean))
    model.load_state_dict(state)
    return model.double().eval()


def analyze(name, model):
    x, y = rows(name)
    model = weights(model, name)
    images = torch.tensor(x, dtype=torch.float64).permute(0, 3, 1, 2)
    labels = torch.tensor(y, dtype=torch.int64)
    parameters = dict(model.named_parameters())
    buffers = dict(model.named_buffers())
    shapes = {key: value.shape for key, value in parameters.items()}
    sizes = [value.numel() for value in parameters.values()]

    def loss(flat):
        parts = torch.split(flat, sizes)
        named = {key: part.view(shapes[key]) for key, part in zip(shapes, parts)}
        return F.cross_entropy(functional_call(model, {**named, **buffers}, (images,)), labels)

    def split(flat):
        return {key: part.view(shapes[key]).numpy() for key, part in zip(shapes, torch.split(flat, sizes))}

    flat = torch.cat([value.detach().reshape(-1) for value in parameters.values()])
    v = torch.tensor(Random(f"v {name}").normal(sum(sizes)), dtype=torch.float64)
    gradient = torch.func.grad(loss)(flat)
    hessian = torch.autograd.functional.hessian(loss, flat)
    tensors = {"x": x, "y": y, "loss": np.array([loss(flat).item()]),
               "eigenvalues": np.linalg.eigvalsh(hessian.numpy())}
    for label, value in [("gradient", gradient), ("v", v), ("hv", hessian @ v)]:
        tensors |= {f"{label}/{key}": part for key, part in split(value.detach()).items()}
    tensors |= {f"weights/{key}": value.numpy() for key, value in model.state_dict().items()}
    save(f"analysis-{name}.safetensors", tensors)


if __name__ == "__main__":
    analyze("smooth", smooth())
    analyze("kinked", kinked())
