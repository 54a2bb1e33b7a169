"""A plan with a move of root files made after it.

After the move, the directory of the first file would be the project directory, and the project name
and all paths would change. There are two ways to prevent that. The files themselves can say it: the
project name is written to them, and their paths are rewritten. Where that is not possible, every
command names the project directory (:func:`why_directory_option`).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.dotenv import assignments
from composerefactor.compose.files import DEFAULT_NAMES, ComposeFile
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.merge import values_below
from composerefactor.compose.paths import file_path_attributes, path_attributes
from composerefactor.compose.project import Project, project_name
from composerefactor.compose.service_values import read_pairs
from composerefactor.compose.services import services_in
from composerefactor.discovery.files import Listing
from composerefactor.discovery.readers import PUBLISH, OtherReader
from composerefactor.discovery.structured import compose_settings
from composerefactor.edit.planned_files import PlannedFile
from composerefactor.errors import Location, RefusedError
from composerefactor.refactoring.contract import Plan
from composerefactor.refactoring.move_roots.commands import References, rewritten_references
from composerefactor.refactoring.move_roots.relocation import (
    Relocation,
    invocation_after,
    root_with_moved_extends,
    root_with_pins,
)
from composerefactor.yaml.nodes import ScalarNode, walk
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import merged_entries

_ENV_FILE = r"\.env(?!rc)(?:\.[\w.-]*)?|[\w.-]*env\.(?:example|sample|template|dist)"
_SET_EVERYWHERE = frozenset({"HOME", "PATH", "PWD"})


def why_directory_option(
    project: Project,
    relocation: Relocation,
    paths: Iterable[str],
    readers: Iterable[OtherReader],
    name: str,
) -> str:
    """Return why commands have to name the project directory, ``""`` where the files can say it.

    Args:
        project: the project.
        relocation: the move.
        paths: all files of the project.
        readers: other programs that read some of them.
        name: the name that Docker Compose gives the project.
    """
    return next(_reasons_for_option(project, relocation, paths, readers, name), "")


def _reasons_for_option(
    project: Project,
    relocation: Relocation,
    paths: Iterable[str],
    readers: Iterable[OtherReader],
    name: str,
) -> Iterator[str]:
    others = (reader for reader in readers if reader.name != PUBLISH)
    old = next((reader for reader in others if reader.path in relocation.files), None)
    if old is not None:
        yield f"{old.evidence} starts {old.name}, which does not support `name:`"
    env_files = [
        p
        for p in paths
        if re.fullmatch(_ENV_FILE, p) and not _has_only_compose_settings(project, p)
    ]
    if env_files:
        yield f"there is {env_files[0]}, and the .env would be read from {relocation.directory}"
    for file in project.files.values():
        yield from _dotenv_variables(file)
    for path in sorted(project.env_files):
        if "$" in (project.text(path) or ""):
            yield f"{path} takes variables from the .env"
    yield from _command_problems(project, relocation)
    for file in project.files.values():
        yield from _implicit_directories(file)
    yield from _name_problems(project, relocation, name)
    for path in relocation.files:
        try:
            root_with_pins(project.files[path], relocation, name)
        except RefusedError as error:
            yield str(error)


def _has_only_compose_settings(project: Project, path: str) -> bool:
    """Return whether *path* is the ``.env`` and has only ``COMPOSE_*`` settings.

    Docker Compose reads those from the directory in which the command runs, wherever the files are
    that they name (observed: v2.24.1 to v5.6.1).
    """
    text = project.text(path) if path == ".env" else None
    if text is None:
        return False
    names = compose_settings(text)
    return "COMPOSE_FILE" in names and all(a.name in names for a in assignments(text))


def refusals_for_extended_paths(project: Project, relocation: Relocation) -> Iterator[RefusedError]:
    """Yield the root files that cannot move where commands name the project directory.

    Docker Compose resolves the paths of an extended file from that file's own directory, whatever
    the project directory is (observed: v2.24.1 to v5.6.1).
    """
    for path in relocation.files:
        for extension in project.extensions.get(path, ()):
            body = project.files[path].services.get(extension.service)
            if extension.location.path not in relocation.files or body is None:
                continue
            for attribute in path_attributes(body):
                if attribute.resolved and attribute.form in {"relative", "variable"}:
                    yield RefusedError(
                        f"extends {extension.service} in {path}, whose {attribute.kind} would be "
                        f"read from {relocation.directory}",
                        location=extension.location,
                        remedy="move what it needs to a file that is not a root file, or leave the "
                        "root files where they are",
                    )


def _command_problems(project: Project, relocation: Relocation) -> Iterator[str]:
    """Yield why the files of a start command cannot say what its project directory is."""
    for entry in filter(relocation.moves, project.entries):
        if entry.project_directory is not None:
            yield "a command names it already"
        if not set(entry.files) <= relocation.files.keys():
            yield f"{entry.title} would not be in one directory"


def _dotenv_variables(file: ComposeFile) -> Iterator[str]:
    """Yield where *file* uses variables that a ``.env`` may set."""
    names = sorted({v.name for v in file.variables} - _SET_EVERYWHERE)
    if names:
        yield f"{_first_use(file, names[0])} uses ${names[0]}, which a .env may set"
    for service in services_in(file).values():
        arguments = values_below(service.values("build"), "args")
        for pairs in (*service.values("environment"), *arguments):
            if any(pair.value is None for pair in read_pairs([pairs]).values()):
                yield f"{file.source.location(pairs.node.start)} passes on what a .env may set"
    for section in ("secrets", "configs"):
        for body in file.entries(section).values():
            variable = merged_entries(body).get("environment")
            if variable is not None:
                yield f"{file.source.location(variable.start)} names what a .env may set"


def _first_use(file: ComposeFile, name: str) -> Location:
    """Return where the variable *name* is used first in *file*."""
    pattern = re.compile(rf"\$\{{?{name}\b")
    for node in walk(file.root):
        if isinstance(node, ScalarNode) and pattern.search(node.value):
            return file.source.location(node.start)
    return Location(file.path)


def _implicit_directories(file: ComposeFile) -> Iterator[str]:
    """Yield what in *file* refers to the project directory without a path that can be rewritten."""
    for path in file_path_attributes(file.root):
        at = file.source.location(path.node.start)
        if path.is_missing:
            yield f"{at} has no build context, so the context is the project directory"
        elif path.kind == "security_opt" and path.form == "relative":
            yield f"{at} names a file that is read from the project directory"


def _name_problems(project: Project, relocation: Relocation, name: str) -> Iterator[str]:
    """Yield why the project *name* cannot be written to the files."""
    if not name:
        yield "the name of the project directory gives no project name"
    named = {path for path in relocation.files if "name" in project.files[path].root_keys}
    roots = {entry.root_file for entry in project.entries}
    for entry in project.entries:
        for at, path in enumerate(entry.files):
            if path in roots - named and named & set(entry.files[:at]):
                yield f"{path} is used alone, and over a file with a project name"


_FINDS_FILES = r"(?m)^include:|\bfile:"
"""Text that makes a command fail in the wrong project directory: its files are not there."""


class Move(Struct, frozen=True, dict=True):
    """A move of root files, and what it changes in the project.

    Attributes:
        project: the project.
        relocation: which files move, and where.
        listing: all files of the project.
        name: the name that Docker Compose gives the project.
        why_option: why commands have to name the project directory; ``""`` where the files
            themselves have the project name and rewritten paths.
    """

    project: Project
    relocation: Relocation
    listing: Listing
    name: str = ""
    why_option: str = ""

    @classmethod
    def of(
        cls,
        project: Project,
        listing: Listing,
        readers: Iterable[OtherReader],
        relocation: Relocation,
        directory: str,
    ) -> Move:
        """Return the move *relocation*; *directory* is the name of the project directory.

        Raises RefusedError for a root file that another one extends and that cannot move along.
        """
        name = project_name(directory)
        why = why_directory_option(project, relocation, listing.paths, readers, name)
        for error in refusals_for_extended_paths(project, relocation) if why else ():
            raise error
        return cls(project, relocation, listing, name, why)

    def after(self, plan: Plan) -> Plan:
        """Return *plan* with the move made after it.

        Raises RefusedError for a command that cannot be rewritten.
        """
        files = self.relocation.files
        if not files:
            return plan
        by_path = {planned_file.path: planned_file for planned_file in plan.planned_files}
        moved = [replace(self._root(by_path, old), path=new) for old, new in files.items()]
        others = [file for file in plan.planned_files if file.path not in files]
        deleted = [PlannedFile(old, deleted=True) for old in files]
        return replace(
            plan,
            planned_files=(*moved, *others, *deleted, *self.references.planned_files),
            relocated=files,
            entries=self.entries,
            mentions=tuple(m for m in self.references.mentions if m not in self._rewritten),
            notes=(*plan.notes, *self._notes(moved)),
        )

    @cached_property
    def entries(self) -> Mapping[Invocation, Invocation]:
        """The new start command for each one that changes."""
        return {e: self.invocation(e) for e in self.project.entries if self.relocation.moves(e)}

    @cached_property
    def references(self) -> References:
        """The files with commands that change.

        Raises RefusedError where one of them is a ``.env`` that git ignores.
        """
        if self.project.read is None:
            return References()
        references = rewritten_references(
            self.listing, self.project.read, self.relocation, self.invocation
        )
        for planned_file in references.planned_files:
            if posixpath.basename(planned_file.path) == ".env" and self.project.is_ignored(
                planned_file.path
            ):
                raise RefusedError(
                    "names root files and is ignored by git: others have one of their own",
                    location=Location(planned_file.path),
                    remedy="leave the root files where they are, without --move-roots",
                )
        return references

    @property
    def _rewritten(self) -> set[Location]:
        """Where root files extend others that move with them."""
        known = self.project.extensions
        places = {e.location for path in self.relocation.files for e in known.get(path, ())}
        return {Location(place.path, place.line) for place in places}

    def invocation(self, entry: Invocation) -> Invocation:
        """Return the start command *entry* after the move."""
        return invocation_after(entry, self.relocation, in_files=not self.why_option)

    def _root(self, planned_files: Mapping[str, PlannedFile], path: str) -> PlannedFile:
        """Return the root file *path*, as planned so far, with what it needs in its new place."""
        source = self.project.files[path].source
        planned_file = planned_files.get(path, PlannedFile.of(source))
        if self.why_option and "extends" not in planned_file.text():
            return planned_file
        file = ComposeFile.parse(Source(path, planned_file.text(), planned_file.has_bom))
        if self.why_option:
            return root_with_moved_extends(file, self.relocation)
        is_root = any(entry.root_file == path for entry in self.project.entries)
        return root_with_pins(file, self.relocation, self.name if is_root else "")

    def _notes(self, moved: Iterable[PlannedFile]) -> Iterator[str]:
        """Yield notes on the move; *moved* are the root files in their new places."""
        stay = [p for p in self.project.files if "/" not in p and p not in self.relocation.files]
        if stay:
            yield f"not moved, since other files or programs need them: {', '.join(stay)}"
        default = [name for name in self.relocation.files if name in DEFAULT_NAMES]
        if self.why_option:
            yield f"commands name the project directory now: {self.why_option}"
            for planned_file in moved:
                if not re.search(_FINDS_FILES, planned_file.text()):
                    old = posixpath.basename(planned_file.path)
                    yield (
                        f"without that option {old} has another project name and other paths, and "
                        "no command fails"
                    )
        elif any(
            "name" not in self.project.files[path].root_keys for path in self.relocation.files
        ):
            yield (
                f"`name: {self.name}` keeps names and volumes; a copy of the project in another "
                "directory has the same ones now"
            )
        if self.references.in_project_directory:
            places = ", ".join(map(str, self.references.in_project_directory))
            yield f"these commands must run in the project directory now: {places}"
        has_setting = any(
            posixpath.basename(f.path) == ".env" for f in self.references.planned_files
        )
        if default and not has_setting:
            yield (
                f"`docker compose` alone finds no file any more; name an override of {default[0]} "
                "that is not in the repository with -f, too"
            )
