#!/usr/bin/env python3
"""Writes the embedded data set: Sources/DLData/Resources/digits-{train,validation}.safetensors.

    pip install numpy scikit-learn safetensors
    python3 scripts/data/make_digits.py

From scikit-learn's copy of UCI optdigits, without the network. A fifth of each class, chosen by a
fixed seed, is held out. See Sources/DLData/Resources/DIGITS.md.
"""

import json
import pathlib
import struct

import numpy as np
from safetensors.numpy import load_file
from sklearn.datasets import load_digits

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Sources/DLData/Resources"
HELD_OUT = 360
SEED = 1
METADATA = {
    "classes": "10",
    "license": "CC BY 4.0",
    "source": "UCI Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, "
              "doi:10.24432/C50P49",
}


def held_out(labels):
    """The rows to hold out: HELD_OUT of them, each class in proportion (largest remainders)."""
    random = np.random.RandomState(SEED)
    quota = np.bincount(labels) * HELD_OUT / len(labels)
    counts = np.floor(quota).astype(int)
    for label in np.argsort(counts - quota, kind="stable")[: HELD_OUT - counts.sum()]:
        counts[label] += 1
    chosen = [random.permutation(np.flatnonzero(labels == label))[:count]
              for label, count in enumerate(counts)]
    return np.sort(np.concatenate(chosen))


def save(name, images, labels):
    """Writes a safetensors file; the safetensors library would shuffle the metadata."""
    path = FOLDER / f"digits-{name}.safetensors"
    header = {"__metadata__": METADATA}
    offset = 0
    for key, dtype, array in [("y", "I32", labels), ("x", "U8", images)]:
        header[key] = {"dtype": dtype, "shape": array.shape,
                       "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + labels.tobytes() + images.tobytes())
    loaded = load_file(path)
    assert (loaded["x"] == images).all() and (loaded["y"] == labels).all()
    print(path.name, images.shape, np.bincount(labels))


def main():
    digits = load_digits()
    images = np.floor(digits.images * 255 / 16 + 0.5).astype(np.uint8)[..., None]
    labels = digits.target.astype(np.int32)
    validation = held_out(labels)
    train = np.setdiff1d(np.arange(len(labels)), validation)
    FOLDER.mkdir(parents=True, exist_ok=True)
    save("train", images[train], labels[train])
    save("validation", images[validation], labels[validation])


if __name__ == "__main__":
    main()
