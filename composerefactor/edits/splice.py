"""One replaced piece of a text."""

from __future__ import annotations

from msgspec import Struct


class Splice(Struct, frozen=True):
    """Characters ``start:end`` of a text are replaced by *text*.

    *column* is the indentation of lines that are added: deeper ones come first at one place.
    """

    start: int
    end: int
    text: str
    column: int = 0
