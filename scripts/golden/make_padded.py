"""Layers over rows that are filled up, by PyTorch on the rows without their padding: batch norm by the statistics of all
their positions, adaptive pools over windows that share each row out by itself."""

import numpy as np
import torch
import torch.nn.functional as F

from golden import Family, Random

LENGTHS = [5, 2, 7, 4]


def main():
    family = Family("padded")
    random = Random("padded")
    x = random.normal(len(LENGTHS), max(LENGTHS) + 1, 3)
    lengths = np.array(LENGTHS, np.int32)

    def batch_norm(x, lengths, weight, bias, running_mean, running_var):
        mean, variance = running_mean.clone(), running_var.clone()
        rows = [row[:length] for row, length in zip(x, lengths)]
        y = F.batch_norm(torch.cat(rows), mean, variance, weight, bias, True, 0.1, 1e-5)
        parts = [F.pad(part, (0, 0, 0, x.shape[1] - len(part))) for part in y.split([int(n) for n in lengths])]
        return {"y": torch.stack(parts), "running_mean": mean, "running_var": variance}

    family.record("batch_norm", "batch_norm", {
        "x": x, "lengths": lengths, "weight": random.normal(3), "bias": random.normal(3),
        "running_mean": random.normal(3), "running_var": random.uniform(3, low=0.5, high=2)},
        batch_norm, wrt=["x", "weight", "bias"])
    for word, pool in [("avg", F.adaptive_avg_pool1d), ("max", F.adaptive_max_pool1d)]:
        family.record(
            f"adaptive_{word}_pool1d", f"adaptive_{word}_pool1d", {"x": x, "lengths": lengths},
            lambda x, lengths, pool=pool: {"y": torch.stack([
                pool(row[None, :length].transpose(1, 2), 3)[0].T for row, length in zip(x, lengths)])},
            wrt=["x"], output_size=3)
    family.save()


if __name__ == "__main__":
    main()
