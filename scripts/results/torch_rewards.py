"""What torch_translation.py trains a decoder on beside right beginnings: its own choices, and the BLEU of its translations."""

import collections
import json
import math

import torch
import torch.nn.functional as F
from safetensors import safe_open

PADDING, BEGIN, END = 0, 1, 2
# The degree to which likelier texts count more in a risk.
SHARPNESS = 0.005


class Pieces:
    """The words of tokens, by the pieces that a file of pairs holds."""

    def __init__(self, path):
        with safe_open(path, "pt") as file:
            self.vocabulary = json.loads(file.metadata()["tokenizer"])["vocabulary"]

    def words(self, tokens):
        pieces = [self.vocabulary[token] for token in tokens if token not in (PADDING, BEGIN, END)]
        return "".join(pieces).replace("\u2581", " ").split()


def bleu(words, wanted):
    """The BLEU of a sentence from 0 to 1: 4-grams, precisions of 0 smoothed as 1/2, 1/4, ... of a match."""
    logs, smoothing = 0.0, 1.0
    for n in range(1, 5):
        grams, allowed = [
            collections.Counter(tuple(text[place:place + n]) for place in range(len(text) - n + 1))
            for text in (words, wanted)]
        total, right = sum(grams.values()), sum((grams & allowed).values())
        if total == 0 or (n == 1 and right == 0):
            return 0.0
        if right == 0:
            smoothing *= 2
            right = 1 / smoothing
        logs += math.log(right / total)
    return min(1.0, math.exp(1 - len(wanted) / len(words))) * math.exp(logs / 4)


@torch.no_grad()
def own_choices(model, source, lengths, given, share):
    """`given` with a share of its tokens replaced by the likeliest behind those before (Bengio et al. 2015)."""
    given = given.clone()
    model.eval()
    memory, state = model.encode(source, lengths)
    for place in range(1, given.shape[1]):
        logits, _, state = model.decode(source, given[:, place - 1:place], memory, state, lengths)
        replaced = (torch.rand(len(given)) < share) & (given[:, place] != PADDING)
        given[:, place] = torch.where(replaced, logits[:, 0].argmax(-1), given[:, place])
    model.train()
    return given


@torch.no_grad()
def written(model, source, lengths, width, draws):
    """A text of each row up to its end, filled up, [rows, width]: drawn by the probabilities, or the likeliest tokens."""
    model.eval()
    memory, state = model.encode(source, lengths)
    last, done = torch.full((len(source), 1), BEGIN), torch.zeros(len(source), dtype=torch.bool)
    texts = torch.zeros(len(source), width, dtype=torch.long)
    for place in range(width):
        logits, _, state = model.decode(source, last, memory, state, lengths)
        if draws:
            shares = logits[:, 0].softmax(-1)
            shares[:, PADDING] = 0
            chosen = torch.multinomial(shares, 1)[:, 0]
        else:
            chosen = logits[:, 0].argmax(-1)
        texts[:, place] = chosen.masked_fill(done, PADDING)
        done |= chosen == END
        last = chosen[:, None]
        if done.all():
            break
    model.train()
    return texts


def likelihoods(model, source, lengths, texts):
    """The logarithm of the probability of each row's text, [rows]."""
    memory, first = model.encode(source, lengths)
    given = torch.cat([torch.full((len(texts), 1), BEGIN), texts[:, :-1]], 1)
    logits, _, _ = model.decode(source, given, memory, first, lengths)
    costs = F.cross_entropy(logits.flatten(0, 1), texts.flatten(), reduction="none").view(texts.shape)
    return -(costs * (texts != PADDING)).sum(1)


def reward_loss(model, source, lengths, target, pieces, samples):
    """The sum over rows of what their drawn translations lack.

    Against what the model writes anyway (Rennie et al. 2017), or, with samples, the risk of so many (Shen et al. 2016).
    """
    width = max(source.shape[1], target.shape[1])
    wanted = [pieces.words(row) for row in target.tolist()]

    def rewards(texts):
        return torch.tensor([bleu(pieces.words(row), words) for row, words in zip(texts.tolist(), wanted)])

    if not samples:
        greedy = written(model, source, lengths, width, False)
        drawn = written(model, source, lengths, width, True)
        return ((rewards(greedy) - rewards(drawn)) * likelihoods(model, source, lengths, drawn)).sum()
    texts = [written(model, source, lengths, width, True) for _ in range(samples)]
    logs = torch.stack([likelihoods(model, source, lengths, text) for text in texts], 1)
    again = torch.stack([
        torch.stack([(text == before).all(1) for before in texts[:number]] + [torch.zeros(len(text), dtype=torch.bool)]).any(0)
        for number, text in enumerate(texts)], 1)
    shares = (logs * SHARPNESS).masked_fill(again, -1e9).softmax(1)
    return (shares * (1 - torch.stack([rewards(text) for text in texts], 1))).sum()
