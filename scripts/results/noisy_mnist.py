"""Images with masked pixels, and the whole images as labels, for the recipe autoencoder-mnist.

    python3 scripts/results/noisy_mnist.py mnist noisy [--masked 0.5] [--seed 1]

Reads FOLDER/train.safetensors and FOLDER/test.safetensors as `dltrain data pack mnist` writes them, and writes the same
names below the second folder: x with each pixel black at the given probability (masking noise, Vincent et al. 2008), in
steps of 1/256, y the bytes of the image divided by 255. Needs no package.
"""

import argparse
import json
import pathlib
import random
import struct


def images(path):
    """The shape and the bytes of x."""
    data = path.read_bytes()
    size, = struct.unpack("<Q", data[:8])
    entry = json.loads(data[8:8 + size])["x"]
    begin, end = entry["data_offsets"]
    return entry["shape"], data[8 + size + begin:8 + size + end]


def masked(pixels, share, draw):
    table = bytes(0 if value < round(256 * share) else 255 for value in range(256))
    mask = draw.randbytes(len(pixels)).translate(table)
    return (int.from_bytes(pixels, "little") & int.from_bytes(mask, "little")).to_bytes(len(pixels), "little")


def shares(pixels):
    """Each byte over 255 as float32, byte by byte of the number."""
    numbers = [struct.pack("<f", value / 255) for value in range(256)]
    result = bytearray(4 * len(pixels))
    for place in range(4):
        result[place::4] = pixels.translate(bytes(number[place] for number in numbers))
    return bytes(result)


def save(path, shape, x, y):
    header = {
        "x": {"dtype": "U8", "shape": shape, "data_offsets": [0, len(x)]},
        "y": {"dtype": "F32", "shape": shape, "data_offsets": [len(x), len(x) + len(y)]}}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + x + y)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    parser.add_argument("--masked", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.target.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(["train", "test"]):
        shape, pixels = images(arguments.source / f"{name}.safetensors")
        noisy = masked(pixels, arguments.masked, random.Random(2 * arguments.seed + index))
        save(arguments.target / f"{name}.safetensors", shape, noisy, shares(pixels))


if __name__ == "__main__":
    main()
