#!/usr/bin/env python3
"""Checks the code of the documents: every ```swift block says in a comment above it where it comes from.

    check-code.py quotes                     looks for the blocks that quote a file in it, without a build
    check-code.py compile --binaries FOLDER  type-checks the other blocks against the modules of a build

    <!-- code: PATH -->    the lines of the block stand in this file one after the other; a line `// ...` skips some
    <!-- compiled -->      the blocks so marked in a document are compiled together, as a program that imports DLTrain

Paths within the tree that a document names must be there, but for those in a line with `new file`.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]


def documents():
    yield from (path for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md") if path.exists())
    yield from sorted((ROOT / "docs").rglob("*.md"))
    yield from sorted((ROOT / "Sources/DLTrain/DLTrain.docc").glob("*.md"))


def blocks(path):
    """(line number, the comment above, text) of each block of Swift."""
    lines = path.read_text().splitlines()
    mark, start, kind = "", None, ""
    for number, line in enumerate(lines, 1):
        fence = re.match(r" *```(\w*)", line)
        if fence and start is None:
            start, kind = number, fence[1]
        elif fence:
            if kind == "swift":
                yield start, mark, textwrap.dedent("\n".join(lines[start : number - 1]))
            start, mark = None, ""
        elif start is None and line.strip():
            comment = re.fullmatch(r"\s*<!-- (.+) -->\s*", line)
            mark = comment[1] if comment else ""


def is_quoted(block, text):
    """Whether the lines of a block follow each other in a text, at any indentation of the whole."""
    place = 0
    lines = [line.rstrip() for line in text.splitlines()]
    for part in re.split(r"^\s*// \.\.\.$\n?", block, flags=re.M):
        wanted = textwrap.dedent(part).strip("\n").splitlines()
        ends = (
            start + len(wanted)
            for start in range(place, len(lines) - len(wanted) + 1)
            if textwrap.dedent("\n".join(lines[start : start + len(wanted)])).splitlines() == wanted)
        place = next(ends, -1)
        if place < 0:
            return False
    return True


def quotes():
    """The faults of quoting blocks and of paths."""
    for path in documents():
        name = path.relative_to(ROOT)
        for line, mark, block in blocks(path):
            source = re.fullmatch(r"code: (\S+)", mark)
            if not source and mark != "compiled":
                yield f"{name}:{line}: no comment says where this code comes from"
            elif source and not (ROOT / source[1]).is_file():
                yield f"{name}:{line}: {source[1]}: no such file"
            elif source and not is_quoted(block, (ROOT / source[1]).read_text()):
                yield f"{name}:{line}: this code is not in {source[1]}"
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if "new file" in line:
                continue
            for found in re.findall(r"`((?:Sources|Tests|Examples|scripts|docs)/[\w./+-]+)`", line):
                if not (ROOT / found).exists():
                    yield f"{name}:{number}: {found}: no such file"
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text()):
            if not (path.parent / target).exists():
                yield f"{name}: {target}: the link leads nowhere"


def compile_all(binaries):
    """The faults of type-checking, as the compiler prints them."""
    flags = subprocess.run(
        [ROOT / "scripts/docs/module-flags.sh", binaries], check=True, capture_output=True, text=True)
    command = ["swiftc", "-typecheck", "-swift-version", "6", "-warnings-as-errors", "-parse-as-library"]
    command += ["-module-name", "Document", *flags.stdout.splitlines()]
    count = 0
    for path in documents():
        name = path.relative_to(ROOT)
        found = [(line, block) for line, mark, block in blocks(path) if mark == "compiled"]
        if not found:
            continue
        count += len(found)
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for line, block in found:
                files.append(pathlib.Path(folder) / f"Block{line}.swift")
                place = f'#sourceLocation(file: "{name}", line: {line + 1})'
                files[-1].write_text(f"import DLTrain\n{place}\n{block}\n")
            result = subprocess.run([*command, *files], capture_output=True, text=True)
        if result.returncode != 0:
            yield f"{name}:\n{result.stderr}"
    if count == 0:
        yield "no block of any document is compiled"
    print(f"{count} blocks compiled")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("check", choices=["quotes", "compile"])
    parser.add_argument("--binaries")
    options = parser.parse_args()
    faults = list(quotes() if options.check == "quotes" else compile_all(options.binaries))
    for fault in faults:
        print(f"check-code: {fault}", file=sys.stderr)
    sys.exit(1 if faults else 0)


main()
