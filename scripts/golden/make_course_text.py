"""Twenty training steps of networks on text, by PyTorch in float64: course_text.safetensors, as make_course.py has it.

masked is a masked language model, nat writes all tokens at once, the others are encoders and decoders. What is hidden or drawn is
keyed as dltrain's (keyed.py).
"""

import collections
import json
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import keyed
from golden import Random
from make_course import ADAM, BATCH, BERT, ROWS, Additive, adam, batches, initialise, save_jobs, state, steps

VOCABULARY, LETTERS = 12, 8
MARK = "\u2581"
PIECES = ["<pad>", "<s>", "</s>", "<unk>"] + [MARK + chr(97 + letter) for letter in range(LETTERS)]


class Gate(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.gate = nn.Linear(features, 1)


class Recurrent(nn.Module):
    def __init__(self, width=6, cell="gru", attention="dot", copy=False):
        super().__init__()
        layer = nn.GRU if cell == "gru" else nn.LSTM
        self.cell, self.attention = cell, attention
        self.tokens = nn.Embedding(VOCABULARY, width)
        self.encoder = layer(width, width, bidirectional=True, batch_first=True)
        self.bridge = nn.Linear(2 * width, width)
        self.decoder = layer(width, width, batch_first=True)
        if attention == "additive":
            self.additive = Additive(width)
        else:
            self.keys = nn.Linear(2 * width, width, bias=False)
        self.combine = nn.Linear(3 * width, width, bias=False)
        self.copier = Gate(4 * width) if copy else None
        self.head = nn.Linear(width, VOCABULARY)

    def weights(self, states, memory, there):
        if self.attention == "additive":
            return self.additive(states, memory, there)
        scores = states @ self.keys(memory).transpose(1, 2)
        if self.attention == "dot":
            return scores.masked_fill(~there[:, None], -torch.inf).softmax(-1)
        return F.relu(scores / math.sqrt(states.shape[-1])) * (there.double() / there.sum(1, keepdim=True))[:, None]

    def forward(self, source, target):
        """Logits, or logarithms of probabilities, and attention."""
        there = source > 0
        lengths = there.sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.tokens(source), lengths, batch_first=True, enforce_sorted=False)
        memory = nn.utils.rnn.pad_packed_sequence(
            self.encoder(packed)[0], batch_first=True, total_length=source.shape[1])[0]
        width = self.bridge.out_features
        ends = memory[torch.arange(len(source)), lengths - 1, :width]
        first = torch.tanh(self.bridge(torch.cat([ends, memory[:, 0, width:]], 1)))[None]
        inputs = self.tokens(target)
        states = self.decoder(inputs, first if self.cell == "gru" else (first, torch.zeros_like(first)))[0]
        weights = self.weights(states, memory, there)
        context = weights @ memory
        logits = self.head(torch.tanh(self.combine(torch.cat([context, states], 2))))
        if self.copier is None:
            return logits, weights
        gate = torch.sigmoid(self.copier.gate(torch.cat([context, states, inputs], 2)))
        copied = weights @ F.one_hot(source, VOCABULARY).double()
        return (gate * logits.softmax(-1) + (1 - gate) * copied + 1e-12).log(), weights


def positions(time, width):
    angles = torch.arange(time).double()[:, None] / 10000 ** (torch.arange(0, width, 2).double() / width)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)


class NonAutoregressive(nn.Module):
    def __init__(self, width=8, reach=2):
        super().__init__()
        self.width, self.reach = width, reach
        self.tokens = nn.Embedding(VOCABULARY, width)
        options = {"dropout": 0, "batch_first": True, "norm_first": True}
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(width, 2, 12, **options), 1, nn.LayerNorm(width), enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(width, 2, 12, **options), 1, nn.LayerNorm(width))
        self.length = nn.Linear(width, 2 * reach + 1)

    def forward(self, source, wanted):
        """Logits of tokens, and of lengths, for targets of so many tokens."""
        empty = source == 0
        x = self.tokens(source) * math.sqrt(self.width) + positions(source.shape[1], self.width)
        memory = self.encoder(x, src_key_padding_mask=empty)
        counts, time = (~empty).sum(1), int(wanted.max())
        place = torch.arange(time)
        from_place = torch.minimum(place[None] * counts[:, None] // wanted[:, None], counts[:, None] - 1)
        start = memory[torch.arange(len(source))[:, None], from_place] + positions(time, self.width)
        states = self.decoder(start, memory, tgt_key_padding_mask=place[None] >= wanted[:, None],
                              memory_key_padding_mask=empty)
        mean = (memory * ~empty[..., None]).sum(1) / counts[:, None]
        return states @ self.tokens.weight.T, self.length(mean)


def pairs():
    random = Random("course pairs")
    x, y = np.zeros((ROWS, 6), np.int32), np.zeros((ROWS, 8), np.int32)
    for row in range(ROWS):
        source = 4 + random.integers(2 + random.integers(below=5), below=LETTERS)
        x[row, :len(source)] = source
        # Some targets are shorter than their sources.
        target = np.concatenate([[1], source[::-1][row % 2:], [2]])
        y[row, :len(target)] = target
    about = {"classes": str(VOCABULARY), "source": "parallel text",
             "tokenizer": json.dumps({"kind": "bpe", "vocabulary": PIECES, "merges": []})}
    lengths = np.stack([(x > 0).sum(1), (y > 0).sum(1)], 1).astype(np.int32)
    return {"x": x, "y": y, "lengths": lengths}, about


def translation(name, model, yaml, loss):
    """A job whose loss takes the step, sources, what the decoder is given and what it shall write."""
    data, about = pairs()
    model = initialise(model, name)
    init = state(model)

    def of(step, source, target):
        width = int((target > 0).sum(1).max())
        # The end is no input; a row of it would stand where other rows still have tokens.
        given, wanted = torch.where(target == 2, 0, target)[:, :-1], target[:, 1:]
        return loss(model, step, source, given[:, :width - 1], wanted[:, :width - 1])

    tensors = [torch.tensor(data[key]).long() for key in "xy"]
    losses = steps(model, adam(model.parameters()), (of(step, a, b) for step, (a, b) in batches(*tensors)))
    return f"model: {{{yaml}, dropout: 0}}\n" + ADAM, BATCH, data, about, init, losses, model


def likelihood(model, _, source, given, wanted):
    return F.cross_entropy(model(source, given)[0].flatten(0, 1), wanted.flatten(), ignore_index=0)


def guided(model, _, source, given, wanted):
    logits, weights = model(source, given)
    sizes, places = (source > 0).sum(1)[:, None, None], (wanted > 0).sum(1)[:, None, None]
    place, position = torch.arange(wanted.shape[1])[None, :, None], torch.arange(source.shape[1])[None, None]
    off = position.double() / sizes - place.double() / places
    cost = 1 - torch.exp(-off ** 2 / (2 * 0.3 ** 2))
    cost = cost * (place < places) * (position < sizes)
    count = (wanted > 0).sum()
    return F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=0) + (
        0.5 * (weights * cost).sum() / count)


def bleu(words, reference):
    """sacreBLEU's sentence BLEU, from 0 to 1."""
    product, smooth = 0.0, 1.0
    if not set(words) & set(reference):
        return 0.0
    for n in range(1, 5):
        grams, known = (collections.Counter(tuple(text[i:i + n]) for i in range(len(text) - n + 1))
                        for text in (words, reference))
        total, right = sum(grams.values()), sum((grams & known).values())
        if not total:
            return 0.0
        if not right:
            smooth *= 2
        product += math.log(right / total if right else 1 / (smooth * total))
    return min(1.0, math.exp(1 - len(reference) / len(words))) * math.exp(product / 4)


def words(text):
    """What is no beginning of a word, as the unknown piece is not, joins the one before."""
    return "".join(PIECES[token] for token in text if token > 2).replace(MARK, " ").split()


def written(model, source, width, choose):
    """Texts up to their end, token by token."""
    texts = [[] for _ in source]
    with torch.no_grad():
        for place in range(width):
            prefix = torch.tensor([[1] + text + [2] * (place - len(text)) for text in texts])
            last = model(source, prefix)[0][:, -1]
            for row, text in enumerate(texts):
                if not text or text[-1] != 2:
                    text.append(choose(last[row], row, place))
    return texts


def drawn(model, step, source, width, *number):
    """Texts drawn by the draws of a step and row, and of a number where there are several."""
    draws = [keyed.uniforms(keyed.key(1, "self_critical", step, row, *number), width) for row in range(len(source))]

    def choose(logits, row, place):
        sums = logits.softmax(-1).cumsum(-1).numpy()
        return 1 + int(np.sum(sums[1:-1] <= sums[0] + draws[row][place] * (sums[-1] - sums[0])))
    return written(model, source, width, choose)


def log_likelihood(model, source, text):
    logs = model(source[None], torch.tensor([[1] + text[:-1]]))[0].log_softmax(-1)
    return logs.gather(2, torch.tensor([text])[..., None]).sum()


def self_critical(model, step, source, given, wanted):
    width = wanted.shape[1] + 1
    samples = drawn(model, step, source, width)
    greedy = written(model, source, width, lambda logits, *_: int(logits.argmax()))
    total = 0
    for row, reference in enumerate(words(row.tolist()) for row in wanted):
        gain = bleu(words(greedy[row]), reference) - bleu(words(samples[row]), reference)
        total = total + gain * log_likelihood(model, source[row], samples[row])
    count = (wanted > 0).sum()
    return 0.3 * likelihood(model, step, source, given, wanted) + 0.7 * total / count


def minimum_risk(model, step, source, given, wanted):
    width = wanted.shape[1] + 1
    samples = [drawn(model, step, source, width, *([number] if number else [])) for number in range(4)]
    total = 0
    for row, reference in enumerate(words(row.tolist()) for row in wanted):
        texts = []
        for sample in samples:
            if sample[row] not in texts:
                texts.append(sample[row])
        logs = torch.stack([log_likelihood(model, source[row], text) for text in texts])
        risks = torch.tensor([1 - bleu(words(text), reference) for text in texts], dtype=torch.float64)
        total = total + ((0.005 * logs).softmax(0) * risks).sum()
    count = (wanted > 0).sum()
    return 0.3 * likelihood(model, step, source, given, wanted) + 0.7 * total / count


def nat(model, _, source, given, wanted):
    places = (wanted > 0).sum(1)
    logits, lengths = model(source, places)
    longer = (places - (source > 0).sum(1)).clamp(-model.reach, model.reach) + model.reach
    loss = F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=0)
    return loss + F.cross_entropy(lengths, longer, reduction="sum") / places.sum()


class Masked(BERT):
    def __init__(self, vocabulary, time, width=8):
        super().__init__(vocabulary, time, 1, width)
        del self.classifier
        self.head = nn.Linear(width, vocabulary)

    def forward(self, x):
        return self.head(self.encoder(self.tokens(x) + self.positions.weight))


def masked(share=0.4, vocabulary=11):
    random = Random("course masked")
    x = random.integers(ROWS, 7, below=vocabulary)
    model = initialise(Masked(vocabulary, 7), "masked")
    init = state(model)

    def loss(step, rows):
        shown, asked = rows.clone(), torch.full_like(rows, -100)
        for row in range(len(rows)):
            draws = iter(keyed.uniforms(keyed.key(1, "mask", step, row), 3 * rows.shape[1]))
            for place in range(rows.shape[1]):
                if next(draws) >= share:
                    continue
                asked[row, place], kind = rows[row, place], next(draws)
                if kind < 0.8:
                    shown[row, place] = vocabulary
                elif kind < 0.9:
                    shown[row, place] = int(next(draws) * vocabulary)
        return F.cross_entropy(model(shown).flatten(0, 1), asked.flatten())

    losses = steps(model, adam(model.parameters()), (loss(step, rows) for step, (rows,) in batches(torch.tensor(x).long())))
    yaml = f"model: {{name: bert, layers: 2, width: 8, heads: 2, dropout: 0, mask_share: {share}}}\n" + ADAM
    data = {"x": x, "y": np.zeros(ROWS, np.int32)}
    return yaml, BATCH, data, {"classes": str(vocabulary)}, init, losses, model


def main():
    torch.manual_seed(0)
    recurrent = "name: seq2seq, width: 6"
    save_jobs("course_text.safetensors", {
        "masked": masked(),
        "lstm-dot": translation("lstm-dot", Recurrent(cell="lstm"), recurrent + ", cell: lstm", likelihood),
        "relu": translation("relu", Recurrent(attention="relu"), recurrent + ", attention: relu", likelihood),
        "copy": translation("copy", Recurrent(copy=True), recurrent + ", copy: true", likelihood),
        "guided": translation("guided", Recurrent(attention="additive"), recurrent
                              + ", attention: additive, guided: 0.5, guided_width: 0.3", guided),
        "self-critical": translation("self-critical", Recurrent(), recurrent + ", self_critical: 0.7", self_critical),
        "minimum-risk": translation("minimum-risk", Recurrent(), recurrent + ", self_critical: 0.7, risk_samples: 4",
                                    minimum_risk),
        "nat": translation("nat", NonAutoregressive(), "name: nat, layers: 1, width: 8, heads: 2, feed_forward: 12, "
                           "reach: 2, label_smoothing: 0", nat)})


if __name__ == "__main__":
    main()
