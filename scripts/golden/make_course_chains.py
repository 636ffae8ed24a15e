"""Twenty training steps of chains for tags, strings, images' pixels and objects, by PyTorch in float64: course_chains.safetensors,
as make_course.py has it.

crf is a tagger with a conditional random field, ctc writes strings, conformer tells sequences apart, pixels labels each pixel,
transformer turns its images, words is a network over words with branches, topics says yes or no to each topic of a text of
unequal length, ngram tells the next word by a convolution over those before, detect finds objects, graphsage labels nodes.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from golden import Random
from make_course import (
    ADAM, BATCH, ROWS, SGD, STEPS, adam, batches, graph_data, initialise, save_jobs, sgd, state, steps)
from make_course_text import positions
from make_detection import (
    CLASSES, HEIGHT, RATIOS, SIZES, WIDTH, BoxCoder, Matcher, anchors, box_iou, sigmoid_focal_loss)


class Numbered(nn.Module):
    """Layers under the names that a chain gives them: their places in it."""

    def __init__(self, **layers):
        super().__init__()
        for place, layer in layers.items():
            self.add_module(place.lstrip("_"), layer)

    def __getitem__(self, place):
        return self._modules[str(place)]


def trained(model, optimizer, loss, *arrays):
    """The first state, and the losses of the steps."""
    init = state(model)
    return init, steps(model, optimizer(model.parameters()), (loss(*rows) for _, rows in batches(*arrays)))


def bidirectional(lstm, x, lengths):
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    return nn.utils.rnn.pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=x.shape[1])[0]


class Field(nn.Module):
    """A linear-chain conditional random field, every path by itself summed up by the forward algorithm."""

    def __init__(self, tags):
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(tags, tags))
        self.start_transitions, self.end_transitions = nn.Parameter(torch.zeros(tags)), nn.Parameter(torch.zeros(tags))

    def forward(self, scores, labels):
        """-log p(labels) of a sentence."""
        path = self.start_transitions[labels[0]] + scores[range(len(labels)), labels].sum()
        path = path + self.transitions[labels[:-1], labels[1:]].sum() + self.end_transitions[labels[-1]]
        all_paths = self.start_transitions + scores[0]
        for score in scores[1:]:
            all_paths = torch.logsumexp(all_paths[:, None] + self.transitions, 0) + score
        return torch.logsumexp(all_paths + self.end_transitions, 0) - path


def crf():
    random = Random("chains crf")
    time, words, tags = 6, 9, 3
    lengths = 2 + random.integers(ROWS, below=time - 1).astype(np.int32)
    there = np.arange(time) < lengths[:, None]
    x = np.where(there, 1 + random.integers(ROWS, time, below=words), 0).astype(np.int32)
    y = np.where(there, random.integers(ROWS, time, below=tags), -100).astype(np.int32)
    model = initialise(
        Numbered(_0=nn.Embedding(words + 1, 5, padding_idx=0), _1=nn.LSTM(5, 4, bidirectional=True, batch_first=True),
                 _2=nn.Linear(8, tags), _3=Field(tags)), "crf")

    def loss(words, labels, counts):
        scores = model[2](bidirectional(model[1], model[0](words), counts))
        lost = sum(model[3](scores[row, :count], labels[row, :count]) for row, count in enumerate(counts))
        return lost / counts.sum()

    init, losses = trained(model, adam, loss, *(torch.tensor(a).long() for a in (x, y, lengths)))
    yaml = ("model:\n  layers:\n    - embedding: {entries: 10, size: 5, padding_idx: 0}\n"
            "    - lstm: {hidden: 4, bidirectional: true}\n    - linear: {out: 3}\n    - crf\n" + ADAM)
    about = {"classes": str(tags), "padding": "0"}
    return yaml, BATCH, {"x": x, "y": y, "lengths": lengths}, about, init, losses, model


def ctc():
    random = Random("chains ctc")
    time, features, classes = 15, 4, 4
    lengths = 12 + random.integers(ROWS, below=time - 11).astype(np.int32)
    x = random.normal(ROWS, time, features)
    x[np.arange(time) >= lengths[:, None]] = 0
    counts = 1 + random.integers(ROWS, below=3)
    y = np.where(np.arange(3) < counts[:, None], 1 + random.integers(ROWS, 3, below=classes - 1), 0).astype(np.int32)
    model = initialise(
        Numbered(_0=nn.Conv1d(features, 6, 5, 2, 2), _2=nn.LSTM(6, 4, bidirectional=True, batch_first=True),
                 _3=nn.Linear(8, classes)), "ctc")

    def loss(frames, labels, counts):
        h = model[0](frames.transpose(1, 2)).relu().transpose(1, 2)
        counts = (counts + 1) // 2
        # What lies behind a row's end is not seen by its last windows.
        y = model[3](bidirectional(model[2], h, counts)).log_softmax(-1)
        return F.ctc_loss(y.transpose(0, 1), labels, counts, (labels > 0).sum(1), reduction="sum") / BATCH

    arrays = torch.tensor(x).double(), torch.tensor(y).long(), torch.tensor(lengths).long()
    init, losses = trained(model, adam, loss, *arrays)
    yaml = ("model:\n  layers:\n    - conv1d: {out: 6, kernel: 5, stride: 2, padding: 2}\n    - relu\n"
            "    - lstm: {hidden: 4, bidirectional: true}\n    - linear: {out: 4}\n    - log_softmax\nloss: ctc\n" + ADAM)
    return yaml, BATCH, {"x": x, "y": y, "lengths": lengths}, {"classes": str(classes)}, init, losses, model


def labelled(random, *shape, classes=3):
    """Random rows, and labels of which each class is one."""
    labels = random.integers(ROWS, below=classes)
    labels[:classes] = range(classes)
    return random.normal(ROWS, *shape), labels


class Residual(nn.Module):
    """x + body(x), the body's layers under their places in it."""

    def __init__(self, body, **layers):
        super().__init__()
        self.body, self.layers = body, Numbered(**layers)

    def forward(self, x):
        return x + self.body(self.layers, x)


def attended(layers, x):
    h = layers[0](x)
    return layers[1](h, h, h, need_weights=False)[0]


def convolved(layers, x):
    h = layers[0](x)
    h = layers[1][0][0](h) * torch.sigmoid(layers[1][1][0](h))
    h = layers[3](layers[2](h.transpose(1, 2))).transpose(1, 2)
    return layers[5](F.silu(h))


def conformer():
    x, y = labelled(Random("chains conformer"), 12, 5)
    model = initialise(Numbered(
        _0=nn.Conv1d(5, 6, 3, 2, 1),
        _3=Residual(lambda own, x: own[3](F.silu(own[1](own[0](x)))),
                    _0=nn.LayerNorm(6), _1=nn.Linear(6, 8), _3=nn.Linear(8, 6)),
        _4=Residual(attended, _0=nn.LayerNorm(6), _1=nn.MultiheadAttention(6, 2, batch_first=True)),
        _5=Residual(convolved, _0=nn.LayerNorm(6),
                    _1=Numbered(_0=Numbered(_0=nn.Linear(6, 6)), _1=Numbered(_0=nn.Linear(6, 6))),
                    _2=nn.Conv1d(6, 6, 3, padding=1, groups=6, bias=False), _3=nn.BatchNorm1d(6), _5=nn.Linear(6, 6)),
        _6=nn.LayerNorm(6), _8=nn.Linear(6, 3)), "conformer")

    def loss(frames, labels):
        h = F.silu(model[0](frames.transpose(1, 2))).transpose(1, 2)
        h = h + positions(h.shape[1], 6)
        for place in (3, 4, 5, 6):
            h = model[place](h)
        return F.cross_entropy(model[8](h.mean(1)), labels)

    init, losses = trained(model, adam, loss, torch.tensor(x).double(), torch.tensor(y).long())
    yaml = """model:
  layers:
    - conv1d: {out: 6, kernel: 3, stride: 2, padding: 1}
    - silu
    - {positional: {kind: sinusoidal}}
    - residual: {layers: [layer_norm, {linear: {out: 8}}, silu, {linear: {out: 6}}]}
    - residual: {layers: [layer_norm, {multi_head_attention: {heads: 2}}]}
    - residual:
        layers:
          - layer_norm
          - multiply: {branches: [[{linear: {out: 6}}], [{linear: {out: 6}}, sigmoid]]}
          - {conv1d: {out: 6, kernel: 3, padding: 1, groups: 6, bias: false}}
          - batch_norm
          - silu
          - {linear: {out: 6}}
    - layer_norm
    - global_avg_pool1d
    - linear: {out: 3}
loss: cross_entropy
""" + ADAM
    return yaml, BATCH, {"x": x, "y": y}, {"classes": "3"}, init, losses, model


def pixels():
    random = Random("chains pixels")
    weights = [0.1, 1, 1]
    x, y = random.normal(ROWS, 7, 6, 2), random.integers(ROWS, 7, 6, below=3)
    model = initialise(Numbered(_0=nn.Conv2d(2, 5, 3, padding=2, dilation=2, bias=False), _1=nn.BatchNorm2d(5),
                                _3=nn.Conv2d(5, 3, 1)), "pixels")

    def loss(images, labels):
        h = F.relu(model[1](model[0](images.permute(0, 3, 1, 2))))
        return F.cross_entropy(model[3](h), labels, torch.tensor(weights, dtype=torch.float64))

    init, losses = trained(model, sgd, loss, torch.tensor(x).double(), torch.tensor(y).long())
    yaml = (f"model:\n  layers:\n    - {{conv2d: {{out: 5, kernel: 3, padding: 2, dilation: 2, bias: false}}}}\n"
            f"    - batch_norm\n    - relu\n    - {{conv2d: {{out: 3, kernel: 1}}}}\n"
            f"loss: {{cross_entropy: {{weight: {weights}}}}}\n" + SGD)
    return yaml, BATCH, {"x": x, "y": y}, {"classes": "3"}, init, losses, model


class Look(nn.Module):
    def __init__(self, localization, features):
        super().__init__()
        self.localization, self.theta = localization, nn.Linear(features, 6)


def transformer():
    x, y = labelled(Random("chains transformer"), 9, 8, 2)
    model = initialise(Numbered(
        _0=Look(Numbered(_0=nn.Conv2d(2, 3, 3), _3=nn.Linear(3 * 7 * 6, 4)), 4), _1=nn.Conv2d(2, 4, 3),
        _4=nn.Linear(4, 3)), "transformer")
    with torch.no_grad():
        model[0].theta.weight *= 0.1
        model[0].theta.bias.copy_(torch.tensor([0.9, 0.1, 0.05, -0.15, 1.1, -0.02], dtype=torch.float64))

    def loss(images, labels):
        images = images.permute(0, 3, 1, 2)
        look = model[0].localization
        h = look[3](F.relu(look[0](images)).flatten(1))
        grid = F.affine_grid(model[0].theta(torch.tanh(h)).view(-1, 2, 3), images.shape, align_corners=False)
        h = F.relu(model[1](F.grid_sample(images, grid, align_corners=False)))
        return F.cross_entropy(model[4](h.mean((2, 3))), labels)

    init, losses = trained(model, sgd, loss, torch.tensor(x).double(), torch.tensor(y).long())
    yaml = ("model:\n  layers:\n    - spatial_transformer:\n"
            "        layers: [{conv2d: {out: 3, kernel: 3}}, relu, flatten, {linear: {out: 4}}, tanh]\n"
            "    - {conv2d: {out: 4, kernel: 3}}\n    - relu\n    - global_avg_pool2d\n    - linear: {out: 3}\n"
            "loss: cross_entropy\n" + SGD)
    return yaml, BATCH, {"x": x, "y": y}, {"classes": "3"}, init, losses, model


def words():
    random = Random("chains words")
    x, y = 1 + random.integers(ROWS, 7, below=10), random.integers(ROWS, below=2)
    y[:2] = 0, 1
    branches = nn.ModuleDict({"pairs": Numbered(_0=nn.Conv1d(5, 4, 2)), "triples": Numbered(_0=nn.Conv1d(5, 4, 3))})
    model = initialise(Numbered(_0=nn.Embedding(11, 5), _1=branches, _2=nn.Linear(8, 2)), "words")

    def loss(tokens, labels):
        h = model[0](tokens).transpose(1, 2)
        found = [F.relu(branch[0](h)).amax(2) for branch in branches.values()]
        return F.cross_entropy(model[2](torch.cat(found, 1)), labels)

    init, losses = trained(model, adam, loss, torch.tensor(x).long(), torch.tensor(y).long())
    yaml = """model:
  layers:
    - embedding: {entries: 11, size: 5}
    - concat:
        branches:
          pairs: [{conv1d: {out: 4, kernel: 2}}, relu, global_max_pool1d]
          triples: [{conv1d: {out: 4, kernel: 3}}, relu, global_max_pool1d]
    - linear: {out: 2}
loss: cross_entropy
""" + ADAM
    return yaml, BATCH, {"x": x, "y": y}, {"classes": "2"}, init, losses, model


def topics():
    random = Random("chains topics")
    lengths = 1 + random.integers(ROWS, below=6)
    x = (1 + random.integers(ROWS, 6, below=10)) * (np.arange(6) < lengths[:, None]).astype(np.int32)
    y = random.integers(ROWS, 3, below=2).astype(np.float32)
    model = initialise(Numbered(
        _0=nn.Embedding(11, 5, padding_idx=0), _1=nn.GRU(5, 4, batch_first=True), _3=nn.Linear(4, 3)), "topics")
    with torch.no_grad():
        model[0].weight[0] = 0

    def loss(tokens, wanted):
        ends = (tokens != 0).sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(model[0](tokens), ends, batch_first=True, enforce_sorted=False)
        states = nn.utils.rnn.pad_packed_sequence(model[1](packed)[0], batch_first=True, padding_value=float("-inf"))[0]
        return F.binary_cross_entropy_with_logits(model[3](states.amax(1)), wanted)

    init, losses = trained(model, adam, loss, torch.tensor(x).long(), torch.tensor(y).double())
    yaml = ("model:\n  layers:\n    - embedding: {entries: 11, size: 5, padding_idx: 0}\n    - gru: {hidden: 4}\n"
            "    - global_max_pool1d\n    - linear: {out: 3}\nloss: bce_with_logits\n" + ADAM)
    return yaml, BATCH, {"x": x, "y": y, "lengths": lengths}, {"classes": "3"}, init, losses, model


def ngram():
    random = Random("chains ngram")
    x, y = random.integers(ROWS, 7, below=11), random.integers(ROWS, 7, below=11)
    y[0, 0] = 10
    model = initialise(Numbered(_0=nn.Embedding(11, 5), _1=nn.Conv1d(5, 6, 3), _3=nn.Linear(6, 11)), "ngram")

    def loss(tokens, following):
        before = F.pad(model[0](tokens).transpose(1, 2), (2, 0))
        logits = model[3](torch.tanh(model[1](before)).transpose(1, 2))
        return F.cross_entropy(logits.flatten(0, 1), following.flatten())

    init, losses = trained(model, adam, loss, torch.tensor(x).long(), torch.tensor(y).long())
    yaml = ("model:\n  layers:\n    - embedding: {entries: 11, size: 5}\n    - conv1d: {out: 6, kernel: 3, padding: [2, 0]}\n"
            "    - tanh\n    - linear: {out: 11}\nloss: cross_entropy\n" + ADAM)
    return yaml, BATCH, {"x": x, "y": y}, {"classes": "11"}, init, losses, model


def detect():
    random = Random("chains detect")
    each = len(SIZES) * len(RATIOS)
    objects = np.zeros((ROWS, 2, 5), np.float32)
    objects[:, :, 0] = -1
    for row in range(ROWS):
        for slot in range(1 + row % 2):
            size = random.uniform(2, low=5, high=14)
            corner = random.uniform(2) * (np.array([WIDTH, HEIGHT]) - size)
            objects[row, slot] = [random.integers(1, below=CLASSES)[0], *corner, *(corner + size)]
    x = random.normal(ROWS, HEIGHT, WIDTH, 1)
    model = initialise(
        Numbered(_0=nn.Conv2d(1, 6, 8, 8), _2=nn.Conv2d(6, each * (CLASSES + 4), 3, padding=1)), "detect")
    grid, coder, matcher = anchors(), BoxCoder((1.0,) * 4), Matcher(0.5, 0.4, allow_low_quality_matches=True)

    def loss(images, wanted):
        outputs = model[2](F.relu(model[0](images.permute(0, 3, 1, 2)))).permute(0, 2, 3, 1)
        scores = outputs[..., :each * CLASSES].reshape(len(images), -1, CLASSES)
        moves = outputs[..., each * CLASSES:].reshape(len(images), -1, 4)
        lost, positives = 0, 0
        for row, own in enumerate(wanted):
            own = own[own[:, 0] >= 0]
            match = matcher(box_iou(own[:, 1:], grid))
            chosen, counted = match >= 0, match != Matcher.BETWEEN_THRESHOLDS
            targets = torch.zeros(len(grid), CLASSES, dtype=torch.float64)
            targets[chosen, own[match[chosen], 0].long()] = 1
            lost = lost + sigmoid_focal_loss(scores[row][counted], targets[counted], 0.25, 2, "sum")
            right = coder.encode_single(own[match[chosen], 1:], grid[chosen])
            lost = lost + F.smooth_l1_loss(moves[row][chosen], right, beta=1 / 9, reduction="sum")
            positives += int(chosen.sum())
        return lost / positives

    init, losses = trained(model, sgd, loss, torch.tensor(x).double(), torch.tensor(objects).double())
    yaml = (f"model:\n  layers:\n    - {{conv2d: {{out: 6, kernel: 8, stride: 8}}}}\n    - relu\n"
            f"    - {{conv2d: {{out: {each * (CLASSES + 4)}, kernel: 3, padding: 1}}}}\n"
            f"    - detect: {{classes: {CLASSES}, sizes: {SIZES}, ratios: {RATIOS}}}\n" + SGD)
    return yaml, BATCH, {"x": x, "y": objects}, {"classes": str(CLASSES)}, init, losses, model


class SAGE(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.lin_l, self.lin_r = nn.Linear(inputs, outputs), nn.Linear(inputs, outputs, bias=False)

    def forward(self, mean, x):
        return self.lin_l(mean @ x) + self.lin_r(x)


def graphsage():
    random = Random("chains graphsage")
    nodes, features, classes, known = 12, 7, 3, 8
    edges = np.concatenate([np.stack([np.arange(nodes), (np.arange(nodes) + 1) % nodes], 1),
                            random.integers(9, 2, below=nodes)]).astype(np.int32)
    edges = edges[edges[:, 0] != edges[:, 1]]
    own = [np.flatnonzero(random.uniform(features) < 0.4) for _ in range(nodes)]
    labels = random.integers(nodes, below=classes)
    labels[:classes] = range(classes)
    x, mean = torch.zeros(nodes, features).double(), torch.zeros(nodes, nodes).double()
    for node, columns in enumerate(own):
        if len(columns):
            x[node, columns] = 1 / len(columns)
    mean[edges[:, 0], edges[:, 1]] = mean[edges[:, 1], edges[:, 0]] = 1
    mean /= mean.sum(1, keepdim=True)
    model = initialise(nn.ModuleDict({"conv1": SAGE(features, 5), "conv2": SAGE(5, classes)}), "graphsage")
    init, answers = state(model), torch.tensor(labels[:known]).long()
    losses = steps(model, adam(model.parameters()), (
        F.cross_entropy(model["conv2"](mean, F.relu(model["conv1"](mean, x)))[:known], answers) for _ in range(STEPS)))
    data, about = graph_data(own, edges, labels, known, features, classes)
    yaml = "model: {name: graphsage, hidden: 5, dropout: 0}\nloss: cross_entropy\n" + ADAM
    return yaml, known, data, about, init, losses, model


def main():
    save_jobs("course_chains.safetensors", {
        "crf": crf(), "ctc": ctc(), "conformer": conformer(), "pixels": pixels(), "transformer": transformer(),
        "words": words(), "topics": topics(), "ngram": ngram(), "detect": detect(), "graphsage": graphsage()})


if __name__ == "__main__":
    main()
