"""Tables for terminals: columns that share a given width, long cells on several lines."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import east_asian_width

_GAP = "  "
_NARROWEST = 5


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """Return the lines of a table, each a list of padded cells; the first are the heading.

    The widest columns give way until all fit into *width*, the gaps of two spaces included. A cell
    is divided at spaces, and in words that are longer than its column.
    """
    grid = [list(columns), *(list(row) for row in rows)]
    room = width - len(_GAP) * (len(columns) - 1)
    widest = max(room, _NARROWEST)
    widths = [min(max(map(columns_of, cells)), widest) for cells in zip(*grid, strict=True)]
    longest = [max(map(_longest_word, cells)) for cells in zip(*grid, strict=True)]
    while sum(widths) > room:
        wide = [n for n, taken in enumerate(widths) if taken > _NARROWEST]
        if not wide:
            break
        most = max(wide, key=lambda n: (widths[n] - longest[n] > 0, widths[n]))
        widths[most] -= 1
    return [line for row in grid for line in _lines(row, widths)]


def joined(cells: Sequence[str]) -> str:
    """Return the line of a table with the padded *cells*."""
    return _GAP.join(cells).rstrip()


def columns_of(text: str) -> int:
    """Return how many columns of a terminal *text* takes."""
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _longest_word(text: str) -> int:
    return max(map(columns_of, text.split()), default=0)


def _lines(row: list[str], widths: list[int]) -> list[list[str]]:
    cells = [_wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
    height = max(map(len, cells))
    return [
        [
            _padded(cell[n] if n < len(cell) else "", width)
            for cell, width in zip(cells, widths, strict=True)
        ]
        for n in range(height)
    ]


def _wrapped(text: str, width: int) -> list[str]:
    """Return *text* in lines of at most *width* columns, which textwrap takes for characters."""
    if columns_of(text) <= width:
        return [" ".join(text.split())]
    lines: list[str] = []
    line: list[str] = []
    used = 0
    for word in (part for each in text.split() for part in _parts(each, width)):
        taken = columns_of(word)
        if line and used + taken > width:
            lines.append(" ".join(line))
            line, used = [], 0
        line.append(word)
        used += taken + 1  # the space behind it
    return [*lines, " ".join(line)]


def _parts(word: str, width: int) -> list[str]:
    """Return *word* in pieces that fit into *width* columns."""
    if word.isascii():
        return [word[at : at + width] for at in range(0, len(word), width)]
    parts: list[str] = []
    piece, used = "", 0
    for char in word:
        more = columns_of(char)
        if piece and used + more > width:
            parts.append(piece)
            piece, used = "", 0
        piece, used = piece + char, used + more
    return [*parts, piece]


def _padded(text: str, width: int) -> str:
    return text.ljust(width) if text.isascii() else text + " " * (width - columns_of(text))
