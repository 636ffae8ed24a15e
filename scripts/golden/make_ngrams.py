#!/usr/bin/env python3
"""Writes Tests/DLTrainingTests/Golden/ngrams.json: a text of tokens, and the mean of -log p over the windows of
another under n-gram models, by dictionaries of counts and one recursion per formula.

    python3 scripts/golden/make_ngrams.py
"""

import json
import math
import pathlib
import random
from collections import Counter
from functools import lru_cache

FILE = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "DLTrainingTests" / "Golden" / "ngrams.json"
VOCABULARY, WINDOW = 5, 4
draw = random.Random(3)


def text(length):
    """Each token goes on from the one before, or is any but the last, which only the second text has."""
    tokens = [0]
    while len(tokens) < length:
        tokens.append((tokens[-1] * 2 + 1) % 4 if draw.random() < 0.6 else draw.randrange(4))
    return tokens


TRAIN, TEST = text(300), text(61)
TEST[30] = VOCABULARY - 1


def model(order, smoothing, k=1.0, share=0.75, discount=0.75):
    # One n-gram ends at each token that ends a window and its label.
    grams = [tuple(TRAIN[end - order + 1:end + 1]) for end in range(WINDOW, len(TRAIN))]
    kinds = set(grams)

    @lru_cache(None)
    def counts(length):
        """Counter of the n-grams of that length: of their occurrences, or of what stands in front of them."""
        if length == order:
            return Counter(grams)
        if smoothing == "kneser_ney":
            longer = set(counts(length + 1))
            return Counter(gram[1:] for gram in longer)
        return Counter(gram[order - length:] for gram in grams)

    def probability(word, before):
        table = counts(len(before) + 1)
        total = sum(table[before + (w,)] for w in range(VOCABULARY))
        if smoothing == "add_k":
            return (table[before + (word,)] + k) / (total + k * VOCABULARY)
        shorter = probability(word, before[1:]) if before else 1 / VOCABULARY
        if total == 0:
            return shorter
        if smoothing == "interpolated":
            return share * table[before + (word,)] / total + (1 - share) * shorter
        different = sum(table[before + (w,)] > 0 for w in range(VOCABULARY))
        return max(table[before + (word,)] - discount, 0) / total + discount * different / total * shorter

    assert kinds
    return probability


def loss(probability, order):
    losses = []
    for begin in range(0, len(TEST) - WINDOW, WINDOW):
        for place in range(begin, begin + WINDOW):
            before = tuple(TEST[max(begin, place + 2 - order):place + 1]) if order > 1 else ()
            losses.append(-math.log(probability(TEST[place + 1], before)))
    return sum(losses) / len(losses)


cases = []
for order in (1, 2, 3, 4):
    for options in ({"smoothing": "add_k", "k": 0.5}, {"smoothing": "interpolated", "lambda": 0.6},
                    {"smoothing": "kneser_ney", "discount": 0.7}):
        arguments = {{"lambda": "share"}.get(key, key): value for key, value in options.items()}
        value = loss(model(order, **arguments), order)
        cases.append({"options": ", ".join(f"{key}: {value}" for key, value in options.items()), "order": order,
                      "loss": value})
FILE.write_text(json.dumps({"vocabulary": VOCABULARY, "window": WINDOW, "train": TRAIN, "test": TEST,
                            "cases": cases}) + "\n")
