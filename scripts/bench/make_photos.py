#!/usr/bin/env python3
"""Writes JPEG files of the size and weight of ImageNet's photographs, 500 x 375 pixels and about 100 KB, as CLASS/FILE: noise
of all scales, whose middle color tells the class. For the time that loading takes.

    pip install numpy pillow
    python3 scripts/bench/make_photos.py photos 512
"""

import pathlib
import sys

import numpy as np
from PIL import Image


def photo(draw, label):
    """Noise whose strength falls with its frequency, as that of photographs does."""
    pixels = np.zeros((375, 500, 3))
    for scale in (1, 2, 4, 8, 16, 32, 64, 128):
        grid = draw.normal(size=(375 // scale + 2, 500 // scale + 2, 3))
        part = np.kron(grid, np.ones((scale, scale, 1)))[:375, :500]
        pixels += part * scale**0.5
    pixels = 128 + 45 * pixels / pixels.std()
    pixels[..., label % 3] += 20 * (1 + label // 3)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def main():
    folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    draw = np.random.default_rng(1)
    for index in range(count):
        label = index % 6
        target = folder / f"class-{label}"
        target.mkdir(parents=True, exist_ok=True)
        photo(draw, label).save(target / f"{index:05}.jpg", quality=96)


if __name__ == "__main__":
    main()
