#!/usr/bin/env python3
"""Draws a terminal's output, with its colours, as an SVG picture.

    CLICOLOR_FORCE=1 COLUMNS=100 unfold demo 2>&1 | Scripts/terminal-svg.py --title "unfold demo" > docs/demo.svg

Standard library only. Understands the escape sequences that Unfold writes: bold, dim, the eight colours, and
backgrounds of the 256-colour cube.
"""

import argparse
import re
import sys
import unicodedata
from html import escape

FOREGROUND = {
    31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#76e3ea", 30: "#0d1117",
}
ROW, COLUMN, MARGIN = 19, 8.43, 18


def cube(index):
    """The colour of an index of the 256-colour palette (16 to 231)."""
    levels = [0, 95, 135, 175, 215, 255]
    index -= 16
    return "#%02x%02x%02x" % (levels[index // 36], levels[index // 6 % 6], levels[index % 6])


def width(text):
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def runs(line):
    """The pieces of a line with one style each: (text, colour, background, bold, dim)."""
    style = {"colour": None, "background": None, "bold": False, "dim": False}
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if not code:
            if part:
                yield part, dict(style)
            continue
        numbers = [int(n) for n in code[1].split(";") if n] or [0]
        while numbers:
            n = numbers.pop(0)
            if n == 0:
                style = {"colour": None, "background": None, "bold": False, "dim": False}
            elif n == 1:
                style["bold"] = True
            elif n == 2:
                style["dim"] = True
            elif n == 48 and numbers[:1] == [5]:
                style["background"] = cube(numbers[1])
                numbers = numbers[2:]
            elif n in FOREGROUND:
                style["colour"] = FOREGROUND[n]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--title", default="")
    parser.add_argument("--columns", type=int, default=100, help="at least; a longer line widens the picture")
    arguments = parser.parse_args()
    # What a progress line draws over is dropped, as on a screen.
    text = re.sub(r"[^\n]*\r\x1b\[K", "", sys.stdin.read())
    lines = text.rstrip("\n").split("\n")
    height = MARGIN * 2 + 30 + ROW * len(lines)
    longest = max(sum(width(piece) for piece, _ in runs(line)) for line in lines)
    page = max(arguments.columns, longest) * COLUMN + MARGIN * 2
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{page:.0f}" height="{height}" '
        f'viewBox="0 0 {page:.0f} {height}" font-size="14" '
        'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace">')
    print('<rect width="100%" height="100%" rx="8" fill="#0d1117"/>')
    for index, colour in enumerate(["#ff5f57", "#febc2e", "#28c840"]):
        print(f'<circle cx="{20 + index * 20}" cy="19" r="6" fill="{colour}"/>')
    print(f'<text x="{page / 2:.0f}" y="24" fill="#8b949e" text-anchor="middle">{escape(arguments.title)}</text>')
    for row, line in enumerate(lines):
        y = MARGIN + 30 + ROW * (row + 0.75)
        column = 0
        for piece, style in runs(line):
            x = MARGIN + column * COLUMN
            span = width(piece)
            if style["background"]:
                print(
                    f'<rect x="{x:.1f}" y="{y - 14:.1f}" width="{span * COLUMN:.1f}" height="{ROW}" '
                    f'fill="{style["background"]}"/>')
            colour = style["colour"] or ("#0d1117" if style["background"] else "#c9d1d9")
            marks = (' font-weight="bold"' if style["bold"] else "") + (' opacity="0.6"' if style["dim"] else "")
            if piece.strip():
                print(
                    f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}"{marks} xml:space="preserve" '
                    f'textLength="{span * COLUMN:.1f}" lengthAdjust="spacingAndGlyphs">{escape(piece)}</text>')
            column += span
    print("</svg>")


main()
