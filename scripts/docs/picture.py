#!/usr/bin/env python3
"""Draws what a program printed as an SVG picture of a terminal.

    ./scripts/run.sh | scripts/docs/picture.py "./scripts/run.sh" > docs/training-run.svg
"""
import html
import sys

CHARACTER, LINE, MARGIN = 8.43, 19, 18


def main() -> None:
    title = sys.argv[1] if len(sys.argv) > 1 else ""
    lines = [f"$ {title}"] + [line.rstrip("\n") for line in sys.stdin]
    width = MARGIN * 2 + CHARACTER * max(len(line) for line in lines)
    height = MARGIN * 2 + LINE * len(lines) + 14
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}" font-family="ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="14">'
    )
    print(f'<rect width="{width:.0f}" height="{height}" rx="8" fill="#14181f"/>')
    for x, colour in ((20, "#ff5f57"), (38, "#febc2e"), (56, "#28c840")):
        print(f'<circle cx="{x}" cy="16" r="5.5" fill="{colour}"/>')
    for row, line in enumerate(lines):
        colour = "#7fd1b9" if line.startswith("$ ") else "#d7dde6"
        y = MARGIN + 14 + LINE * (row + 1)
        print(f'<text x="{MARGIN}" y="{y}" fill="{colour}" xml:space="preserve">{html.escape(line)}</text>')
    print("</svg>")


main()
