#!/usr/bin/env python3
"""Writes Tests/DLFormatsTests/Golden/images: small JPEG and PNG files and the pixels that Pillow reads.

    pip install numpy safetensors pillow
    python3 scripts/golden/make_images.py
"""

import gzip
import io
import pathlib
import tarfile

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests/DLFormatsTests/Golden/images"


def picture(height, width, channels, phase):
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    waves = np.sin(0.37 * x + phase) + np.cos(0.23 * y * (c + 1) - phase) + 0.4 * np.sin(x * y * 0.05 + c)
    return np.clip(127 + 52 * waves, 0, 255).astype(np.uint8)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    color = Image.fromarray(picture(13, 17, 3, 0.0))
    gray = Image.fromarray(picture(9, 11, 1, 1.0)[..., 0])
    alpha = Image.fromarray(picture(6, 7, 4, 2.0), "RGBA")
    deep = Image.fromarray((picture(5, 6, 1, 3.0)[..., 0].astype(np.uint16) * 257))
    files = {
        "420.jpg": (color, {"quality": 90, "subsampling": 2}),
        "444.jpg": (color, {"quality": 95, "subsampling": 0}),
        "progressive.jpg": (color, {"quality": 80, "progressive": True}),
        "gray.jpg": (gray, {"quality": 85}),
        "color.png": (color, {}),
        "gray.png": (gray, {}),
        "alpha.png": (alpha, {}),
        "gray-alpha.png": (alpha.convert("LA"), {}),
        "palette.png": (color.quantize(16), {}),
        "bits.png": (gray.convert("1"), {}),
        "deep.png": (deep, {}),
    }
    pixels = {}
    for name, (image, options) in files.items():
        image.save(FOLDER / name, **options)
        back = Image.open(FOLDER / name)
        if name == "deep.png":
            pixels[name] = picture(5, 6, 1, 3.0)
            continue
        isGray = back.mode in ("L", "LA", "1")
        array = np.asarray(back.convert("L" if isGray else "RGB"))
        pixels[name] = array[..., None] if isGray else array
    for height, width in [(8, 8), (13, 5), (30, 17), (1, 9)]:
        resized = color.resize((width, height), Image.Resampling.BILINEAR)
        pixels[f"resize/{height}x{width}"] = np.asarray(resized)
    pixels["luma"] = np.asarray(color.convert("L"))[..., None]
    save_file({name: np.ascontiguousarray(value) for name, value in pixels.items()}, FOLDER / "pixels.safetensors")
    (FOLDER / "pixels.safetensors").chmod(0o644)

    # The forms of tar: a long name as GNU and as pax write it, an order that is not sorted.
    for form, suffix in [(tarfile.GNU_FORMAT, "gnu.tar.gz"), (tarfile.PAX_FORMAT, "pax.tar.gz")]:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
            archive.add(FOLDER / "444.jpg", f"set/train/dog/{'long-' * 25}.jpg", filter=plain)
            archive.add(FOLDER / "color.png", "set/train/cat/1.png", filter=plain)
            archive.add(FOLDER / "420.jpg", "set/test/dog/1.JPG", filter=plain)
        (FOLDER / suffix).write_bytes(gzip.compress(buffer.getvalue(), mtime=0))


def plain(info):
    info.mtime = 0
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


if __name__ == "__main__":
    main()
