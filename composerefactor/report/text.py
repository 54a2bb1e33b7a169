"""Lines of terminal output: a label on the left, text on the right."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from msgspec import Struct

from composerefactor.compose.invocation import Invocation
from composerefactor.errors import first_of

if TYPE_CHECKING:
    from composerefactor.proof.comparison import ProofResult


_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Style(Struct, frozen=True):
    """Paints words where *colour* is True and leaves them plain where not."""

    colour: bool = False

    def __call__(self, text: str, *names: str) -> str:
        """Return *text* in the styles *names*: bold, dim, red, green, yellow, cyan."""
        if not self.colour or not text:
            return text
        codes = ";".join(_CODES[name] for name in names)
        return f"\x1b[{codes}m{text}\x1b[0m"


LABEL = 9
"""Width of the left column."""

MOST_PLACES = 3
"""Places named for an entry point; a Makefile can name one in each of its lines."""


def row(label: str, text: str, style: Style) -> str:
    """Return one line."""
    return f"{style(f'{label:<{LABEL}}', 'cyan')}{text}".rstrip()


def counted(number: int, noun: str) -> str:
    """Return *number* with *noun* in singular or plural."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun.removesuffix('y')}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{number} {plural}"


def limited(lines: Sequence[str], most: int) -> list[str]:
    """Return at most *most* of *lines*, and how many more there are."""
    if len(lines) <= most:
        return list(lines)
    return [*lines[:most], f"and {len(lines) - most} more (-v shows all)"]


def reservations(proof: ProofResult, style: Style, most: int) -> Iterator[str]:
    """Yield the lines on what a verdict assumes and what it does not cover, *most* of each."""
    for words in limited([f"assumed: {_cut(a, most)}" for a in proof.assumptions], most):
        yield row("", style(words, "dim"), style)
    if proof.incomplete:
        incomplete = first_of([entry.title for entry in proof.incomplete], most)
        words = f"compared, though other files complete it (--no-consistency): {incomplete}"
        yield row("", style(words, "dim"), style)
    where: dict[tuple[str, str], list[str]] = {}
    for n in proof.not_covered:
        where.setdefault((n.entry.title, n.words), []).append(n.scenario)
    uncovered = [
        f"not covered: {title}, {scenarios[0]}{_and_more(scenarios)}: {words}"
        for (title, words), scenarios in where.items()
    ]
    for words in limited(uncovered, most):
        yield row("", style(words, "yellow"), style)


def _cut(assumption: str, most: int) -> str:
    """Return *assumption*, reason and names, with at most *most* names."""
    why, _, names = assumption.partition(": ")
    return f"{why}: " + ", ".join(limited(names.split(", "), most))


def _and_more(scenarios: Sequence[str]) -> str:
    more = len(scenarios) - 1
    return f" and {counted(more, 'other circumstance')}" if more else ""


def evidence_of(entry: Invocation) -> str:
    """Return how *entry* is known: the first places that name it, and how many more there are."""
    return first_of(list(dict.fromkeys(map(str, entry.evidence))), MOST_PLACES)


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


def written(entry: Invocation) -> str:
    """Return the command that starts *entry*, without a subcommand."""

    def named(option: str, path: str) -> list[str]:
        return [option, posixpath.relpath(path, entry.directory)]

    words = ["docker", "compose"]
    if entry.project_directory is not None:
        words += named("--project-directory", entry.project_directory)
    if not entry.implicit:
        words += [word for file in entry.files for word in named("-f", file)]
    words += [word for file in entry.env_files for word in named("--env-file", file)]
    words += ["-p", entry.project_name] if entry.project_name else []
    words += [word for profile in entry.profiles for word in ("--profile", profile)]
    place = "" if entry.directory == "." else f"cd {shlex.quote(entry.directory)} && "
    return place + shlex.join(words)
