"""The reference of recipe dcgan-mnist: the same networks, data and settings in PyTorch.

    python3 scripts/results/torch_dcgan.py MNIST --features LENET [--epochs 10] [--seed 1]
    python3 scripts/results/torch_dcgan.py MNIST --features LENET --checkpoint DCGAN

MNIST is the folder of the four IDX files; LENET is the checkpoint of a run of lenet-mnist, in whose
last hidden layer images are compared. Prints after each epoch the losses of the last step and the
Frechet distance between the 10,000 test images and as many generated ones. With --checkpoint
nothing is trained: the generator is that of a dltrain run, whose own figure is checked this way.
Checkpoints are safetensors files under PyTorch's names: what dltrain writes loads as it is.
"""

import argparse
import gzip
import json
import os
import struct
import time

import numpy as np
import torch
from torch import nn

LATENT, WIDTH, BATCH = 100, 64, 128
# How the recipe lenet-mnist normalises its images.
FEATURES_MEAN, FEATURES_STD = 0.1307, 0.3081


def generator():
    return nn.Sequential(
        nn.ConvTranspose2d(LATENT, 2 * WIDTH, 7, bias=False), nn.BatchNorm2d(2 * WIDTH), nn.ReLU(),
        nn.ConvTranspose2d(2 * WIDTH, WIDTH, 4, 2, 1, bias=False), nn.BatchNorm2d(WIDTH),
        nn.ReLU(), nn.ConvTranspose2d(WIDTH, 1, 4, 2, 1, bias=False), nn.Tanh())


def discriminator():
    return nn.Sequential(
        nn.Conv2d(1, WIDTH, 4, 2, 1, bias=False), nn.LeakyReLU(0.2),
        nn.Conv2d(WIDTH, 2 * WIDTH, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * WIDTH),
        nn.LeakyReLU(0.2), nn.Conv2d(2 * WIDTH, 1, 7, bias=False), nn.Flatten())


def lenet():
    """The network of recipe lenet-mnist without its last layer."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU())


def initialize(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, 0.02)


def images(folder, name):
    """The images of an IDX file, [count, 1, 28, 28] between -1 and 1."""
    path = os.path.join(folder, name)
    opened = gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb")
    with opened as file:
        data = file.read()
    magic, count, height, width = struct.unpack(">4I", data[:16])
    assert magic == 2051, f"{path} holds no images"
    pixels = np.frombuffer(data, np.uint8, offset=16).reshape(count, 1, height, width)
    return torch.from_numpy(pixels.astype(np.float32) / 255 * 2 - 1)


def load(network, path, prefix=""):
    """Takes the float32 tensors of a safetensors file that a network has, all of them."""
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    state = {}
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        entry = header[prefix + name]
        begin, end = entry["data_offsets"]
        assert entry["dtype"] == "F32" and entry["shape"] == list(tensor.shape), (name, entry)
        values = np.frombuffer(data[begin:end], np.float32).reshape(entry["shape"])
        state[name] = torch.from_numpy(values.copy())
    network.load_state_dict(state, strict=False)
    return network


class Judge:
    """Compares images with real ones by the statistics of their features."""

    def __init__(self, checkpoint, real, features=lenet, normalize=(FEATURES_MEAN, FEATURES_STD)):
        self.network, self.normalize = load(features(), checkpoint).eval(), normalize
        self.count = len(real)
        self.real = self.statistics(real.split(1000))

    @torch.no_grad()
    def statistics(self, batches):
        mean, std = self.normalize
        features = torch.cat([
            self.network((batch * 0.5 + 0.5 - mean) / std) for batch in batches])
        features = features.double().numpy()
        return features.mean(0), np.cov(features, rowvar=False)

    @torch.no_grad()
    def distance(self, network, latent=LATENT, told=None):
        """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), by the eigenvalues of the product.

        The network gets noise of as many numbers, and what it is told of each image behind them.
        """
        network.eval()
        noise = torch.randn(self.count, latent, 1, 1, generator=torch.Generator().manual_seed(7))
        if told is not None:
            noise = torch.cat([noise, told[:, :, None, None]], 1)
        mean, covariance = self.statistics(network(part) for part in noise.split(1000))
        network.train()
        roots = np.sqrt(np.linalg.eigvals(covariance @ self.real[1]).astype(complex)).real
        return (((mean - self.real[0]) ** 2).sum() + np.trace(covariance) + np.trace(self.real[1])
                - 2 * roots.sum())


def train(train_images, judge, epochs):
    g, d = generator().apply(initialize), discriminator().apply(initialize)
    optimizer_g = torch.optim.Adam(g.parameters(), lr=2e-4, betas=(0.5, 0.999))
    optimizer_d = torch.optim.Adam(d.parameters(), lr=2e-4, betas=(0.5, 0.999))
    bce = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
    per_epoch = len(train_images) // BATCH
    steps = round(epochs * per_epoch)
    began, judged = time.time(), 0.0
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.randperm(len(train_images))
        place = step % per_epoch * BATCH
        fakes = g(torch.randn(BATCH, LATENT, 1, 1))
        loss_d = bce(d(train_images[order[place:place + BATCH]]), ones) + bce(
            d(fakes.detach()), zeros)
        optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        loss_g = bce(d(fakes), ones)
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        if (step + 1) % per_epoch == 0 or step + 1 == steps:
            paused = time.time()
            distance = judge.distance(g)
            print(f"epoch {(step + 1) / per_epoch:.2f}: discriminator {loss_d.item():.4f}, "
                  f"generator {loss_g.item():.4f}, Frechet distance {distance:.4f}, "
                  f"{paused - began - judged:.0f} s", flush=True)
            judged += time.time() - paused


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mnist")
    parser.add_argument("--features", required=True)
    parser.add_argument("--checkpoint")
    parser.add_argument("--epochs", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    judge = Judge(arguments.features, images(arguments.mnist, "t10k-images-idx3-ubyte"))
    if arguments.checkpoint:
        trained = load(generator(), arguments.checkpoint, "generator.")
        print(f"Frechet distance of {arguments.checkpoint}: {judge.distance(trained):.4f}")
    else:
        train(images(arguments.mnist, "train-images-idx3-ubyte"), judge, arguments.epochs)


if __name__ == "__main__":
    main()
