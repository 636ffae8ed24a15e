"""Writes a folder of data like those that recipes are trained on, of a few rows each, for `all.sh FOLDER --quick`.

    python3 scripts/results/tiny_data.py FOLDER

Pixels, words, links and sounds are drawn at random; only shapes, names and formats are those of the real files. Needs no
package.
"""

import gzip
import io
import math
import pathlib
import random
import struct
import sys
import tarfile
import wave
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "data"))
from text_pairs import TOPICS  # noqa: E402

DRAW = random.Random(1)
CIFAR = "airplane automobile bird cat deer dog frog horse ship truck".split()
TAGS = "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split()
WORDS = ["".join(DRAW.choice("bdfgklmnprst") + DRAW.choice("aeiou") for _ in range(1 + n % 3)) for n in range(120)]


def sentence(least=4, most=12):
    return [DRAW.choice(WORDS) for _ in range(DRAW.randint(least, most))]


def mnist(folder):
    for part, count in [("train", 160), ("t10k", 20)]:
        images = struct.pack(">4I", 2051, count, 28, 28) + DRAW.randbytes(count * 784)
        labels = struct.pack(">2I", 2049, count) + bytes(n % 10 for n in range(count))
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images, 1))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels, 1))


def png(side):
    """An RGB image of random pixels."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + DRAW.randbytes(3 * side) for _ in range(side))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", side, side, 8, 2, 0, 0, 0)) + chunk(
        b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def archive(path, files):
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def cifar(path):
    archive(path, [
        (f"cifar10/{part}/{label}/{number:04d}.png", png(32))
        for part, count in [("train", 52), ("test", 4)] for label in CIFAR for number in range(count)])


def cora(folder):
    lines = ["# node\tclass\tsplit\tindices of the words that occur (of 1433)"]
    for node in range(280):
        split = ["train", "val", "test", "-"][min(node // 70, 3)]
        words = sorted(DRAW.sample(range(1433), 12) + ([1432] if node == 0 else []))
        lines.append(f"{node}\t{node % 7}\t{split}\t" + " ".join(map(str, sorted(set(words)))))
    (folder / "nodes.tsv").write_text("\n".join(lines) + "\n")
    edges = sorted({tuple(sorted(DRAW.sample(range(280), 2))) for _ in range(600)})
    (folder / "edges.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in edges))


def pairs(folder):
    topics = list(TOPICS)
    for part, count in [("train", 40), ("val", 8), ("test_2016_flickr", 8)]:
        (folder / f"{part}.de").write_text("".join(" ".join(sentence()) + "\n" for _ in range(count)))
        (folder / f"{part}.en").write_text(
            "".join(" ".join([topics[n % len(topics)], *sentence()]) + "\n" for n in range(count)))


def shakespeare(folder):
    (folder / "input.txt").write_text(
        "\n\n".join("Somebody:\n" + " ".join(sentence()).capitalize() + "." for _ in range(500)))


def polarity(folder):
    # With as many different words as the recipes' vocabulary has.
    for name in ("pos", "neg"):
        lines = [sentence(4, 20) + [f"{name}{20 * row + place}" for place in range(20)] for row in range(300)]
        (folder / f"{name}.txt").write_text("".join(" ".join(words) + "\n" for words in lines))


def treebank(folder):
    for part, count in [("train", 60), ("dev", 10), ("test", 10)]:
        text = ""
        for number in range(count):
            words = TAGS if number == 0 else sentence()
            for place, word in enumerate(words):
                tag = TAGS[(len(word) * 7 + place) % len(TAGS)] if number else word
                link = "0\troot" if place == 0 else "1\tnsubj" if place % 2 else "1\tobj"
                text += f"{place + 1}\t{word.lower()}\t_\t{tag}\t_\t_\t{link}\t_\t_\n"
            text += "\n"
        (folder / f"{part}.conllu").write_text(text)


def table(folder):
    names = ["id", "AL", "AK"] + [f"answer{n}" for n in range(12)] + ["tested_positive"]
    rows = [[n, n % 2, 1 - n % 2] + [round(DRAW.gauss(10, 3), 4) for _ in range(13)] for n in range(120)]
    (folder / "train.csv").write_text("\n".join(",".join(map(str, row)) for row in [names] + rows) + "\n")


def recordings(path):
    def sound(digit):
        file = io.BytesIO()
        with wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(8000)
            pitch = 2 * math.pi * (300 + 100 * digit) / 8000
            out.writeframes(b"".join(
                struct.pack("<h", int(8000 * math.sin(pitch * place) + DRAW.gauss(0, 300))) for place in range(2400)))
        return file.getvalue()

    archive(path, [
        (f"recordings/{digit}_{speaker}_{index}.wav", sound(digit))
        for digit in range(10) for speaker in ("ada", "ben", "cem", "dea", "eli", "fay") for index in (0, 5)])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1])
    writers = {"mnist": mnist, "cora": cora, "multi30k": pairs, "tinyshakespeare": shakespeare, "polarity": polarity,
               "ud-partut": treebank, "covid": table}
    for name, write in writers.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        write(root / name)
    cifar(root / "cifar10-images.tar.gz")
    recordings(root / "spoken-digits.tar.gz")


if __name__ == "__main__":
    main()
