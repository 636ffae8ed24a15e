"""Images as their own labels for the recipe autoencoder-mnist.

    python3 scripts/results/image_targets.py mnist targets

Reads FOLDER/train.safetensors and FOLDER/test.safetensors as `dltrain data pack mnist` writes them, and writes the same
names below the second folder: x as it is, y its bytes divided by 255.
"""

import argparse
import pathlib

import numpy as np
from safetensors.numpy import load_file, save_file


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.target.mkdir(parents=True, exist_ok=True)
    for name in ["train", "test"]:
        x = load_file(arguments.source / f"{name}.safetensors")["x"]
        save_file({"x": x, "y": x.astype(np.float32) / 255}, arguments.target / f"{name}.safetensors")


if __name__ == "__main__":
    main()
