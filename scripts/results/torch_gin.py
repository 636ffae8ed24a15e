"""The reference of recipe gin-motifs: the same network, graphs and settings in PyTorch.

    python3 scripts/results/torch_gin.py [--seeds 1 2 3]
"""

import argparse
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from torch_layers import cosine

DATA = pathlib.Path(__file__).resolve().parents[2] / "Sources/DLData/Resources"
LAYERS, HIDDEN, BATCH, EPOCHS, RATE = 4, 32, 32, 40, 0.01


class GIN(nn.Module):
    def __init__(self, classes):
        super().__init__()
        widths = [1] + [HIDDEN] * LAYERS
        self.first = nn.ModuleList(nn.Linear(a, b, bias=False) for a, b in zip(widths, widths[1:]))
        self.second = nn.ModuleList(nn.Linear(b, b, bias=False) for b in widths[1:])
        self.inner = nn.ModuleList(nn.BatchNorm1d(b) for b in widths[1:])
        self.outer = nn.ModuleList(nn.BatchNorm1d(b) for b in widths[1:])
        self.eps = nn.Parameter(torch.zeros(LAYERS))
        self.heads = nn.ModuleList(nn.Linear(width, classes) for width in widths)

    def forward(self, graphs):
        """Graphs [rows, slots, 1 + neighbors]: the kind of a node and its neighbors, counted from 1; 0 for none."""
        there = graphs[..., 0] > 0
        slots = graphs.shape[1]
        adjacency = F.one_hot(graphs[..., 1:].long(), slots + 1)[..., 1:].sum(2).float()
        states = there[..., None].float()
        logits = self.heads[0](states.sum(1))
        for layer in range(LAYERS):
            y = (states * (1 + self.eps[layer]) + adjacency @ states)[there]
            y = self.second[layer](self.inner[layer](self.first[layer](y)).relu())
            states = torch.zeros(*there.shape, HIDDEN)
            states[there] = self.outer[layer](y).relu()
            logits = logits + self.heads[layer + 1](states.sum(1))
        return logits


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    torch.set_num_threads(1)
    train, validation = (load_file(DATA / f"motifs-{part}.safetensors") for part in ("train", "validation"))
    for seed in parser.parse_args().seeds:
        torch.manual_seed(seed)
        model = GIN(4)
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
        steps, step = EPOCHS * -(-len(train["y"]) // BATCH), 0
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(train["y"])).split(BATCH):
                optimizer.param_groups[0]["lr"] = RATE * cosine(step, steps)
                optimizer.zero_grad()
                F.cross_entropy(model(train["x"][rows]), train["y"][rows].long()).backward()
                optimizer.step()
                step += 1
        model.eval()
        with torch.no_grad():
            logits, y = model(validation["x"]), validation["y"].long()
        print(f"seed {seed}: accuracy {(logits.argmax(1) == y).float().mean():.2%}, "
              f"loss {F.cross_entropy(logits, y):.4f}", flush=True)


if __name__ == "__main__":
    main()
