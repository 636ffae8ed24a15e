#!/usr/bin/env python3
"""Writes Tests/DLDataTests/Golden/scalars.json: what Python, Hugging Face's tokenizers and sacreBLEU make of texts
with combining marks, canonically equivalent characters, line ends of every kind and odd white space.

    pip install tokenizers sacrebleu
    python3 scripts/golden/make_scalars.py
"""

import io
import json
import pathlib
import sys

import sacrebleu
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

FILE = pathlib.Path(__file__).resolve().parents[2] / "Tests/DLDataTests/Golden/scalars.json"

TWINS = [
    "\u212a K \u212b \u00c5 A\u030a \u037e ; \u1f71 \u03ac \uf91d \u6b04",
    "caf\u00e9 cafe\u0301 caf\u00e9 cafe\u0301 \u0301mark K\u212a \u212aK",
    "\u1100\u1161 \uac00 \u0600. \U0001f468\u200d\U0001f469 \U0001f1e9\U0001f1ea \u0958 \u0915\u093c",
    "a\u0301 \u00e1 a\u0301a\u0301 \u00e1\u00e1 a\u0301 \u00e1 <s> <s> <unk> <s>",
]
ODD = [
    "a\u2028b\u2029c d\x0be\x0cf\x1cg\x1dh\x1ei\x1fj\x85k l\u00a0m\u3000n \u0301o",
    "zero\u200bwidth \u180emongolian \ufeffmark",
]
LINES = ["a\nb\r\nc\rd\r\r\ne", "last\n", "no end", "", "\n", "\r\n\r\n", "x\u2028y\x0bz\x85w\x1cv\n", "\ufeffmark\r\nb"]


def byte_pairs(text):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")])
    special = ["<pad>", "<begin>", "<end>", "<unk>"]
    trainer = trainers.BpeTrainer(vocab_size=60, min_frequency=2, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(text, trainer)
    pieces = tokenizer.get_vocab()
    return sorted(pieces, key=pieces.get)[4:]


def main():
    words = TWINS + ODD
    pairs = [TWINS[0], TWINS[1], TWINS[2], "a\u0301 \u00e1 a\u0301a\u0301 \u00e1\u00e1 a\u0301 \u00e1"]
    candidates = ["caf\u00e9 der stadt ist \u00c5 zu", "\u212a b c d e", "a b c d \u0301e f"]
    references = ["cafe\u0301 der stadt ist \u212b zu", "K b c d e", "a b c d \u0301e f"]
    result = sacrebleu.corpus_bleu(candidates, [references], tokenize="none")
    spaces = [code for code in range(sys.maxunicode + 1) if chr(code).isspace()]
    content = {
        "texts": words,
        "words": [text.split() for text in words],
        "sorted": sorted(set(word for text in words for word in text.split())),
        "spaces": spaces,
        "files": [list(text.encode()) for text in LINES],
        "lines": [[line.removesuffix("\n") for line in io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8-sig")]
                  for text in LINES],
        "pairs": pairs,
        "pieces": byte_pairs(pairs),
        "candidates": candidates,
        "references": references,
        "bleu": result.score,
        "precisions": result.precisions,
    }
    FILE.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
