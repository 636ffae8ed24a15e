"""Attacks on a network for digits, written out in PyTorch and float64, with the keyed noise of dltrain.

    attacks.safetensors   weights (float32), x (bytes), y, and for each case the classes of the changed images and
                          the sizes of their changes
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import keyed
from golden import save

SEED, ROWS, TARGET = 1, 48, 3
MEAN, STD = 0.3, 0.37
DATA = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "DLData" / "Resources"


def digits(name):
    raw = (DATA / f"{name}.safetensors").read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:8 + size])

    def tensor(key, dtype):
        start, end = header[key]["data_offsets"]
        return np.frombuffer(raw[8 + size + start:8 + size + end], dtype).reshape(header[key]["shape"])

    return tensor("x", np.uint8), tensor("y", np.int32)


def images(x, dtype):
    return torch.tensor(x, dtype=dtype).permute(0, 3, 1, 2) / 255


class Normalized(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network((x - MEAN) / STD)


def trained():
    torch.manual_seed(SEED)
    network = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(512, 10))
    x, y = digits("digits-train")
    x, y = images(x, torch.float32), torch.tensor(y, dtype=torch.int64)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    model = Normalized(network)
    for _ in range(4):
        for batch in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
    return network


class Attacks:
    def __init__(self, model, x, y):
        self.model, self.x, self.y = model, x, y

    def gradient(self, x, labels):
        x = x.detach().requires_grad_()
        return torch.autograd.grad(F.cross_entropy(self.model(x), labels, reduction="sum"), x)[0]

    def lengths(self, change):
        return change.flatten(1).norm(dim=1).view(-1, 1, 1, 1)

    def direction(self, gradient, norm):
        return gradient.sign() if norm == "linf" else gradient / self.lengths(gradient).clamp(min=1e-12)

    def bounded(self, change, norm, epsilon):
        return change.clamp(-epsilon, epsilon) if norm == "linf" else change * (
            epsilon / self.lengths(change).clamp(min=epsilon))

    def climb(self, start, norm, epsilon, steps, labels, sign, step=None):
        step = step or 2.5 * epsilon / steps
        x = start
        for _ in range(steps):
            x = x + step * self.direction(sign * self.gradient(x, labels), norm)
            x = (self.x + self.bounded(x - self.x, norm, epsilon)).clamp(0, 1)
        return x

    def fgsm(self, norm, epsilon, labels, sign):
        return (self.x + epsilon * self.direction(sign * self.gradient(self.x, labels), norm)).clamp(0, 1)

    def noise(self, norm, epsilon):
        """[rows, height, width, channels] in dltrain's order, then channels first."""
        rows, (channels, height, width) = len(self.x), self.x.shape[1:]
        count = channels * height * width
        values = []
        for row in range(rows):
            key = keyed.key(SEED, "attack", row, "start")
            if norm == "linf":
                values.append((2 * keyed.uniforms(key, count) - 1) * epsilon)
            else:
                draws = keyed.uniforms(key, 1 + count + count % 2)
                pairs = draws[1:].reshape(-1, 2)
                radius, angle = np.sqrt(-2 * np.log(1 - pairs[:, 0])), 2 * math.pi * pairs[:, 1]
                vector = np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1).reshape(-1)[:count]
                values.append(vector / np.linalg.norm(vector) * epsilon * draws[0] ** (1 / count))
        noise = torch.tensor(np.stack(values)).view(rows, height, width, channels)
        return noise.permute(0, 3, 1, 2)

    def pgd(self, norm, epsilon, steps, labels, sign):
        return self.climb((self.x + self.noise(norm, epsilon)).clamp(0, 1), norm, epsilon, steps, labels, sign)

    def deepfool(self, norm, steps=50, overshoot=0.02):
        result = []
        for image, label in zip(self.x, self.y):
            x, change = image[None], torch.zeros_like(image[None])
            own = int(label)
            others = self.model(x)[0].argsort(descending=True)[:10].tolist()
            for _ in range(steps):
                leaf = x.detach().requires_grad_()
                scores = self.model(leaf)[0]
                if int(scores.argmax()) != own:
                    break
                slopes = [torch.autograd.grad(score, leaf, retain_graph=True)[0] for score in scores]
                best = None
                for other in others:
                    if other == own:
                        continue
                    w = slopes[other] - slopes[own]
                    size = w.norm() if norm == "l2" else w.abs().sum()
                    distance = (scores[other] - scores[own]).abs() / size
                    if best is None or distance < best[0]:
                        best = (distance, w / size if norm == "l2" else w.sign())
                change = change + (best[0] + 1e-4).detach() * best[1]
                x = (image[None] + (1 + overshoot) * change).clamp(0, 1)
            result.append(x[0])
        return torch.stack(result)

    def carlini_wagner(self, steps, search, labels, targeted, kappa):
        rows = len(self.x)
        c, low, high = [torch.full((rows,), value, dtype=torch.float64) for value in (0.1, 0.0, math.inf)]
        best, size = self.x.clone(), torch.full((rows,), math.inf, dtype=torch.float64)
        onehot = F.one_hot(labels, 10).bool()
        for _ in range(search):
            w = torch.atanh((2 * self.x - 1) * 0.999999).requires_grad_()
            optimizer = torch.optim.Adam([w], lr=0.05)
            met = torch.zeros(rows, dtype=torch.bool)
            for _ in range(steps):
                x = (w.tanh() + 1) / 2
                logits = self.model(x)
                squares = (x - self.x).square().flatten(1).sum(1)
                own = logits[onehot]
                other = logits.masked_fill(onehot, -math.inf).max(1).values
                gap = other - own if targeted else own - other
                wins = (gap < 0) & (gap <= -kappa)
                met |= wins
                better = wins & (squares < size)
                size = torch.where(better, squares.detach(), size)
                best = torch.where(better.view(-1, 1, 1, 1), x.detach(), best)
                optimizer.zero_grad()
                (squares.sum() + (c * gap.clamp(min=-kappa)).sum()).backward()
                optimizer.step()
            high = torch.where(met, torch.minimum(high, c), high)
            low = torch.where(met, low, torch.maximum(low, c))
            c = torch.where(high.isfinite(), (low + high) / 2, c * 10)
        return best

    def universal(self, norm, epsilon, steps):
        v = torch.zeros_like(self.x[:1])
        for _ in range(steps):
            gradient = self.gradient((self.x + v).clamp(0, 1), self.y).sum(0, keepdim=True)
            v = self.bounded(v + 2.5 * epsilon / steps * self.direction(gradient, norm), norm, epsilon)
        return (self.x + v).clamp(0, 1)


    def one_pixel(self, pixels, population, generations, labels, targeted):
        """Differential evolution of pixels' places and colors (Su et al. 2019, section III)."""
        result = []
        for row, image in enumerate(self.x):
            stream = keyed.Stream(keyed.key(SEED, "attack", row, "pixels"))
            channels, height, width = image.shape
            size = pixels * (2 + channels)

            def changed(genes):
                copy = image.clone()
                for part in np.split(genes, pixels):
                    place = min(int(part[0] * height), height - 1), min(int(part[1] * width), width - 1)
                    copy[(slice(None), *place)] = torch.tensor(part[2:])
                return copy

            def judged(candidates):
                outputs = self.model(torch.stack([changed(genes) for genes in candidates])).detach()
                own, met = outputs.softmax(1)[:, labels[row]].numpy(), (outputs.argmax(1) == labels[row]).numpy()
                return (own, met) if targeted else (-own, ~met)

            genes = np.array([[stream.uniform() for _ in range(size)] for _ in range(population)])
            scores, met = judged(genes)
            for _ in range(generations):
                if met.any():
                    break
                children = []
                for parent in range(population):
                    others = []
                    while len(others) < 3:
                        other = stream.below(population)
                        if other != parent and other not in others:
                            others.append(other)
                    a, b, c = genes[others]
                    children.append((a + 0.5 * (b - c)).clip(0, 1))
                children = np.array(children)
                new, new_met = judged(children)
                better = new > scores
                genes, scores = np.where(better[:, None], children, genes), np.where(better, new, scores)
                met = np.where(better, new_met, met)
            result.append(changed(genes[met.argmax() if met.any() else scores.argmax()]))
        return torch.stack(result)


def main():
    network = trained()
    weights = {f"weights/{key}": value.numpy().copy() for key, value in network.state_dict().items()}
    model = Normalized(network).double().eval()
    x, y = (part[:ROWS] for part in digits("digits-validation"))
    labels = torch.tensor(y, dtype=torch.int64)
    goal = torch.full_like(labels, TARGET)
    attack = Attacks(model, images(x, torch.float64), labels)
    cases = {
        "fgsm linf": attack.fgsm("linf", 0.1, labels, 1), "fgsm l2": attack.fgsm("l2", 0.8, labels, 1),
        "fgsm linf targeted": attack.fgsm("linf", 0.2, goal, -1),
        "ifgsm linf": attack.climb(attack.x, "linf", 0.1, 10, labels, 1),
        "ifgsm l2": attack.climb(attack.x, "l2", 0.6, 10, labels, 1),
        "pgd linf": attack.pgd("linf", 0.1, 10, labels, 1), "pgd l2": attack.pgd("l2", 0.6, 10, labels, 1),
        "pgd linf targeted": attack.pgd("linf", 0.15, 10, goal, -1),
        "deepfool l2": attack.deepfool("l2"), "deepfool linf": attack.deepfool("linf"),
        "cw l2": attack.carlini_wagner(40, 4, labels, False, 0),
        "cw l2 targeted": attack.carlini_wagner(40, 3, goal, True, 0.5),
        "one_pixel": attack.one_pixel(1, 12, 8, labels, False),
        "one_pixel targeted": attack.one_pixel(3, 10, 6, goal, True),
        "universal linf": attack.universal("linf", 0.15, 10), "universal l2": attack.universal("l2", 1.5, 10),
    }
    tensors = {"x": x.copy(), "y": y.copy(),
               "before": model(attack.x).argmax(1).numpy().astype(np.int32)}
    for name, changed in cases.items():
        change = (changed - attack.x).detach().flatten(1)
        classes = model(changed).argmax(1)
        tensors[f"{name}/class"] = classes.numpy().astype(np.int32)
        tensors[f"{name}/l2"] = change.norm(dim=1).numpy()
        tensors[f"{name}/linf"] = change.abs().max(1).values.numpy()
        wins = (classes == goal) if "targeted" in name else (classes != labels)
        print(f"{name}: {int(wins.sum())} of {ROWS}")
    save("attacks.safetensors", tensors | weights)


if __name__ == "__main__":
    main()
