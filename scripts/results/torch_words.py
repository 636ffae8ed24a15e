"""The reference of skipgram-polarity and cbow-polarity: word2vec with the same windows, draws and settings in PyTorch.

    python3 scripts/results/torch_words.py skip_gram|cbow train.safetensors validation.safetensors [--seeds 1 2]
        [--beside VECTORS.txt]

The files are those of `dltrain data pack text --words`. Prints the validation loss of each seed; with --beside, the
vectors of a run as `dltrain neighbors RUN -o VECTORS.txt` writes them, also how far the cosines between the 1,000 most
frequent words agree, and how many of their ten neighbors are the same; between two seeds of this trainer, too.
"""

import argparse
import json

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open

from torch_layers import cosine

SIZE, NEGATIVES, SUBSAMPLE, WINDOW, BATCH, EPOCHS, RATE = 100, 5, 1e-3, 11, 512, 5, 2e-3


class Words:
    """What is drawn: windows' reaches, words that are passed over, words against the right one."""

    def __init__(self, counts):
        counts = np.array(counts, float)
        counts[:2] = 0
        weights = counts**0.75
        self.sums = np.cumsum(weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = SUBSAMPLE * counts.sum() / counts
            self.kept = np.where(counts > 0, np.minimum(np.sqrt(ratio) + ratio, 1), 0)

    def examples(self, windows, kind, random):
        """Words that are given [examples, radius * 2] with -1 for none, and the word that is asked for."""
        radius = WINDOW // 2
        reach = 1 + random.integers(radius, size=len(windows))
        keeps = random.random(windows.shape) < self.kept[windows]
        places = np.abs(np.arange(WINDOW) - radius)
        keeps &= (places <= reach[:, None]) & keeps[:, radius:radius + 1]
        keeps[:, radius] = False
        middle = windows[:, radius]
        if kind == "cbow":
            rows = keeps.any(1)
            return np.where(keeps, windows, -1)[rows], middle[rows]
        row, place = keeps.nonzero()
        return middle[row][:, None], windows[row, place]

    def others(self, asked, random):
        drawn = np.searchsorted(self.sums, random.random((len(asked), NEGATIVES)) * self.sums[-1], side="right")
        while (same := drawn == asked[:, None]).any():
            drawn[same] = np.searchsorted(self.sums, random.random(same.sum()) * self.sums[-1], side="right")
        return drawn


def loss_sum(tables, words, windows, kind, random):
    given, asked = words.examples(windows, kind, random)
    targets = torch.from_numpy(np.concatenate([asked[:, None], words.others(asked, random)], 1))
    given = torch.from_numpy(given)
    there = (given >= 0).float()
    hidden = (tables[0][given.clamp(min=0)] * there[..., None]).sum(1) / there.sum(1, keepdim=True)
    scores = (tables[1][targets] @ hidden[..., None])[..., 0]
    wanted = torch.zeros_like(scores)
    wanted[:, 0] = 1
    return F.binary_cross_entropy_with_logits(scores, wanted, reduction="sum"), len(asked)


def windows_of(text, stride):
    return np.lib.stride_tricks.sliding_window_view(text, WINDOW)[:len(text) - WINDOW:stride]


def train(kind, seed, counts, text, validation):
    torch.manual_seed(seed)
    random, words = np.random.default_rng(seed), Words(counts)
    tables = [((torch.rand(len(counts), SIZE) - 0.5) / SIZE).requires_grad_(),
              torch.zeros(len(counts), SIZE, requires_grad=True)]
    optimizer = torch.optim.Adam(tables, lr=RATE)
    rows = windows_of(text, 1)
    steps, step = EPOCHS * -(-len(rows) // BATCH), 0
    for _ in range(EPOCHS):
        for part in torch.randperm(len(rows)).split(BATCH):
            optimizer.param_groups[0]["lr"] = RATE * cosine(step, steps, end=0.05)
            optimizer.zero_grad()
            loss, count = loss_sum(tables, words, rows[part.numpy()], kind, random)
            (loss / count).backward()
            optimizer.step()
            step += 1
    with torch.no_grad():
        loss, count = loss_sum(tables, words, windows_of(validation, WINDOW), kind, random)
    return tables[0].detach().numpy(), loss.item() / count


def agreement(a, b):
    """The correlation of cosines between words, and the share of common ones among the ten nearest."""
    def cosines(vectors):
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit @ unit.T

    a, b = cosines(a), cosines(b)
    pairs = np.triu_indices(len(a), 1)
    shared = [len(set(np.argsort(-x)[1:11]) & set(np.argsort(-y)[1:11])) for x, y in zip(a, b)]
    return f"cosines correlate by {np.corrcoef(a[pairs], b[pairs])[0, 1]:.3f}, {np.mean(shared):.1f} of ten neighbors shared"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["skip_gram", "cbow"])
    parser.add_argument("train")
    parser.add_argument("validation")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--beside")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with safe_open(arguments.train, "pt") as file:
        tokenizer = json.loads(file.metadata()["tokenizer"])
        text = file.get_tensor("tokens").numpy().astype(np.int64)
    with safe_open(arguments.validation, "pt") as file:
        validation = file.get_tensor("tokens").numpy().astype(np.int64)
    frequent = np.arange(2, 1002)
    found = []
    for seed in arguments.seeds:
        vectors, loss = train(arguments.kind, seed, tokenizer["counts"], text, validation)
        print(f"seed {seed}: validation loss {loss:.4f}", flush=True)
        found.append(vectors[frequent])
    if len(found) > 1:
        print("two seeds:", agreement(found[0], found[1]))
    if arguments.beside:
        lines = open(arguments.beside).read().splitlines()[1:]
        vectors = {line.split(" ")[0]: np.array(line.split()[1:], float) for line in lines}
        theirs = np.stack([vectors[tokenizer["vocabulary"][word]] for word in frequent])
        print("beside dltrain:", agreement(found[0], theirs))


if __name__ == "__main__":
    main()
