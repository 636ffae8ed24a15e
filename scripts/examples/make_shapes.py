#!/usr/bin/env python3
"""Writes small pictures of rings, crosses and bars, a folder for each: what docs/tutorial-finetune.md trains on.

    python3 scripts/examples/make_shapes.py FOLDER

Python alone is enough. The pictures are PNG, 40 pixels square and more, each shape in a place, size and color of its own.
"""

import pathlib
import random
import struct
import sys
import zlib

SHAPES = {
    "bar": lambda x, y: abs(y) < 0.35 and abs(x) < 1,
    "cross": lambda x, y: max(abs(x), abs(y)) < 1 and min(abs(x), abs(y)) < 0.3,
    "ring": lambda x, y: 0.5 < x * x + y * y < 1,
}


def png(rows):
    """A PNG file of rows of (red, green, blue)."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 2, 0, 0, 0)
    pixels = b"".join(b"\0" + bytes(value for pixel in row for value in pixel) for row in rows)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels))
            + chunk(b"IEND", b""))


def picture(draw, inside):
    height, width = draw.randint(40, 56), draw.randint(40, 56)
    radius = draw.uniform(11, 17)
    column, row = draw.uniform(radius, width - radius), draw.uniform(radius, height - radius)
    front = [draw.randint(130, 255) for _ in range(3)]
    back = [draw.randint(0, 90) for _ in range(3)]
    return png([[front if inside((x - column) / radius, (y - row) / radius) else back for x in range(width)]
                for y in range(height)])


def main(folder):
    draw = random.Random(1)
    for name, inside in SHAPES.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(24):
            (folder / name / f"{number:02}.png").write_bytes(picture(draw, inside))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
