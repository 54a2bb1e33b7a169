"""Planned files, which are made from slices of existing text, and sets of file changes.

Text that moves is never formatted again. A planned file refers to slices of the source, so that
comments, quotes, indentation and line ends are kept by construction. If a word in a slice has to
change, a replacement refers to its characters.

:class:`FileChange` and :class:`Changeset` are the result: the bytes of each file before and after.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Literal

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from composerefactor.edit.text_edits import TextEdit
from composerefactor.yaml.source import BOM, Source


class Replacement(Struct, frozen=True, order=True):
    """Replaces the characters ``start:end`` of a source by *text*."""

    start: int
    end: int
    text: str


class Slice(Struct, frozen=True):
    """A slice of the text of a source.

    Attributes:
        source: The source.
        start: Offset of the first character.
        end: Offset just after the last one.
        copy: True if the text also stays in, or moves to, another file.
        replacements: Replacements within the slice, in order and without overlap.
    """

    source: Source
    start: int
    end: int
    copy: bool = False
    replacements: tuple[Replacement, ...] = ()

    @property
    def text(self) -> str:
        """The text of the slice with its replacements applied."""
        parts, at = [], self.start
        for change in self.replacements:
            parts += [self.source.text[at : change.start], change.text]
            at = change.end
        return "".join([*parts, self.source.text[at : self.end]])

    @property
    def ends_line(self) -> bool:
        """True if the last character ends a line."""
        last = self.source.text[self.end - 1 : self.end]
        return (self.text if self.replacements else last).endswith("\n")


class NewText(Struct, frozen=True):
    """Text that is not part of a source."""

    text: str

    @property
    def ends_line(self) -> bool:
        """True if the last character ends a line."""
        return self.text.endswith("\n")


Piece = Slice | NewText


class PlannedFile(Struct, frozen=True):
    """The planned content of a file.

    Attributes:
        path: The path of the file.
        pieces: The content in order.
        has_bom: True to begin the file with a byte-order mark.
        deleted: True to delete the file; there are no pieces then.
    """

    path: str
    pieces: tuple[Piece, ...] = ()
    has_bom: bool = False
    deleted: bool = False

    @classmethod
    def of(cls, source: Source) -> PlannedFile:
        """Return the file of *source* as it is."""
        return cls(source.path, (Slice(source, 0, len(source.text)),), source.has_bom)

    def text(self) -> str:
        """Return the content."""
        return "".join(piece.text for piece in self.pieces)

    def content(self) -> bytes | None:
        """Return the content as bytes; None if the file is deleted."""
        if self.deleted:
            return None
        return ((BOM if self.has_bom else "") + self.text()).encode("utf-8")

    def rewritten(self, source: Source, changes: Iterable[Replacement]) -> PlannedFile:
        """Return this file with *changes* applied in every slice of *source* that contains them."""
        ordered = sorted(set(changes))
        starts = [change.start for change in ordered]

        def changed(piece: Piece) -> Piece:
            if not isinstance(piece, Slice) or piece.source is not source:
                return piece
            first, last = bisect_left(starts, piece.start), bisect_right(starts, piece.end)
            within = (change for change in ordered[first:last] if change.end <= piece.end)
            return replace(piece, replacements=tuple(within))

        return replace(self, pieces=tuple(map(changed, self.pieces)))

    @property
    def replacements(self) -> int:
        """The number of replacements in all slices."""
        return sum(len(p.replacements) for p in self.pieces if isinstance(p, Slice))

    @property
    def copied_lines(self) -> int:
        """How many non-blank lines are in another place, too."""
        return sum(_line_count(p.text) for p in self.pieces if isinstance(p, Slice) and p.copy)

    @property
    def moved_lines(self) -> int:
        """How many non-blank lines come from another file, and are not copies."""
        return sum(
            _line_count(p.text)
            for p in self.pieces
            if isinstance(p, Slice) and not p.copy and p.source.path != self.path
        )

    def lines_rewritten(self) -> int:
        """Return the number of lines in which a part of the original text is replaced."""
        lines = {
            (id(piece.source), piece.source.line_index(change.start))
            for piece in self.pieces
            if isinstance(piece, Slice)
            for change in piece.replacements
        }
        return len(lines) + sum(
            isinstance(piece, NewText) and bool(piece.text.strip()) and before.text[-1:] != "\n"
            for before, piece in pairwise(self.pieces)
        )


def _line_count(text: str) -> int:
    return sum(1 for line in text.splitlines() if line.strip())


def slice_with_edits(
    source: Source, start: int, end: int, edits: Iterable[TextEdit]
) -> list[Piece]:
    """Return ``start:end`` of *source*, with those of *edits* applied that are inside of it.

    *edits* are in text order and do not overlap.
    """
    pieces: list[Piece] = []
    for edit in edits:
        if start <= edit.start and edit.end <= end:
            pieces += [Slice(source, start, edit.start), NewText(edit.text)]
            start = edit.end
    pieces.append(Slice(source, start, end))
    return [piece for piece in pieces if piece.text]


def indent_by(pieces: Sequence[Piece], by: int) -> list[Piece]:
    """Return *pieces*, whole lines, moved by *by* columns: right if positive, left if negative.

    Blank lines and comments in the first column do not move.
    """
    if not by:
        return list(pieces)
    moved: list[Piece] = []
    at_line_start = True
    for piece in pieces:
        for start, end in _line_spans(piece.text):
            line = piece.text[start:end]
            if at_line_start and line.strip() and not line.startswith("#"):
                if by > 0:
                    moved.append(NewText(" " * by))
                else:
                    start += min(-by, len(line) - len(line.lstrip(" ")))  # noqa: PLW2901
            moved.append(_sub_piece(piece, start, end))
            at_line_start = line.endswith("\n")
    return _join_neighbours(moved)


def with_line_ends(pieces: Iterable[Piece], newline: str) -> list[Piece]:
    """Return *pieces* with *newline* at the end of every line, including the last one."""
    converted: list[Piece] = []
    for piece in pieces:
        text = piece.text.replace("\r\n", "\n").replace("\n", newline)
        converted.append(piece if text == piece.text else NewText(text))
    if converted and not converted[-1].text.endswith("\n"):
        converted.append(NewText(newline))
    return converted


def _line_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) of each line of *text*, line end included."""
    start = 0
    while start < len(text):
        at = text.find("\n", start)
        end = len(text) if at < 0 else at + 1
        yield start, end
        start = end


def _sub_piece(piece: Piece, start: int, end: int) -> Piece:
    """Return the part ``start:end`` of *piece*, which must not have replacements."""
    if isinstance(piece, Slice):
        return Slice(piece.source, piece.start + start, piece.start + end, piece.copy)
    return NewText(piece.text[start:end])


def _join_neighbours(pieces: Iterable[Piece]) -> list[Piece]:
    """Return *pieces* with adjacent slices of the same text joined."""
    joined: list[Piece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if (
            isinstance(piece, Slice)
            and isinstance(last, Slice)
            and last.source is piece.source
            and last.end == piece.start
        ):
            joined[-1] = Slice(last.source, last.start, piece.end, last.copy)
        elif piece.text:
            joined.append(piece)
    return joined


_ID_LENGTH = 8


@dataclass(frozen=True, slots=True)
class FileChange:
    """The content of one file before and after a change.

    Raises ValueError for a path that is absolute or not in normal form.

    Attributes:
        path: The path, POSIX and relative to the project root.
        before: The content before; None if the file does not exist.
        after: The content afterwards; None if the file does not exist.
        private: Whether only the owner may read the file, if it is new.
    """

    path: str
    before: bytes | None = field(repr=False)
    after: bytes | None = field(repr=False)
    private: bool = False

    def __post_init__(self) -> None:
        parts = self.path.split("/")
        if not self.path or any(part in {"", ".", ".."} for part in parts) or "\0" in self.path:
            msg = f"not a path below the project root in normal form: {self.path!r}"
            raise ValueError(msg)

    @property
    def is_created(self) -> bool:
        """True if the change creates the file."""
        return self.before is None and self.after is not None

    @property
    def is_changed(self) -> bool:
        """True if the file exists before and after."""
        return self.before is not None and self.after is not None

    @property
    def is_deleted(self) -> bool:
        """True if the change deletes the file."""
        return self.before is not None and self.after is None

    @property
    def kind(self) -> Literal["created", "changed", "deleted"]:
        """What happens to the file."""
        if self.is_deleted:
            return "deleted"
        return "created" if self.is_created else "changed"

    @property
    def lines(self) -> tuple[int, int]:
        """The numbers of lines before and after; 0 for a file that does not exist."""
        return line_count(self.before), line_count(self.after)

    @property
    def id(self) -> str:
        """A short hash of the path and the contents, which identifies the change."""
        digest = hashlib.sha256(self.path.encode("utf-8", "surrogateescape"))
        for content in (self.before, self.after):
            digest.update(b"\0-" if content is None else b"\0%d:" % len(content))
            digest.update(content or b"")
        return digest.hexdigest()[:_ID_LENGTH]


class Changeset(Struct, frozen=True):
    """File changes in order of path, without those that change nothing.

    Raises ValueError for two changes of one file, and for a change below a path that is a file in
    another change, because such changes cannot be written all or nothing.
    """

    changes: tuple[FileChange, ...] = ()

    def __post_init__(self) -> None:
        ordered = sorted(
            (change for change in self.changes if change.before != change.after),
            key=lambda change: change.path,
        )
        paths = {change.path for change in ordered}
        if len(paths) != len(ordered):
            msg = "two changes of one file"
            raise ValueError(msg)
        for path in paths:
            for parent in PurePosixPath(path).parents:
                if str(parent) in paths:
                    msg = f"{parent} is a file in one change and the directory of {path} in another"
                    raise ValueError(msg)
        force_setattr(self, "changes", tuple(ordered))

    @property
    def is_empty(self) -> bool:
        """True if nothing changes."""
        return not self.changes

    @property
    def created(self) -> tuple[FileChange, ...]:
        """The changes that create a file."""
        return tuple(change for change in self.changes if change.is_created)

    @property
    def changed(self) -> tuple[FileChange, ...]:
        """The changes to files that exist before and after."""
        return tuple(change for change in self.changes if change.is_changed)

    @property
    def deleted(self) -> tuple[FileChange, ...]:
        """The changes that delete a file."""
        return tuple(change for change in self.changes if change.is_deleted)

    def as_mapping(self) -> dict[str, bytes | None]:
        """Return the new contents by path; None if the file is deleted."""
        return {change.path: change.after for change in self.changes}

    def text_lines(self) -> tuple[int, int]:
        """Return how many non-blank lines the files have before and after."""
        before = sum(text_lines(change.before) for change in self.changes)
        return before, sum(text_lines(change.after) for change in self.changes)


def line_count(content: bytes | None) -> int:
    """Return how many lines *content* has; None is a file that does not exist."""
    return len((content or b"").splitlines())


def text_lines(content: bytes | None) -> int:
    """Return how many non-blank lines *content* has; None is a file that does not exist."""
    return sum(1 for line in (content or b"").splitlines() if line.strip())
