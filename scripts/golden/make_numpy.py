#!/usr/bin/env python3
"""Writes to Tests/DLFormatsTests/Golden/numpy what NumPy writes: arrays.safetensors, .npy files of every type, both orders
of memory and of bytes, with what they hold as float32 and, where all are integers, as int32; and two .npz archives.

    pip install numpy safetensors
    python3 scripts/golden/make_numpy.py
"""

import io
import pathlib

import numpy as np
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests/DLFormatsTests/Golden/numpy"
TYPES = ["?", "i1", "u1"] + [order + kind for kind in "i2 i4 i8 u2 u4 u8 f2 f4 f8".split() for order in "<>"]


def values(type_):
    kind = np.dtype(type_)
    if kind.kind == "b":
        numbers = np.arange(24) % 3 == 0
    elif kind.kind == "f":
        numbers = np.linspace(-1, 1, 24) * 1e3 / 7
    else:
        info = np.iinfo(kind)
        top = min(info.max, 2**31 - 1)
        numbers = np.linspace(max(info.min, -top), top, 24).astype(np.int64)
    return numbers.astype(kind).reshape(4, 3, 2)


def saved(array, version=None):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=version, allow_pickle=True)
    return buffer.getvalue()


def main():
    FOLDER.mkdir(exist_ok=True)
    files, expected = {}, {}
    for type_ in TYPES:
        array = values(type_)
        name = type_.replace("<", "little-").replace(">", "big-").replace("?", "bool")
        for order in "CF":
            files[f"{name}-{order}"] = saved(np.asarray(array, order=order))
        expected[f"{name}/float"] = array.astype(np.float32)
        if array.dtype.kind != "f":
            expected[f"{name}/int"] = array.astype(np.int32)
    array = values("<f4")
    for version in [(1, 0), (2, 0), (3, 0)]:
        files[f"version{version[0]}"] = saved(array, version)
    records = np.zeros(2, dtype=[("a", "<f4"), ("b", "<i2")])
    refused = {
        "texts": np.array(["a", "bc"]), "objects": np.array([{}, []], dtype=object), "complex": np.zeros(3, "c8"),
        "records": records, "dates": np.array(["2024-02-29"], "M8[D]"),
    }
    for name, array in refused.items():
        files[f"refused-{name}"] = saved(array)
    save_file({f"file/{name}": np.frombuffer(data, np.uint8) for name, data in files.items()} | expected,
              FOLDER / "arrays.safetensors")
    x = (np.arange(60) % 23).astype("u1").reshape(12, 5)
    y = np.arange(12) % 3
    np.savez(FOLDER / "stored.npz", x=x, y=y)
    np.savez_compressed(FOLDER / "deflated.npz", x=np.asfortranarray(x), y=y, targets=y / 4)


if __name__ == "__main__":
    main()
