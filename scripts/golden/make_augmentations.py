#!/usr/bin/env python3
"""Writes Tests/DLTrainingTests/Golden/augmentations.safetensors: a small picture, in color and in gray, and what
torchvision's functional transforms make of it as a PIL image, which is what dltrain's changes of bytes compute.

    pip install numpy pillow torch torchvision
    python3 scripts/golden/make_augmentations.py
"""

import json
import pathlib
import sys

import numpy as np
import torch
from PIL import Image

from golden import save

try:
    import torchvision
except RuntimeError:
    # PyPI's build looks for CUDA to define its operators, which no transform uses.
    for name in [name for name in sys.modules if name.startswith("torchvision")]:
        del sys.modules[name]
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

from torchvision.transforms import InterpolationMode  # noqa: E402
from torchvision.transforms import autoaugment  # noqa: E402
from torchvision.transforms import functional as F  # noqa: E402

FILE = pathlib.Path(__file__).resolve().parents[2] / "Tests/DLTrainingTests/Golden/augmentations.safetensors"
BILINEAR = InterpolationMode.BILINEAR
# In the order of dltrain's RandAugment.Operation.
OPERATIONS = [
    "Identity", "ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast",
    "Sharpness", "Posterize", "Solarize", "AutoContrast", "Equalize"]


def picture(height, width, channels):
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    waves = np.sin(0.41 * x + c) + np.cos(0.29 * y * (c + 1)) + 0.5 * np.sin(x * y * 0.07 + 2 * c)
    return np.clip(120 + 50 * waves, 3, 249).astype(np.uint8)


def array(image):
    pixels = np.asarray(image)
    return np.ascontiguousarray(pixels if pixels.ndim == 3 else pixels[..., None])


def main():
    tensors, cases = {}, {}
    for kind, channels in (("color", 3), ("gray", 1)):
        pixels = picture(23, 30, channels)
        image = Image.fromarray(pixels if channels == 3 else pixels[..., 0])
        tensors[f"{kind}/in"] = pixels

        def add(name, result, **case):
            tensors[f"{kind}/{name}"] = array(result)
            cases[f"{kind}/{name}"] = json.dumps({"change": name.split("-")[0], **case})

        for name, change in (
            ("brightness", F.adjust_brightness), ("contrast", F.adjust_contrast), ("saturation", F.adjust_saturation),
            ("sharpness", F.adjust_sharpness)):
            for factor in (0.0, 0.4, 1.7):
                add(f"{name}-{factor}", change(image, factor), value=factor)
        for turn in (-0.3, 0.05, 0.5):
            add(f"hue-{turn}", F.adjust_hue(image, turn), value=turn)
        for degrees in (-33.0, 17.5, 121.0):
            add(f"rotation-{degrees}", F.rotate(image, degrees, BILINEAR), value=degrees)
        # Windows that become higher, which Pillow always brings to their width first.
        for top, left, height, width in ((2, 3, 11, 9), (0, 0, 22, 7), (5, 1, 4, 29)):
            add(f"window-{top}-{left}", F.resized_crop(image, top, left, height, width, [23, 30], BILINEAR),
                window=[top, left, height, width])
        for size, resize in ((24, 27), (31, 35)):
            add(f"fit-{size}", F.center_crop(F.resize(image, resize, BILINEAR), size), size=size, resize=resize)
        space = autoaugment.RandAugment()._augmentation_space(31, (23, 30))
        for magnitude in (9, 22):
            for index, name in enumerate(OPERATIONS):
                magnitudes, is_signed = space[name]
                value = float(magnitudes[magnitude].item()) if magnitudes.ndim > 0 else 0.0
                for sign in (1, -1) if is_signed else (1,):
                    result = autoaugment._apply_op(image, name, sign * value, BILINEAR, None)
                    add(f"rand_augment-{index}-{magnitude}-{sign}", result, operation=index, magnitude=magnitude,
                        negative=sign < 0)
    save(FILE, tensors, cases)


if __name__ == "__main__":
    main()
