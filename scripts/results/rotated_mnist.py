"""Rotated digits for the recipe stn-mnist: each image of a packed MNIST turned by an angle of its own.

    python3 scripts/results/rotated_mnist.py mnist rotated [--degrees 90] [--seed 1]

Reads FOLDER/train.safetensors and FOLDER/test.safetensors as `dltrain data pack mnist` writes them, and writes the same
names below the second folder: bilinear samples around the center, black outside, angles uniform in ±degrees (Jaderberg
et al. 2015, section 4.1, has 90).
"""

import argparse
import pathlib

import numpy as np
from safetensors.numpy import load_file, save_file


def rotated(images, angles):
    """Bytes [rows, height, width, 1] turned by angles in radians."""
    height, width = images.shape[1:3]
    y, x = np.mgrid[:height, :width].astype(np.float64)
    y, x = y - (height - 1) / 2, x - (width - 1) / 2
    padded = np.pad(images[..., 0].astype(np.float64), ((0, 0), (1, 1), (1, 1)))
    result = np.empty_like(images)
    for row, angle in enumerate(angles):
        cos, sin = np.cos(angle), np.sin(angle)
        v = np.clip(cos * y - sin * x + (height - 1) / 2, -1, height) + 1
        u = np.clip(sin * y + cos * x + (width - 1) / 2, -1, width) + 1
        top, left = np.minimum(v.astype(int), height), np.minimum(u.astype(int), width)
        v, u = v - top, u - left
        image = padded[row]
        value = ((1 - v) * ((1 - u) * image[top, left] + u * image[top, left + 1])
                 + v * ((1 - u) * image[top + 1, left] + u * image[top + 1, left + 1]))
        result[row, ..., 0] = np.rint(value)
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    parser.add_argument("--degrees", type=float, default=90)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.target.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(["train", "test"]):
        tensors = load_file(arguments.source / f"{name}.safetensors")
        random = np.random.default_rng([arguments.seed, index])
        angles = np.deg2rad(random.uniform(-arguments.degrees, arguments.degrees, len(tensors["x"])))
        save_file({"x": rotated(tensors["x"], angles), "y": tensors["y"]}, arguments.target / f"{name}.safetensors")


if __name__ == "__main__":
    main()
