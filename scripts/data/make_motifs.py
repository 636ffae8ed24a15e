#!/usr/bin/env python3
"""Writes graphs that are told apart by a ring in them: Sources/DLData/Resources/motifs-{train,validation}.safetensors.

    pip install numpy
    python3 scripts/data/make_motifs.py [FOLDER]

A graph is a ring of 3, 4, 5 or 6 nodes, which is its class, in a random tree, and one node alone; none has more than
three neighbors, and all graphs have 12 to 14 nodes. Without the lonely node the mean of all neighbors would be exactly 2,
where a ReLU behind a batch norm has its kink, and gradients would depend on rounding. With FOLDER the same graphs are written as a TUDataset, for `dltrain data pack graphs`.
"""

import json
import pathlib
import struct
import sys

import numpy as np

RESOURCES = pathlib.Path(__file__).resolve().parents[2] / "Sources/DLData/Resources"
SLOTS, DEGREE, RINGS = 14, 3, (3, 4, 5, 6)


def graph(random, ring):
    """The neighbors of each node, in a random order of nodes."""
    nodes = random.randint(12, SLOTS + 1)
    joined = [set() for _ in range(nodes)]

    def join(a, b):
        joined[a].add(b)
        joined[b].add(a)

    for place in range(ring):
        join(place, (place + 1) % ring)
    for node in range(ring, nodes - 1):
        free = [other for other in range(node) if len(joined[other]) < DEGREE]
        join(node, free[random.randint(len(free))])
    order = random.permutation(nodes)
    shuffled = [None] * nodes
    for node, others in enumerate(joined):
        shuffled[order[node]] = sorted(int(order[other]) for other in others)
    return shuffled


def rows(seed, count):
    random = np.random.RandomState(seed)
    y = np.arange(count) % len(RINGS)
    return [graph(random, RINGS[label]) for label in y], y.astype(np.int32)


def write(name, graphs, y):
    x = np.zeros((len(graphs), SLOTS, 1 + DEGREE), np.int32)
    for row, joined in enumerate(graphs):
        for node, others in enumerate(joined):
            x[row, node, 0] = 1
            x[row, node, 1:1 + len(others)] = np.array(others) + 1
    header, data = {"__metadata__": {"classes": str(len(RINGS)), "source": "rings in random trees"}}, b""
    for key, values in {"x": x, "y": y}.items():
        raw = values.tobytes()
        header[key] = {"dtype": "I32", "shape": list(values.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (RESOURCES / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_tables(folder, graphs, y):
    folder.mkdir(parents=True, exist_ok=True)
    first, edges, owners = 1, [], []
    for number, joined in enumerate(graphs):
        edges += [f"{first + node}, {first + other}" for node, others in enumerate(joined) for other in others]
        owners += [str(number + 1)] * len(joined)
        first += len(joined)
    for suffix, lines in [("A", edges), ("graph_indicator", owners), ("graph_labels", [str(RINGS[label]) for label in y])]:
        (folder / f"motifs_{suffix}.txt").write_text("\n".join(lines) + "\n")


def main():
    train, validation = rows(1, 400), rows(2, 200)
    if len(sys.argv) > 1:
        return write_tables(pathlib.Path(sys.argv[1]), train[0] + validation[0], np.concatenate([train[1], validation[1]]))
    write("motifs-train", *train)
    write("motifs-validation", *validation)


main()
