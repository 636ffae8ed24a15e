"""References of the recipes on words, tags and sounds: the same networks, files and settings in PyTorch.

    python3 scripts/results/torch_sequences.py RECIPE train.safetensors validation.safetensors [--test FILE]
        [--epochs N] [--seeds 1 2 3] [--full-rows]

The files are those of `dltrain data pack sentences`, `conllu` and `audio`. Prints the accuracy of each seed after each
epoch, for ctc-spoken-strings 1 less the rate of errors, for topics-multi30k F1; with --test also that on another file by the weights of the best
epoch. Nothing behind a row's end counts; with --full-rows padding is read as data.
"""

import argparse
import json
import time

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import nn

from torch_layers import (
    CRF, IGNORED, ConformerBlock, best_path, convolve, cosine, cut, edits, inside, mean, positions, recur)


class Network(nn.Module):
    """What a chain of layers is in YAML; x is [rows, time] tokens or [rows, time, columns]."""

    def __init__(self, recipe, inputs, classes):
        super().__init__()
        self.kind, self.data = kind_and_data(recipe)
        word = {"polarity": 128, "partut": 100, "multi30k": 128}.get(self.data)
        if recipe == "attention-polarity":
            word, self.before = 64, nn.Dropout(0.3)
        if word:
            self.embedding = nn.Embedding(inputs, word, padding_idx=0)
        self.dropout = nn.Dropout({"polarity": 0.5, "multi30k": 0.5, "strings": 0.2}.get(self.data, 0.3))
        size = getattr(self, "make_" + self.kind.replace("-", "_"))(word or inputs)
        self.head = nn.Linear(size, classes)
        if self.kind == "bilstm-crf":
            self.crf = CRF(classes)

    def make_cnn(self, width):
        self.body = nn.Conv1d(width, 200, 4, padding=3)
        return 200

    def make_textcnn(self, width):
        self.widths = nn.ModuleList(nn.Conv1d(width, 100, kernel, padding=kernel - 1) for kernel in (3, 4, 5))
        return 300

    def make_window(self, width):
        self.body = nn.Conv1d(width, 200, 3, padding="same")
        return 200

    def make_frames(self, width):
        self.body, self.second = nn.Conv1d(width, 128, 9, stride=2), nn.Conv1d(128, 128, 1)
        return 128

    def make_rnn(self, width, type=nn.RNN):
        self.body = type(width, 64, batch_first=True)
        return 64

    def make_lstm(self, width):
        return self.make_rnn(width, nn.LSTM)

    def make_gru(self, width):
        return self.make_rnn(width, nn.GRU)

    make_topics = make_gru

    def make_deep_lstm(self, width):
        self.body = nn.LSTM(width, 64, 2, batch_first=True)
        return 64

    def make_bilstm(self, width):
        hidden = 100 if self.data == "partut" else 64
        self.body = nn.LSTM(width, hidden, batch_first=True, bidirectional=True)
        return 2 * hidden

    make_bilstm_crf = make_bilstm

    def make_attention(self, width):
        self.body = nn.TransformerEncoderLayer(width, 4, 2 * width, 0.3, batch_first=True)
        return width

    make_local_attention = make_attention

    def make_conformer(self, width):
        self.body = nn.Conv1d(width, 48, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(ConformerBlock(48, 96, 4, 9, 0.1) for _ in range(2))
        return 48

    def make_ctc(self, width):
        self.body = nn.Conv1d(width, 64, 5, stride=2, padding=2)
        self.second = nn.Conv1d(64, 64, 5, stride=2, padding=2)
        self.recurrent = nn.LSTM(64, 64, batch_first=True, bidirectional=True)
        return 128

    def attend(self, x, lengths):
        place = torch.arange(x.shape[1])
        far = (place[:, None] - place).abs() > 2 if self.kind == "local-attention" else None
        behind = None if lengths is None else ~inside(x, lengths)
        return self.body(x, src_mask=far, src_key_padding_mask=behind)

    def states(self, x, lengths):
        """What the head sees, one for each position or row, and the positions of each row."""
        if self.data in ("polarity", "partut", "multi30k"):
            x = self.embedding(x)
        if self.kind == "attention" and self.data == "polarity":
            states = self.attend(self.before(x + positions(*x.shape[1:])), lengths)
            return mean(states, lengths), None
        if self.data == "partut":
            x = self.dropout(x + positions(*x.shape[1:]) if "attention" in self.kind else x)
        if self.kind == "textcnn":
            found = [convolve(layer, x, lengths) for layer in self.widths]
            return torch.cat([largest(y.relu(), inner) for y, inner in found], 1), None
        if "attention" in self.kind:
            return self.attend(x, lengths), lengths
        if isinstance(self.body, nn.Conv1d):
            y, lengths = convolve(self.body, x, lengths)
            y = F.silu(y) if self.kind == "conformer" else y.relu()
        else:
            y = recur(self.body, x, lengths)
        if self.kind in ("frames", "ctc"):
            y, lengths = convolve(self.second, y, lengths)
            y = y.relu()
        if self.kind == "ctc":
            y = recur(self.recurrent, y, lengths)
        if self.kind == "conformer":
            y = y + positions(*y.shape[1:])
            for block in self.blocks:
                y = block(y, lengths)
            return mean(y, lengths), None
        return (y, lengths) if self.data in ("partut", "strings") else (largest(y, lengths), None)

    def forward(self, x, lengths=None):
        y, lengths = self.states(x, lengths)
        drops = self.kind != "conformer" and (self.data == "polarity" or "attention" not in self.kind)
        return self.head(self.dropout(y) if drops else y), lengths

    def loss(self, x, y, lengths):
        """The mean over labels, or over rows."""
        scores, valid = self(x, lengths)
        if self.kind == "bilstm-crf":
            return self.crf.loss(scores, y) / (y != IGNORED).sum()
        if self.kind == "ctc":
            steps = valid if valid is not None else torch.full((len(y),), scores.shape[1])
            return F.ctc_loss(scores.log_softmax(-1).transpose(0, 1), y, steps, (y != 0).sum(1), reduction="sum",
                              zero_infinity=True) / len(y)
        if self.kind == "topics":
            return F.binary_cross_entropy_with_logits(scores, y)
        return F.cross_entropy(scores.flatten(0, -2), y.flatten(), ignore_index=IGNORED)

    def right(self, x, y, lengths, decode):
        """The number of right labels, and that of all."""
        scores, valid = self(x, lengths)
        if self.kind == "ctc":
            wanted = [[label for label in row if label] for row in y.tolist()]
            paths = [best_path(row[:end]) for row, end in zip(scores, valid)]
            count = sum(map(len, wanted))
            return count - sum(map(edits, paths, wanted)), count
        counted = y != IGNORED
        tags = self.crf.decode(scores, counted.sum(1), decode) if self.kind == "bilstm-crf" else scores.argmax(-1)
        return ((tags == y) & counted).sum().item(), counted.sum().item()


def largest(y, lengths):
    return cut(y, lengths, float("-inf")).amax(1)


def kind_and_data(recipe):
    """As ("bilstm-crf", "partut") or ("frames", "spoken")."""
    words = recipe.replace("ctc-spoken-strings", "ctc-strings").split("-")
    if "spoken" in words:
        words = words[:words.index("spoken") + 1]
    return "-".join(words[:-1]), words[-1]


# Learning rate of Adam, rows of a batch, epochs.
SETTINGS = {
    "cnn-polarity": (1e-3, 50, 6),
    "textcnn-polarity": (1e-3, 50, 6),
    "rnn-polarity": (1e-3, 50, 4),
    "lstm-polarity": (1e-3, 50, 4),
    "gru-polarity": (1e-3, 50, 4),
    "bilstm-polarity": (1e-3, 50, 4),
    "deep-lstm-polarity": (1e-3, 50, 4),
    "attention-polarity": (2e-3, 50, 6),
    "topics-multi30k": (5e-3, 64, 6),
    "window-partut": (2e-3, 32, 8),
    "bilstm-partut": (2e-3, 32, 8),
    "bilstm-crf-partut": (2e-3, 32, 8),
    "attention-partut": (2e-3, 32, 8),
    "local-attention-partut": (2e-3, 32, 8),
    "frames-spoken": (1e-3, 32, 10),
    "bilstm-spoken": (2e-3, 32, 10),
    "conformer-spoken": (1e-3, 32, 10),
    "ctc-spoken-strings": (2e-3, 32, 15),
}
# Those whose rate falls along a cosine: epochs of warm-up; their gradients' norm is at most 5.
COSINE = {"conformer-spoken": 1, "ctc-spoken-strings": 0}


def load(path, full_rows):
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        words = len(json.loads(metadata["tokenizer"])["vocabulary"]) if "tokenizer" in metadata else None
        lengths = None if full_rows else file.get_tensor("lengths").long()
        y = file.get_tensor("y")
        return file.get_tensor("x"), y if y.is_floating_point() else y.long(), lengths, words, int(metadata["classes"])


@torch.no_grad()
def accuracy(model, data, decode):
    x, y, lengths = data[:3]
    model.eval()
    if model.kind == "topics":
        parts = [model(x[rows], lengths[rows])[0] for rows in torch.arange(len(x)).split(256)]
        return mean_f1(torch.cat(parts) > 0, y > 0)
    counts = [
        model.right(x[rows], y[rows], None if lengths is None else lengths[rows], decode)
        for rows in torch.arange(len(x)).split(256)]
    return sum(right for right, _ in counts) / sum(count for _, count in counts)


def mean_f1(predicted, wanted):
    """The mean over classes of 2 · right / (predicted + wanted)."""
    right = (predicted & wanted).sum(0)
    return (2 * right / (predicted.sum(0) + wanted.sum(0)).clamp(1)).mean().item()


def train(recipe, seed, epochs, data, validation, test, decode):
    torch.manual_seed(seed)
    x, y, lengths, words, classes = data
    rate, batch, _ = SETTINGS[recipe]
    model = Network(recipe, words or x.shape[-1], classes)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    per_epoch = -(-len(x) // batch)
    found, tested, step = [], None, 0
    for _ in range(epochs):
        model.train()
        for rows in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            model.loss(x[rows], y[rows], None if lengths is None else lengths[rows]).backward()
            if recipe in COSINE:
                nn.utils.clip_grad_norm_(model.parameters(), 5)
                factor = cosine(step, epochs * per_epoch, COSINE[recipe] * per_epoch)
                optimizer.param_groups[0]["lr"] = rate * factor
            optimizer.step()
            step += 1
        found.append(accuracy(model, validation, decode))
        if test and found[-1] == max(found):
            tested = accuracy(model, test, decode)
    return found, tested


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe", choices=SETTINGS)
    parser.add_argument("train")
    parser.add_argument("validation")
    parser.add_argument("--test")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--full-rows", action="store_true")
    parser.add_argument("--decode", choices=["viterbi", "greedy"], default="viterbi")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data, validation, test = [
        path and load(path, arguments.full_rows) for path in (arguments.train, arguments.validation, arguments.test)]
    epochs = arguments.epochs or SETTINGS[arguments.recipe][2]
    for seed in arguments.seeds:
        start = time.time()
        found, tested = train(arguments.recipe, seed, epochs, data, validation, test, arguments.decode)
        more = f", test {tested:.4f}" if test else ""
        print(f"seed {seed}: last {found[-1]:.4f}, best {max(found):.4f} in epoch {found.index(max(found)) + 1}{more}, "
              f"{time.time() - start:.0f} s: " + " ".join(f"{value:.4f}" for value in found), flush=True)


if __name__ == "__main__":
    main()
