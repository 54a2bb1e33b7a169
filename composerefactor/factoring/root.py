"""The include list of a root whose services all left it."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.compose.file import Section
from composerefactor.edits.drafts import Piece, Written
from composerefactor.modules.include import IncludeEdit


class RootInclude(IncludeEdit, frozen=True):
    """Keeps the comments on the key ``services``, which stands no more: *titles*, each from ``#``.

    Modules cannot take them, since one may hold the services of several roots.
    """

    titles: tuple[str, ...] = ()

    def created(self) -> Iterator[Piece]:
        """Yield a new section; what stands above the key stays there, what stands behind goes."""
        source, region = self.file.source, (self.file.sections or {})["services"].region
        behind = source.text[region.key : source.next_line(region.key)]
        yield from self._written(title for title in self.titles if title in behind)
        yield from IncludeEdit.created(self)

    def appended(self, section: Section) -> Iterator[Piece]:
        """Yield the existing *section* with the modules, and then what titled the services."""
        yield from IncludeEdit.appended(self, section)
        yield from self._written(self.titles)

    def _written(self, found: Iterator[str] | tuple[str, ...]) -> Iterator[Piece]:
        for title in found:
            yield Written(title + self.file.source.newline)
