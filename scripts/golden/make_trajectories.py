"""Losses of 30 training steps by PyTorch from stored weights, and the YAML that trains the same.

Each NAME of lenet, resnet, branches, mlp, decayed gives
    NAME.yaml                 the configuration, run with --init NAME-init.safetensors
    NAME-data.safetensors     x and y, 64 rows; step s trains on rows 16 (s mod 4) ..< 16 (s mod 4) + 16
    NAME-init.safetensors     the state_dict before step 1, by safetensors.torch.save_file
    NAME-losses.safetensors   mean loss, learning rate and gradient norm of each step
    NAME-final.safetensors    the state_dict after step 30 in float64
"""

import math

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import SGD, AdamW, lr_scheduler

from golden import FOLDER, Random, nchw, options, save

STEPS, BATCH, ROWS = 30, 16, 64


class Residual(nn.Module):
    def __init__(self, layers, shortcut=()):
        super().__init__()
        self.layers, self.shortcut = nn.Sequential(*layers), nn.Sequential(*shortcut)

    def forward(self, x):
        return self.layers(x) + self.shortcut(x)


class GlobalAvgPool(nn.Module):
    """One module, so that the numbers of the layers are those of the YAML."""

    def forward(self, x):
        return x.mean((2, 3))


def conv(channels, out, kernel, stride=1, padding=0):
    return nn.Conv2d(channels, out, kernel, stride, padding, bias=False)


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def resnet():
    return nn.Sequential(
        conv(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        Residual([conv(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
                  conv(8, 8, 3, padding=1), nn.BatchNorm2d(8)]),
        nn.ReLU(),
        Residual([conv(8, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(),
                  conv(16, 16, 3, padding=1), nn.BatchNorm2d(16)],
                 [conv(8, 16, 1, 2), nn.BatchNorm2d(16)]),
        nn.ReLU(), GlobalAvgPool(), nn.Linear(16, 10))


class Concat(nn.ModuleDict):
    def forward(self, x):
        return torch.cat([branch(x) for branch in self.values()], 1)


class Sum(nn.ModuleList):
    def forward(self, x):
        return sum(branch(x) for branch in self)


def unit(channels, out, kernel):
    return nn.Sequential(conv(channels, out, kernel, padding=kernel // 2), nn.BatchNorm2d(out), nn.ReLU())


def inception(channels, one, three, pool):
    return nn.Sequential(Concat({
        "branch1": nn.Sequential(unit(channels, one, 1)),
        "branch2": nn.Sequential(unit(channels, three, 1), unit(three, 2 * three, 3)),
        "branch3": nn.Sequential(nn.MaxPool2d(3, 1, 1), unit(channels, pool, 1)),
        "branch4": nn.Sequential()}))


def branches():
    return nn.Sequential(
        unit(3, 6, 3), inception(6, 4, 3, 2), nn.MaxPool2d(2), inception(18, 4, 4, 4),
        Sum([nn.Sequential(), nn.Sequential(conv(34, 34, 1), nn.BatchNorm2d(34)),
             nn.Sequential(unit(34, 8, 1), conv(8, 34, 3, padding=1), nn.BatchNorm2d(34))]),
        nn.ReLU(), GlobalAvgPool(), nn.Linear(34, 10))


def mlp():
    return nn.Sequential(
        nn.Linear(24, 32), nn.LayerNorm(32), nn.GELU(),
        nn.Linear(32, 20), nn.LayerNorm(20), nn.SiLU(), nn.Linear(20, 5))


LENET_YAML = """\
name: lenet
data: {train: lenet-data.safetensors, normalize: {mean: [0.1307], std: [0.3081]}, order: sequential}
model:
  layers:
    - {conv2d: {out: 6, kernel: 5, padding: 2, bias: true}}
    - {batch_norm: {}}
    - {relu: {}}
    - {max_pool2d: {kernel: 2}}
    - {conv2d: {out: 16, kernel: 5, bias: true}}
    - {batch_norm: {}}
    - {relu: {}}
    - {max_pool2d: {kernel: 2}}
    - {flatten: {}}
    - {linear: {out: 120}}
    - {relu: {}}
    - {linear: {out: 84}}
    - {relu: {}}
    - {linear: {out: 10}}
loss: cross_entropy
optimizer: {name: sgd, lr: 0.05, momentum: 0.9, weight_decay: 5.0e-4}
schedule: {name: constant}
"""

RESNET_YAML = """\
name: resnet
data:
  train: resnet-data.safetensors
  normalize: {mean: [0.5, 0.45, 0.4], std: [0.25, 0.2, 0.3]}
  order: sequential
model:
  layers:
    - {conv2d: {out: 8, kernel: 3, padding: 1, bias: false}}
    - {batch_norm: {}}
    - {relu: {}}
    - residual:
        layers:
          - {conv2d: {out: 8, kernel: 3, padding: 1, bias: false}}
          - {batch_norm: {}}
          - {relu: {}}
          - {conv2d: {out: 8, kernel: 3, padding: 1, bias: false}}
          - {batch_norm: {}}
    - {relu: {}}
    - residual:
        layers:
          - {conv2d: {out: 16, kernel: 3, stride: 2, padding: 1, bias: false}}
          - {batch_norm: {}}
          - {relu: {}}
          - {conv2d: {out: 16, kernel: 3, padding: 1, bias: false}}
          - {batch_norm: {}}
        shortcut:
          - {conv2d: {out: 16, kernel: 1, stride: 2, bias: false}}
          - {batch_norm: {}}
    - {relu: {}}
    - {global_avg_pool2d: {}}
    - {linear: {out: 10}}
loss: cross_entropy
optimizer: {name: sgd, lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 1.0e-4}
schedule: {name: cosine}
"""

BRANCHES_YAML = """\
name: branches
data:
  train: branches-data.safetensors
  normalize: {mean: [0.5, 0.45, 0.4], std: [0.25, 0.2, 0.3]}
  order: sequential
model:
  blocks:
    unit:
      parameters: {out: null, kernel: 1}
      layers:
        - {conv2d: {out: $out, kernel: $kernel, padding: ($kernel - 1) / 2, bias: false}}
        - batch_norm
        - relu
    inception:
      parameters: {one: 4, three: 4, pool: 4}
      layers:
        - concat:
            branches:
              branch1: [{unit: {out: $one}}]
              branch2: [{unit: {out: $three}}, {unit: {out: 2 * $three, kernel: 3}}]
              branch3: [{max_pool2d: {kernel: 3, stride: 1, padding: 1}}, {unit: {out: $pool}}]
              branch4: []
  layers:
    - {unit: {out: 6, kernel: 3}}
    - {inception: {three: 3, pool: 2}}
    - {max_pool2d: {kernel: 2}}
    - inception
    - sum:
        branches:
          - []
          - [{conv2d: {out: 34, kernel: 1, bias: false}}, batch_norm]
          - [{unit: {out: 8}}, {conv2d: {out: 34, kernel: 3, padding: 1, bias: false}}, batch_norm]
    - relu
    - global_avg_pool2d
    - {linear: {out: 10}}
loss: cross_entropy
optimizer: {name: sgd, lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 1.0e-4}
schedule: {name: cosine}
"""

MLP_YAML = """\
name: mlp
data: {train: mlp-data.safetensors, order: sequential}
model:
  layers:
    - {linear: {out: 32}}
    - {layer_norm: {}}
    - {gelu: {}}
    - {linear: {out: 20}}
    - {layer_norm: {}}
    - {silu: {}}
    - {linear: {out: 5}}
loss: cross_entropy
optimizer: {name: adamw, lr: 0.01, weight_decay: 0.01, clip_norm: 1.0}
schedule: {name: constant}
"""

# The learning rate halves from each layer to the one before it; normalisations are of the layer before them.
DECAYED_YAML = MLP_YAML.replace("mlp", "decayed").replace("clip_norm: 1.0}", "clip_norm: 1.0, layer_decay: 0.5}")

COMMON_YAML = f"""\
batch_size: {BATCH}
steps: {STEPS}
precision: float64
"""


def images(name, shape, classes):
    """Noise with a bright patch whose place tells the class: uint8 [64, ...] and labels."""
    random = Random(name + "-data")
    height, width, _ = shape
    y = random.integers(ROWS, below=classes)
    y[:2] = 0, classes - 1
    x = random.integers(ROWS, *shape, below=120)
    for row, label in enumerate(y):
        top, left = (label // 4) * height // 4, (label % 4) * width // 4
        x[row, top:top + height // 3, left:left + width // 3] += 100
    return x.astype(np.uint8), y


def vectors(name, width, classes):
    random = Random(name + "-data")
    y = random.integers(ROWS, below=classes)
    y[:2] = 0, classes - 1
    return random.normal(ROWS, width) + random.normal(classes, width)[y], y


def initialise(model, name):
    """Fills parameters and buffers with values of its own, none of them a constructor's default."""
    random = Random(name + "-init")
    state = model.state_dict()
    for key, value in state.items():
        if key.endswith("num_batches_tracked"):
            continue
        module = model.get_submodule(key.rpartition(".")[0])
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            bound = 1 / math.sqrt(module.weight[0].numel())
            drawn = random.uniform(*value.shape, low=-bound, high=bound)
        elif key.endswith(("weight", "running_var")):
            drawn = random.uniform(*value.shape, low=0.8, high=1.2)
        else:
            drawn = random.uniform(*value.shape, low=-0.2, high=0.2)
        value.copy_(torch.from_numpy(drawn))
    return {key: value.clone() for key, value in state.items()}


def prepare(x, normalize, dtype):
    """x as the network takes it: bytes divided by 255, then normalised, all in `dtype`."""
    x = torch.from_numpy(x)
    if normalize is None:
        return x.to(dtype)
    mean, std = (torch.tensor(values, dtype=dtype) for values in normalize)
    return nchw((x.to(dtype) / 255 - mean) / std)


def train(make, init, x, y, normalize, configure, clip_norm, dtype, jitter=0.0):
    """Returns the losses, learning rates and gradient norms of the steps, and the last state."""
    model = make()
    model.load_state_dict(init)
    model.to(dtype).train()
    if jitter:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1 + jitter * torch.from_numpy(Random("jitter").normal(*parameter.shape)).to(dtype))
    optimizer, scheduler = configure(model.parameters())
    x, y = prepare(x, normalize, dtype), torch.from_numpy(y).long()
    losses, rates, norms = [], [], []
    for step in range(STEPS):
        rows = torch.arange(step * BATCH, (step + 1) * BATCH) % ROWS
        assert rows.tolist() == list(range(BATCH * (step % 4), BATCH * (step % 4) + BATCH))
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        norms.append(nn.utils.clip_grad_norm_(
            model.parameters(), math.inf if clip_norm is None else clip_norm, foreach=False).item())
        rates.append(optimizer.param_groups[0]["lr"])
        losses.append(loss.item())
        optimizer.step()
        if scheduler:
            scheduler.step()
    return np.array(losses), np.array(rates), np.array(norms), model.state_dict()


def make(name, network, yaml, data, normalize, configure, clip_norm=None):
    x, y = data
    init = initialise(network(), name)
    run = lambda dtype, **more: train(  # noqa: E731
        network, init, x, y, normalize, configure, clip_norm, dtype, **more)
    losses, rates, norms, final = run(torch.float64)
    losses32 = run(torch.float32)[0]
    # A change in the last bit of the weights must not grow to what the tests tolerate (1e-10),
    # else the trajectory would tell rounding from rounding.
    jittered, _, _, jittered_final = run(torch.float64, jitter=3e-16)
    growth = max(np.abs(jittered - losses).max(),
                 max((jittered_final[key] - final[key]).abs().max().item() for key in final))
    assert 0 < growth < 1e-11, f"{name}: rounding grows to {growth}"
    assert losses[-4:].mean() < 0.7 * losses[:4].mean(), f"{name} does not learn"
    if clip_norm is not None:
        assert norms.min() < clip_norm < norms.max(), f"{name}: clipping is always or never active"
    deviation = np.abs(losses32 - losses)
    print(f"{name}: loss {losses[0]:.4f} to {losses[-1]:.4f}, rounding grows to {growth:.1e}, "
          f"float32 deviates by up to {deviation.max():.1e}, norms {norms.min():.2f} to {norms.max():.2f}")

    (FOLDER / f"{name}.yaml").write_text(yaml + COMMON_YAML)
    save(f"{name}-data.safetensors", {"x": x, "y": y})
    safetensors.torch.save_file(init, FOLDER / f"{name}-init.safetensors")
    save(f"{name}-losses.safetensors",
         {"f64/losses": losses, "f32/losses": losses32.astype(np.float64), "lr": rates, "f64/grad_norms": norms},
         {name: options(steps=STEPS, batch_size=BATCH, clip_norm=clip_norm, loss="cross_entropy, mean over the batch",
                        float32_deviation=deviation.max(), rows="16 * (s % 4) ..< 16 * (s % 4) + 16 in step s from 0")})
    save(f"{name}-final.safetensors", {key: value.numpy() for key, value in final.items()})


def cosine(parameters):
    optimizer = SGD(parameters, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4, foreach=False)
    return optimizer, lr_scheduler.CosineAnnealingLR(optimizer, STEPS)


def decayed(parameters):
    parameters = list(parameters)
    first, second, last = parameters[:4], parameters[4:8], parameters[8:]
    groups = [{"params": last, "lr": 0.01}, {"params": second, "lr": 0.005}, {"params": first, "lr": 0.0025}]
    return AdamW(groups, weight_decay=0.01, foreach=False), None


make("lenet", lenet, LENET_YAML, images("lenet", (28, 28, 1), 10), ([0.1307], [0.3081]),
     lambda p: (SGD(p, lr=0.05, momentum=0.9, weight_decay=5e-4, foreach=False), None))
make("resnet", resnet, RESNET_YAML, images("resnet", (12, 10, 3), 10), ([0.5, 0.45, 0.4], [0.25, 0.2, 0.3]), cosine)
make("branches", branches, BRANCHES_YAML, images("branches", (12, 10, 3), 10), ([0.5, 0.45, 0.4], [0.25, 0.2, 0.3]),
     cosine)
make("mlp", mlp, MLP_YAML, vectors("mlp", 24, 5), None,
     lambda p: (AdamW(p, lr=0.01, weight_decay=0.01, foreach=False), None), clip_norm=1.0)
make("decayed", mlp, DECAYED_YAML, vectors("decayed", 24, 5), None, decayed, clip_norm=1.0)
