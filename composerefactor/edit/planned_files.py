"""A file put together from slices of existing text.

Text that moves is never printed anew: a draft names the slice of the source that it takes, so that
comments, quotes, indentation and line ends come along by construction. Where a word in it has to
change, a replacement names the characters that do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from composerefactor.edit.splices import TextEdit
from composerefactor.yaml.source import BOM, Source


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


class NewText(Struct, frozen=True):
    """Text that stands nowhere yet."""

    text: str

    @property
    def ends_line(self) -> bool:
        """True where the last character ends a line."""
        return self.text.endswith("\n")


Piece = Slice | NewText


class PlannedFile(Struct, frozen=True):
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

    def rewritten(self, source: Source, changes: Iterable[Replacement]) -> PlannedFile:
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
            _line_count(p.text)
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
            isinstance(piece, NewText) and bool(piece.text.strip()) and before.text[-1:] != "\n"
            for before, piece in pairwise(self.pieces)
        )


def _line_count(text: str) -> int:
    return sum(1 for line in text.splitlines() if line.strip())


def cut(source: Source, start: int, end: int, splices: Iterable[TextEdit] = ()) -> list[Piece]:
    """Return ``start:end`` of *source* with those of *splices* made that stand in it.

    *splices* are in the order of the text and do not overlap.
    """
    found: list[Piece] = []
    for splice in splices:
        if start <= splice.start and splice.end <= end:
            found += [Slice(source, start, splice.start), NewText(splice.text)]
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
                    found.append(NewText(" " * by))
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
        found.append(piece if plain == piece.text else NewText(plain))
    if found and not found[-1].text.endswith("\n"):
        found.append(NewText(newline))
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
    return NewText(piece.text[start:end])


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


_ID_LENGTH = 8


@dataclass(frozen=True, slots=True)
class FileChange:
    """The content of one file before and after; None where the file does not exist.

    *path* is POSIX, in normal form, and relative to the project root; ValueError for others.
    """

    path: str
    before: bytes | None = field(repr=False)
    after: bytes | None = field(repr=False)

    def __post_init__(self) -> None:
        parts = self.path.split("/")
        if not self.path or any(part in {"", ".", ".."} for part in parts) or "\0" in self.path:
            msg = f"not a path below the project root in normal form: {self.path!r}"
            raise ValueError(msg)

    @property
    def is_created(self) -> bool:
        """True where there was no such file."""
        return self.before is None and self.after is not None

    @property
    def is_changed(self) -> bool:
        """True where the file exists before and after."""
        return self.before is not None and self.after is not None

    @property
    def is_deleted(self) -> bool:
        """True where the file is gone afterwards."""
        return self.before is not None and self.after is None

    @property
    def id(self) -> str:
        """A short name of this very change: it depends on path and content, on nothing else."""
        digest = hashlib.sha256(self.path.encode("utf-8", "surrogateescape"))
        for content in (self.before, self.after):
            digest.update(b"\0-" if content is None else b"\0%d:" % len(content))
            digest.update(content or b"")
        return digest.hexdigest()[:_ID_LENGTH]


class Changeset(Struct, frozen=True):
    """File changes ordered by path, without those that change nothing.

    Two changes of one file, and a change below a path that another change takes for a file, raise
    ValueError: such a set has no order in which all or nothing of it can be written.
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
        """True where nothing changes."""
        return not self.changes

    @property
    def created(self) -> tuple[FileChange, ...]:
        """The changes that create a file."""
        return tuple(change for change in self.changes if change.is_created)

    @property
    def changed(self) -> tuple[FileChange, ...]:
        """The changes of files that exist before and after."""
        return tuple(change for change in self.changes if change.is_changed)

    @property
    def deleted(self) -> tuple[FileChange, ...]:
        """The changes that delete a file."""
        return tuple(change for change in self.changes if change.is_deleted)

    def as_mapping(self) -> dict[str, bytes | None]:
        """Return the new content by path; None where the file is deleted."""
        return {change.path: change.after for change in self.changes}

    def text_lines(self) -> tuple[int, int]:
        """Return how many lines that are not blank the files have before and after."""
        before = sum(_text_lines(change.before) for change in self.changes)
        return before, sum(_text_lines(change.after) for change in self.changes)


def _text_lines(content: bytes | None) -> int:
    return sum(1 for line in (content or b"").splitlines() if line.strip())
