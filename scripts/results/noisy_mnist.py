"""Images with masked pixels, and the whole images as labels, for the recipe autoencoder-mnist.

    python3 scripts/results/noisy_mnist.py mnist noisy [--masked 0.5] [--seed 1]

Reads FOLDER/train.safetensors and FOLDER/test.safetensors as `dltrain data pack mnist` writes them, and writes the same
names below the second folder: x with each pixel black at the given probability (masking noise, Vincent et al. 2008), y the
bytes of the image divided by 255.
"""

import argparse
import pathlib

import numpy as np
from safetensors.numpy import load_file, save_file


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    parser.add_argument("--masked", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.target.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(["train", "test"]):
        x = load_file(arguments.source / f"{name}.safetensors")["x"]
        kept = np.random.default_rng([arguments.seed, index]).random(x.shape) >= arguments.masked
        save_file({"x": x * kept, "y": x.astype(np.float32) / 255}, arguments.target / f"{name}.safetensors")


if __name__ == "__main__":
    main()
