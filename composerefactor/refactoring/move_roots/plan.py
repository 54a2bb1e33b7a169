"""A plan whose root files stand in a directory of their own afterwards."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.dotenv import assignments
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.merge_keys import item_nodes, merged_entries, merged_get, scalar_text
from composerefactor.compose.paths import file_path_attributes, path_attributes
from composerefactor.compose.project import Project, project_name
from composerefactor.discovery.files import DEFAULT_NAMES, FileReader
from composerefactor.discovery.readers import OtherReader
from composerefactor.discovery.structured import settings
from composerefactor.edit.planned_files import PlannedFile, Slice
from composerefactor.errors import Location, RefusedError
from composerefactor.refactoring.contract import Plan
from composerefactor.refactoring.join.relocate import CannotJoinError
from composerefactor.refactoring.move_roots.commands import References, references
from composerefactor.refactoring.move_roots.relocation import Relocation, followed, pinned, started
from composerefactor.yaml.nodes import MappingNode, Node, ScalarNode, walk
from composerefactor.yaml.source import Source

_ENV_FILE = re.compile(r"\.env(?!rc)(?:\.[\w.-]*)?|[\w.-]*env\.(?:example|sample|template|dist)")
_SET_EVERYWHERE = frozenset({"HOME", "PATH", "PWD"})


def why_commands(
    project: Project,
    found: Relocation,
    paths: Iterable[str],
    readers: Iterable[OtherReader],
    name: str,
) -> str:
    """Return why the commands of *project* have to name its directory, ``""`` where files do.

    *paths* are all files of the project, *readers* the other programs that read some of them,
    *name* is what the engine calls it.
    """
    return next(_reasons(project, found, paths, readers, name), "")


def _reasons(
    project: Project,
    found: Relocation,
    paths: Iterable[str],
    readers: Iterable[OtherReader],
    name: str,
) -> Iterator[str]:
    old = next((reader for reader in readers if reader.path in found.files), None)
    if old is not None:
        yield f"{old.evidence} starts {old.name}, which knows no `name:`"
    env_files = [p for p in paths if _ENV_FILE.fullmatch(p) and not _only_chooses(project, p)]
    if env_files:
        yield f"there is {env_files[0]}, and the .env would be looked for in {found.directory}"
    for file in project.files.values():
        yield from _variables(file)
    for path in sorted(project.env_files):
        if project.read is not None and project.exists(path) and b"$" in project.read(path):
            yield f"{path} takes variables from the .env"
    yield from _commands(project, found)
    for file in project.files.values():
        yield from _places(file)
    yield from _names(project, found, name)
    for path in found.files:
        try:
            pinned(project.files[path], found, name)
        except CannotJoinError as error:
            yield f"{error.location}: {error.words}"
        except RefusedError as error:
            yield str(error)


def _only_chooses(project: Project, path: str) -> bool:
    """Return whether the ``.env`` at *path* has nothing but ``COMPOSE_*`` settings.

    The engine takes those from where the command runs, wherever the files are that they name
    (observed: v2.24.1 to v5.6.1).
    """
    if path != ".env" or project.read is None:
        return False
    text = project.read(path).decode("utf-8", "replace")
    found = settings(text)
    return "COMPOSE_FILE" in found and all(a.name in found for a in assignments(text))


def extended_paths(project: Project, found: Relocation) -> Iterator[RefusedError]:
    """Yield why roots cannot follow others that extend them where commands name the directory.

    The engine resolves the paths of an extended file from that file's own directory, whatever the
    project directory is (observed: v2.24.1 to v5.6.1).
    """
    for path in found.files:
        for extension in project.extensions.get(path, ()):
            body = project.files[path].services.get(extension.service)
            if extension.location.path not in found.files or body is None:
                continue
            for attribute in path_attributes(body):
                if attribute.resolved and attribute.form in {"relative", "variable"}:
                    yield RefusedError(
                        f"extends {extension.service} in {path}, whose {attribute.kind} would be "
                        f"looked for in {found.directory}",
                        location=extension.location,
                        remedy="put what it needs into a file that is no root, or leave the roots "
                        "where they are",
                    )


def _commands(project: Project, found: Relocation) -> Iterator[str]:
    for entry in filter(found.moves, project.entries):
        if entry.project_directory is not None:
            yield "a command names it already"
        if not set(entry.files) <= found.files.keys():
            yield f"{entry.title} do not stand in one directory then"


def _variables(file: ComposeFile) -> Iterator[str]:
    names = sorted({v.name for v in file.variables} - _SET_EVERYWHERE)
    if names:
        yield f"{_written(file, names[0])} uses ${names[0]}, which a .env may set"
    for body in file.services.values():
        build = merged_get(body, "build")
        arguments = merged_get(build, "args") if isinstance(build, MappingNode) else None
        for node in (merged_get(body, "environment"), arguments):
            if node is not None and any(_bare(node)):
                yield f"{file.source.location(node.start)} passes on what a .env may set"
    for section in ("secrets", "configs"):
        for entry in merged_entries(file.root.get(section)).values():
            variable = merged_get(entry.value, "environment")
            if variable is not None:
                yield f"{file.source.location(variable.start)} names what a .env may set"


def _bare(node: Node) -> Iterator[bool]:
    """Yield for each pair in *node* whether it has no value of its own."""
    if isinstance(node, MappingNode):
        for entry in merged_entries(node).values():
            yield isinstance(entry.value, ScalarNode) and entry.value.is_null
        return
    for item in item_nodes(node):
        yield "=" not in (scalar_text(item) or "=")


def _written(file: ComposeFile, name: str) -> Location:
    """Return where the variable *name* is used first."""
    pattern = re.compile(rf"\$\{{?{name}\b")
    for node in walk(file.root):
        if isinstance(node, ScalarNode) and pattern.search(node.value):
            return file.source.location(node.start)
    return Location(file.path)


def _places(file: ComposeFile) -> Iterator[str]:
    """Yield which text of *file* means the project directory without a path that says so."""
    for found in file_path_attributes(file.root):
        at = file.source.location(found.node.start)
        if found.is_missing:
            yield f"{at} has no build context, and stands for it"
        elif found.kind == "security_opt" and found.form == "relative":
            yield f"{at} names a file that is looked for there"


def _names(project: Project, found: Relocation, name: str) -> Iterator[str]:
    if not name:
        yield "its own name gives no project name"
    named = {path for path in found.files if "name" in project.files[path].root_keys}
    bases = {entry.base for entry in project.entries}
    for entry in project.entries:
        for at, path in enumerate(entry.files):
            if path in bases - named and named & set(entry.files[:at]):
                yield f"{path} stands alone, and over a file that names the project"


_FINDS_FILES = re.compile(r"^include:|\bfile:", re.MULTILINE)
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
        planned_files = {planned_file.path: planned_file for planned_file in plan.planned_files}
        moved = [replace(self._root(planned_files, old), path=new) for old, new in files.items()]
        others = [
            planned_file for planned_file in plan.planned_files if planned_file.path not in files
        ]
        gone = [PlannedFile(old, deleted=True) for old in files]
        return replace(
            plan,
            planned_files=(*moved, *others, *gone, *self.references.planned_files),
            relocated=files,
            entries=self.entries,
            mentions=tuple(m for m in self.references.mentions if m not in self._followed),
            notes=(*plan.notes, *self._notes(moved)),
        )

    @cached_property
    def entries(self) -> Mapping[Invocation, Invocation]:
        """The new command of each entry point that needs another one."""
        return {e: self.started(e) for e in self.project.entries if self.relocation.moves(e)}

    @cached_property
    def references(self) -> References:
        """The commands in the project's files, written anew."""
        if self.project.read is None:
            return References()
        found = references(self.files, self.project.read, self.relocation, self.started)
        for planned_file in found.planned_files:
            if posixpath.basename(planned_file.path) == ".env" and self.project.is_ignored(
                planned_file.path
            ):
                raise RefusedError(
                    "names root files, and git ignores it: others have one of their own",
                    location=Location(planned_file.path),
                    remedy="leave the roots where they are, without --move-roots",
                )
        return found

    @property
    def _followed(self) -> set[Location]:
        """Where roots extend others that move with them."""
        known = self.project.extensions
        places = {e.location for path in self.relocation.files for e in known.get(path, ())}
        return {Location(place.path, place.line) for place in places}

    def started(self, entry: Invocation) -> Invocation:
        """Return the command of *entry* after the move."""
        return started(entry, self.relocation, in_files=not self.why_commands)

    def _root(self, planned_files: Mapping[str, PlannedFile], path: str) -> PlannedFile:
        """Return the root at *path* as it will be, with what its new place needs."""
        source = self.project.files[path].source
        whole = PlannedFile(path, (Slice(source, 0, len(source.text)),), source.has_bom)
        planned_file = planned_files.get(path, whole)
        if self.why_commands and "extends" not in planned_file.text():
            return planned_file
        file = ComposeFile.parse(Source(path, planned_file.text(), planned_file.has_bom))
        if self.why_commands:
            return followed(file, self.relocation)
        is_base = any(entry.base == path for entry in self.project.entries)
        return pinned(file, self.relocation, self.name if is_base else "")

    def _notes(self, moved: Iterable[PlannedFile]) -> Iterator[str]:
        stay = [p for p in self.project.files if "/" not in p and p not in self.relocation.files]
        if stay:
            yield f"left where other files or programs look for it: {', '.join(stay)}"
        default = [name for name in self.relocation.files if name in DEFAULT_NAMES]
        if self.why_commands:
            yield f"commands name the project directory from now on: {self.why_commands}"
            for planned_file in moved:
                if not _FINDS_FILES.search(planned_file.text()):
                    old = posixpath.basename(planned_file.path)
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
        names_them = any(
            posixpath.basename(d.path) == ".env" for d in self.references.planned_files
        )
        if default and not names_them:
            yield (
                f"`docker compose` alone finds no file any more; an override of {default[0]} that "
                "is not in the repository has to be named with -f, too"
            )
