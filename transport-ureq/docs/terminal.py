#!/usr/bin/env python3
"""Draws the output of a command as a terminal window, an SVG of text and rectangles.

    transport-ureq/docs/terminal.py transport-ureq/docs/echo.svg cargo run -q -p wechat-transport-ureq --example echo
"""

import html
import subprocess
import sys
import unicodedata

WIDTH, HEIGHT, MARGIN, BAR = 8.4, 18, 16, 30
BLOCKS = {"█": (0, 1), "▀": (0, 0.5), "▄": (0.5, 0.5)}


def columns(char):
    if unicodedata.combining(char) or char == "\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def row(line, y):
    """Yields the elements of a line: words at their columns, block characters as rectangles."""
    column, word, start = 0, "", 0
    for char in line + " ":
        if char == " " or char in BLOCKS:
            if word:
                yield f'<text x="{MARGIN + start * WIDTH:.1f}" y="{y}">{html.escape(word)}</text>'
            word = ""
            if char in BLOCKS:
                top, part = BLOCKS[char]
                yield (
                    f'<rect x="{MARGIN + column * WIDTH:.1f}" y="{y - 13 + top * HEIGHT:.1f}" '
                    f'width="{WIDTH + 0.2:.1f}" height="{part * HEIGHT + 0.2:.1f}"/>'
                )
        else:
            start = start if word else column
            word += char
        column += columns(char)


def main(target, *command):
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True)
    shown = " ".join(part for part in command if part != "-q")
    lines = [f"$ {shown}", *run.stdout.rstrip("\n").split("\n")]
    wide = max(sum(map(columns, line)) for line in lines) * WIDTH + 2 * MARGIN
    high = BAR + MARGIN + len(lines) * HEIGHT
    picture = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{high}" role="img" shape-rendering="crispEdges" font-size="14" '
        'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'Noto Sans Mono CJK SC\', monospace" fill="#e6edf3">',
        f"<title>{html.escape(shown)}</title>",
        '<rect width="100%" height="100%" rx="8" fill="#0d1117"/>',
        *(f'<circle cx="{20 + 20 * i}" cy="16" r="6" fill="{c}"/>' for i, c in enumerate(("#ff5f56", "#ffbd2e", "#27c93f"))),
    ]
    for number, line in enumerate(lines):
        picture += row(line, BAR + 16 + number * HEIGHT)
    with open(target, "w", encoding="utf-8") as file:
        file.write("\n".join([*picture, "</svg>", ""]))


main(*sys.argv[1:])
