#!/usr/bin/env python3
"""PyTorch's time for a training step of a network of scripts/bench/workloads.

    scripts/bench/peer_torch.py resnet20-cifar --ranks 2 --mode channels_last

A rank is a process of one thread, on a core of its own; several of them train by
DistributedDataParallel over gloo, each on as many rows as the workload's batch. Rows are made up
before the first step. Prints a line of JSON with the names of `dltrain bench step`; step_ms is the
median of rank 0. Needs torch.
"""

import argparse
import os
import tempfile

import torch
from torch import nn
from torch.nn import functional as F

from peers import WORKLOADS, median_time, report

MODES = ["eager", "fused", "channels_last", "compile"]


class Residual(nn.Module):
    """Two 3x3 convolutions and the way around them, projected where the shape changes."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.body = nn.Sequential(
            *convolution(channels, width, 3, stride), nn.ReLU(), *convolution(width, width, 3, 1))
        same = stride == 1 and channels == width
        self.shortcut = (
            nn.Identity() if same else nn.Sequential(*convolution(channels, width, 1, stride)))

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


def convolution(channels, width, kernel, stride):
    return [
        nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(width)]


def residual_network(widths, blocks):
    layers = [*convolution(3, widths[0], 3, 1), nn.ReLU()]
    channels = widths[0]
    for stage, width in enumerate(widths):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            layers.append(Residual(channels, width, stride))
            channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


class TransformerBlock(nn.Module):
    """Normalization first, one projection for queries, keys and values."""

    def __init__(self, width, heads, causal=True, approximate="tanh"):
        super().__init__()
        self.heads, self.causal, self.approximate = heads, causal, approximate
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x):
        batch, time_steps, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(batch, time_steps, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, time_steps, width))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate=self.approximate))


class GPT(nn.Module):
    def __init__(self, vocabulary, context, layers, width, heads):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(0.02 * torch.randn(context, width))
        self.blocks = nn.Sequential(*(TransformerBlock(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens):
        return self.head(self.norm(self.blocks(self.tokens(tokens) + self.positions)))


class VisionTransformer(nn.Module):
    """Patches of 4x4 pixels of a small image, and a token of their own for the class."""

    def __init__(self, layers, width, heads, image=32, patch=4, classes=10):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn((image // patch) ** 2 + 1, width))
        self.blocks = nn.Sequential(*(
            TransformerBlock(width, heads, causal=False, approximate="none")
            for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, images):
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], 1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


class RecurrentLanguageModel(nn.Module):
    """Recurrent layers between an embedding and logits."""

    def __init__(self, kind, vocabulary, width, layers):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.recurrent = kind(width, width, layers, batch_first=True)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens):
        return self.head(self.recurrent(self.tokens(tokens))[0])


class Bottleneck(nn.Module):
    """A layer of DenseNet-BC: 1x1 to four times the growth, then 3x3, appended to its input."""

    def __init__(self, channels, growth):
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, 4 * growth, 1, bias=False),
            nn.BatchNorm2d(4 * growth), nn.ReLU(),
            nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False))

    def forward(self, x):
        return torch.cat([x, self.body(x)], 1)


def dense_network(growth, layers):
    """Three dense blocks; transitions halve channels and edges."""
    channels = 2 * growth
    modules = [nn.Conv2d(3, channels, 3, padding=1, bias=False)]
    for block in range(3):
        for _ in range(layers):
            modules.append(Bottleneck(channels, growth))
            channels += growth
        modules += [nn.BatchNorm2d(channels), nn.ReLU()]
        if block < 2:
            modules += [nn.Conv2d(channels, channels // 2, 1, bias=False), nn.AvgPool2d(2)]
            channels //= 2
    return nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def vgg11():
    modules, channels = [], 3
    for widths in [(64,), (128,), (256, 256), (512, 512), (512, 512)]:
        for width in widths:
            modules += [*convolution(channels, width, 3, 1), nn.ReLU()]
            channels = width
        modules.append(nn.MaxPool2d(2))
    return nn.Sequential(*modules, nn.Flatten(), nn.Linear(channels, 10))


def mobilenet():
    """The first version's layers behind a stem that keeps the small image's edges."""
    modules, channels = [*convolution(3, 32, 3, 1), nn.ReLU()], 32
    for width, stride in [
            (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *5 * [(512, 1)],
            (1024, 2), (1024, 1)]:
        modules += [
            nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False),
            nn.BatchNorm2d(channels), nn.ReLU(), *convolution(channels, width, 1, 1), nn.ReLU()]
        channels = width
    return nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def perceptron():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(),
        nn.Linear(512, 10))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84),
        nn.ReLU(), nn.Linear(84, 10))


NETWORKS = {
    "mlp-784-512-512-10": perceptron,
    "lenet5-28x28": lenet,
    "resnet20-cifar": lambda: residual_network((16, 32, 64), 3),
    "resnet18-cifar": lambda: residual_network((64, 128, 256, 512), 2),
    "gpt-4x128-t64": lambda: GPT(65, 64, 4, 128, 4),
    "gpt-6x384-t256": lambda: GPT(65, 256, 6, 384, 6),
    "lstm-2x256-t35": lambda: RecurrentLanguageModel(nn.LSTM, 2000, 256, 2),
    "gru-2x256-t35": lambda: RecurrentLanguageModel(nn.GRU, 2000, 256, 2),
    "vgg11-cifar": vgg11,
    "mobilenet-cifar": mobilenet,
    "densenet-cifar": lambda: dense_network(12, 6),
    "vit-cifar": lambda: VisionTransformer(6, 192, 3),
}


def made_up(rows, shape):
    """Images with classes, or tokens with the ones that follow them."""
    if len(shape) == 3:
        height, width, channels = shape
        return torch.randn(rows, channels, height, width), torch.randint(0, 10, (rows,))
    length, vocabulary = shape
    text = torch.randint(0, vocabulary, (rows, length + 1))
    return text[:, :-1].contiguous(), text[:, 1:].contiguous()


def measure(rank, arguments, meeting):
    torch.set_num_threads(1)
    cores = sorted(os.sched_getaffinity(0))
    if arguments.ranks <= len(cores):
        os.sched_setaffinity(0, {cores[rank]})
    torch.manual_seed(rank)
    if arguments.ranks > 1:
        torch.distributed.init_process_group(
            "gloo", init_method=f"file://{meeting}", rank=rank, world_size=arguments.ranks)
    rows, shape, rule = WORKLOADS[arguments.workload]
    network = NETWORKS[arguments.workload]()
    parameters = sum(p.numel() for p in network.parameters())
    x, y = made_up(rows, shape)
    if arguments.mode == "channels_last" and x.dim() == 4:
        network = network.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    if arguments.ranks > 1:
        if arguments.sync_bn:
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        network = nn.parallel.DistributedDataParallel(network, gradient_as_bucket_view=True)
    fused = {"fused": True} if arguments.mode != "eager" else {}
    if rule == "sgd":
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, **fused)
    else:
        optimizer = torch.optim.AdamW(network.parameters(), lr=0.001, weight_decay=0.01, **fused)
    forward = torch.compile(network) if arguments.mode == "compile" else network

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=arguments.precision == "bfloat16"):
            output = forward(x)
            loss = F.cross_entropy(output.flatten(0, -2), y.flatten())
        loss.backward()
        optimizer.step()
        return loss.item()

    def agreed(count):
        if arguments.ranks == 1:
            return count
        count = torch.tensor(count)
        torch.distributed.broadcast(count, 0)
        return int(count)

    median = median_time(step, arguments, agreed)
    if rank == 0:
        report(arguments, f"torch {torch.__version__}", median, parameters)
    if arguments.ranks > 1:
        # gloo aborts a process whose peer leaves while it is still sending.
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--mode", choices=MODES, default="eager")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--warm-up", type=int, default=10)
    parser.add_argument("--sync-bn", action="store_true", help="batch norm over all ranks")
    arguments = parser.parse_args()
    if arguments.ranks == 1:
        return measure(0, arguments, None)
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(
            measure, (arguments, folder + "/meeting"), nprocs=arguments.ranks)


if __name__ == "__main__":
    main()
