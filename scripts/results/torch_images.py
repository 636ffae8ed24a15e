"""The reference of recipes digits and lenet-mnist: the same networks, data and settings in PyTorch.

    python3 scripts/results/torch_images.py digits|lenet-mnist TRAIN.safetensors VALIDATION.safetensors [--seed 1]

The files are those that dltrain trains on: x as bytes [rows, height, width, 1], y as classes. Prints the accuracy on
the validation set after each epoch.
"""

import argparse
import math
import time

import torch
from safetensors.torch import load_file
from torch import nn


def digits():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, 10))


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


RECIPES = {
    "digits": dict(model=digits, mean=0.3, std=0.37, lr=0.1, batch=64, epochs=15),
    "lenet-mnist": dict(model=lenet5, mean=0.1307, std=0.3081, lr=0.05, batch=128, epochs=5),
}


def load(path, recipe):
    tensors = load_file(path)
    x = tensors["x"].permute(0, 3, 1, 2).float() / 255
    return (x - recipe["mean"]) / recipe["std"], tensors["y"].long()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("train")
    parser.add_argument("validation")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    recipe = RECIPES[arguments.recipe]
    torch.manual_seed(arguments.seed)
    x, y = load(arguments.train, recipe)
    validation = load(arguments.validation, recipe)
    model = recipe["model"]()
    optimizer = torch.optim.SGD(model.parameters(), lr=recipe["lr"], momentum=0.9, weight_decay=5e-4)
    per_epoch = math.ceil(len(x) / recipe["batch"])
    steps = recipe["epochs"] * per_epoch

    # One epoch of linear warm-up, then a cosine to 0, as the recipes' schedule has it.
    def factor(step):
        if step < per_epoch:
            return (step + 1) / per_epoch
        return 0.5 * (1 + math.cos(math.pi * (step - per_epoch) / (steps - per_epoch)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    began = time.time()
    for epoch in range(recipe["epochs"]):
        model.train()
        for rows in torch.randperm(len(x)).split(recipe["batch"]):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            right = sum(
                (model(a).argmax(1) == b).sum().item()
                for a, b in zip(validation[0].split(1000), validation[1].split(1000)))
        print(f"epoch {epoch + 1}: {right / len(validation[1]):.2%} ({time.time() - began:.1f} s)", flush=True)


main()
