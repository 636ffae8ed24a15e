"""The reference of the recurrent translation recipes: gru-de-en and its variants, and those on pairs that scripts make.

    python3 scripts/results/torch_translation.py RECIPE train.safetensors validation.safetensors [--seed 1]
        [--epochs N] [--batch N] [--width N] [--without copy|guided] [-o WEIGHTS.safetensors]
        [--sampling 0.25 --sampling-steps 2000]
        [--init WEIGHTS.safetensors [--risk-samples 5] [--steps N]]

The files are those of `dltrain data pack parallel`. Prints the validation loss per token after each epoch. The weights that
-o writes have dltrain's names: `dltrain train RECIPE --set steps=0 --init WEIGHTS.safetensors` with the data of the recipe
takes them, and `dltrain evaluate` gives the BLEU of what they translate. self-critical-de-en goes on from weights, --init.
"""

import argparse
import time

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from torch_layers import cosine, inside
from torch_rewards import Pieces, own_choices, reward_loss

# Keys of the model, rows of a batch, epochs, learning rate of Adam.
DE_EN = (64, 5, 1e-3)
PAIRS = dict(width=64, attention="additive", dropout=0.1)
TEXTS = dict(width=128, attention="additive", dropout=0.3)
SETTINGS = {
    "gru-de-en": (dict(attention="dot"), *DE_EN),
    "gru-plain-de-en": (dict(attention="none"), *DE_EN),
    "gru-additive-de-en": (dict(attention="additive"), *DE_EN),
    "gru-relu-de-en": (dict(attention="relu"), *DE_EN),
    "self-critical-de-en": (dict(attention="dot", dropout=0.0), 64, 2, 5e-5),
    "copy-names": (dict(PAIRS, copy=True), 32, 10, 3e-3),
    "guided-spelling": (dict(PAIRS, guided=1.0), 32, 5, 3e-3),
    "questions-partut": (dict(TEXTS, copy=True), 32, 12, 2e-3),
    "turns-shakespeare": (TEXTS, 32, 6, 2e-3),
    "parses-partut": (TEXTS, 32, 20, 2e-3),
    "topics-de-en": (TEXTS, 64, 3, 2e-3),
}
# The share of the loss of self-critical-de-en that is the BLEU of translations that were drawn.
REWARD = 0.9


class Additive(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.query_proj = nn.Linear(width, width, bias=False)
        self.key_proj = nn.Linear(2 * width, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, query, key):
        return self.score((self.query_proj(query)[:, :, None] + self.key_proj(key)[:, None]).tanh())[..., 0]


class Translation(nn.Module):
    def __init__(self, vocabulary, width=256, attention="dot", dropout=0.3, copy=False, guided=0.0):
        super().__init__()
        self.width, self.attention, self.guided = width, attention, guided
        self.tokens = nn.Embedding(vocabulary, width)
        self.encoder = nn.GRU(width, width, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(2 * width, width)
        self.decoder = nn.GRU(width, width, batch_first=True)
        if attention == "additive":
            self.additive = Additive(width)
        elif attention != "none":
            self.keys = nn.Linear(2 * width, width, bias=False)
        if attention != "none":
            self.combine = nn.Linear(3 * width, width, bias=False)
        if copy:
            self.copier = nn.ModuleDict({"gate": nn.Linear(4 * width, 1)})
        self.copies = copy
        self.head = nn.Linear(width, vocabulary)
        self.dropout = nn.Dropout(dropout)

    def weights(self, states, memory, lengths):
        there = inside(memory, lengths)[:, None]
        scores = (self.additive(states, memory) if self.attention == "additive"
                  else states @ self.keys(memory).transpose(1, 2))
        if self.attention == "relu":
            return (scores / self.width**0.5).relu() * there / lengths[:, None, None]
        return scores.masked_fill(~there, float("-inf")).softmax(-1)

    def encode(self, source, lengths):
        """The states of both directions, and the decoder's first one."""
        packed = nn.utils.rnn.pack_padded_sequence(
            self.dropout(self.tokens(source)), lengths, batch_first=True, enforce_sorted=False)
        states, last = self.encoder(packed)
        memory = nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=source.shape[1])[0]
        return memory, self.bridge(torch.cat([last[0], last[1]], 1)).tanh()[None]

    def decode(self, source, target, memory, state, lengths):
        """The logits behind every token, the source states looked at, and the last state."""
        inputs = self.dropout(self.tokens(target))
        states, state = self.decoder(inputs, state)
        if self.attention == "none":
            return self.head(self.dropout(states)), None, state
        weights = self.weights(states, memory, lengths)
        context = weights @ memory
        logits = self.head(self.dropout(self.combine(torch.cat([context, states], 2)).tanh()))
        if self.copies:
            gate = self.copier["gate"](torch.cat([context, states, inputs], 2)).sigmoid()
            copied = torch.zeros_like(logits).scatter_add(2, source[:, None].expand_as(weights), weights)
            logits = (gate * logits.softmax(-1) + (1 - gate) * copied + 1e-12).log()
        return logits, weights, state

    def loss_sum(self, source, lengths, target, guides, sampling=0.0):
        given, wanted = target[:, :-1], target[:, 1:]
        if sampling > 0:
            given = own_choices(self, source, lengths, given, sampling)
        memory, first = self.encode(source, lengths)
        logits, weights, _ = self.decode(source, given, memory, first, lengths)
        loss = F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=0, reduction="sum")
        if guides and self.guided > 0:
            counts = (wanted != 0).sum(1)
            off = (torch.arange(source.shape[1])[None, None] / lengths[:, None, None]
                   - torch.arange(wanted.shape[1])[None, :, None] / counts[:, None, None])
            cost = self.guided * (1 - torch.exp(-off**2 / (2 * 0.2**2)))
            valid = inside(source, lengths)[:, None] & (wanted != 0)[..., None]
            loss = loss + (weights * cost * valid).sum()
        return loss, (wanted != 0).sum()


def load(path):
    with safe_open(path, "pt") as file:
        x, y = file.get_tensor("x").long(), file.get_tensor("y").long()
        return x, y, (x != 0).sum(1), int(file.metadata()["classes"])


def batches(lengths, size, order):
    """Batches of rows of similar lengths, out of pools of 32 batches."""
    for pool in order.split(32 * size):
        parts = pool[lengths[pool].argsort(stable=True)].split(size)
        yield from (parts[index] for index in torch.randperm(len(parts)))


def cropped(data, rows):
    x, y, lengths = data[0][rows], data[1][rows], data[2][rows]
    return x[:, :lengths.max()], lengths, y[:, :(y != 0).sum(1).max()]


@torch.no_grad()
def validate(model, data):
    model.eval()
    sums = [model.loss_sum(*cropped(data, rows), False) for rows in torch.arange(len(data[0])).split(100)]
    model.train()
    return sum(loss.item() for loss, _ in sums) / sum(count.item() for _, count in sums)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", choices=SETTINGS)
    parser.add_argument("train")
    parser.add_argument("validation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--steps", type=int, help="stop after so many")
    parser.add_argument("--batch", type=int, help="rows of a batch")
    parser.add_argument("--width", type=int, help="features of a token and of the states")
    parser.add_argument("--without", choices=["copy", "guided"])
    parser.add_argument("--sampling", type=float, default=0.0)
    parser.add_argument("--sampling-steps", type=int, default=0)
    parser.add_argument("--risk-samples", type=int, default=0)
    parser.add_argument("--init")
    parser.add_argument("-o", "--output")
    return parser.parse_args()


def main():
    options = arguments()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    keys, size, epochs, rate = SETTINGS[options.recipe]
    keys = {key: value for key, value in keys.items() if key != options.without}
    if options.width:
        keys["width"] = options.width
    size, epochs = options.batch or size, options.epochs or epochs
    data, validation, pieces = load(options.train), load(options.validation), Pieces(options.train)
    model = Translation(data[3], **keys)
    if options.init:
        model.load_state_dict(load_file(options.init))
        print(f"before: validation loss {validate(model, validation):.4f}", flush=True)
    rewarded = options.recipe == "self-critical-de-en"
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    steps, step, began = epochs * -(-len(data[0]) // size), 0, time.time()
    for epoch in range(1, epochs + 1):
        for rows in batches(data[2], size, torch.randperm(len(data[0]))):
            if step == options.steps:
                break
            optimizer.param_groups[0]["lr"] = rate if rewarded else rate * cosine(step, steps, end=0.05)
            optimizer.zero_grad()
            part = cropped(data, rows)
            sampling = options.sampling * (min(step / options.sampling_steps, 1) if options.sampling_steps else 1)
            loss, count = model.loss_sum(*part, True, sampling)
            if rewarded:
                loss = (1 - REWARD) * loss + REWARD * reward_loss(model, *part, pieces, options.risk_samples)
            (loss / count).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1)
            optimizer.step()
            step += 1
        print(f"epoch {epoch}, step {step}: validation loss {validate(model, validation):.4f}, {time.time() - began:.0f} s",
              flush=True)
        if step == options.steps:
            break
    if options.output:
        save_file(model.state_dict(), options.output)


if __name__ == "__main__":
    main()
