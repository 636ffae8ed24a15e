"""The references of wgan-mnist, wgan-gp-mnist and sngan-mnist: the same networks, data and settings in PyTorch.

    python3 scripts/results/torch_gans.py wgan|wgan-gp|sngan MNIST --features LENET [--epochs 5] [--seed 1]

MNIST is the folder of the four IDX files; LENET is the checkpoint of a run of lenet-mnist, in whose last hidden layer
images are compared, as torch_dcgan.py has it. Prints after each epoch the critic's loss of the last step and the Frechet
distance between the 10,000 test images and as many generated ones.
"""

import argparse
import time

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from torch_dcgan import Judge, images

LATENT, BATCH = 64, 64


class Generator(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Linear(LATENT, 3136), nn.Unflatten(1, (64, 7, 7)), nn.BatchNorm2d(64), nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Tanh())

    def forward(self, noise):
        """Takes as much as it needs of the judge's noise [rows, numbers, 1, 1]."""
        return super().forward(noise.flatten(1)[:, :LATENT])


def critic(wrap):
    return nn.Sequential(
        wrap(nn.Conv2d(1, 32, 4, 2, 1)), nn.LeakyReLU(0.2), wrap(nn.Conv2d(32, 64, 4, 2, 1)), nn.LeakyReLU(0.2),
        nn.Flatten(), wrap(nn.Linear(3136, 1)))


def penalty(d, real, fake):
    share = torch.rand(len(real), 1, 1, 1)
    mixed = (real * share + fake * (1 - share)).requires_grad_()
    slope, = torch.autograd.grad(d(mixed).sum(), mixed, create_graph=True)
    return ((slope.flatten(1).square().sum(1) + 1e-12).sqrt() - 1).square().mean()


def critic_loss(kind, d, real, fake):
    if kind == "sngan":
        return (1 - d(real)).relu().mean() + (1 + d(fake)).relu().mean()
    loss = d(fake).mean() - d(real).mean()
    return loss + 10 * penalty(d, real, fake) if kind == "wgan-gp" else loss


def train(kind, train_images, judge, epochs):
    g, d = Generator(), critic(spectral_norm if kind == "sngan" else lambda layer: layer)
    rule = {
        "wgan": lambda p: torch.optim.RMSprop(p, 5e-5),
        "wgan-gp": lambda p: torch.optim.Adam(p, 1e-4, (0, 0.9)),
        "sngan": lambda p: torch.optim.Adam(p, 2e-4, (0, 0.9)),
    }[kind]
    optimizer_g, optimizer_d = rule(g.parameters()), rule(d.parameters())
    began = time.time()
    for epoch in range(1, epochs + 1):
        for rows in torch.randperm(len(train_images)).split(BATCH):
            if len(rows) < BATCH:
                continue
            real = train_images[rows]
            for _ in range(1 if kind == "sngan" else 5):
                fakes = g(torch.randn(BATCH, LATENT))
                loss = critic_loss(kind, d, real, fakes.detach())
                optimizer_d.zero_grad()
                loss.backward()
                optimizer_d.step()
                if kind == "wgan":
                    with torch.no_grad():
                        for parameter in d.parameters():
                            parameter.clamp_(-0.01, 0.01)
            optimizer_g.zero_grad()
            (-d(fakes).mean()).backward()
            optimizer_g.step()
        print(f"epoch {epoch}: critic {loss.item():.4f}, Frechet distance {judge.distance(g):.2f}, "
              f"{time.time() - began:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=["wgan", "wgan-gp", "sngan"])
    parser.add_argument("mnist")
    parser.add_argument("--features", required=True)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(1)
    judge = Judge(arguments.features, images(arguments.mnist, "t10k-images-idx3-ubyte"))
    train(arguments.kind, images(arguments.mnist, "train-images-idx3-ubyte"), judge, arguments.epochs)


if __name__ == "__main__":
    main()
