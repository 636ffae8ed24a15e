"""The reference of recipe ngram-shakespeare: trigrams by the published formulas, on arrays of counts in numpy.

    python3 scripts/results/ngrams.py train.safetensors validation.safetensors

The files are those of `dltrain data pack text`. Prints the mean of -log p over windows of 64 characters side by side, and
the perplexity, for add-one, interpolated and Kneser-Ney smoothing.
"""

import sys

import numpy as np
from safetensors import safe_open

WINDOW, SHARE, DISCOUNT = 64, 0.75, 0.75


def load(path):
    with safe_open(path, "np") as file:
        return file.get_tensor("tokens").astype(np.int64), int(file.metadata()["classes"])


def counts_of(text, vocabulary):
    """Of one, two and three characters; those that end inside the text's first window are left out."""
    grams = np.stack([text[WINDOW - 2:-2], text[WINDOW - 1:-1], text[WINDOW:]])
    three = np.zeros([vocabulary] * 3)
    np.add.at(three, tuple(grams), 1)
    return [three.sum((0, 1)), three.sum(0), three]


def model(counts, smoothing, vocabulary):
    """The probabilities of a character behind none, one and two others."""
    if smoothing == "kneser_ney":
        # Fewer characters are counted by what stands in front of them.
        two = (counts[2] > 0).sum(0).astype(float)
        counts = [(two > 0).sum(0).astype(float), two, counts[2]]
    result = []
    for table in counts:
        total = table.sum(-1, keepdims=True)
        if smoothing == "add_k":
            result.append((table + 1) / (total + vocabulary))
            continue
        shorter = result[-1] if result else np.full(vocabulary, 1 / vocabulary)
        with np.errstate(invalid="ignore", divide="ignore"):
            if smoothing == "interpolated":
                p = SHARE * table / total + (1 - SHARE) * shorter
            else:
                different = (table > 0).sum(-1, keepdims=True)
                p = np.maximum(table - DISCOUNT, 0) / total + DISCOUNT * different / total * shorter
        result.append(np.where(total > 0, p, shorter))
    return result


def main():
    text, vocabulary = load(sys.argv[1])
    test, _ = load(sys.argv[2])
    counts = counts_of(text, vocabulary)
    rows = (len(test) - 1) // WINDOW
    x = test[:rows * WINDOW].reshape(rows, WINDOW)
    y = test[1:rows * WINDOW + 1].reshape(rows, WINDOW)
    for smoothing in ("add_k", "interpolated", "kneser_ney"):
        p = model(counts, smoothing, vocabulary)
        logs = np.concatenate([np.log(p[1][x[:, 0], y[:, 0]]), np.log(p[2][x[:, :-1], x[:, 1:], y[:, 1:]]).ravel()])
        print(f"{smoothing}: loss {-logs.mean():.10f}, perplexity {np.exp(-logs.mean()):.6f}")


if __name__ == "__main__":
    main()
