"""Cutting and shifting pieces of text, so that what is moved stays a slice of its source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from composerefactor.edits.drafts import Piece, Slice, Written
from composerefactor.edits.splice import Splice
from composerefactor.source import Source


def cut(source: Source, start: int, end: int, splices: Iterable[Splice] = ()) -> list[Piece]:
    """Return ``start:end`` of *source* with those of *splices* made that stand in it.

    *splices* are in the order of the text and do not overlap.
    """
    found: list[Piece] = []
    for splice in splices:
        if start <= splice.start and splice.end <= end:
            found += [Slice(source, start, splice.start), Written(splice.text)]
            start = splice.end
    found.append(Slice(source, start, end))
    return [piece for piece in found if piece.text]


def shifted(pieces: Sequence[Piece], by: int) -> list[Piece]:
    """Return whole lines *by* columns to the right, or to the left for a negative number.

    Blank lines, and comments in the first column, stay as they are.
    """
    if not by:
        return list(pieces)
    found: list[Piece] = []
    begins = True
    for piece in pieces:
        for start, end in _lines(piece.text):
            line = piece.text[start:end]
            if begins and line.strip() and not line.startswith("#"):
                if by > 0:
                    found.append(Written(" " * by))
                else:
                    start += min(-by, len(line) - len(line.lstrip(" ")))  # noqa: PLW2901
            found.append(_part(piece, start, end))
            begins = line.endswith("\n")
    return _together(found)


def with_line_ends(pieces: Iterable[Piece], newline: str) -> list[Piece]:
    """Return *pieces* with *newline* at the end of each line; the last line gets one too."""
    found: list[Piece] = []
    for piece in pieces:
        plain = piece.text.replace("\r\n", "\n").replace("\n", newline)
        found.append(piece if plain == piece.text else Written(plain))
    if found and not found[-1].text.endswith("\n"):
        found.append(Written(newline))
    return found


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(text):
        at = text.find("\n", start)
        end = len(text) if at < 0 else at + 1
        yield start, end
        start = end


def _part(piece: Piece, start: int, end: int) -> Piece:
    if isinstance(piece, Slice):
        return Slice(piece.source, piece.start + start, piece.start + end, piece.copy)
    return Written(piece.text[start:end])


def _together(pieces: Iterable[Piece]) -> list[Piece]:
    """Return *pieces* with neighbouring slices of one text as one."""
    found: list[Piece] = []
    for piece in pieces:
        last = found[-1] if found else None
        if (
            isinstance(piece, Slice)
            and isinstance(last, Slice)
            and last.source is piece.source
            and last.end == piece.start
        ):
            found[-1] = Slice(last.source, last.start, piece.end, last.copy)
        elif piece.text:
            found.append(piece)
    return found
