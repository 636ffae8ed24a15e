#!/usr/bin/env python3
"""Turns a data set of Hugging Face's `datasets` into data set files of dltrain, one a split.

    pip install datasets numpy safetensors pillow
    python3 scripts/data/pack_huggingface.py mnist --input image --label label -o mnist

The set is a name on the hub, a folder of save_to_disk, or a folder of files that load_dataset reads. Inputs are images
(x U8 [N, height, width, channels], --size brings them to one size), lists of integers of one length (x I32), or other
numbers (x F32). A ClassLabel is y I32 with class_names, integers and texts are classes, floats are values. Texts as inputs
become SPLIT.tsv, for `dltrain data pack sentences`.
"""

import argparse
import json
import pathlib

import datasets
import numpy as np
from safetensors.numpy import save_file


def labels(column, feature):
    """Labels, and the names of their classes where they have any."""
    if isinstance(feature, datasets.ClassLabel):
        return np.array(column, np.int32), feature.names
    if isinstance(column[0], str):
        names = sorted(set(column))
        return np.array([names.index(name) for name in column], np.int32), names
    values = np.array(column)
    return (values.astype(np.float32).reshape(len(values), -1), None) if values.dtype.kind == "f" \
        else (values.astype(np.int32), None)


def pixels(image, size, mode):
    image = image.convert(mode)
    array = np.asarray(image.resize((size[1], size[0]), 2) if size else image)
    return array.reshape(array.shape[0], array.shape[1], -1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--config", help="the configuration of the set, where it has several")
    parser.add_argument("--input", default="image")
    parser.add_argument("--label", default="label")
    parser.add_argument("--size", type=lambda text: [int(part) for part in text.split("x")], help="HEIGHTxWIDTH of images")
    parser.add_argument("-o", "--output", required=True)
    arguments = parser.parse_args()
    folder = pathlib.Path(arguments.name)
    is_saved = (folder / "dataset_dict.json").exists() or (folder / "state.json").exists()
    sets = datasets.load_from_disk(arguments.name) if is_saved else datasets.load_dataset(arguments.name, arguments.config)
    sets = sets if isinstance(sets, dict) else {"train": sets}
    pathlib.Path(arguments.output).mkdir(parents=True, exist_ok=True)
    for split, rows in sets.items():
        y, names = labels(list(rows[arguments.label]), rows.features[arguments.label])
        path, first = f"{arguments.output}/{split}", rows[0][arguments.input]
        if isinstance(first, str):
            lines = zip((names[label] if names else label for label in y), rows[arguments.input])
            pathlib.Path(path + ".tsv").write_text("".join(f"{label}\t{' '.join(text.split())}\n" for label, text in lines))
            print(f"{path}.tsv: pack it by dltrain data pack sentences {path}.tsv -o {arguments.output}")
            continue
        if isinstance(rows.features[arguments.input], datasets.Image):
            mode = "L" if first.mode in ("1", "L") else "RGB"
            x = np.stack([pixels(row, arguments.size, mode) for row in rows[arguments.input]])
        else:
            x = np.array(list(rows[arguments.input]))
            x = x.astype(np.int32 if x.dtype.kind in "iu" else np.float32).reshape(len(x), -1)
        metadata = {"source": "Hugging Face datasets"} | ({"class_names": json.dumps(names)} if names else {})
        if y.dtype.kind == "i":
            metadata["classes"] = str(len(names) if names else int(y.max()) + 1)
        save_file({"x": np.ascontiguousarray(x), "y": y}, path + ".safetensors", metadata=metadata)
        print(f"{path}.safetensors: x {list(x.shape)}")


if __name__ == "__main__":
    main()
