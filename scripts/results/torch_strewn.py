"""The references of detector-digits and dilated-digits: the same networks, images and settings in PyTorch.

    python3 scripts/results/torch_strewn.py detector|dilated train.safetensors validation.safetensors [--seeds 1 2 3]
        [--dilations 1 2 5] [--epochs N] [-o WEIGHTS.safetensors]

The files are those of `dltrain data pack strewn`, for dilated with `--labels pixels`. Prints the mean average precision at
an overlap of 0.5, or the mean intersection over union, of each seed.
"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

from torch_layers import cosine

SIZES, CLASSES = (7, 10, 14), 10


def unit(channels, out, stride=1, dilation=1):
    return [nn.Conv2d(channels, out, 3, stride, dilation, dilation, bias=False), nn.BatchNorm2d(out), nn.ReLU()]


class Detector(nn.Sequential):
    def __init__(self):
        widths = [(1, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 64, 1)]
        super().__init__(*[layer for width in widths for layer in unit(*width)])
        self.classes = nn.Conv2d(64, len(SIZES) * CLASSES, 3, padding=1)
        self.boxes = nn.Conv2d(64, len(SIZES) * 4, 3, padding=1)
        for layer, bias in [(self.classes, -4.6), (self.boxes, 0)]:
            nn.init.normal_(layer.weight, 0, 0.01)
            nn.init.constant_(layer.bias, bias)

    def forward(self, x):
        for name, layer in self.named_children():
            if name.isdigit():
                x = layer(x)
        scores, offsets = (layer(x).permute(0, 2, 3, 1).flatten(1) for layer in (self.classes, self.boxes))
        return scores.view(len(x), -1, CLASSES), offsets.view(len(x), -1, 4)


def dilated(dilations):
    layers, channels = [], 1
    for dilation in 2 * dilations:
        layers += unit(channels, 16, dilation=dilation)
        channels = 16
    return nn.Sequential(*layers, nn.Conv2d(16, 11, 1))


def anchors_of(size):
    """[anchors, 4] edges, place by place."""
    centers = (torch.arange(size // 4) + 0.5) * 4
    y, x, half = torch.meshgrid(centers, centers, torch.tensor(SIZES) / 2, indexing="ij")
    return torch.stack([x - half, y - half, x + half, y + half], -1).view(-1, 4)


def overlaps(a, b):
    """Intersection over union of all pairs."""
    low, high = torch.maximum(a[:, None, :2], b[None, :, :2]), torch.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (a, b)]
    return shared / (areas[0][:, None] + areas[1][None] - shared)


def matches(anchors, boxes):
    """The object of each anchor, -1 for background, -2 for neither (torchvision's Matcher(0.5, 0.4, True))."""
    if not len(boxes):
        return torch.full((len(anchors),), -1)
    table = overlaps(anchors, boxes)
    best = table.max(1)
    result = torch.where(best.values >= 0.5, best.indices, torch.where(best.values < 0.4, -1, -2))
    closest = (table == table.max(0).values) & (table > 0)
    return torch.where(closest.any(1), best.indices, result)


def to_offsets(anchors, boxes):
    sizes, wanted = anchors[:, 2:] - anchors[:, :2], boxes[:, 2:] - boxes[:, :2]
    return torch.cat([(boxes[:, :2] + boxes[:, 2:] - anchors[:, :2] - anchors[:, 2:]) / 2 / sizes,
                      (wanted / sizes).log()], 1)


def moved(anchors, offsets):
    sizes = anchors[:, 2:] - anchors[:, :2]
    centers = (anchors[:, :2] + anchors[:, 2:]) / 2 + offsets[:, :2] * sizes
    half = offsets[:, 2:].clamp(max=np.log(1000 / 16)).exp() * sizes / 2
    return torch.cat([centers - half, centers + half], 1)


def focal(logits, targets):
    p = logits.sigmoid()
    right = p * targets + (1 - p) * (1 - targets)
    alpha = 0.25 * targets + 0.75 * (1 - targets)
    return (alpha * (1 - right) ** 2 * F.binary_cross_entropy_with_logits(logits, targets, reduction="none")).sum()


def detection_loss(model, x, y, anchors):
    scores, offsets = model(x)
    loss, count = 0, 0
    for row, objects in enumerate(y):
        objects = objects[objects[:, 0] >= 0]
        found = matches(anchors, objects[:, 1:])
        positive = found >= 0
        targets = torch.zeros(len(anchors), CLASSES)
        targets[positive, objects[found[positive], 0].long()] = 1
        counted = found != -2
        wanted = to_offsets(anchors[positive], objects[found[positive], 1:])
        loss = loss + focal(scores[row][counted], targets[counted]) + F.smooth_l1_loss(
            offsets[row][positive], wanted, reduction="sum", beta=1 / 9)
        count += positive.sum()
    return loss / count


def detections(scores, offsets, anchors, size):
    """(class, score, box) of an image, the surest first, without repeats."""
    flat = scores.sigmoid().flatten()
    order = flat.argsort(descending=True, stable=True)[:1000]
    order = order[flat[order] > 0.05]
    boxes = moved(anchors, offsets)[order // CLASSES].clamp(0, size)
    table, kept = overlaps(boxes, boxes), []
    for place in range(len(order)):
        if all(order[place] % CLASSES != order[k] % CLASSES or table[place, k] <= 0.5 for k in kept):
            kept.append(place)
        if len(kept) == 100:
            break
    return [(int(order[k] % CLASSES), float(flat[order[k]]), boxes[k]) for k in kept]


@torch.no_grad()
def average_precision(model, x, y, anchors):
    """The mean over classes of the area under the envelope of precision against recall."""
    found, wanted = [[] for _ in range(CLASSES)], [0] * CLASSES
    for rows in torch.arange(len(x)).split(100):
        for row, scores, offsets in zip(rows, *model(x[rows])):
            objects = y[row][y[row][:, 0] >= 0]
            taken = set()
            for label in objects[:, 0].long().tolist():
                wanted[label] += 1
            for label, score, box in detections(scores, offsets, anchors, x.shape[-1]):
                same = (objects[:, 0] == label).nonzero()[:, 0]
                best = overlaps(box[None], objects[same, 1:])[0].max(0) if len(same) else None
                place = int(same[best.indices]) if best else -1
                right = bool(best) and best.values >= 0.5 and place not in taken
                taken |= {place} if right else set()
                found[label].append((score, right))
    areas = []
    for pairs, count in zip(found, wanted):
        if count:
            right = np.cumsum([hit for _, hit in sorted(pairs, key=lambda pair: -pair[0])])
            precision = np.maximum.accumulate((right / np.arange(1, len(right) + 1))[::-1])[::-1]
            areas.append((np.diff(right, prepend=0) * precision).sum() / count)
    return float(np.mean(areas))


@torch.no_grad()
def mean_iou(model, x, y):
    table = torch.zeros(11, 11, dtype=torch.long)
    for rows in torch.arange(len(x)).split(100):
        table += torch.bincount(11 * y[rows].flatten() + model(x[rows]).argmax(1).flatten(), minlength=121).view(11, 11)
    return float((table.diag() / (table.sum(0) + table.sum(1) - table.diag())).mean())


def train(kind, seed, epochs, data, validation, dilations):
    torch.manual_seed(seed)
    (x, y), (size, rate) = data, (32, 2e-3) if kind == "detector" else (16, 0.01)
    model, anchors = (Detector(), anchors_of(x.shape[-1])) if kind == "detector" else (dilated(dilations), None)
    weight = torch.tensor([0.1] + 10 * [1.0])
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    per_epoch, step = -(-len(x) // size), 0
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(size):
            optimizer.param_groups[0]["lr"] = rate * cosine(step, epochs * per_epoch, per_epoch)
            optimizer.zero_grad()
            if kind == "detector":
                detection_loss(model, x[rows], y[rows], anchors).backward()
                nn.utils.clip_grad_norm_(model.parameters(), 5)
            else:
                F.cross_entropy(model(x[rows]), y[rows], weight=weight).backward()
            optimizer.step()
            step += 1
    model.eval()
    return model, average_precision(model, *validation, anchors) if kind == "detector" else mean_iou(model, *validation)


def load(path, kind):
    tensors = load_file(path)
    x = (tensors["x"].permute(0, 3, 1, 2).float() / 255 - 0.1) / 0.25
    return x, tensors["y"] if kind == "detector" else tensors["y"].long()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["detector", "dilated"])
    parser.add_argument("train")
    parser.add_argument("validation")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--dilations", type=int, nargs="+", default=[1, 2, 5])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("-o", "--output")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    kind = arguments.kind
    data, validation = load(arguments.train, kind), load(arguments.validation, kind)
    epochs = arguments.epochs or (15 if kind == "detector" else 10)
    for seed in arguments.seeds:
        model, figure = train(kind, seed, epochs, data, validation, arguments.dilations)
        print(f"seed {seed}: {figure:.4f}", flush=True)
        if arguments.output:
            save_file(model.state_dict(), arguments.output)


if __name__ == "__main__":
    main()
