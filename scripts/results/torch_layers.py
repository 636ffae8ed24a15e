"""Layers of the references on rows of unequal length: x is [rows, time, features], lengths [rows] or None for full rows."""

import math

import torch
import torch.nn.functional as F
from torch import nn

IGNORED = -100


def inside(x, lengths):
    """True at [rows, time] for positions before a row's end."""
    return torch.arange(x.shape[1]) < lengths[:, None]


def cut(x, lengths, value=0.0):
    """x with a value behind the rows' ends."""
    return x if lengths is None else x.masked_fill(~inside(x, lengths)[..., None], value)


def convolve(layer, x, lengths):
    """A convolution that sees zeros behind a row's end, and as many positions as the row has by itself."""
    y = layer(cut(x, lengths).transpose(1, 2)).transpose(1, 2)
    if lengths is None:
        return y, None
    (kernel,), (stride,) = layer.kernel_size, layer.stride
    # The windows that fit, with what is added on both sides; `same` adds as much as a window of stride 1 needs.
    padding = kernel - 1 if layer.padding == "same" else 2 * layer.padding[0]
    return y, ((lengths + padding - kernel).div(stride, rounding_mode="floor") + 1).clamp(1, y.shape[1])


def recur(layer, x, lengths):
    """A recurrent layer that ends at a row's end."""
    if lengths is None:
        return layer(x)[0]
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    return nn.utils.rnn.pad_packed_sequence(layer(packed)[0], batch_first=True, total_length=x.shape[1])[0]


def mean(x, lengths):
    if lengths is None:
        return x.mean(1)
    return cut(x, lengths).sum(1) / lengths[:, None]


def positions(time, size):
    """Sines and cosines of Vaswani et al. 2017, section 3.5."""
    angles = torch.arange(time)[:, None] / 10000 ** (torch.arange(0, size, 2) / size)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)[:, :size]


class ConformerBlock(nn.Module):
    """Attention and convolution between two feed-forward layers, each a residual (Gulati et al. 2020)."""

    def __init__(self, width, hidden, heads, kernel, dropout):
        super().__init__()

        def feed_forward():
            return nn.Sequential(
                nn.LayerNorm(width), nn.Linear(width, hidden), nn.SiLU(), nn.Dropout(dropout), nn.Linear(hidden, width))
        self.first, self.last, self.norm = feed_forward(), feed_forward(), nn.LayerNorm(width)
        self.attention_norm, self.dropout = nn.LayerNorm(width), nn.Dropout(dropout)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.gated = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GLU())
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width, bias=False)
        self.batch_norm, self.out = nn.BatchNorm1d(width), nn.Linear(width, width)

    def forward(self, x, lengths):
        x = x + self.first(x)
        y = self.attention_norm(x)
        behind = None if lengths is None else ~inside(x, lengths)
        x = x + self.dropout(self.attention(y, y, y, key_padding_mask=behind, need_weights=False)[0])
        y, _ = convolve(self.depthwise, self.gated(x), lengths)
        valid = torch.ones(y.shape[:2], dtype=torch.bool) if lengths is None else inside(y, lengths)
        normal = torch.zeros_like(y)
        normal[valid] = self.batch_norm(y[valid])
        x = x + self.out(F.silu(normal))
        return self.norm(x + self.last(x))


class CRF(nn.Module):
    """A linear-chain conditional random field (Lample et al. 2016, section 2.2)."""

    def __init__(self, tags):
        super().__init__()
        for name, shape in [("transitions", (tags, tags)), ("start", (tags,)), ("end", (tags,))]:
            self.register_parameter(name, nn.Parameter(torch.empty(shape).uniform_(-0.1, 0.1)))

    def loss(self, x, y):
        """The sum of -log p over rows; labels end where IGNORED begins."""
        counted = y != IGNORED
        tags = y.clamp(min=0)
        rows = torch.arange(len(y))
        score = self.start[tags[:, 0]] + x[rows, 0, tags[:, 0]]
        total = self.start + x[:, 0]
        for time in range(1, x.shape[1]):
            on = counted[:, time]
            step = self.transitions[tags[:, time - 1], tags[:, time]] + x[rows, time, tags[:, time]]
            score = score + step * on
            longer = torch.logsumexp(total[:, :, None] + self.transitions, 1) + x[:, time]
            total = torch.where(on[:, None], longer, total)
        last = tags[rows, counted.sum(1) - 1]
        return (torch.logsumexp(total + self.end, 1) - score - self.end[last]).sum()

    def decode(self, x, lengths, kind="viterbi"):
        """The tags of the best path, or those that are best from left to right."""
        result = torch.zeros(x.shape[:2], dtype=torch.long)
        for row, length in enumerate(lengths.tolist()):
            score, from_where = self.start + x[row, 0], []
            for time in range(1, length):
                if kind == "greedy":
                    tag = score.argmax()
                    result[row, time - 1] = tag
                    score = self.transitions[tag] + x[row, time]
                else:
                    best = (score[:, None] + self.transitions).max(0)
                    from_where.append(best.indices)
                    score = best.values + x[row, time]
            tag = (score + self.end).argmax()
            result[row, length - 1] = tag
            for time in range(length - 2, -1, -1):
                if kind != "greedy":
                    tag = from_where[time][tag]
                    result[row, time] = tag
        return result


def best_path(scores):
    """Labels of the likeliest classes, repetitions merged and blanks taken out."""
    path = scores.argmax(-1).tolist()
    return [label for place, label in enumerate(path) if label and (place == 0 or label != path[place - 1])]


def edits(a, b):
    """The least number of insertions, deletions and replacements."""
    above = list(range(len(b) + 1))
    for row, element in enumerate(a):
        current = [row + 1]
        for column, other in enumerate(b):
            current.append(min(above[column] + (element != other), above[column + 1] + 1, current[column] + 1))
        above = current
    return above[-1]


def cosine(step, steps, warmup=0, end=0.0):
    """The learning rate of a step over the base rate."""
    if step < warmup:
        return (step + 1) / warmup
    return end + (1 - end) * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2
