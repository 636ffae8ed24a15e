"""Judges translations by sacreBLEU, to be compared with what `dltrain evaluate` says.

    dltrain predict RUN multi30k/test_2016_flickr.safetensors -o translations.txt
    dltrain evaluate RUN --data multi30k/test_2016_flickr.safetensors
    python3 scripts/results/sacrebleu_check.py translations.txt test_2016_flickr.en

The text is tokenised already, so that dltrain cuts it at white space alone (`none`); the score by
sacreBLEU's own tokenisation (`13a`) stands beside it. Needs `pip install sacrebleu`.
"""

import sys

import sacrebleu


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    translations, references = lines(sys.argv[1]), lines(sys.argv[2])
    if len(translations) != len(references):
        sys.exit(f"{len(translations)} translations for {len(references)} references")
    for tokenize in ["none", "13a"]:
        metric = sacrebleu.BLEU(tokenize=tokenize, force=True)
        score = metric.corpus_score(translations, [references])
        print(f"{score.score:.2f}  {metric.get_signature()}")


if __name__ == "__main__":
    main()
