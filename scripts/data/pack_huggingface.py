#!/usr/bin/env python3
"""Turns a data set of Hugging Face's `datasets` into data set files of dltrain, one a split.

    pip install datasets numpy safetensors pillow
    python3 scripts/data/pack_huggingface.py mnist --input image --label label -o mnist

NAME is one on the hub, a folder of save_to_disk, or of files that load_dataset reads. Inputs are images (x U8, --size 64x64
brings them to one size), integers (x I32), other numbers (x F32), or texts: SPLIT.tsv for `dltrain data pack sentences`.
"""

import argparse
import json
import pathlib

import datasets
import numpy as np
from safetensors.numpy import save_file


def pixels(image, size):
    image = image.convert("L" if image.mode in ("1", "L") else "RGB")
    array = np.asarray(image.resize(size[::-1], 2) if size else image)
    return array.reshape(*array.shape[:2], -1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    for option, default in [("config", None), ("input", "image"), ("label", "label")]:
        parser.add_argument(f"--{option}", default=default)
    parser.add_argument("--size", type=lambda text: [int(part) for part in text.split("x")])
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    given = parser.parse_args()
    saved = any(pathlib.Path(given.name, file).exists() for file in ["dataset_dict.json", "state.json"])
    sets = datasets.load_from_disk(given.name) if saved else datasets.load_dataset(given.name, given.config)
    sets = sets if isinstance(sets, dict) else {"train": sets}
    kind = next(iter(sets.values())).features[given.label]
    names = kind.names if isinstance(kind, datasets.ClassLabel) else None
    if kind.dtype == "string":
        names = sorted({name for rows in sets.values() for name in rows.unique(given.label)})
    count = 1 + max(max(rows[given.label]) for rows in sets.values()) if names is None else len(names)
    metadata = {} if "float" in kind.dtype else {"classes": str(count)}
    metadata |= {"class_names": json.dumps(names)} if names else {}
    given.output.mkdir(parents=True, exist_ok=True)
    for split, rows in sets.items():
        x, y = list(rows[given.input]), list(rows[given.label])
        if isinstance(x[0], str):
            told = [names[label] if names and isinstance(label, int) else label for label in y]
            lines = "".join(f"{label}\t{' '.join(text.split())}\n" for text, label in zip(x, told))
            (given.output / f"{split}.tsv").write_text(lines)
            continue
        y = np.array([names.index(label) if isinstance(label, str) else label for label in y])
        y = y.astype(np.float32).reshape(len(y), -1) if "float" in kind.dtype else y.astype(np.int32)
        x = np.stack([pixels(row, given.size) if hasattr(row, "convert") else np.array(row) for row in x])
        x = x if x.dtype == np.uint8 else x.astype(np.int32 if x.dtype.kind in "iu" else np.float32)
        save_file({"x": np.ascontiguousarray(x), "y": y}, given.output / f"{split}.safetensors", metadata)


if __name__ == "__main__":
    main()
