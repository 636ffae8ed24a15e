"""Attacks on a trained classifier in PyTorch, beside what `dltrain attack` came to on the same weights and images.

    dltrain export RUN -o classifier.py
    dltrain attack RUN --method fgsm -o attacks/fgsm
    python3 scripts/results/torch_attacks.py classifier.py test.safetensors attacks/fgsm/attack.json ...
        [--seed 1] [--mean 0.1307] [--std 0.3081] [--double]

Each attack.json says the method (fgsm, ifgsm, pgd or deepfool by the largest change), its sizes and how many rows were
attacked. The rows are those that the run's seed draws, and the random starts of pgd those of dltrain. Prints for each size
the rows whose class was right and is wrong afterwards, there and here, and the mean length of their changes. Mean and
deviation are those that the run normalizes by, one or one for each channel; --double computes in float64.

Where an image is flat, a window of a maximum pool has several largest elements up to rounding, and the gradient takes any
of them. `torch_attacks.py --grain grained.safetensors test.safetensors` writes the images with a grain of 2%, which have none;
`dltrain attack RUN --data grained.safetensors --range 0,1` attacks those.
"""

import argparse
import importlib.util
import json
import pathlib
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "golden"))
import keyed  # noqa: E402

# Steps unless attack.json is of other settings.
STEPS = {"fgsm": 1, "ifgsm": 10, "pgd": 10, "deepfool": 50}
OVERSHOOT = 0.02


class Classifier:
    """An exported network behind the normalization of images [rows, channels, height, width] from 0 to 1."""

    def __init__(self, path, mean, std, dtype):
        spec = importlib.util.spec_from_file_location("classifier", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.network = module.load().to(dtype)
        self.mean, self.std = (torch.tensor(value, dtype=dtype).view(1, -1, 1, 1) for value in (mean, std))
        for parameter in self.network.parameters():
            parameter.requires_grad_(False)

    def __call__(self, x):
        # The layers alone: the module's own forward takes bytes.
        return nn.Sequential.forward(self.network, (x - self.mean) / self.std)

    @torch.no_grad()
    def classes(self, x):
        return torch.cat([self(part).argmax(1) for part in x.split(128)])


def drawn(count, wanted, seed):
    """The rows that dltrain draws, in ascending order."""
    rows = list(range(count))
    if wanted < count:
        stream = keyed.Stream(keyed.key(seed, "analysis", "rows"))
        for last in range(count - 1, 0, -1):
            other = stream.below(last + 1)
            rows[last], rows[other] = rows[other], rows[last]
    return sorted(rows[:wanted])


def ascent(model, x, labels):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="sum"), x)[0]


def climb(model, x, labels, start, epsilon, steps):
    changed = start
    for _ in range(steps):
        moved = changed + 2.5 * epsilon / steps * ascent(model, changed, labels).sign()
        changed = (x + (moved - x).clamp(-epsilon, epsilon)).clamp(0, 1)
    return changed


def start(x, rows, epsilon, seed):
    """Uniform in the cube around each image, drawn for [height, width, channels]."""
    count, (channels, height, width) = x[0].numel(), x.shape[1:]
    draws = [torch.from_numpy(keyed.uniforms(keyed.key(seed, "attack", row, "start"), count)) for row in rows]
    noise = ((2 * torch.stack(draws) - 1) * epsilon).to(x.dtype)
    return (x + noise.view(-1, height, width, channels).permute(0, 3, 1, 2)).clamp(0, 1)


def deepfool(model, x, labels, steps):
    """Steps to the nearest boundary by the largest change of a pixel (Moosavi-Dezfooli et al. 2016, section 3.3)."""
    change, changed, here = torch.zeros(x.shape, dtype=torch.float64), x.clone(), torch.arange(len(x))
    for _ in range(steps):
        leaf = changed[here].detach().requires_grad_()
        scores = model(leaf)
        still = scores.argmax(1) == labels[here]
        here = here[still]
        if len(here) == 0:
            break
        slopes = torch.stack([
            torch.autograd.grad(scores[:, index].sum(), leaf, retain_graph=True)[0][still]
            for index in range(scores.shape[1])], 1).double()
        scores = scores[still].detach().double()
        own = labels[here]
        own_slope = slopes[torch.arange(len(here)), own]
        difference = slopes - own_slope[:, None]
        distance = (scores - scores.gather(1, own[:, None])).abs() / difference.abs().flatten(2).sum(2)
        distance[torch.arange(len(here)), own] = float("inf")
        nearest, other = distance.min(1)
        sign = difference[torch.arange(len(here)), other].sign()
        change[here] += (nearest + 1e-4).view(-1, 1, 1, 1) * sign
        changed[here] = (x[here] + change[here].to(x.dtype) * (1 + OVERSHOOT)).clamp(0, 1)
    return changed


def attacked(method, model, x, labels, rows, epsilon, seed):
    parts = []
    for place in range(0, len(x), 128):
        part, of_part = x[place:place + 128], labels[place:place + 128]
        if method == "fgsm":
            parts.append((part + epsilon * ascent(model, part, of_part).sign()).clamp(0, 1))
        elif method == "deepfool":
            parts.append(deepfool(model, part, of_part, STEPS[method]))
        else:
            begin = start(part, rows[place:place + 128], epsilon, seed) if method == "pgd" else part
            parts.append(climb(model, part, of_part, begin, epsilon, STEPS[method]))
    return torch.cat(parts)


def compare(report, model, x, labels, rows, seed):
    method = report["method"]
    if method not in STEPS or report["norm"] != "linf" or report["target"] is not None:
        sys.exit(f"torch_attacks.py: {method} by {report['norm']} is not among those that are written here")
    right = model.classes(x) == labels
    print(f"{method}: right before {report['right_before']} there, {int(right.sum())} here")
    changed = None
    for level in report["levels"]:
        epsilon = level["epsilon"]
        if changed is None or method != "deepfool":
            changed = attacked(method, model, x, labels, rows, epsilon, seed)
            wrong = model.classes(changed) != labels
            sizes = (changed - x).flatten(1).double()
        within = torch.ones(len(x), dtype=torch.bool)
        if method == "deepfool" and epsilon is not None:
            within = sizes.abs().amax(1) <= epsilon * (1 + 1e-6)
        won = right & wrong & within
        print(f"  {epsilon or 'any'}: succeeded with {level['succeeded']} there, {int(won.sum())} here; "
              f"mean L2 {level['mean_l2']:.6f} there, {sizes[won].norm(dim=1).mean():.6f} here", flush=True)


def write_grained(path, data):
    """Float images of 98% of what they were and 2% of uniform noise."""
    noise = torch.rand(data["x"].shape, generator=torch.Generator().manual_seed(1))
    save_file(dict(data, x=0.98 * data["x"].float() / 255 + 0.02 * noise), path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", metavar="FILE", help="classifier.py, images, and each attack.json; or images")
    parser.add_argument("--grain", metavar="FILE", help="write the images with a grain")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mean", type=float, nargs="+", default=[0.1307])
    parser.add_argument("--std", type=float, nargs="+", default=[0.3081])
    parser.add_argument("--double", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.grain:
        write_grained(arguments.grain, load_file(arguments.files[0]))
        return
    dtype = torch.float64 if arguments.double else torch.float32
    model = Classifier(arguments.files[0], arguments.mean, arguments.std, dtype)
    data = load_file(arguments.files[1])
    for path in arguments.files[2:]:
        report = json.loads(pathlib.Path(path).read_text())
        rows = drawn(len(data["x"]), report["rows"], arguments.seed)
        x = data["x"][rows].permute(0, 3, 1, 2)
        x = x.to(dtype) / 255 if x.dtype == torch.uint8 else x.to(dtype)
        compare(report, model, x, data["y"][rows].long(), rows, arguments.seed)


if __name__ == "__main__":
    main()
