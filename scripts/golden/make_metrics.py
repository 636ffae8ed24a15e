#!/usr/bin/env python3
"""Writes Tests/GoldenTests/Golden/metrics.json: outputs and labels of several kinds, and what scikit-learn,
torchmetrics, sacreBLEU and SciPy make of them.

    pip install scikit-learn torchmetrics sacrebleu scipy
    python3 scripts/golden/make_metrics.py
"""

import json

import numpy as np
import sacrebleu
import scipy.linalg
import torch
import torchmetrics
from sklearn import metrics

from golden import FOLDER, Random

FILE = FOLDER / "metrics.json"
AVERAGES = ["macro", "micro", "weighted", "per_class"]
cases = []


def softmax(outputs):
    return torch.softmax(torch.from_numpy(outputs.astype(np.float64)), -1).numpy()


def record(name, loss, outputs, labels, expected, **more):
    plain = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in expected.items()}
    cases.append({
        "name": name, "loss": loss, "outputs": outputs.astype(np.float64).ravel().tolist(),
        "shape": list(outputs.shape), "labels": labels.astype(np.float64).ravel().tolist(),
        "label_shape": list(labels.shape), "classes": bool(np.issubdtype(labels.dtype, np.integer)),
        "expected": [{"metric": json.loads(key) if key[0] == "{" else key, "value": value}
                     for key, value in plain.items()], **more})


def named(word, **options):
    return json.dumps({word: options}, sort_keys=True)


def averaged(word, function, truth, predicted, **more):
    """The macro mean is over the classes that occur, scikit-learn's default; each class by itself is over all."""
    result = {}
    for average in AVERAGES:
        settings = {"average": None if average == "per_class" else average, "zero_division": 0}
        if average == "per_class":
            settings["labels"] = more["labels"]
        result[named(word, average=average)] = function(truth, predicted, **settings)
    return result


def decisions(truth, predicted, classes):
    result = {"accuracy": metrics.accuracy_score(truth, predicted)}
    for weights in ["none", "linear", "quadratic"]:
        result[named("cohen_kappa", weights=weights)] = metrics.cohen_kappa_score(
            truth, predicted, labels=range(classes), weights=None if weights == "none" else weights)
    result["confusion_matrix"] = metrics.confusion_matrix(truth, predicted, labels=range(classes))
    return result


def calibration(confidences, right, bins, reference):
    """Guo et al. 2017, equation 3, in float64; torchmetrics computes it in float32."""
    error = 0.0
    for start in range(bins):
        inside = (confidences > start / bins) & (confidences <= (start + 1) / bins)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidences[inside].mean())
    assert abs(error - reference.item()) < 1e-6, (error, reference)
    return error


def of_classes(name, loss, outputs, labels, ignored=None, ranks=True, k=2):
    classes = outputs.shape[-1]
    rows, truth = outputs.reshape(-1, classes).astype(np.float64), labels.ravel()
    kept = truth != ignored
    rows, truth = rows[kept], truth[kept]
    predicted, probabilities = rows.argmax(-1), np.exp(rows) if loss == "nll" else softmax(rows)
    expected = decisions(truth, predicted, classes)
    for word, function in [("precision", metrics.precision_score), ("recall", metrics.recall_score),
                           ("f1", metrics.f1_score), ("mean_iou", metrics.jaccard_score)]:
        expected |= averaged(word, function, truth, predicted, labels=range(classes))
    # Of equal scores the first counts.
    broken = rows - 1e-9 * np.arange(classes)
    if classes > 2:
        expected[named("top_k", k=k)] = metrics.top_k_accuracy_score(truth, broken, k=k, labels=range(classes))
    expected["perplexity"] = torchmetrics.functional.text.perplexity(
        torch.from_numpy(rows)[None], torch.from_numpy(truth.astype(np.int64))[None]).item()
    for bins in [15, 4]:
        expected[named("expected_calibration_error", bins=bins)] = calibration(
            probabilities.max(-1), predicted == truth, bins, torchmetrics.functional.calibration_error(
                torch.from_numpy(probabilities), torch.from_numpy(truth.astype(np.int64)), task="multiclass",
                num_classes=classes, n_bins=bins, norm="l1"))
    if ranks:
        for average in ["macro", "weighted", "per_class"]:
            if classes == 2:
                areas = [metrics.roc_auc_score(truth == c, probabilities[:, c]) for c in range(2)]
                weights = np.bincount(truth, minlength=2) / len(truth)
                expected[named("roc_auc", average=average)] = {
                    "macro": np.mean(areas), "weighted": np.sum(areas * weights), "per_class": np.array(areas)}[average]
            else:
                expected[named("roc_auc", average=average)] = metrics.roc_auc_score(
                    truth, probabilities, multi_class="ovr", average=None if average == "per_class" else average)
            expected[named("pr_auc", average=average)] = metrics.average_precision_score(
                np.eye(classes)[truth], probabilities, average=None if average == "per_class" else average)
    record(name, loss, outputs, labels, expected, ignored=ignored)


def of_labels(name, loss, outputs, labels):
    """Yes or no in each column: binary where there is one."""
    width = outputs.shape[-1]
    probabilities = 1 / (1 + np.exp(-outputs.astype(np.float64))) if loss == "bce_with_logits" else outputs
    truth, predicted = (labels > 0.5).astype(int), (probabilities > 0.5).astype(int)
    expected = {"accuracy": metrics.accuracy_score(truth.ravel(), predicted.ravel())}
    if width == 1:
        expected = decisions(truth.ravel(), predicted.ravel(), 2)
        for bins in [15, 4]:
            confidences = probabilities.ravel().astype(np.float64)
            expected[named("expected_calibration_error", bins=bins)] = calibration(
                confidences, truth.ravel(), bins, torchmetrics.functional.calibration_error(
                    torch.from_numpy(confidences), torch.from_numpy(truth.ravel()), task="binary", n_bins=bins,
                    norm="l1"))
    for word, function in [("precision", metrics.precision_score), ("recall", metrics.recall_score),
                           ("f1", metrics.f1_score), ("mean_iou", metrics.jaccard_score)]:
        for average in AVERAGES:
            if width == 1:
                value = function(truth.ravel(), predicted.ravel(), zero_division=0)
                value = np.array([value]) if average == "per_class" else value
            else:
                value = function(
                    truth, predicted, average=None if average == "per_class" else average, zero_division=0)
            expected[named(word, average=average)] = value
    for word, function in [("roc_auc", metrics.roc_auc_score), ("pr_auc", metrics.average_precision_score)]:
        for average in ["macro", "weighted", "per_class"]:
            value = function(truth, outputs, average=None if average == "per_class" else average)
            expected[named(word, average=average)] = np.atleast_1d(value) if average == "per_class" else value
    record(name, loss, outputs, labels, expected)


def of_values(name, loss, outputs, labels):
    values, targets = outputs.astype(np.float64), labels.astype(np.float64)
    squared = torchmetrics.functional.mean_squared_error(
        torch.from_numpy(values).ravel(), torch.from_numpy(targets).ravel(), squared=False)
    record(name, loss, outputs, labels, {
        "mae": metrics.mean_absolute_error(targets.ravel(), values.ravel()),
        "rmse": squared.item(), "r2": metrics.r2_score(targets, values)})


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def mean_average_precision(found, wanted, classes, threshold):
    """As the devkit of Pascal VOC from 2010 on (Everingham et al. 2010): `VOCap` and `VOCevaldet`.

    Rows of `found` are image, class, score and edges, no two of one score; those of `wanted` image, class and edges."""
    areas = []
    for label in range(classes):
        truth = {i: [row[2:] for row in wanted if row[0] == i and row[1] == label] for i in range(1000)}
        count = sum(len(boxes) for boxes in truth.values())
        if not count:
            continue
        used, hits = set(), []
        for image, _, _, *box in sorted((row for row in found if row[1] == label), key=lambda row: -row[2]):
            overlaps = [overlap(box, other) for other in truth[image]]
            best = int(np.argmax(overlaps)) if overlaps else -1
            hit = best >= 0 and overlaps[best] >= threshold and (image, best) not in used
            used |= {(image, best)} if hit else set()
            hits.append(hit)
        right = np.cumsum(hits)
        recall = np.concatenate([[0], right / count, [1]])
        precision = np.concatenate([[0], right / np.arange(1, len(hits) + 1), [0]])
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        steps = np.nonzero(recall[1:] != recall[:-1])[0] + 1
        areas.append(np.sum((recall[steps] - recall[steps - 1]) * precision[steps]))
    return float(np.mean(areas))


def of_objects(random, images=24, classes=4):
    """Objects, and what is found of them: most, moved a little, some twice, some of another class, and some of nothing."""
    found, wanted = [], []
    for image in range(images):
        for _ in range(random.integers(1, below=4)[0]):
            corner, size = random.uniform(2, high=40), random.uniform(2, low=6, high=20)
            # The last class occurs in nothing that is there.
            label = int(random.integers(1, below=classes - 1)[0])
            box = np.concatenate([corner, corner + size]).astype(np.float64)
            wanted.append([image, label, *box])
            for _ in range(random.integers(1, below=3)[0]):
                other = int(random.integers(1, below=classes)[0]) if random.uniform(1)[0] < 0.2 else label
                moved = box + random.normal(4, scale=1.5)
                found.append([image, other, float(random.uniform(1)[0]), *moved.astype(np.float64)])
        if random.uniform(1)[0] < 0.4:
            corner = random.uniform(2, high=40).astype(np.float64)
            label = int(random.integers(1, below=classes)[0])
            found.append([image, label, float(random.uniform(1)[0]), *corner, *(corner + 9)])
    assert len({row[2] for row in found}) == len(found)
    expected = {key: mean_average_precision(found, wanted, classes, threshold) for key, threshold in [
        ("mean_average_precision", 0.5), (named("mean_average_precision", iou=0.75), 0.75)]}
    assert 0.1 < expected["mean_average_precision"] < 0.9, expected
    cases.append({"name": "objects", "images": images, "object_classes": classes, "found": found, "wanted": wanted,
                  "expected": [{"metric": json.loads(key) if key[0] == "{" else key, "value": value}
                               for key, value in expected.items()]})


def scores(random, rows, labels, classes, strength=1.5):
    """Outputs in eighths, so that there are equal ones, that favor the label."""
    outputs = random.normal(*rows, classes)
    outputs += strength * np.eye(classes)[np.clip(labels, 0, classes - 1)]
    return (np.round(outputs * 8) / 8).astype(np.float32)


def main():
    random = Random("metrics")
    labels = random.integers(97, below=5)
    of_classes("classes", "cross_entropy", scores(random, (97,), labels, 5), labels)
    labels = random.integers(60, below=2)
    of_classes("two classes", "cross_entropy", scores(random, (60,), labels, 2), labels)
    labels = random.integers(40, below=4)
    outputs = scores(random, (40,), labels, 7, strength=3)
    outputs[:, 5:] -= 20
    of_classes("classes that do not occur", "cross_entropy", outputs, labels, ranks=False, k=3)
    labels = random.integers(40, below=4)
    logarithms = np.log(softmax(scores(random, (40,), labels, 4)))
    of_classes("logarithms", "nll", logarithms.astype(np.float32).astype(np.float64), labels)
    labels = random.integers(9, 6, below=8)
    labels[random.uniform(9, 6) < 0.3] = 0
    of_classes("tokens", "cross_entropy", scores(random, (9, 6), labels, 8), labels, ignored=0, ranks=False)
    labels = (random.uniform(61, 1) < 0.4).astype(np.float32)
    outputs = np.round((random.normal(61, 1) + 2 * labels - 1) * 8) / 8
    of_labels("binary", "bce_with_logits", outputs.astype(np.float32), labels)
    of_labels("probability", "bce", random.uniform(61, 1, low=0.01, high=0.99), labels)
    labels = (random.uniform(45, 3) < 0.5).astype(np.float32)
    outputs = np.round((random.normal(45, 3) + labels - 0.5) * 8) / 8
    of_labels("several labels", "bce_with_logits", outputs.astype(np.float32), labels)
    targets = random.normal(50, 3, mean=2)
    of_values("values", "mse", targets + random.normal(50, 3, scale=0.5), targets)
    targets = random.normal(37, 1, mean=100)
    of_values("one value", "mae", targets + random.normal(37, 1, scale=0.5), targets)

    candidates = ["the cat sat on the mat .", "a b c d e f", "no match at all", "he said : \"it's 5,000.\"", ""]
    references = ["the cat sat on a mat .", "a b c d f e", "something else", "he said: \"it's 5,000 .\"", "empty"]
    texts = {"bleu": "none", named("bleu", tokenize="13a"): "13a"}
    cases.append({
        "name": "texts", "candidates": candidates, "references": references,
        "expected": [{"metric": json.loads(key) if key[0] == "{" else key,
                      "value": sacrebleu.corpus_bleu(candidates, [references], tokenize=way).score}
                     for key, way in texts.items()]})

    real, generated = random.normal(40, 4).astype(np.float64), random.normal(40, 4, scale=1.5, mean=0.5).astype(np.float64)
    a, b = np.cov(real, rowvar=False), np.cov(generated, rowvar=False)
    distance = np.sum((real.mean(0) - generated.mean(0)) ** 2) + np.trace(a + b - 2 * scipy.linalg.sqrtm(a @ b).real)
    # What a discriminator's logits tell of each pair, log 2 less half its cross-entropy.
    told = np.log(2) - np.logaddexp(0, -real[:, 0]) / 2 - np.logaddexp(0, generated[:, 0]) / 2
    cases.append({"name": "features", "width": 4, "real": real.ravel().tolist(), "generated": generated.ravel().tolist(),
                  "divergence": told.tolist(),
                  "expected": [{"metric": "frechet", "value": distance},
                               {"metric": "divergence", "value": told.mean()}]})

    of_objects(Random("objects"))
    FILE.write_text(json.dumps({"cases": cases}, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
    print(f"{FILE.name}: {FILE.stat().st_size} bytes, {len(cases)} cases")


if __name__ == "__main__":
    main()
