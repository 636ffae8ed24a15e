#!/usr/bin/env python3
"""Fills a DocC catalogue: the pages of Sources/DLTrain/DLTrain.docc with the symbols that belong to each, the guides of
docs/, and what the program prints of its commands and keys.

    catalogue.py --symbols DLTrain.symbols.json --program .build/debug/dltrain --output FOLDER
"""

import argparse
import json
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ROOT / "Sources/DLTrain/DLTrain.docc"

# The page of every folder of Sources: the first pattern that matches the file of a declaration.
FAMILIES = [
    (r"DLLayers/Losses/", "Losses"),
    (r"DLLayers/|DLModels/", "Layers"),
    (r"DLOptimizers/", "Optimizers"),
    (r"[^/]*/Metrics/", "Metrics"),
    (r"DLData/|DLFormats/", "DataSets"),
    (r"DLTensor/", "Tensors"),
    (r"DLCluster/", "Clusters"),
    (r"DLConfiguration/|DLCore/|[^/]*/Configuration/", "Configurations"),
    (r"", "Training"),
]
TYPES = {"swift.class", "swift.struct", "swift.enum", "swift.protocol", "swift.typealias", "swift.actor"}


def topics(symbols):
    """Markdown of the types of each page, grouped by the folders they are declared in."""
    pages = {}
    for symbol in symbols:
        if len(symbol["pathComponents"]) != 1 or symbol["kind"]["identifier"] not in TYPES:
            continue
        path = symbol["location"]["uri"].rsplit("/Sources/", 1)[1]
        page = next(page for pattern, page in FAMILIES if re.match(pattern, path))
        module, *folders = path.split("/")[:-1]
        name = ", ".join(folders) or module
        pages.setdefault(page, {}).setdefault(name, []).append(symbol["pathComponents"][0])
    return {
        page: "## Topics\n\n" + "\n".join(
            f"### {name}\n\n" + "".join(f"- ``{each}``\n" for each in sorted(set(names)))
            for name, names in sorted(groups.items()))
        for page, groups in pages.items()
    }


def title_of(name):
    return f"guide-{name.removesuffix('.md').replace('/', '-')}"


def article(text, folder, known):
    """A page of docs/ as an article: links between pages become DocC's, links to other files their texts."""

    def link(match):
        text, target = match[1], match[2]
        if re.match(r"[a-z]+:", target):
            return match[0]
        if target.startswith("#"):
            return text
        path = os.path.normpath(os.path.join(folder, target.split("#")[0]))
        name = os.path.relpath(path, "docs")
        return f"[{text}](doc:{title_of(name)})" if name in known else text

    lines, is_code = [], False
    for line in text.splitlines():
        if re.match(r" *```", line):
            is_code = not is_code
        elif not is_code:
            line = re.sub(r"<!--.*?-->", "", line)
            line = re.sub(r"!\[[^]]*\]\([^)]*\)", "", line)
            line = re.sub(r"(?<!!)\[([^]]+)\]\(([^)\s]+)\)", link, line)
        lines.append(line)
    return "\n".join(lines) + "\n"


def printed(program, *words):
    environment = dict(os.environ, COLUMNS="78")
    return subprocess.run(
        [program, *words], check=True, capture_output=True, text=True, env=environment).stdout


def guides(program):
    """The articles of docs/, by file name; that of the keys as the program prints it."""
    texts = {str(path.relative_to(ROOT / "docs")): path.read_text() for path in (ROOT / "docs").rglob("*.md")}
    texts["configuration.md"] = printed(program, "config", "--reference")
    return {
        title_of(name): article(text, os.path.dirname(f"docs/{name}"), texts.keys())
        for name, text in sorted(texts.items())
    }


def commands(program, words=()):
    """(words, help) of a command and all below it."""
    text = printed(program, *words, "--help")
    yield words, text
    below = re.search(r"^SUBCOMMANDS:\n(.*?)(\n\n|\Z)", text, re.M | re.S)
    for name in re.findall(r"^  ([a-z][a-z-]*)", below[1] if below else "", re.M):
        yield from commands(program, (*words, name))


def commands_page(program):
    parts = [
        "# Commands and exit codes",
        "What `dltrain` and every program of your own that calls ``TrainingProgram`` take on the command line.",
    ]
    for words, text in commands(program):
        if words:
            parts.append(f"## {'dltrain ' + ' '.join(words)}")
        parts.append(f"```\n{text.strip()}\n```")
    readme = (ROOT / "README.md").read_text()
    codes = re.search(r"^Exit codes: (.*?)\n(\n|\Z)", readme, re.M | re.S)[1]
    parts += ["## Exit codes", codes[0].upper() + codes[1:], "In Swift they are ``ExitCode``."]
    return "\n\n".join(parts) + "\n"


def code_of(match):
    """The text of a file, or of the declaration in it that begins as given."""
    lines = (ROOT / match[1]).read_text().strip().splitlines()
    if match[2]:
        start = next(i for i, line in enumerate(lines) if line.startswith(match[2]))
        # The next declaration follows an empty line, and is not indented either.
        end = next(
            (i for i in range(start, len(lines) - 1) if not lines[i] and not lines[i + 1].startswith(" ")),
            len(lines))
        lines = lines[start:end]
    kind = {".swift": "swift", ".yaml": "yaml", ".sh": "sh"}[pathlib.Path(match[1]).suffix]
    return "\n".join([f"```{kind}", *lines, "```"])


def main():
    parser = argparse.ArgumentParser()
    for name in ("symbols", "program", "output"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    output = pathlib.Path(options.output)
    lists = topics(json.loads(pathlib.Path(options.symbols).read_text())["symbols"])
    articles = guides(options.program)
    pages = {path.name: path.read_text() for path in sorted(PAGES.glob("*.md"))}
    for name, text in pages.items():
        text = re.sub(r"^<!-- insert: (\S+)(?: from (.+?))? -->$", code_of, text, flags=re.M)
        stem = name.removesuffix(".md")
        if stem in lists:
            text = f"{text.rstrip()}\n\n{lists.pop(stem)}"
        (output / name).write_text(text)
    if lists:
        raise SystemExit(f"catalogue: no pages {sorted(lists)} in {PAGES}")
    adding = [f"- <doc:{name}>" for name in articles if name.startswith(title_of("adding/"))]
    articles[title_of("contributing.md")] += "\n## Topics\n\n### Pages\n\n" + "\n".join(adding) + "\n"
    for name, text in articles.items():
        (output / f"{name}.md").write_text(text)
    (output / "Commands.md").write_text(commands_page(options.program))


main()
