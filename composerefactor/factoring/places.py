"""The state of a layout: which part of which base file goes where."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from composerefactor.compose.file import ComposeFile
from composerefactor.compose.project import Project
from composerefactor.factoring.variants import Factored, Owners
from composerefactor.modules.anchors import AnchorIndex, Holder
from composerefactor.modules.assignment import Module
from composerefactor.source import Source
from composerefactor.yamltree.comments import comments
from composerefactor.yamltree.regions import Region

ROOT = ""


class Piece(Struct, frozen=True):
    """An environment file of one base: its *services*, and the *modules* that it adds to.

    All of them stand in one include entry: until v5 a service in two entries is a conflict.
    """

    path: str
    services: tuple[str, ...]
    modules: tuple[str, ...]


class Places(Struct):
    """Files are named by their index in ``factored.files``.

    *modules* are new files for what some of them share, or one has alone; *environments* those with
    what each adds; *homes* gives the path of every part, :data:`ROOT` for what stays.
    """

    project: Project
    factored: Factored
    modules: list[tuple[Owners, Module]] = []
    environments: dict[int, list[Piece]] = {}
    homes: dict[int, dict[Holder, str]] = {}

    @property
    def files(self) -> list[ComposeFile]:
        """The base files."""
        return self.factored.files

    @property
    def anchors(self) -> list[AnchorIndex]:
        """The anchors of each base file."""
        return self.factored.anchors

    def place_services(self) -> None:
        """Set the homes of all parts: services where they are taken, the rest in the root."""
        for i, file in enumerate(self.files):
            homes = dict.fromkeys(_holders(file), ROOT)
            for piece in self.environments[i]:
                homes |= {("services", name): piece.path for name in piece.services}
            for owners, module in self.modules:
                if i in owners:
                    homes |= {("services", name): module.path for name in module.services}
            self.homes[i] = homes


def head(source: Source, region: Region) -> list[str]:
    """Return the comments above the key of *region* and on its line, each from its ``#`` on."""
    return comments(source, region.entry, region.lead, source.next_line(region.key))


def _holders(file: ComposeFile) -> Iterator[Holder]:
    for name, section in (file.sections or {}).items():
        if section.entries is None or name.startswith("x-"):
            yield name, ""
        else:
            yield from ((name, key) for key in section.entries)
