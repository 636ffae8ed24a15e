"""The reference of recipes on characters of Shakespeare: the same network, data and settings in PyTorch.

    python3 scripts/results/torch_characters.py lstm input.txt [--epochs 5] [--seed 1]    lstm-shakespeare
    python3 scripts/results/torch_characters.py gru|rnn input.txt [--epochs 5]            gru-shakespeare, rnn-shakespeare
    python3 scripts/results/torch_characters.py neural-ngram input.txt [--steps 3000]     neural-ngram-shakespeare

Prints the validation loss after each epoch, or 500 steps. Streams, stretches, the state that is carried on, windows and
the loss over the whole validation text are those of the recipe.
"""

import argparse
import math
import time

import torch
from torch import nn

WINDOW, STREAMS, HIDDEN, LAYERS = 64, 32, 256, 2


class Recurrent(nn.Module):
    def __init__(self, kind, vocabulary):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, HIDDEN)
        self.layers = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[kind](HIDDEN, HIDDEN, LAYERS, batch_first=True)
        self.head = nn.Linear(HIDDEN, vocabulary)

    def forward(self, x, state):
        y, state = self.layers(self.embedding(x), state)
        return self.head(y), state


class NeuralNgram(nn.Module):
    """A hidden layer over the vectors of the last eight characters."""

    def __init__(self, vocabulary):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 32)
        self.hidden = nn.Conv1d(32, HIDDEN, 8)
        self.head = nn.Linear(HIDDEN, vocabulary)

    def forward(self, x):
        vectors = nn.functional.pad(self.embedding(x).transpose(1, 2), (7, 0))
        return self.head(self.hidden(vectors).tanh().transpose(1, 2))


def stretches(tokens):
    """Yields (x, y) of every stretch: row b goes on where row b of the stretch before ended."""
    length = (len(tokens) - 1) // STREAMS
    starts = torch.arange(STREAMS) * length
    for first in range(0, length // WINDOW * WINDOW, WINDOW):
        index = starts[:, None] + first + torch.arange(WINDOW)
        yield tokens[index], tokens[index + 1]


def loss_sum(model, x, y, state):
    logits, state = model(x, state)
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())
    return loss, state.detach() if isinstance(state, torch.Tensor) else tuple(part.detach() for part in state)


def falling(steps, end=0.05):
    """A rate that falls along half a cosine."""
    return lambda step: end + (1 - end) * (1 + math.cos(math.pi * step / steps)) / 2


@torch.no_grad()
def loss_of_windows(model, tokens):
    """The mean loss over windows side by side."""
    rows = (len(tokens) - 1) // WINDOW
    x, y = tokens[:rows * WINDOW].view(rows, WINDOW), tokens[1:rows * WINDOW + 1].view(rows, WINDOW)
    parts = zip(x.split(256), y.split(256))
    sums = [
        nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum").item() for x, y in parts]
    return sum(sums) / (rows * WINDOW)


def train_windows(model, train, validation, steps):
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, falling(steps))
    began = time.time()
    for step in range(1, steps + 1):
        index = torch.randint(len(train) - WINDOW, (32, 1)) + torch.arange(WINDOW)
        loss = nn.functional.cross_entropy(model(train[index]).flatten(0, 1), train[index + 1].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 500 == 0 or step == steps:
            print(f"step {step}: validation loss {loss_of_windows(model, validation):.4f}, {time.time() - began:.0f} s",
                  flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["lstm", "gru", "rnn", "neural-ngram"])
    parser.add_argument("text")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    text = open(arguments.text, encoding="utf-8").read()
    characters = sorted(set(text))
    index = {character: place for place, character in enumerate(characters)}
    tokens = torch.tensor([index[character] for character in text])
    cut = int(0.9 * len(tokens))
    train, validation = tokens[:cut], tokens[cut:]

    if arguments.kind == "neural-ngram":
        train_windows(NeuralNgram(len(characters)), train, validation, arguments.steps)
        return
    model = Recurrent(arguments.kind, len(characters))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    steps = sum(1 for _ in stretches(train)) * arguments.epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, falling(steps))
    began = time.time()
    for epoch in range(arguments.epochs):
        model.train()
        state = None
        for x, y in stretches(train):
            loss, state = loss_sum(model, x, y, state)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        model.eval()
        state, total, count = None, 0.0, 0
        with torch.no_grad():
            for x, y in stretches(validation):
                loss, state = loss_sum(model, x, y, state)
                total += loss.item()
                count += 1
        print(f"epoch {epoch + 1}: validation loss {total / count:.4f}, {time.time() - began:.0f} s",
              flush=True)


if __name__ == "__main__":
    main()
