"""A report as sections of tables and lines, the same for every form in which it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from composerefactor.analysis.facts.architecture import Architecture, EntryArchitecture

Row = tuple[str, ...]


def code(text: str) -> str:
    """Return *text* of a file marked as such, between backticks; its own ones become quotes."""
    return f"`{text.replace('`', chr(39))}`" if text else ""


class Table(Struct, frozen=True):
    """Rows below *columns*; *title* stands above where a section has several.

    *spare* columns are left out where there is little room, as on a terminal.
    """

    columns: Row
    rows: tuple[Row, ...]
    title: str = ""
    spare: frozenset[str] = frozenset()


class Listing(Struct, frozen=True):
    """Lines of text: a list, *checks* to tick off, or *code*, whose shape must stay."""

    lines: tuple[str, ...]
    title: str = ""
    code: bool = False
    checks: bool = False


class Section(Struct, frozen=True):
    """A part of a report; *id* is stable, *empty* says in words that there is nothing to show."""

    id: str
    title: str
    parts: tuple[Table | Listing, ...] = ()
    intro: str = ""
    empty: str = ""
    detail: bool = False

    @property
    def is_empty(self) -> bool:
        """True where no part holds anything."""
        return not any(part.rows if isinstance(part, Table) else part.lines for part in self.parts)


COLUMN = "In"
"""The column that says in which entry points a row holds; they are numbered in the overview."""


def merged(
    architecture: Architecture,
    columns: Sequence[str],
    rows: Callable[[EntryArchitecture], Iterable[Row]],
) -> tuple[tuple[str, ...], list[Row]]:
    """Return the columns and the rows that *rows* gives for all entry points of *architecture*.

    A column :data:`COLUMN` is added where not every row holds in all of them.
    """
    found: dict[Row, list[int]] = {}
    for number, entry in enumerate(architecture.entries, 1):
        for row in rows(entry):
            numbers = found.setdefault(row, [])
            if number not in numbers:
                numbers.append(number)
    every = len(architecture.entries)
    if all(len(numbers) == every for numbers in found.values()):
        return tuple(columns), list(found)
    ordered = _together(found)
    return (*columns, COLUMN), [(*row, ranges(found[row])) for row in ordered]


def _together(found: dict[Row, list[int]]) -> list[Row]:
    """Return the rows in order, those about the same thing (their first cell) side by side."""
    groups: dict[str, list[Row]] = {}
    for row in found:
        groups.setdefault(row[0], []).append(row)
    return [row for group in groups.values() for row in group]


def ranges(numbers: Sequence[int]) -> str:
    """Return ``1-3, 5`` for 1, 2, 3 and 5."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)
