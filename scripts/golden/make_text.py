#!/usr/bin/env python3
"""Writes Tests/DLDataTests/Golden: byte pairs by Hugging Face's tokenizers, BLEU by sacreBLEU.

    pip install tokenizers sacrebleu
    python3 scripts/golden/make_text.py
"""

import json
import pathlib
import random

import sacrebleu
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests/DLDataTests/Golden"

SYLLABLES = "ba be bi bo da de di do ka ke ki ko la le li lo ma na ra sa ta ß ü st sch ei ng en er aa aaa ll".split()


def sentences(count, seed):
    """Made-up sentences whose words follow Zipf's law."""
    rng = random.Random(seed)
    words = ["".join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 5))) for _ in range(400)] + [".", ",", "12-3"]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    return [" ".join(rng.choices(words, weights, k=rng.randint(1, 14))) for _ in range(count)]


def byte_pairs():
    text = sentences(300, 1)
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")])
    special = ["<pad>", "<s>", "</s>", "<unk>"]
    trainer = trainers.BpeTrainer(vocab_size=300, min_frequency=2, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(text, trainer)
    vocabulary = [piece for piece, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    unseen = sentences(40, 2) + ["xyz Bad bad", "  spaces   around  "]
    return {
        "text": text,
        "vocabulary": vocabulary,
        "merges": [pair if isinstance(pair, list) else pair.split(" ") for pair in merges],
        "unseen": unseen,
        "encoded": [tokenizer.encode(line).ids for line in unseen],
    }


def bleu():
    rng = random.Random(3)
    references = sentences(60, 4)
    near = []
    for line in references:
        words = line.split()
        for _ in range(rng.randint(0, 3)):
            place = rng.randrange(len(words))
            if rng.random() < 0.5:
                words[place] = rng.choice(["ba", "laa", "."])
            elif len(words) > 1:
                del words[place]
        near.append(" ".join(words))
    english = [
        'The "quick" brown-fox jumped, over 1,000 dogs; 3.5% of them (e.g. Rex) &amp; cats - it\'s 1990-1995.',
        "Hello world! <skipped>No-one said: a/b = c. [end] {x}~y",
        "A short-\none. &quot;Quoted&quot; &lt;tag&gt; ... a.b ,c 5. .5 9-",
        "",
    ]
    changed = [
        'The "quick" brown fox jumps over 1,000 dogs; 3.5% of them (e.g. Max) & cats - it\'s 1990-95.',
        "Hello, world! No-one says: a / b = c. [end] {x} ~y",
        'A short one. "Quoted" <tag> ... a.b, c 5. .5 9 -',
        "word",
    ]
    sets = [
        ("near", near, [[line] for line in references]),
        ("same", references, [[line] for line in references]),
        ("short", [line[: len(line) // 2] for line in references], [[line] for line in references]),
        ("few", ["ba be bi", "bo"], [["ba be bo"], ["bo da"]]),
        ("smoothed", ["ba be bi bo da", "de di"], [["ba be ka ko la"], ["de le"]]),
        ("nothing", ["ba be bi bo da"], [["x y z v w"]]),
        ("empty", ["", ""], [["ba"], ["be"]]),
        ("two", near, [[one, two] for one, two in zip(references, sentences(60, 5))]),
        ("english", changed, [[line] for line in english]),
    ]
    cases = []
    for name, candidates, lists in sets:
        for tokenize in ["none", "13a"]:
            streams = [list(stream) for stream in zip(*lists)]
            result = sacrebleu.corpus_bleu(candidates, streams, tokenize=tokenize)
            cases.append({
                "name": name, "tokenize": tokenize, "candidates": candidates, "references": lists,
                "score": result.score, "precisions": result.precisions, "bp": result.bp,
                "lengths": [result.sys_len, result.ref_len],
            })
    return cases


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in [("byte-pairs", byte_pairs()), ("bleu", bleu())]:
        (FOLDER / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
