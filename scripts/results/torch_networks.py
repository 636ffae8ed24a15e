"""The reference of recipes whose network is a chain of layers in YAML: the same network, data and settings in PyTorch.

    python3 scripts/results/torch_networks.py RUN/config.yaml TRAIN.safetensors VALIDATION.safetensors [--seed 1] [--until 2]
    python3 scripts/results/torch_networks.py RUN/config.yaml TRAIN VALIDATION --weights WEIGHTS.safetensors

RUN/config.yaml is the configuration that a run of dltrain leaves, with every default filled in; the files are those that it
was trained on: x as bytes [rows, height, width, channels], y as classes or as images. Modules are made as the words stand
there, so that their names are those of dltrain's files. The first form trains and prints loss and accuracy on the validation
set after each epoch, up to the one that --until names; the second takes the weights that `dltrain export RUN -o WEIGHTS.safetensors` writes and validates them.
"""

import argparse
import math
import time

import torch
import torch.nn.functional as F
import yaml
from safetensors.torch import load_file
from torch import nn


class Lambda(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Branches(nn.ModuleDict):
    def __init__(self, branches, join):
        super().__init__(branches)
        self.join = join

    def forward(self, x):
        return self.join([branch(x) for branch in self.values()])


class Residual(nn.Module):
    def __init__(self, layers, shortcut):
        super().__init__()
        self.layers, self.shortcut = layers, shortcut

    def forward(self, x):
        return self.layers(x) + self.shortcut(x)


class DenseLayer(nn.Sequential):
    def __init__(self, channels, growth, bottleneck):
        super().__init__()
        self.norm1, self.relu1 = nn.BatchNorm2d(channels), nn.ReLU()
        self.conv1 = nn.Conv2d(channels, bottleneck * growth, 1, bias=False)
        self.norm2, self.relu2 = nn.BatchNorm2d(bottleneck * growth), nn.ReLU()
        self.conv2 = nn.Conv2d(bottleneck * growth, growth, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.cat([x, super().forward(x)], 1)


class ClassToken(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, size))

    def forward(self, x):
        return torch.cat([self.class_token.expand(len(x), -1, -1), x], 1)


class Positions(nn.Embedding):
    def forward(self, x):
        return x + super().forward(torch.arange(x.shape[1]))


class SpatialTransformer(nn.Module):
    def __init__(self, localization, features, options):
        super().__init__()
        self.localization, self.theta = localization, nn.Linear(features, 6)
        nn.init.zeros_(self.theta.weight)
        self.theta.bias.data.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))
        self.options = options

    def forward(self, x):
        theta = self.theta(self.localization(x).flatten(1)).view(-1, 2, 3)
        grid = F.affine_grid(theta, x.shape, align_corners=self.options["align_corners"])
        return F.grid_sample(x, grid, padding_mode=self.options["padding_mode"], align_corners=self.options["align_corners"])


def convolution(type, channels, o, *more):
    return type(channels, o["out"], o["kernel"], o["stride"], o["padding"], *more,
                groups=o["groups"], bias=o["bias"], dilation=o["dilation"])


def layer(word, o, x):
    """The module of a word for inputs like x."""
    c = x.shape[1]
    if word == "conv2d":
        return convolution(nn.Conv2d, c, o)
    if word == "conv_transpose2d":
        return convolution(nn.ConvTranspose2d, c, o, o["output_padding"])
    if word == "batch_norm":
        return nn.BatchNorm2d(c, o["eps"], o["momentum"])
    if word == "layer_norm":
        return nn.LayerNorm(x.shape[-1], o["eps"])
    if word in ("max_pool2d", "avg_pool2d"):
        stride = o["kernel"] if o["stride"] is None else o["stride"]
        pool = nn.MaxPool2d if word == "max_pool2d" else nn.AvgPool2d
        return pool(o["kernel"], stride, o["padding"], ceil_mode=o["ceil_mode"])
    if word in ("relu", "sigmoid", "tanh", "flatten"):
        return {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "flatten": nn.Flatten}[word]()
    if word == "dropout":
        return nn.Dropout(o["p"])
    if word == "linear":
        return nn.Linear(x.shape[-1], o["out"], o["bias"])
    if word == "global_avg_pool2d":
        return Lambda(lambda x: x.mean((2, 3)))
    if word == "tokens":
        return Lambda(lambda x: x.flatten(2).transpose(1, 2))
    if word == "select":
        return Lambda(lambda x: x.select(o["axis"], o["position"]))
    if word == "class_token":
        return ClassToken(x.shape[-1])
    if word == "positional":
        return Positions(x.shape[1], x.shape[2])
    if word == "transformer_encoder_layer":
        return nn.TransformerEncoderLayer(x.shape[-1], o["heads"], o["feed_forward"], o["dropout"], o["activation"],
                                          batch_first=True, norm_first=o["norm_first"])
    if word == "sequential":
        return chain(o["layers"], x)
    if word == "residual":
        return Residual(chain(o["layers"], x), chain(o["shortcut"] or [], x))
    if word in ("concat", "sum", "multiply"):
        branches = o["branches"]
        named = branches.items() if isinstance(branches, dict) else enumerate(branches)
        join = {"concat": lambda y: torch.cat(y, 1), "sum": sum, "multiply": math.prod}[word]
        return Branches({str(name): chain(words, x) for name, words in named}, join)
    if word == "dense_block":
        return nn.Sequential(
            *[DenseLayer(c + i * o["growth"], o["growth"], o["bottleneck"]) for i in range(o["layers"])])
    if word == "spatial_transformer":
        localization = chain(o["layers"], x)
        return SpatialTransformer(localization, localization(x).flatten(1).shape[1], o)
    raise SystemExit(f"{word}: not known here")


def start(module, init):
    """The first values that a configuration gives weights."""
    (rule, o), = init.items()
    rules = {
        "kaiming_normal": lambda w: nn.init.kaiming_normal_(w, o["a"], o["mode"], o["nonlinearity"]),
        "normal": lambda w: nn.init.normal_(w, o["mean"], o["std"])}
    for name, parameter in module.named_parameters():
        if "bias" not in name and (rule == "normal" or parameter.dim() > 1):
            rules[rule](parameter)


def written_out(words):
    for word in words:
        (name, options), = word.items()
        if name == "repeat":
            for _ in range(options["times"]):
                yield from written_out(options["layers"])
        else:
            yield name, options


def chain(words, x):
    modules = []
    with torch.no_grad():
        for name, options in written_out(words):
            module = layer(name, options, x)
            if options.get("init"):
                start(module, options["init"])
            x = module(x)
            modules.append(module)
    return nn.Sequential(*modules)


def renamed(weights):
    """Layers of a dense block have numbers in front of torchvision's names here."""
    parts = ((name.split(".denselayer"), value) for name, value in weights.items())
    return {part[0] if len(part) == 1 else "{}.{}.{}".format(
        part[0], int(part[1].partition(".")[0]) - 1, part[1].partition(".")[2]): value for part, value in parts}


def load(path, normalize):
    tensors = load_file(path)
    y = tensors["y"]
    return tensors["x"].permute(0, 3, 1, 2), y.permute(0, 3, 1, 2) if y.is_floating_point() else y.long()


def prepare(x, normalize):
    x = x.float() / 255
    if not normalize:
        return x
    mean, std = (torch.tensor(normalize[key]).view(1, -1, 1, 1) for key in ("mean", "std"))
    return (x - mean) / std


def augmented(x, augment):
    for change in augment:
        (word, o), = change.items()
        if word == "pad_crop":
            p = o["padding"]
            size = x.shape[-1]
            padded = F.pad(x, (p, p, p, p))
            places = torch.randint(0, 2 * p + 1, (len(x), 2)).tolist()
            x = torch.stack([image[:, top:top + size, left:left + size] for image, (top, left) in zip(padded, places)])
        elif word == "flip":
            mirrored = torch.rand(len(x)) < o["p"]
            x = torch.where(mirrored.view(-1, 1, 1, 1), x.flip(3), x)
        else:
            raise SystemExit(f"{word}: not known here")
    return x


def optimizer(model, o):
    if o["name"] == "sgd":
        return torch.optim.SGD(model.parameters(), o["lr"], o["momentum"], o["dampening"], o["weight_decay"], o["nesterov"])
    type = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[o["name"]]
    return type(model.parameters(), o["lr"], o["betas"], o["eps"], o["weight_decay"])


def factor(schedule, steps, steps_per_epoch):
    """The learning rate of a step over the base rate."""
    if schedule["name"] == "constant":
        return lambda s: 1
    if schedule["name"] == "one_cycle":
        peak = schedule["pct_start"] * steps - 1
        first = 1 / schedule["div_factor"]
        last = first / schedule["final_div_factor"]

        def half(a, b, t):
            return b + (a - b) / 2 * (1 + math.cos(math.pi * t))
        return lambda s: half(first, 1, s / peak) if s <= peak else half(1, last, (s - peak) / (steps - 1 - peak))
    warmup = (schedule.get("warmup_epochs") or 0) * steps_per_epoch
    return lambda s: (s + 1) / warmup if s < warmup else (1 + math.cos(math.pi * (s - warmup) / (steps - warmup))) / 2


def loss_of(job, y, labels):
    (word, _), = job["loss"].items() if isinstance(job["loss"], dict) else [(job["loss"], None)]
    return F.mse_loss(y, labels) if word == "mse" else F.cross_entropy(y, labels)


@torch.no_grad()
def validate(model, job, x, y):
    model.eval()
    loss, correct = 0, 0
    for rows in torch.arange(len(x)).split(500):
        output = model(prepare(x[rows], job["data"]["normalize"]))
        loss += loss_of(job, output, y[rows]).item() * len(rows)
        correct += (output.argmax(1) == y[rows]).sum().item() if y.dim() == 1 else 0
    model.train()
    return f"loss {loss / len(x):.4f}" + (f", accuracy {100 * correct / len(x):.2f}%" if y.dim() == 1 else "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("configuration")
    parser.add_argument("train")
    parser.add_argument("validation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--until", type=int)
    parser.add_argument("--weights")
    arguments = parser.parse_args()
    with open(arguments.configuration) as file:
        job = yaml.safe_load(file)
    torch.manual_seed(arguments.seed)
    normalize = job["data"]["normalize"]
    x, y = load(arguments.train, normalize)
    test = load(arguments.validation, normalize)
    model = chain(job["model"]["layers"], prepare(x[:2], normalize)).train()
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters")
    if arguments.weights:
        model.load_state_dict(renamed(load_file(arguments.weights)))
        print("weights of dltrain:", validate(model, job, *test))
        return
    batch = job["batch_size"]
    per_epoch = math.ceil(len(x) / batch)
    steps = int(job["steps"] or job["epochs"] * per_epoch)
    rule = optimizer(model, job["optimizer"])
    rate = factor(job["schedule"], steps, per_epoch)
    began, step = time.time(), 0
    for epoch in range(1, (arguments.until or math.ceil(steps / per_epoch)) + 1):
        for rows in torch.randperm(len(x)).split(batch)[:steps - step]:
            for group in rule.param_groups:
                group["lr"] = job["optimizer"]["lr"] * rate(step)
            rule.zero_grad()
            images = prepare(augmented(x[rows], job["data"]["augment"]), normalize)
            loss_of(job, model(images), y[rows]).backward()
            if job["optimizer"]["clip_norm"]:
                nn.utils.clip_grad_norm_(model.parameters(), job["optimizer"]["clip_norm"])
            rule.step()
            step += 1
        print(f"epoch {epoch}: {validate(model, job, *test)}, {time.time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
