#!/usr/bin/env python3
"""Writes the small embedded tables: Sources/DLData/Resources/{curve,digits-100}*.safetensors.

    pip install numpy safetensors
    python3 scripts/data/make_foundations.py

curve-train and curve-validation are 256 and 255 points of y = sin(3x) + 0.5 sin(7x) on [-2, 2], the latter between the
former; digits-100 are the first ten rows of each class of digits-train, for what learns too much from too little.
"""

import json
import pathlib
import struct

import numpy as np
from safetensors.numpy import load_file

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Sources/DLData/Resources"
TYPES = {"uint8": "U8", "float32": "F32", "int32": "I32"}


def write(name, tensors, metadata):
    """Writes a safetensors file whose bytes do not depend on the library's version."""
    header, data = {"__metadata__": metadata}, b""
    for key, values in tensors.items():
        raw = np.ascontiguousarray(values).tobytes()
        header[key] = {"dtype": TYPES[str(values.dtype)], "shape": list(values.shape),
                       "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (FOLDER / name).write_bytes(struct.pack("<Q", len(text)) + text + data)


def curve(x):
    return np.sin(3 * x) + 0.5 * np.sin(7 * x)


def main():
    points = np.linspace(-2, 2, 256)
    for name, x in [("train", points), ("validation", (points[1:] + points[:-1]) / 2)]:
        x = x.astype(np.float32)[:, None]
        y = curve(x.astype(np.float64)).astype(np.float32)
        write(f"curve-{name}.safetensors", {"x": x, "y": y}, {"source": "y = sin(3x) + 0.5 sin(7x)"})

    digits = load_file(FOLDER / "digits-train.safetensors")
    rows = np.sort(np.concatenate([np.flatnonzero(digits["y"] == label)[:10] for label in range(10)]))
    write("digits-100.safetensors", {"x": digits["x"][rows], "y": digits["y"][rows]}, {
        "classes": "10", "license": "CC BY 4.0",
        "source": "UCI Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, "
                  "doi:10.24432/C50P49"})


main()
