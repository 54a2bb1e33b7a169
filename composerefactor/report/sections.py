"""A report as sections of tables and lines, the same for every form in which it is shown."""

from __future__ import annotations

from msgspec import Struct

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
