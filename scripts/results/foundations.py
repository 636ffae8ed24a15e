"""The references of the small recipes: the same data and settings in scikit-learn and PyTorch.

    pip install numpy scikit-learn safetensors torch
    python3 scripts/results/foundations.py [NAME...] [--seeds 1,2,3]

NAME is softmax-regression, gaussian-digits, svm-digits, mlp-digits, curve, cross-validation or optimizers; all unless
given. Prints a line for each figure.
"""

import argparse
import math
import pathlib

import numpy as np
import torch
from safetensors.numpy import load_file
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC
from torch import nn

DATA = pathlib.Path(__file__).resolve().parents[2] / "Sources/DLData/Resources"


def digits(part, mean=0.0, std=1.0):
    file = load_file(DATA / f"digits-{part}.safetensors")
    x = file["x"].reshape(len(file["x"]), -1).astype(np.float64) / 255
    return (x - mean) / std, file["y"].astype(np.int64)


def moments():
    x = digits("train")[0]
    return x.mean(), x.std()


def train(network, optimizer, x, y, loss, batch, epochs, seed, schedule=None):
    """Trains on shuffled batches, the short last one kept."""
    generator = torch.Generator().manual_seed(seed)
    step, steps = 0, epochs * math.ceil(len(x) / batch)
    rate = optimizer.param_groups[0]["lr"]
    for _ in range(epochs):
        network.train()
        for rows in torch.randperm(len(x), generator=generator).split(batch):
            if schedule:
                for group in optimizer.param_groups:
                    group["lr"] = rate * schedule(step, steps)
            optimizer.zero_grad()
            loss(network(x[rows]), y[rows]).backward()
            optimizer.step()
            step += 1
    network.eval()


def accuracy(network, x, y):
    with torch.no_grad():
        return (network(x).argmax(1) == y).double().mean().item()


def tensors(part):
    mean, std = moments()
    x, y = digits(part, mean, std)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def report(name, values, unit=""):
    deviation = f" ± {np.std(values, ddof=1):.4g}" if len(values) > 1 else ""
    print(f"{name}: {np.mean(values):.6g}{deviation}{unit}", flush=True)


def softmax_regression(seeds):
    (x, y), (vx, vy) = tensors("train"), tensors("validation")
    accuracies, losses = [], []
    for seed in seeds:
        torch.manual_seed(seed)
        network = nn.Linear(64, 10)
        train(network, torch.optim.SGD(network.parameters(), 0.05, momentum=0.9), x, y, nn.CrossEntropyLoss(), 64, 30,
              seed)
        accuracies.append(accuracy(network, vx, vy))
        losses.append(nn.functional.cross_entropy(network(vx), vy).item())
    report("softmax-regression accuracy, PyTorch", accuracies)
    report("softmax-regression loss, PyTorch", losses)


def gaussian_digits(_):
    mean, std = moments()
    (x, y), (vx, vy) = digits("train", mean, std), digits("validation", mean, std)
    means = np.stack([x[y == label].mean(0) for label in range(10)])
    centered = x - means[y]
    covariance = centered.T @ centered / len(x) + 0.01 * np.eye(64)
    weights = np.linalg.solve(covariance, means.T).T
    bias = np.log(np.bincount(y) / len(y)) - (means * weights).sum(1) / 2
    logits = vx @ weights.T + bias
    loss = np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1)) + logits.max(1) - logits[range(len(vy)), vy]
    report("gaussian-digits accuracy, numpy's closed form", [(logits.argmax(1) == vy).mean()])
    print(f"gaussian-digits loss, numpy's closed form: {loss.mean():.12g}")
    lda = LinearDiscriminantAnalysis().fit(x, y)
    report("gaussian-digits accuracy, scikit-learn without a ridge", [lda.score(vx, vy)])


def svm_digits(_):
    (x, y), (vx, vy) = digits("train"), digits("validation")
    svm = LinearSVC(C=1, loss="squared_hinge", dual=False, tol=1e-8, max_iter=10000).fit(x, y)
    signs = np.where(vy[:, None] == np.arange(10), 1, -1)
    loss = (np.maximum(0, 1 - signs * svm.decision_function(vx)) ** 2).sum(1).mean()
    report("svm-digits accuracy, scikit-learn", [svm.score(vx, vy)])
    print(f"svm-digits hinge loss, scikit-learn: {loss:.6g}")


def perceptron(hidden, depth):
    layers, width = [], 64
    for _ in range(depth):
        layers += [nn.Linear(width, hidden), nn.ReLU()]
        width = hidden
    return nn.Sequential(*layers, nn.Linear(width, 10))


def mlp_digits(seeds):
    (x, y), (vx, vy) = tensors("train"), tensors("validation")
    accuracies = []
    for seed in seeds:
        torch.manual_seed(seed)
        network = perceptron(64, 2)
        train(network, torch.optim.Adam(network.parameters(), 1e-3), x, y, nn.CrossEntropyLoss(), 64, 20, seed)
        accuracies.append(accuracy(network, vx, vy))
    report("mlp-digits accuracy, PyTorch", accuracies)


def curve(seeds):
    parts = [load_file(DATA / f"curve-{part}.safetensors") for part in ("train", "validation")]
    (x, y), (vx, vy) = [(torch.tensor(part["x"]), torch.tensor(part["y"])) for part in parts]
    losses = []
    for seed in seeds:
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(1, 32), nn.Sigmoid(), nn.Linear(32, 1))
        train(network, torch.optim.Adam(network.parameters(), 0.05), x, y, nn.MSELoss(), 32, 500, seed,
              lambda step, steps: (1 + math.cos(math.pi * step / steps)) / 2)
        losses.append(nn.functional.mse_loss(network(vx), vy).item())
    report("curve mean squared error, PyTorch", losses)


def cross_validation(seeds):
    mean, std = moments()
    x, y = digits("train", mean, std)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    for hidden in (4, 8, 16, 32, 64, 128):
        accuracies = []
        for rows, others in StratifiedKFold(5, shuffle=True, random_state=seeds[0]).split(x, y):
            torch.manual_seed(seeds[0])
            network = perceptron(hidden, 1)
            train(network, torch.optim.Adam(network.parameters(), 1e-3), x[rows], y[rows], nn.CrossEntropyLoss(), 64,
                  20, seeds[0])
            accuracies.append(accuracy(network, x[others], y[others]))
        report(f"cross-validation accuracy of {hidden} units, PyTorch", accuracies)


def optimizers(seeds):
    def load(part):
        x, y = digits(part, 0.3, 0.37)
        return torch.tensor(x, dtype=torch.float32).reshape(-1, 1, 8, 8), torch.tensor(y)

    (x, y), (vx, vy) = load("train"), load("validation")
    rules = {
        "sgd": lambda p: torch.optim.SGD(p, 0.1),
        "momentum": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9),
        "nesterov": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True),
        "adagrad": lambda p: torch.optim.Adagrad(p, 0.02),
        "rmsprop": lambda p: torch.optim.RMSprop(p, 0.001),
        "adadelta": lambda p: torch.optim.Adadelta(p, 1.0),
        "adam": lambda p: torch.optim.Adam(p, 0.003),
        "adamw": lambda p: torch.optim.AdamW(p, 0.003, weight_decay=0.01),
        "nadam": lambda p: torch.optim.NAdam(p, 0.003),
        "radam": lambda p: torch.optim.RAdam(p, 0.003),
    }
    for name, make in rules.items():
        accuracies = []
        for seed in seeds:
            torch.manual_seed(seed)
            network = nn.Sequential(
                nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
                nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
                nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, 10))
            train(network, make(network.parameters()), x, y, nn.CrossEntropyLoss(), 64, 5, seed)
            accuracies.append(accuracy(network, vx, vy))
        report(f"optimizers accuracy of {name}, PyTorch", accuracies)


def main():
    jobs = {"softmax-regression": softmax_regression, "gaussian-digits": gaussian_digits, "svm-digits": svm_digits,
            "mlp-digits": mlp_digits, "curve": curve, "cross-validation": cross_validation, "optimizers": optimizers}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*jobs, []], metavar="NAME")
    parser.add_argument("--seeds", default="1,2,3")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.names or jobs:
        jobs[name]([int(seed) for seed in options.seeds.split(",")])


main()
