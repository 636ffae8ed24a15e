"""The reference of recipe lstm-shakespeare: the same network, data and settings in PyTorch.

    python3 scripts/results/torch_lstm.py input.txt [--epochs 5] [--seed 1]

Prints the validation loss after each epoch. Streams, stretches, the state that is carried on and
the loss over the whole validation text are those of the recipe.
"""

import argparse
import math
import time

import torch
from torch import nn

WINDOW, STREAMS, HIDDEN, LAYERS = 64, 32, 256, 2


class Model(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, HIDDEN)
        self.lstm = nn.LSTM(HIDDEN, HIDDEN, LAYERS, batch_first=True)
        self.head = nn.Linear(HIDDEN, vocabulary)

    def forward(self, x, state):
        y, state = self.lstm(self.embedding(x), state)
        return self.head(y), state


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
    return loss, tuple(part.detach() for part in state)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("text")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    text = open(arguments.text, encoding="utf-8").read()
    characters = sorted(set(text))
    index = {character: place for place, character in enumerate(characters)}
    tokens = torch.tensor([index[character] for character in text])
    cut = int(0.9 * len(tokens))
    train, validation = tokens[:cut], tokens[cut:]

    model = Model(len(characters))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    steps = sum(1 for _ in stretches(train)) * arguments.epochs
    end = 0.05
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: end + (1 - end) * (1 + math.cos(math.pi * step / steps)) / 2)
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
