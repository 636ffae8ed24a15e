#!/usr/bin/env python3
"""Trains two small tokenizers by Hugging Face's tokenizers and writes what they make of texts.

Tests/DLDataTests/Golden: tokenizer-bpe.json as GPT-2 has it, tokenizer-wordpiece.json as BERT has it, and
tokenizers.json with texts, their numbers with and without special tokens, and what these decode to.

    pip install tokenizers
    python3 scripts/golden/make_tokenizers.py
"""

import json
import pathlib
import random

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "Tests/DLDataTests/Golden"

SENTENCES = [
    "The quick brown fox isn't jumping over 12 lazy dogs; they're asleep, and it'll be 1999 again.",
    "Schöne Grüße aus Köln: die Straße ist naß, und Äpfel kosten 3,50 €.",
    "Où est passé l'élève ? Il a mangé une crêpe à Besançon.",
    "¿Dónde está el niño? ¡Mañana lo sabré!",
    "Съешь ещё этих мягких французских булок, да выпей чаю.",
    "Η γρήγορη καφέ αλεπού πηδάει πάνω από το τεμπέλικο σκυλί.",
    "敏捷的棕色狐狸跳过了懒狗。",
    "吾輩は猫である。名前はまだ無い。カタカナも。",
    "키스의 고유조건은 입술끼리 만나야 하고",
    "نص حكيم له سر قاطع وذو شأن عظيم",
    "דג סקרן שט בים מאוכזב ולפתע מצא חברה",
    "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा",
    "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า",
    "Zażółć gęślą jaźń; příliš žluťoučký kůň úpěl ďábelské ódy.",
    "İstanbul'da ılık bir gün, Tiếng Việt rất đẹp.",
]
ODD = [
    "", " ", "   ", "\n", " a", "a ", "  a  b   c\t\td\n\n e\r\nf \n", "I'm you're he's she'd we'll they've isn't 'tis ''s 'S",
    "e\u0301 é ﬁ ½ ² Ⅷ ٣ ǆ ß ẞ K Å", "a\u00a0b\u2003c\u3000d\u0085e\u2028f\u200bg\u00adh\ufeffi\ufffdj\u0000k\x01l",
    "👍🏽 👩‍👩‍👧 🇩🇪 x😀y", "3.14 1,000 2nd x2 _a_b__ $5 #tag @me a-b c/d e…f «g» “h”", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "x" * 120 + " y", "unaffable", "<mask> a<mask>b <mask>", "<s>a</s>", "[CLS] a [SEP] [MASK]b[UNK]", "a [mask] b",
    "hello<|endoftext|> world<|endoftext|>", "नमस्ते दुनिया", "Ἀρχιμήδης", "straße STRASSE Straße", "東京tower漢字かな交じり",
    "don't 'do not' . ? ! , n't 'm", "a . b , c ? d ' e 's", "\t\tindent\n    four", "TITLE Case WORDS",
]


def texts():
    draw = random.Random(7)
    letters = "".join(sorted(set("".join(SENTENCES + ODD)))) + "    \n'"
    drawn = ["".join(draw.choice(letters) for _ in range(draw.randint(1, 30))) for _ in range(60)]
    mixed = [" ".join(draw.sample(" ".join(SENTENCES).split(), 8)) for _ in range(20)]
    return SENTENCES + ODD + drawn + mixed


def byte_pairs():
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False)
    made.train_from_iterator(SENTENCES, trainer)
    return made


def roberta():
    made = byte_pairs()
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    made.add_special_tokens(["<s>", "</s>", "<pad>", AddedToken("<mask>", lstrip=True)])
    made.add_tokens([AddedToken("tower", single_word=True), AddedToken("日本", rstrip=True)])
    made.post_processor = processors.RobertaProcessing(
        ("</s>", made.token_to_id("</s>")), ("<s>", made.token_to_id("<s>")))
    return made


def word_pieces(**options):
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(**options)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    made.train_from_iterator(
        SENTENCES, trainers.WordPieceTrainer(vocab_size=600, special_tokens=special, show_progress=False))
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, made.token_to_id(name)) for name in ("[CLS]", "[SEP]")])
    return made


def variants():
    cased = word_pieces(lowercase=False)
    cased.post_processor = processors.BertProcessing(
        ("[SEP]", cased.token_to_id("[SEP]")), ("[CLS]", cased.token_to_id("[CLS]")))
    cased.add_tokens(["Köln", AddedToken("İstanbul", normalized=True)])
    yield "bpe", byte_pairs()
    yield "roberta", roberta()
    yield "wordpiece", word_pieces()
    yield "wordpiece-cased", cased


def main():
    cases = texts()
    result = {"texts": cases}
    for name, made in variants():
        (GOLDEN / f"tokenizer-{name}.json").write_text(
            json.dumps(json.loads(made.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
        encoded = [made.encode(text, add_special_tokens=False).ids for text in cases]
        rows = [made.encode(text).ids for text in cases]
        marks = rows[cases.index("")]
        begin, end = marks[: len(marks) // 2], marks[len(marks) // 2 :]
        assert all(row == begin + ids + end for row, ids in zip(rows, encoded))
        result[name] = {
            "encoded": encoded, "begin": begin, "end": end,
            "decoded": [made.decode(ids) for ids in rows], "count": made.get_vocab_size(),
        }
    (GOLDEN / "tokenizers.json").write_text(json.dumps(result, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
