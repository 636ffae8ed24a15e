"""References of the recipes on words, tags and sounds: the same networks, files and settings in PyTorch.

    python3 scripts/results/torch_sequences.py NETWORK train.safetensors validation.safetensors [--epochs N] [--seeds 1 2 3]

The files are those of `dltrain data pack sentences`, `conllu` and `audio`. Prints the accuracy of each seed after its
last epoch and the best one. Rows are filled up, and outputs behind a row's end count as the recipe has them.
"""

import argparse
import json
import time

import torch
from safetensors import safe_open
from torch import nn

IGNORED = -100


class Network(nn.Module):
    """What a chain of layers is in YAML; x is [rows, time] tokens or [rows, time, columns]."""

    def __init__(self, kind, inputs, classes):
        super().__init__()
        self.kind = kind
        getattr(self, kind.replace("-", "_"))(inputs, classes)

    def cnn_polarity(self, words, classes):
        self.embedding = nn.Embedding(words, 128, padding_idx=0)
        self.conv = nn.Conv1d(128, 200, 4, padding=3)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(200, classes)
        self.run = lambda x: self.head(self.dropout(self.channels(self.conv, self.embedding(x)).relu().amax(1)))

    def window_partut(self, words, classes):
        self.embedding = nn.Embedding(words, 100, padding_idx=0)
        self.dropout = nn.Dropout(0.3)
        self.conv = nn.Conv1d(100, 200, 3, padding="same")
        self.head = nn.Linear(200, classes)
        self.run = lambda x: self.head(
            self.dropout(self.channels(self.conv, self.dropout(self.embedding(x))).relu()))

    def bilstm_partut(self, words, classes):
        self.embedding = nn.Embedding(words, 100, padding_idx=0)
        self.dropout = nn.Dropout(0.3)
        self.lstm = nn.LSTM(100, 100, batch_first=True, bidirectional=True)
        self.head = nn.Linear(200, classes)
        self.run = lambda x: self.head(self.dropout(self.lstm(self.dropout(self.embedding(x)))[0]))

    def frames_spoken(self, columns, classes):
        self.one = nn.Conv1d(columns, 128, 9, stride=2)
        self.two = nn.Conv1d(128, 128, 1)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(128, classes)
        self.run = lambda x: self.head(self.dropout(self.channels(
            self.two, self.channels(self.one, x).relu()).relu().amax(1)))

    def bilstm_spoken(self, columns, classes):
        self.lstm = nn.LSTM(columns, 64, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(128, classes)
        self.run = lambda x: self.head(self.dropout(self.lstm(x)[0].amax(1)))

    @staticmethod
    def channels(layer, x):
        return layer(x.transpose(1, 2)).transpose(1, 2)

    def forward(self, x):
        return self.run(x)


# Adam's rate, rows of a batch, epochs.
SETTINGS = {
    "cnn-polarity": (1e-3, 50, 6),
    "window-partut": (2e-3, 32, 8),
    "bilstm-partut": (2e-3, 32, 8),
    "frames-spoken": (1e-3, 32, 10),
    "bilstm-spoken": (2e-3, 32, 10),
}


def load(path):
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        words = len(json.loads(metadata["tokenizer"])["vocabulary"]) if "tokenizer" in metadata else None
        return file.get_tensor("x"), file.get_tensor("y").long(), words, int(metadata["classes"])


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        predicted = torch.cat([model(part).argmax(-1) for part in x.split(256)])
    counted = y != IGNORED
    return ((predicted == y) & counted).sum().item() / counted.sum().item()


def train(kind, seed, epochs, train_data, validation):
    torch.manual_seed(seed)
    x, y, words, classes = train_data
    rate, batch, _ = SETTINGS[kind]
    model = Network(kind, words or x.shape[-1], classes)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    loss = nn.CrossEntropyLoss(ignore_index=IGNORED)
    found = []
    for _ in range(epochs):
        model.train()
        for rows in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            loss(model(x[rows]).flatten(0, -2), y[rows].flatten()).backward()
            optimizer.step()
        found.append(accuracy(model, *validation[:2]))
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("network", choices=SETTINGS)
    parser.add_argument("train")
    parser.add_argument("validation")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data, validation = load(arguments.train), load(arguments.validation)
    epochs = arguments.epochs or SETTINGS[arguments.network][2]
    for seed in arguments.seeds:
        start = time.time()
        found = train(arguments.network, seed, epochs, data, validation)
        print(f"seed {seed}: last {found[-1]:.4f}, best {max(found):.4f} in epoch {found.index(max(found)) + 1}, "
              f"{time.time() - start:.0f} s: " + " ".join(f"{value:.4f}" for value in found), flush=True)


if __name__ == "__main__":
    main()
