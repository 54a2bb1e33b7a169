"""A file put together from slices of existing text.

Text that moves is never printed anew: a draft names the slice of the source that it takes, so that
comments, quotes, indentation and line ends come along by construction.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from composerefactor.source import BOM, Source


@dataclass(frozen=True, slots=True)
class Slice:
    """Characters ``start:end`` of *source*; *copy* is True where they also stand elsewhere."""

    source: Source
    start: int
    end: int
    copy: bool = False

    @property
    def text(self) -> str:
        """The characters."""
        return self.source.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Written:
    """Text that stands nowhere yet."""

    text: str


Piece = Slice | Written


@dataclass(frozen=True, slots=True)
class Draft:
    """The planned content of *path*, piece by piece; *has_bom* is kept for a file that has one.

    A *deleted* draft has no pieces: the file is gone afterwards.
    """

    path: str
    pieces: tuple[Piece, ...] = ()
    has_bom: bool = False
    deleted: bool = False

    def text(self) -> str:
        """Return the content."""
        return "".join(piece.text for piece in self.pieces)

    def content(self) -> bytes | None:
        """Return the content as bytes; None for a file that is deleted."""
        if self.deleted:
            return None
        return ((BOM if self.has_bom else "") + self.text()).encode("utf-8")

    def lines_from(self, *, copied: bool) -> int:
        """Return how many non-blank lines come from elsewhere, moved or *copied*."""
        return sum(
            _lines(p.text)
            for p in self.pieces
            if isinstance(p, Slice) and p.copy is copied and p.source.path != self.path
        )

    def lines_rewritten(self) -> int:
        """Return in how many lines other text stands in the place of some of the original."""
        return sum(
            isinstance(piece, Written) and bool(piece.text.strip()) and before.text[-1:] != "\n"
            for before, piece in pairwise(self.pieces)
        )


def _lines(text: str) -> int:
    return sum(1 for line in text.splitlines() if line.strip())
