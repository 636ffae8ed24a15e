"""References of the recipes on words, tags and sounds: the same networks, files and settings in PyTorch.

    python3 scripts/results/torch_sequences.py NETWORK train.safetensors validation.safetensors [--test FILE]
        [--epochs N] [--seeds 1 2 3] [--lengths]

The files are those of `dltrain data pack sentences`, `conllu` and `audio`. Prints the accuracy of each seed after each
epoch; with --test also that on another file by the weights of the best epoch. Rows are filled up to one length; with
--lengths nothing behind a row's end counts.
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
        self.kind, self.layers = kind.split("-")
        word = {"polarity": 128, "partut": 100}.get(self.layers)
        if word:
            self.embedding = nn.Embedding(inputs, word, padding_idx=0)
        width = word or inputs
        getattr(self, "make_" + self.layers)(width, classes)

    def recurrent(self, width, hidden, layers=1):
        kind = {"rnn": nn.RNN, "gru": nn.GRU}.get(self.kind, nn.LSTM)
        return kind(width, hidden, layers, batch_first=True, bidirectional=self.kind == "bilstm")

    def attention(self, width, feed_forward, dropout):
        return nn.TransformerEncoderLayer(width, 4, feed_forward, dropout, batch_first=True)

    def make_polarity(self, width, classes):
        self.dropout = nn.Dropout(0.5)
        if self.kind == "cnn":
            self.body, size = nn.Conv1d(width, 200, 4, padding=3), 200
        elif self.kind == "attention":
            self.body, size = self.attention(width, 256, 0.3), width
        else:
            self.body = self.recurrent(width, 64, 2 if self.kind == "bilstm" else 1)
            size = 128 if self.kind == "bilstm" else 64
        self.head = nn.Linear(size, classes)

    def make_partut(self, width, classes):
        self.dropout = nn.Dropout(0.3)
        if self.kind in ("attention", "local"):
            self.body, size = self.attention(width, 200, 0.1), width
        else:
            window = self.kind == "window"
            self.body = nn.Conv1d(width, 200, 3, padding="same") if window else self.recurrent(width, 100)
            size = 200
        self.head = nn.Linear(size, classes)

    def make_spoken(self, width, classes):
        self.dropout = nn.Dropout(0.3)
        if self.kind == "frames":
            self.body, self.second = nn.Conv1d(width, 128, 9, stride=2), nn.Conv1d(128, 128, 1)
        else:
            self.body = self.recurrent(width, 64)
        self.head = nn.Linear(128, classes)

    def through(self, layer, x, lengths):
        if isinstance(layer, nn.Conv1d):
            return layer(x.transpose(1, 2)).transpose(1, 2).relu()
        if isinstance(layer, nn.TransformerEncoderLayer):
            place = torch.arange(x.shape[1])
            far = (place[:, None] - place).abs() > 2 if self.kind == "local" else None
            behind = None if lengths is None else place >= lengths[:, None]
            return layer(x, src_mask=far, src_key_padding_mask=behind)
        if lengths is None:
            return layer(x)[0]
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return nn.utils.rnn.pad_packed_sequence(layer(packed)[0], batch_first=True, total_length=x.shape[1])[0]

    def largest(self, y, x, lengths):
        if lengths is not None:
            # A convolution counts where its window begins within the row.
            stride = self.body.stride[0] if isinstance(self.body, nn.Conv1d) else 1
            time = torch.arange(y.shape[1]) * stride
            y = y.masked_fill((time >= lengths[:, None])[..., None], float("-inf"))
        return y.amax(1)

    def forward(self, x, lengths=None):
        if self.layers != "spoken":
            x = self.embedding(x)
        if isinstance(self.body, nn.TransformerEncoderLayer):
            x = x + positions(*x.shape[1:])
        if self.layers == "partut":
            x = self.dropout(x)
        y = self.through(self.body, x, lengths)
        if self.kind == "frames":
            y = self.through(self.second, y, None)
        if self.layers != "partut":
            y = self.largest(y, x, lengths)
        return self.head(self.dropout(y))


def positions(time, size):
    """Sines and cosines of Vaswani et al. 2017, section 3.5."""
    angles = torch.arange(time)[:, None] / 10000 ** (torch.arange(0, size, 2) / size)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)[:, :size]


# Learning rate of Adam, rows of a batch, epochs.
SETTINGS = {
    "cnn-polarity": (1e-3, 50, 6),
    "rnn-polarity": (1e-3, 50, 4),
    "lstm-polarity": (1e-3, 50, 4),
    "gru-polarity": (1e-3, 50, 4),
    "bilstm-polarity": (1e-3, 50, 4),
    "attention-polarity": (1e-3, 50, 4),
    "attention-partut": (2e-3, 32, 8),
    "local-partut": (2e-3, 32, 8),
    "window-partut": (2e-3, 32, 8),
    "bilstm-partut": (2e-3, 32, 8),
    "frames-spoken": (1e-3, 32, 10),
    "bilstm-spoken": (2e-3, 32, 10),
}


def load(path, uses_lengths):
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        words = len(json.loads(metadata["tokenizer"])["vocabulary"]) if "tokenizer" in metadata else None
        lengths = file.get_tensor("lengths") if uses_lengths else None
        return file.get_tensor("x"), file.get_tensor("y").long(), lengths, words, int(metadata["classes"])


def accuracy(model, data):
    x, y, lengths = data[:3]
    model.eval()
    with torch.no_grad():
        predicted = torch.cat([
            model(x[rows], None if lengths is None else lengths[rows]).argmax(-1)
            for rows in torch.arange(len(x)).split(256)])
    counted = y != IGNORED
    return ((predicted == y) & counted).sum().item() / counted.sum().item()


def train(kind, seed, epochs, data, validation, test):
    torch.manual_seed(seed)
    x, y, lengths, words, classes = data
    rate, batch, _ = SETTINGS[kind]
    model = Network(kind, words or x.shape[-1], classes)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    loss = nn.CrossEntropyLoss(ignore_index=IGNORED)
    found, tested = [], None
    for _ in range(epochs):
        model.train()
        for rows in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            outputs = model(x[rows], None if lengths is None else lengths[rows])
            loss(outputs.flatten(0, -2), y[rows].flatten()).backward()
            optimizer.step()
        found.append(accuracy(model, validation))
        if test and found[-1] == max(found):
            tested = accuracy(model, test)
    return found, tested


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("network", choices=SETTINGS)
    parser.add_argument("train")
    parser.add_argument("validation")
    parser.add_argument("--test")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--lengths", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data, validation, test = [
        path and load(path, arguments.lengths) for path in (arguments.train, arguments.validation, arguments.test)]
    epochs = arguments.epochs or SETTINGS[arguments.network][2]
    for seed in arguments.seeds:
        start = time.time()
        found, tested = train(arguments.network, seed, epochs, data, validation, test)
        more = f", test {tested:.4f}" if test else ""
        print(f"seed {seed}: last {found[-1]:.4f}, best {max(found):.4f} in epoch {found.index(max(found)) + 1}{more}, "
              f"{time.time() - start:.0f} s: " + " ".join(f"{value:.4f}" for value in found), flush=True)


if __name__ == "__main__":
    main()
