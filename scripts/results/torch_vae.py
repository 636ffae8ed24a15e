"""The reference of recipes vae-digits and vae-mnist: the same networks, data and settings in PyTorch.

    python3 scripts/results/torch_vae.py vae-digits|vae-mnist TRAIN.safetensors VALIDATION.safetensors [--seed 1]

Prints the evidence bound on the validation set in nats per row, with the code at its mean, as dltrain validates.
"""

import argparse
import time

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

RECIPES = {
    "vae-digits": dict(pixels=64, hidden=128, latent=8, lr=2e-3, batch=64, epochs=60),
    "vae-mnist": dict(pixels=784, hidden=400, latent=20, lr=1e-3, batch=128, epochs=10),
}


class VAE(nn.Module):
    def __init__(self, pixels, hidden, latent):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU())
        self.mean = nn.Linear(hidden, latent)
        self.log_variance = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, pixels))

    def bound(self, x, draws):
        features = self.encoder(x)
        mean, log_variance = self.mean(features), self.log_variance(features)
        code = mean + torch.randn_like(mean) * (log_variance / 2).exp() if draws else mean
        error = binary_cross_entropy_with_logits(self.decoder(code), x, reduction="sum")
        return error + 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("train")
    parser.add_argument("validation")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    recipe = RECIPES[arguments.recipe]
    torch.manual_seed(arguments.seed)
    train, validation = (
        load_file(path)["x"].flatten(1).float() / 255 for path in (arguments.train, arguments.validation))
    model = VAE(recipe["pixels"], recipe["hidden"], recipe["latent"])
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe["lr"])
    began = time.time()
    for epoch in range(recipe["epochs"]):
        for rows in torch.randperm(len(train)).split(recipe["batch"]):
            optimizer.zero_grad()
            (model.bound(train[rows], True) / len(rows)).backward()
            optimizer.step()
        if (epoch + 1) % 10 == 0 or epoch + 1 == recipe["epochs"]:
            with torch.no_grad():
                loss = model.bound(validation, False).item() / len(validation)
            print(f"epoch {epoch + 1}: {loss:.3f} nats ({time.time() - began:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
