#!/usr/bin/env python3
"""Writes pairs of texts for sequence-to-sequence recipes: {train,test}.source and {train,test}.target, a pair a line.

    python3 scripts/data/make_pairs.py names FOLDER
    python3 scripts/data/make_pairs.py spelling FOLDER

names: sentences of people and the answers to them, "my name is balira ." and "nice to meet you , balira !". No name of
the test texts is one of the training texts.
spelling: lines of 3 to 9 digits and the words for them, in the same order. Needs no package.
"""

import pathlib
import random
import sys

SENTENCES = [
    ("my name is {a} .", "nice to meet you , {a} !"),
    ("i am {a} and i come from {b} .", "hello {a} , how is life in {b} ?"),
    ("{a} lives in {b} with {c} .", "who is {c} , and why did {a} go to {b} ?"),
    ("where is {a} today ?", "{a} is at home today ."),
    ("please tell {a} to call {b} .", "i will tell {a} , and {b} will wait ."),
    ("{a} and {b} are friends .", "since when have {b} and {a} been friends ?"),
]
DIGITS = "zero one two three four five six seven eight nine".split()


def name(stream):
    syllables = stream.randint(2, 4)
    return "".join(stream.choice("bdfgklmnprstvz") + stream.choice("aeiou") for _ in range(syllables))


def names(stream):
    known, new = set(), set()
    while len(known) < 2000:
        known.add(name(stream))
    while len(new) < 300:
        new.add(name(stream))
        new -= known
    for part, pool, count in [("train", sorted(known), 6000), ("test", sorted(new), 500)]:
        pairs = []
        for _ in range(count):
            source, target = stream.choice(SENTENCES)
            chosen = dict(zip("abc", stream.sample(pool, 3)))
            pairs.append((source.format(**chosen), target.format(**chosen)))
        yield part, pairs


def spelling(stream):
    for part, count in [("train", 6000), ("test", 500)]:
        lines = [[stream.randrange(10) for _ in range(stream.randint(3, 9))] for _ in range(count)]
        yield part, [(" ".join(map(str, line)), " ".join(DIGITS[digit] for digit in line)) for line in lines]


def write(folder, parts):
    """Writes the pairs of each part into FOLDER/PART.source and FOLDER/PART.target."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, pairs in parts:
        for side, suffix in enumerate(["source", "target"]):
            (folder / f"{part}.{suffix}").write_text("".join(pair[side] + "\n" for pair in pairs))


def main():
    kinds = {"names": names, "spelling": spelling}
    if len(sys.argv) != 3 or sys.argv[1] not in kinds:
        sys.exit(__doc__)
    write(pathlib.Path(sys.argv[2]), kinds[sys.argv[1]](random.Random(1)))


if __name__ == "__main__":
    main()
