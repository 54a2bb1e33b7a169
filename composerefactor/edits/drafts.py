"""A file put together from slices of existing text.

Text that moves is never printed anew: a draft names the slice of the source that it takes, so that
comments, quotes, indentation and line ends come along by construction. Where a word in it has to
change, a replacement names the characters that do.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.source import BOM, Source


class Replacement(Struct, frozen=True, order=True):
    """*text* in place of the characters ``start:end`` of a source."""

    start: int
    end: int
    text: str


class Slice(Struct, frozen=True):
    """Characters ``start:end`` of *source*; *copy* is True where they also stand elsewhere.

    *replacements* lie within them, in order, and do not overlap.
    """

    source: Source
    start: int
    end: int
    copy: bool = False
    replacements: tuple[Replacement, ...] = ()

    @property
    def text(self) -> str:
        """The characters, with what replaces some of them."""
        parts, at = [], self.start
        for change in self.replacements:
            parts += [self.source.text[at : change.start], change.text]
            at = change.end
        return "".join([*parts, self.source.text[at : self.end]])

    @property
    def ends_line(self) -> bool:
        """True where the last character ends a line."""
        last = self.source.text[self.end - 1 : self.end]
        return (self.text if self.replacements else last).endswith("\n")


class Written(Struct, frozen=True):
    """Text that stands nowhere yet."""

    text: str

    @property
    def ends_line(self) -> bool:
        """True where the last character ends a line."""
        return self.text.endswith("\n")


Piece = Slice | Written


class Draft(Struct, frozen=True):
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

    def rewritten(self, source: Source, changes: Iterable[Replacement]) -> Draft:
        """Return the draft with each of *changes* made in every slice of *source* that has it."""
        ordered = sorted(set(changes))

        def changed(piece: Piece) -> Piece:
            if not isinstance(piece, Slice) or piece.source is not source:
                return piece
            within = (c for c in ordered if piece.start <= c.start and c.end <= piece.end)
            return replace(piece, replacements=tuple(within))

        return replace(self, pieces=tuple(map(changed, self.pieces)))

    @property
    def replacements(self) -> int:
        """How many words in the text that it takes are replaced."""
        return sum(len(p.replacements) for p in self.pieces if isinstance(p, Slice))

    def lines_from(self, *, copied: bool) -> int:
        """Return how many non-blank lines come from elsewhere, moved or *copied*."""
        return sum(
            _lines(p.text)
            for p in self.pieces
            if isinstance(p, Slice) and p.copy is copied and p.source.path != self.path
        )

    def lines_rewritten(self) -> int:
        """Return in how many lines other text stands in the place of some of the original."""
        lines = {
            (id(piece.source), piece.source.line_index(change.start))
            for piece in self.pieces
            if isinstance(piece, Slice)
            for change in piece.replacements
        }
        return len(lines) + sum(
            isinstance(piece, Written) and bool(piece.text.strip()) and before.text[-1:] != "\n"
            for before, piece in pairwise(self.pieces)
        )


def _lines(text: str) -> int:
    return sum(1 for line in text.splitlines() if line.strip())
