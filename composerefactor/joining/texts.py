"""A file whose text moves to another one, with what has to change in it on the way."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from composerefactor.compose.file import ComposeFile
from composerefactor.edits.drafts import Piece
from composerefactor.edits.pieces import cut
from composerefactor.edits.splice import Splice
from composerefactor.errors import Location
from composerefactor.source import Source


class CannotJoinError(Exception):
    """Text cannot be taken in exactly; *words* say why, *location* where."""

    def __init__(self, words: str, location: Location) -> None:
        super().__init__(words)
        self.words = words
        self.location = location


class Text(Struct, frozen=True):
    """The text of *file*, whose relative paths start at *directory*, with *splices* made in it."""

    file: ComposeFile
    directory: str
    splices: tuple[Splice, ...] = ()

    @property
    def source(self) -> Source:
        """The text as it stands."""
        return self.file.source

    @property
    def path(self) -> str:
        """The path of the file."""
        return self.file.path

    def cut(self, start: int, end: int) -> list[Piece]:
        """Return the characters ``start:end`` with the splices in them."""
        return cut(self.source, start, end, self.splices)

    def with_splices(self, splices: Iterable[Splice]) -> Text:
        """Return this text with *splices* as well."""
        found = sorted((*self.splices, *splices), key=lambda each: (each.start, each.end))
        return Text(self.file, self.directory, tuple(found))

    def splices_in(self, start: int, end: int) -> tuple[str, ...]:
        """Return what the splices in ``start:end`` write."""
        return tuple(e.text for e in self.splices if start <= e.start and e.end <= end)

    def cannot(self, words: str, at: int) -> CannotJoinError:
        """Return the error for what stands at offset *at*."""
        return CannotJoinError(words, self.source.location(at))
