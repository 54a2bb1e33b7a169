"""The parts of a report, before it is rendered: sections of tables and lists.

:func:`merged` puts the rows of all start commands into one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts

Row = tuple[str, ...]
NOTHING = ("", "-")
"""Cells that say nothing."""


def code(text: str) -> str:
    """Return *text* as code, between backticks; backticks in it become single quotes."""
    return f"`{text.replace('`', chr(39))}`" if text else ""


class Table(Struct, frozen=True):
    """A table.

    Attributes:
        columns: The headings.
        rows: The cells of each row, as many as there are columns.
        title: The title, ``""`` if the section has only this part.
        spare: The columns to omit if there is little room, as on a terminal.
        lead: The number of columns that say what a row is about: where the table is too wide, they
            are the first line of a block.
        links: The addresses to which cells lead in a document, by their text.
    """

    columns: Row
    rows: tuple[Row, ...]
    title: str = ""
    spare: frozenset[str] = frozenset()
    lead: int = 1
    links: Mapping[str, str] = {}

    @property
    def used(self) -> tuple[int, ...]:
        """The positions of the first column, and of those that say something in some row."""
        return tuple(
            n
            for n in range(len(self.columns))
            if n == 0 or any(row[n] not in NOTHING for row in self.rows)
        )


class TextBlock(Struct, frozen=True):
    """Lines of text.

    Attributes:
        lines: The lines.
        title: The title, ``""`` for none.
        code: Whether the lines are preformatted.
        checks: Whether the lines are items to check off.
    """

    lines: tuple[str, ...]
    title: str = ""
    code: bool = False
    checks: bool = False


class Section(Struct, frozen=True):
    """A section of a report.

    Attributes:
        id: The stable name.
        title: The heading.
        parts: The content.
        intro: A paragraph below the heading.
        empty: The sentence for a section without content, for who asks for that section alone;
            reports omit it.
    """

    id: str
    title: str
    parts: tuple[Table | TextBlock, ...] = ()
    intro: str = ""
    empty: str = "Nothing to report."

    @property
    def is_empty(self) -> bool:
        """True if all parts are empty."""
        return not any(part.rows if isinstance(part, Table) else part.lines for part in self.parts)


COLUMN = "In"
"""The column with the numbers of the start commands to which a row applies (see the overview)."""


def merged(
    architecture: Architecture,
    columns: Sequence[str],
    rows: Callable[[InvocationFacts], Iterable[Row]],
) -> tuple[tuple[str, ...], list[Row]]:
    """Return the columns and rows of one table for all start commands of *architecture*.

    *rows* returns the rows of one start command. The column :data:`COLUMN` is added unless every
    row applies to all of them.
    """
    numbers_by_row: dict[Row, list[int]] = {}
    for number, entry in enumerate(architecture.entries, 1):
        for row in rows(entry):
            numbers = numbers_by_row.setdefault(row, [])
            if number not in numbers:
                numbers.append(number)
    total = len(architecture.entries)
    if all(len(numbers) == total for numbers in numbers_by_row.values()):
        return tuple(columns), list(numbers_by_row)
    ordered = _grouped(numbers_by_row)
    return (*columns, COLUMN), [(*row, ranges(numbers_by_row[row])) for row in ordered]


def _grouped(rows: Iterable[Row]) -> list[Row]:
    """Return the rows in order, but rows with the same first cell next to each other."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
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
