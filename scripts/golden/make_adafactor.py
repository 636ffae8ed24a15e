"""Golden values of Adafactor on matrices and a vector, by PyTorch."""

import math

import torch

from golden import Random, options, save

STEPS, STORED = 20, (1, 5, 20)
SHAPES = {"wide": (6, 10), "tall": (12, 5), "row": (1, 7), "bias": (9,)}


def main():
    """Parameters after 1, 5 and 20 steps, and the state after 20, under given gradients and rates."""
    tensors, metadata = {}, {}

    def record(case, lr=0.05, scale=1.0, eps1=None, eps2=1e-3, **settings):
        settings = {"beta2_decay": -0.8, "d": 1.0, "weight_decay": 0.0, **settings}
        random = Random("adafactor_" + case)
        values = {name: torch.from_numpy(random.normal(*shape)).double() for name, shape in SHAPES.items()}
        gradients = {name: random.normal(STEPS, *shape, scale=scale) for name, shape in SHAPES.items()}
        rates = [lr * (1 + 0.5 * math.cos(0.7 * s)) for s in range(STEPS)]
        for name, value in values.items():
            tensors[f"{case}/in/{name}"] = value.numpy().copy()
            tensors[f"{case}/in/{name}_grad"] = gradients[name]
        tensors[f"{case}/in/rates"] = torch.tensor(rates, dtype=torch.float64).numpy()
        optimizer = torch.optim.Adafactor(list(values.values()), lr=lr, eps=(eps1, eps2), foreach=False, **settings)
        for step in range(STEPS):
            for name, value in values.items():
                value.grad = torch.from_numpy(gradients[name][step].copy()).double()
            optimizer.param_groups[0]["lr"] = rates[step]
            optimizer.step()
            if step + 1 in STORED:
                for name, value in values.items():
                    tensors[f"{case}/f64/out/{name}_{step + 1}"] = value.numpy().copy()
        for name, value in values.items():
            for key in ("row_var", "col_var", "variance"):
                if key in optimizer.state[value]:
                    tensors[f"{case}/f64/out/{key}_{name}"] = optimizer.state[value][key].numpy().copy()
        metadata[case] = options(op="adafactor", eps1=eps1, eps2=eps2, **settings)

    record("adafactor")
    record("adafactor_decay", weight_decay=0.1, beta2_decay=-0.5, lr=0.5)
    record("adafactor_small", scale=1e-4, eps1=1e-3, eps2=0.5)
    record("adafactor_threshold", d=2.0, lr=2.0)
    save("adafactor.safetensors", tensors, metadata)


main()
