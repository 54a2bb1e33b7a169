"""A project in memory whose roots move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from composerefactor.compose.files import Library
from composerefactor.compose.project import Project, load_project
from composerefactor.discovery.files import Listing, TreeFacts
from composerefactor.discovery.find import Survey, survey
from composerefactor.refactoring.move_roots.commands import References, rewritten_references
from composerefactor.refactoring.move_roots.relocation import (
    Relocation,
    invocation_after,
    plan_relocation,
)


class Texts:
    """The files of a project, as the parser reads them."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = dict(texts)

    def exists(self, path: str) -> bool:
        return path in self.texts

    def read_bytes(self, path: str) -> bytes:
        return self.texts[path].encode()


@dataclass(frozen=True)
class Shop:
    """What was found in a project, and where its roots go."""

    listing: Listing
    project: Project
    found: Survey
    relocation: Relocation

    def references(self, *, in_files: bool = False) -> References:
        return rewritten_references(
            self.listing,
            self.project.read or (lambda _: b""),
            self.relocation,
            lambda entry: invocation_after(entry, self.relocation, in_files=in_files),
        )

    def rewritten(self, *, in_files: bool = False) -> dict[str, str]:
        return {d.path: d.text() for d in self.references(in_files=in_files).planned_files}


def shop(texts: Mapping[str, str], to: str = "docker-compose") -> Shop:
    """Return the project of *texts* with its roots on their way."""
    files = Texts(texts)
    library = Library(files)
    listing = Listing(lambda: sorted(texts), texts.get)
    found = survey(listing, TreeFacts(listing, library))
    project = load_project(found.entries, library)
    moving = plan_relocation(project, found.readers, to, is_directory=True)
    return Shop(listing, project, found, moving)
