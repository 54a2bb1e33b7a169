"""Putting the pieces of a draft together."""

from __future__ import annotations

from composerefactor.edits.drafts import Piece, Slice, Written
from composerefactor.source import Source


class Output:
    """Pieces so far; keeps blank lines as they are, and from doubling at a cut."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.pieces: list[Piece] = []

    def add(self, piece: Piece) -> None:
        """Add *piece* as it is, unless it is empty."""
        if piece.text:
            self.pieces.append(piece)

    def verbatim(self, start: int, end: int) -> None:
        """Add the lines ``start:end`` of the source."""
        if start < end:
            last = self.pieces[-1] if self.pieces else None
            if (
                isinstance(last, Slice)
                and last.end == start
                and last.source is self.source
                and not last.copy
            ):
                self.pieces[-1] = Slice(last.source, last.start, end)
            else:
                self.end_line()
                self.pieces.append(Slice(self.source, start, end))

    def gap(self, start: int, end: int) -> None:
        """Add the blank lines ``start:end`` unless a blank line, or nothing, stands before."""
        if self.pieces and not self.ends_blank():
            self.verbatim(start, end)

    def footer(self, start: int, end: int) -> None:
        """Add what follows the last section."""
        text = self.source.text[start:end]
        if text.strip() or (self.pieces and not self.ends_blank()):
            self.verbatim(start, end)

    def separate(self) -> None:
        """End the block before with a blank line."""
        if self.pieces and not self.ends_blank():
            self.end_line()
            self.pieces.append(Written(self.source.newline))

    def end_line(self) -> None:
        """End the last line, where the source has no line end."""
        if self.pieces and not self.pieces[-1].ends_line:
            self.pieces.append(Written(self.source.newline))

    def ends_blank(self) -> bool:
        """Return whether the last line is blank."""
        tail = "".join(p.text[-200:] for p in self.pieces[-2:])
        return len(tail.splitlines()) > 1 and not tail.splitlines()[-1].strip()
