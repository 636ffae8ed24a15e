#!/usr/bin/env python3
"""Turns corpora into pairs of texts for sequence-to-sequence recipes: {train,test}.source and .target, a pair a line.

    python3 scripts/data/text_pairs.py turns FOLDER input.txt                    Tiny Shakespeare
    python3 scripts/data/text_pairs.py parses FOLDER train.conllu test.conllu    Universal Dependencies
    python3 scripts/data/text_pairs.py questions FOLDER train.conllu test.conllu
    python3 scripts/data/text_pairs.py topics FOLDER train.de train.en val.de val.en    Multi30k
    python3 scripts/data/text_pairs.py labels FOLDER train.de train.en val.de val.en    for `data pack sentences`

turns: what somebody says on stage, and what the next one answers.
parses: a sentence, and its dependency tree in brackets, "(nsubj X ) X (obj X )", without the words.
questions: "who flies ? the bird flies home", and the words of the sentence that answer.
topics: a German caption, and which of twenty things the English caption of the picture names, in alphabetical order.
labels: the same as {train,test}.tsv, lines of TOPIC,TOPIC<TAB>CAPTION. Needs no package.
"""

import pathlib
import re
import sys

from make_pairs import write

# Pairs of which neither text has more words than this are kept, and sentences of so many.
LONGEST = 24
LONGEST_PARSED = 30
# The words that name a thing, by the thing.
TOPICS = {
    "ball": "ball football basketball baseball", "beach": "beach sand", "bike": "bike bicycle bikes motorcycle",
    "boy": "boy boys", "building": "building buildings house store", "car": "car cars truck bus", "child": "child children kids baby",
    "dog": "dog dogs puppy", "food": "food eating lunch dinner", "girl": "girl girls", "group": "group crowd",
    "hat": "hat helmet cap", "man": "man men guy", "music": "guitar music band drums", "night": "night dark",
    "snow": "snow ski skiing snowboarder", "street": "street road sidewalk city", "table": "table desk bench",
    "water": "water pool ocean lake river", "woman": "woman women lady",
}


def words(text):
    """Words and marks in lower case."""
    return re.findall(r"[a-z0-9']+|[^\sa-z0-9']", text.lower())


def turns(source):
    """The last tenth of the answers is for the test."""
    speeches = [
        words(" ".join(block.split("\n")[1:])) for block in pathlib.Path(source).read_text().strip().split("\n\n")]
    pairs = [
        (" ".join(said), " ".join(answer)) for said, answer in zip(speeches, speeches[1:])
        if 0 < len(said) <= LONGEST and 0 < len(answer) <= LONGEST]
    cut = len(pairs) * 9 // 10
    yield "train", pairs[:cut]
    yield "test", pairs[cut:]


def trees(path):
    """The sentences of a CoNLL-U file as (forms, heads, relations), heads counted from 1, 0 for the root."""
    for block in pathlib.Path(path).read_text().strip().split("\n\n"):
        rows = [line.split("\t") for line in block.split("\n") if line and line[0] != "#"]
        rows = [row for row in rows if row[0].isdigit()]
        if 1 < len(rows) <= LONGEST_PARSED:
            yield [row[1].lower() for row in rows], [int(row[6]) for row in rows], [row[7].split(":")[0] for row in rows]


def bracketed(place, heads, relations):
    """The tree below a word: what depends on it and stands before it, X for itself, what stands behind it."""
    children = [other for other, head in enumerate(heads, 1) if head == place]
    inner = {side: " ".join(bracketed(other, heads, relations) for other in children if (other < place) == side)
             for side in (True, False)}
    return " ".join(part for part in ["(" + relations[place - 1], inner[True], "X", inner[False], ")"] if part)


def parses(train, test):
    for part, path in [("train", train), ("test", test)]:
        yield part, [
            (" ".join(forms), bracketed(heads.index(0) + 1, heads, relations)) for forms, heads, relations in trees(path)]


def below(place, heads):
    """The places of a word and all that depends on it."""
    found = {place}
    while more := {other for other, head in enumerate(heads, 1) if head in found} - found:
        found |= more
    return sorted(found)


def questions(train, test):
    for part, path in [("train", train), ("test", test)]:
        pairs = []
        for forms, heads, relations in trees(path):
            for place, (head, relation) in enumerate(zip(heads, relations), 1):
                if relation in ("nsubj", "obj") and head:
                    verb = forms[head - 1]
                    asked = f"who {verb} ?" if relation == "nsubj" else f"{verb} what ?"
                    answer = [forms[other - 1] for other in below(place, heads)]
                    pairs.append((" ".join([asked, *forms]), " ".join(answer)))
        yield part, pairs


def things(caption):
    there = set(caption.split())
    return [topic for topic, names in TOPICS.items() if there & set(names.split())]


def topics(*paths):
    for part, german, english in [("train", *paths[:2]), ("test", *paths[2:])]:
        lines = [pathlib.Path(path).read_text().splitlines() for path in (german, english)]
        yield part, [(source, " ".join(named)) for source, target in zip(*lines) if (named := things(target))]


KINDS = {"turns": (turns, 1), "parses": (parses, 2), "questions": (questions, 2), "topics": (topics, 4), "labels": (topics, 4)}


def main():
    kind, *rest = sys.argv[1:] or [""]
    if kind not in KINDS or len(rest) != 1 + KINDS[kind][1]:
        sys.exit(__doc__)
    folder, parts = pathlib.Path(rest[0]), KINDS[kind][0](*rest[1:])
    if kind != "labels":
        write(folder, parts)
        return
    folder.mkdir(parents=True, exist_ok=True)
    for part, pairs in parts:
        lines = [f"{target.replace(' ', ',')}\t{source}\n" for source, target in pairs]
        (folder / f"{part}.tsv").write_text("".join(lines))


if __name__ == "__main__":
    main()
