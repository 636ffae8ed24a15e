"""Patterns and names by chance, with what Python's fnmatch says of them, and what each star stands for.

    python3 scripts/golden/make_globs.py
"""

import fnmatch
import json
import pathlib
import random
import re

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests/DLFormatsTests/Golden"


def captures(pattern, name):
    """The parts for the stars, the first as short as can be; nil where it does not match."""
    parts = [fnmatch.translate(part)[len("(?s:"):-len(")\\Z")] for part in re.split(r"\*+", pattern)]
    match = re.fullmatch("(.*?)".join(parts), name, re.DOTALL)
    return list(match.groups()) if match else None


def main():
    generator = random.Random(1)
    cases = []
    while len(cases) < 600:
        pattern = "".join(generator.choice(["a", "b", "c", ".", "0", "*", "*", "?", "[a-b]", "[!a]", "[", "]", "[b-]"])
                          for _ in range(generator.randrange(1, 7)))
        name = "".join(generator.choice("abc.01[]-") for _ in range(generator.randrange(0, 8)))
        found = fnmatch.fnmatchcase(name, pattern)
        # Half of them match; a star within brackets is no star.
        if found == (len(cases) % 2 == 0) and not re.search(r"\[[^]]*\*", pattern):
            cases.append([pattern, name, captures(pattern, name) if found else None])
    (FOLDER / "globs.json").write_text("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n")


if __name__ == "__main__":
    main()
