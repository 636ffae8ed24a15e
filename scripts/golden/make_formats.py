#!/usr/bin/env python3
"""Writes Tests/DLFormatsTests/Golden: small files by the reference implementations.

    pip install numpy safetensors
    python3 scripts/golden/make_formats.py
"""

import gzip
import pathlib
import struct

import numpy as np
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests/DLFormatsTests/Golden"


def idx(array, code):
    header = struct.pack(">BBBB", 0, 0, code, array.ndim)
    header += b"".join(struct.pack(">I", size) for size in array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def save(tensors, name, metadata=None):
    save_file(tensors, FOLDER / name, metadata)
    (FOLDER / name).chmod(0o644)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    tensors = {
        "f32": np.arange(6, dtype=np.float32).reshape(2, 3) / 4,
        "f64": np.array([np.pi, -0.0, 1e300]),
        "i64": np.array([[-(2**62), 5]], dtype=np.int64),
        "i32": np.array([-7, 8], dtype=np.int32),
        "u8": np.arange(7, dtype=np.uint8),
        "f16": np.array([0.5, -2.0], dtype=np.float16),
        "flag": np.array([True, False, True]),
        "scalar": np.array(2.5, dtype=np.float32),
        "empty": np.zeros((0, 4), dtype=np.float32),
        "naïve \"name\"\n": np.array([1], dtype=np.uint8),
    }
    # One entry of metadata: the reference implementation writes several in an order of no rule.
    save(tensors, "reference.safetensors", {"note": "a\tb"})
    save({"b": np.array([9, 8], dtype=np.uint8)}, "small.safetensors")
    words = np.array([[1, -2, 300], [-40000, 5, 6]], dtype=np.int32)
    (FOLDER / "words.idx").write_bytes(idx(words, 0x0C))
    with gzip.GzipFile(FOLDER / "words.idx.gz", "wb", mtime=0) as file:
        file.write(idx(words, 0x0C))


if __name__ == "__main__":
    main()
