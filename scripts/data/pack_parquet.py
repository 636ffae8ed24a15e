#!/usr/bin/env python3
"""Turns Parquet tables into data set files of dltrain, as `dltrain data pack csv` does with tables of text.

    pip install pyarrow numpy
    python3 scripts/data/pack_parquet.py visits.parquet --label bought --categorical city --standardize -o visits

Several files are one table. Every column is a number, but for the label and those of --categorical (a 1 among 0s) and
--drop; texts, and columns of dictionaries, are categories by themselves. The files hold x F32 [N, numbers], y I32 [N] or
F32 [N, 1], class_names, and under table what each column became: `dltrain data pack csv --like` and `dltrain predict RUN
FILE.csv` make numbers of other tables alike. Row groups are read one at a time, twice.
"""

import argparse
import json
import pathlib
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("-o", "--output", required=True, help="the folder for the data set files")
    parser.add_argument("--label", required=True, help="the column to learn")
    parser.add_argument("--task", choices=["classification", "regression"], default="classification")
    parser.add_argument("--categorical", default="", help="columns that become a 1 among 0s, parted by commas")
    parser.add_argument("--drop", default="", help="columns to leave out, parted by commas")
    parser.add_argument("--standardize", action="store_true", help="mean 0 and deviation 1 over the rows to train on")
    parser.add_argument("--split", default="0.9,0.1", help="shares for train, validation and test")
    parser.add_argument("--stratify", action="store_true", help="give each part its share of every class")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def batches(files, columns):
    for name in files:
        for batch in pq.ParquetFile(name).iter_batches(columns=columns):
            for column, values in zip(batch.schema.names, batch.columns):
                if values.null_count:
                    raise SystemExit(f"{name}: column {column!r} has missing values; fill them, or --drop {column}")
            yield batch


def text(values):
    """Cells as a CSV file would have them."""
    return ["" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            for value in values.to_pylist()]


def in_order(values):
    """By number where all are integers, else by their characters, as dltrain sorts classes."""
    try:
        return sorted(values, key=int)
    except ValueError:
        return sorted(values)


def parts(labels, shares, stratify, seed):
    """The part of each row."""
    random, part = np.random.RandomState(seed), np.empty(len(labels), np.int8)
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)] if stratify else [np.arange(len(labels))]
    for rows in groups:
        rows = random.permutation(rows)
        for number, cut in enumerate(np.split(rows, np.round(np.cumsum(shares)[:-1] * len(rows)).astype(int))):
            part[cut] = number
    return part


def main():
    arguments = options()
    shares = [float(share) for share in arguments.split.split(",")]
    shares = shares + [1 - shares[0]] if len(shares) == 1 and shares[0] < 1 else shares
    if min(shares) <= 0 or len(shares) > 3 or abs(sum(shares) - 1) > 1e-6:
        raise SystemExit(f"--split {arguments.split}: give up to three shares that add up to 1, as 0.8,0.1,0.1")
    schema = pq.ParquetFile(arguments.files[0]).schema_arrow
    dropped = set(filter(None, arguments.drop.split(",")))
    listed = set(filter(None, arguments.categorical.split(",")))
    for name in {arguments.label} | dropped | listed:
        if name not in schema.names:
            raise SystemExit(f"{arguments.files[0]}: has no column {name!r}; it has {', '.join(schema.names)}")
    features = [name for name in schema.names if name != arguments.label and name not in dropped]
    is_number = {name: pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
                 or pa.types.is_decimal(kind) for name, kind in zip(schema.names, schema.types)}
    categories = {name: set() for name in features if name in listed or not is_number[name]}
    regression = arguments.task == "regression"

    labels = []
    for batch in batches(arguments.files, features + [arguments.label]):
        column = batch.column(arguments.label)
        labels += column.cast(pa.float64()).to_pylist() if regression else text(column)
        for name, values in categories.items():
            values.update(text(batch.column(name).unique()))
    names = [] if regression else in_order(set(labels))
    order = {name: sorted(values) for name, values in categories.items()}
    y = np.array(labels, np.float32)[:, None] if regression else np.array([names.index(label) for label in labels], np.int32)
    if arguments.stratify and regression:
        raise SystemExit("--stratify: the labels are values, leave it out")
    part = parts(y, shares, arguments.stratify, arguments.seed)

    def numbers(batch, name):
        return batch.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)

    numeric, start = [name for name in features if name not in order], 0
    count, mean, squares = 0, np.zeros(len(numeric)), np.zeros(len(numeric))
    for batch in batches(arguments.files, numeric) if numeric else []:
        chosen = part[start : start + batch.num_rows] == 0
        start += batch.num_rows
        values = np.stack([numbers(batch, name)[chosen] for name in numeric], 1)
        if not len(values):
            continue
        # Chan, Golub and LeVeque 1979: moments of parts put together.
        difference, all_rows = values.mean(0) - mean, count + len(values)
        squares += ((values - values.mean(0)) ** 2).sum(0) + difference**2 * count * len(values) / all_rows
        mean, count = mean + difference * len(values) / all_rows, all_rows
    deviation = np.sqrt(squares / max(count, 1))
    deviation = dict(zip(numeric, np.where(deviation > 0, deviation, 1)))
    mean = dict(zip(numeric, mean))

    columns = [{"name": name, "values": order[name]} if name in order
               else {"name": name, "mean": mean[name], "std": deviation[name]} for name in features]
    table = {"label": arguments.label, "regression": regression, "standardize": arguments.standardize, "missing": False,
             "columns": columns}
    metadata = {"source": "Parquet", "table": json.dumps(table)}
    if not regression:
        metadata |= {"classes": str(len(names)), "class_names": json.dumps(names)}
    width = sum(len(order[name]) if name in order else 1 for name in features)
    folder = pathlib.Path(arguments.output)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number in range(len(shares)):
        rows = int((part == number).sum())
        size = rows * width * 4
        header = {"__metadata__": metadata, "x": {"dtype": "F32", "shape": [rows, width], "data_offsets": [0, size]},
                  "y": {"dtype": "F32" if regression else "I32", "shape": [rows, 1] if regression else [rows],
                        "data_offsets": [size, size + rows * 4]}}
        header = json.dumps(header).encode()
        header += b" " * (-len(header) % 8)
        path = folder / f"{['train', 'validation', 'test'][number]}.safetensors"
        files.append(path.open("wb"))
        files[-1].write(struct.pack("<Q", len(header)) + header)
        print(f"{path}: x [{rows}, {width}]")
    start = 0
    for batch in batches(arguments.files, features):
        pieces = []
        for name in features:
            if name in order:
                pieces.append(np.array(text(batch.column(name)))[:, None] == np.array(order[name])[None])
            else:
                values = numbers(batch, name)
                pieces.append(((values - mean[name]) / deviation[name] if arguments.standardize else values)[:, None])
        rows = np.concatenate(pieces, 1).astype("<f4")
        for number, file in enumerate(files):
            file.write(rows[part[start : start + len(rows)] == number].tobytes())
        start += len(rows)
    for number, file in enumerate(files):
        file.write(y[part == number].astype("<f4" if regression else "<i4").tobytes())
        file.close()


if __name__ == "__main__":
    main()
