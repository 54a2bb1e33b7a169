"""A plan whose root files stand in a directory of their own afterwards."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.compose.file import ComposeFile
from composerefactor.compose.project import Project, project_name
from composerefactor.edits.drafts import Draft, Slice
from composerefactor.entrypoints.files import DEFAULT_NAMES, FileReader
from composerefactor.entrypoints.readers import OtherReader
from composerefactor.errors import Location, RefusedError
from composerefactor.moving.obstacles import extended_paths, why_commands
from composerefactor.moving.pins import followed, pinned, started
from composerefactor.moving.references import References, references
from composerefactor.moving.relocation import Relocation
from composerefactor.patterns import regex
from composerefactor.source import Source
from composerefactor.transform import Plan

_FINDS_FILES = regex(r"^include:|\bfile:", re.MULTILINE)
"""What fails in the wrong project directory, since the files are not found there."""


class Move(Struct, frozen=True, dict=True):
    """The roots of *project* on their way.

    *name* is what the engine calls the project, *why_commands* the reason for commands that name
    the project directory; where there is none the files themselves say what they need.
    """

    project: Project
    relocation: Relocation
    files: FileReader
    name: str = ""
    why_commands: str = ""

    @classmethod
    def of(
        cls,
        project: Project,
        files: FileReader,
        readers: Iterable[OtherReader],
        found: Relocation,
        directory: str,
    ) -> Move:
        """Return the move of *found*; *directory* is the name of the project directory.

        Raises RefusedError for a root that another one extends and that cannot move along.
        """
        name = project_name(directory)
        why = why_commands(project, found, files.paths(), readers, name)
        for error in extended_paths(project, found) if why else ():
            raise error
        return cls(project, found, files, name, why)

    def after(self, plan: Plan) -> Plan:
        """Return *plan* with the move made after it.

        Raises RefusedError for a command that cannot be written anew.
        """
        files = self.relocation.files
        if not files:
            return plan
        drafts = {draft.path: draft for draft in plan.drafts}
        moved = [replace(self._root(drafts, old), path=new) for old, new in files.items()]
        others = [draft for draft in plan.drafts if draft.path not in files]
        gone = [Draft(old, deleted=True) for old in files]
        return replace(
            plan,
            drafts=(*moved, *others, *gone, *self.references.drafts),
            relocated=files,
            entries=self.entries,
            mentions=tuple(m for m in self.references.mentions if m not in self._followed),
            notes=(*plan.notes, *self._notes(moved)),
        )

    @cached_property
    def entries(self) -> Mapping[EntryPoint, EntryPoint]:
        """The new command of each entry point that needs another one."""
        return {e: self.started(e) for e in self.project.entries if self.relocation.moves(e)}

    @cached_property
    def references(self) -> References:
        """The commands in the project's files, written anew."""
        if self.project.read is None:
            return References()
        found = references(self.files, self.project.read, self.relocation, self.started)
        for draft in found.drafts:
            if posixpath.basename(draft.path) == ".env" and self.project.is_ignored(draft.path):
                raise RefusedError(
                    "names root files, and git ignores it: others have one of their own",
                    location=Location(draft.path),
                    remedy="leave the roots where they are, without --move-roots",
                )
        return found

    @property
    def _followed(self) -> set[Location]:
        """Where roots extend others that move with them."""
        known = self.project.extensions
        places = {e.location for path in self.relocation.files for e in known.get(path, ())}
        return {Location(place.path, place.line) for place in places}

    def started(self, entry: EntryPoint) -> EntryPoint:
        """Return the command of *entry* after the move."""
        return started(entry, self.relocation, in_files=not self.why_commands)

    def _root(self, drafts: Mapping[str, Draft], path: str) -> Draft:
        """Return the root at *path* as it will be, with what its new place needs."""
        source = self.project.files[path].source
        whole = Draft(path, (Slice(source, 0, len(source.text)),), source.has_bom)
        draft = drafts.get(path, whole)
        if self.why_commands and "extends" not in draft.text():
            return draft
        file = ComposeFile.parse(Source(path, draft.text(), draft.has_bom))
        if self.why_commands:
            return followed(file, self.relocation)
        is_base = any(entry.base == path for entry in self.project.entries)
        return pinned(file, self.relocation, self.name if is_base else "")

    def _notes(self, moved: Iterable[Draft]) -> Iterator[str]:
        stay = [p for p in self.project.files if "/" not in p and p not in self.relocation.files]
        if stay:
            yield f"left where other files or programs look for it: {', '.join(stay)}"
        default = [name for name in self.relocation.files if name in DEFAULT_NAMES]
        if self.why_commands:
            yield f"commands name the project directory from now on: {self.why_commands}"
            for draft in moved:
                if not _FINDS_FILES.search(draft.text()):
                    old = posixpath.basename(draft.path)
                    yield f"without it {old} takes another name and other paths, and nothing fails"
        elif any(
            "name" not in self.project.files[path].root_keys for path in self.relocation.files
        ):
            yield (
                f"`name: {self.name}` keeps names and volumes; a copy of the project in another "
                "directory has the same from now on"
            )
        if self.references.bound:
            places = ", ".join(map(str, self.references.bound))
            yield f"to be run in the project directory from now on: {places}"
        names_them = any(posixpath.basename(d.path) == ".env" for d in self.references.drafts)
        if default and not names_them:
            yield (
                f"`docker compose` alone finds no file any more; an override of {default[0]} that "
                "is not in the repository has to be named with -f, too"
            )
