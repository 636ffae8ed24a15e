"""The references of the recipes wgan-mnist, wgan-gp-mnist, sngan-mnist and cgan-digits, in PyTorch.

    python3 scripts/results/torch_gans.py wgan|wgan-gp|sngan MNIST --features RUN.safetensors [--epochs 5] [--seeds 1]
    python3 scripts/results/torch_gans.py cgan DIGITS --features RUN.safetensors [--epochs 100]

The networks, data and settings are those of the recipes. MNIST is the folder of the four IDX files, DIGITS that of
digits-train.safetensors and digits-validation.safetensors (Sources/DLData/Resources). Images are compared as torch_dcgan.py
has it, in the last hidden layer of a classifier that dltrain trained: lenet-mnist, or, for cgan, mlp-digits with
`--set 'data.normalize={mean: [0.3], std: [0.37]}'`. --features is its checkpoint. Prints the loss of the last step and the
Frechet distance between the images to validate on and as many generated ones after each epoch, or each --every-th one.
"""

import argparse
import os
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from torch_dcgan import Judge, images

BATCH, CLASSES = 64, 10
ADAM = torch.optim.Adam
# The length of noise, updates of the critic in a step, and the optimizer of each network.
SETTINGS = {
    "wgan": (64, 5, lambda p: torch.optim.RMSprop(p, 5e-5)),
    "wgan-gp": (64, 5, lambda p: ADAM(p, 1e-4, (0.0, 0.9))),
    "sngan": (64, 1, lambda p: ADAM(p, 2e-4, (0.0, 0.9))),
    "cgan": (32, 1, lambda p: ADAM(p, 5e-4, (0.5, 0.999))),
}


def generator(kind):
    """From noise, and the label if it is told, [rows, numbers, 1, 1]."""
    if kind == "cgan":
        return nn.Sequential(
            nn.Flatten(), nn.Linear(32 + CLASSES, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 64), nn.Tanh(),
            nn.Unflatten(1, (1, 8, 8)))
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 3136), nn.Unflatten(1, (64, 7, 7)), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.BatchNorm2d(32), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Tanh())


def critic(kind):
    if kind == "cgan":
        return nn.Sequential(
            nn.Flatten(), nn.Linear(64 * (1 + CLASSES), 128), nn.LeakyReLU(0.2), nn.Linear(128, 64), nn.LeakyReLU(0.2),
            nn.Linear(64, 1))
    wrap = spectral_norm if kind == "sngan" else lambda layer: layer
    return nn.Sequential(
        wrap(nn.Conv2d(1, 32, 4, 2, 1)), nn.LeakyReLU(0.2), wrap(nn.Conv2d(32, 64, 4, 2, 1)), nn.LeakyReLU(0.2),
        nn.Flatten(), wrap(nn.Linear(3136, 1)))


def features():
    """The network of recipe mlp-digits without its last layer."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())


def penalty(d, real, fake):
    share = torch.rand(len(real), 1, 1, 1)
    mixed = (real * share + fake * (1 - share)).requires_grad_()
    slope, = torch.autograd.grad(d(mixed).sum(), mixed, create_graph=True)
    return ((slope.flatten(1).square().sum(1) + 1e-12).sqrt() - 1).square().mean()


def critic_loss(kind, d, real, fake):
    if kind == "sngan":
        return (1 - d(real)).relu().mean() + (1 + d(fake)).relu().mean()
    if kind == "cgan":
        return F.softplus(-d(real)).mean() + F.softplus(d(fake)).mean()
    loss = d(fake).mean() - d(real).mean()
    return loss + 10 * penalty(d, real, fake) if kind == "wgan-gp" else loss


def generator_loss(kind, d, fake):
    return F.softplus(-d(fake)).mean() if kind == "cgan" else -d(fake).mean()


def clip(kind, d):
    if kind == "wgan":
        with torch.no_grad():
            for parameter in d.parameters():
                parameter.clamp_(-0.01, 0.01)


def beside(x, told):
    """Images with planes of what is told of them."""
    return x if told is None else torch.cat([x, told[:, :, None, None].expand(-1, -1, *x.shape[2:])], 1)


def train(kind, x, labels, judge, judged_labels, options):
    latent, turns, rule = SETTINGS[kind]
    g, d = generator(kind), critic(kind)
    optimizer_g, optimizer_d = rule(g.parameters()), rule(d.parameters())
    began, step, tells = time.time(), 0, kind == "cgan"
    # The recipe on few digits takes the last rows of an epoch too.
    rows_of_epoch = len(x) if tells else len(x) // BATCH * BATCH
    for epoch in range(1, options.epochs + 1):
        for rows in torch.randperm(len(x))[:rows_of_epoch].split(BATCH):
            if step == options.steps:
                break
            told = F.one_hot(labels[rows], CLASSES).float() if tells else None
            real = beside(x[rows], told)
            for _ in range(turns):
                noise = torch.randn(len(rows), latent)
                given = noise if told is None else torch.cat([noise, told], 1)
                fakes = beside(g(given[:, :, None, None]), told)
                loss = critic_loss(kind, d, real, fakes.detach())
                optimizer_d.zero_grad()
                loss.backward()
                optimizer_d.step()
                clip(kind, d)
            optimizer_g.zero_grad()
            generator_loss(kind, d, fakes).backward()
            optimizer_g.step()
            step += 1
        if epoch % options.every == 0 or epoch == options.epochs or step == options.steps:
            told = F.one_hot(judged_labels, CLASSES).float() if tells else None
            print(f"epoch {epoch}, step {step}: critic {loss.item():.4f}, "
                  f"Frechet distance {judge.distance(g, latent, told):.4f}, {time.time() - began:.0f} s", flush=True)
        if step == options.steps:
            break


def digits(folder, name):
    tensors = load_file(os.path.join(folder, f"digits-{name}.safetensors"))
    return tensors["x"].permute(0, 3, 1, 2).float() / 255 * 2 - 1, tensors["y"].long()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=SETTINGS)
    parser.add_argument("data")
    parser.add_argument("--features", required=True)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--steps", type=int, help="stop after so many")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.kind == "cgan":
        (x, labels), (real, judged_labels) = digits(options.data, "train"), digits(options.data, "validation")
        judge = Judge(options.features, real, features, (0.3, 0.37))
    else:
        x, labels, judged_labels = images(options.data, "train-images-idx3-ubyte"), None, None
        judge = Judge(options.features, images(options.data, "t10k-images-idx3-ubyte"))
    options.epochs = options.epochs or (100 if options.kind == "cgan" else 5)
    for seed in options.seeds:
        torch.manual_seed(seed)
        print(f"seed {seed}", flush=True)
        train(options.kind, x, labels, judge, judged_labels, options)


if __name__ == "__main__":
    main()
