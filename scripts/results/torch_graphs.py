"""The reference of recipe graphsage-cora: the same network, data and settings in PyTorch.

    python3 scripts/results/torch_graphs.py CORA_DIR [--seeds 5]

Reads nodes.tsv and edges.tsv. Stops when the validation loss has not fallen for 50 epochs, and prints the test accuracy
of the best one.
"""

import argparse

import torch
from torch import nn
from torch.nn import functional as F


def load(folder):
    classes, splits, words = [], [], []
    for line in open(f"{folder}/nodes.tsv"):
        if line.startswith("#"):
            continue
        _, label, split, indices = line.rstrip("\n").split("\t")
        classes.append(label)
        splits.append(split)
        words.append([int(i) for i in indices.split()])
    names = sorted(set(classes))
    y = torch.tensor([names.index(c) for c in classes])
    x = torch.zeros(len(words), 1433)
    for node, indices in enumerate(words):
        x[node, indices] = 1 / max(len(indices), 1)
    edges = [tuple(map(int, l.split())) for l in open(f"{folder}/edges.tsv") if not l.startswith("#")]
    a = torch.zeros(len(words), len(words))
    for i, j in edges:
        a[i, j] = a[j, i] = 1
    lonely = a.sum(1) == 0
    a[lonely, lonely.nonzero()[:, 0]] = 0
    a[lonely.nonzero()[:, 0], lonely.nonzero()[:, 0]] = 1
    a = (a / a.sum(1, keepdim=True)).to_sparse()
    return x, y, a, {s: torch.tensor([t == s for t in splits]) for s in set(splits)}


class SAGE(nn.Module):
    def __init__(self, features, out):
        super().__init__()
        self.lin_l = nn.Linear(features, out)
        self.lin_r = nn.Linear(features, out, bias=False)

    def forward(self, a, x):
        return self.lin_l(torch.sparse.mm(a, x)) + self.lin_r(x)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    x, y, a, masks = load(arguments.folder)
    results = []
    for seed in range(1, arguments.seeds + 1):
        torch.manual_seed(seed)
        first, second = SAGE(1433, 64), SAGE(64, 7)
        parameters = list(first.parameters()) + list(second.parameters())
        optimizer = torch.optim.Adam(parameters, lr=0.01, weight_decay=5e-4)

        def logits(training):
            hidden = F.relu(first(a, F.dropout(x, 0.5, training)))
            return second(a, F.dropout(hidden, 0.5, training))

        best, since, accuracy = float("inf"), 0, 0
        for _ in range(300):
            optimizer.zero_grad()
            F.cross_entropy(logits(True)[masks["train"]], y[masks["train"]]).backward()
            optimizer.step()
            with torch.no_grad():
                out = logits(False)
                loss = F.cross_entropy(out[masks["val"]], y[masks["val"]]).item()
                if loss < best:
                    best, since = loss, 0
                    accuracy = (out.argmax(1) == y)[masks["test"]].float().mean().item()
                else:
                    since += 1
                    if since >= 50:
                        break
        results.append(accuracy)
        print(f"seed {seed}: {accuracy:.2%}", flush=True)
    print(f"mean {sum(results) / len(results):.2%}")


if __name__ == "__main__":
    main()
