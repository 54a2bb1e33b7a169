"""Why root files cannot say themselves what their former place said: name, paths, variables.

A command with ``-f DIR/docker-compose.yml`` reads ``DIR/.env``, not the one that it read before
(observed: v2.24.1 to v5.6.1). Nobody can tell whether there is one on every machine, and the engine
takes blanks in its place. So where a ``.env`` may decide anything the commands have to name the
project directory; one that does not fails, since the modules are not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from composerefactor.compose.envfile import assignments
from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import item_nodes, merged_entries, merged_get, scalar_text
from composerefactor.compose.paths import file_path_attributes, path_attributes
from composerefactor.compose.project import Project
from composerefactor.entrypoints.declared import settings
from composerefactor.entrypoints.readers import OtherReader
from composerefactor.errors import Location, RefusedError
from composerefactor.joining.texts import CannotJoinError
from composerefactor.moving.pins import pinned
from composerefactor.moving.relocation import Relocation
from composerefactor.patterns import regex
from composerefactor.yamltree.nodes import Mapping, Node, Scalar, walk

_ENV_FILE = regex(r"\.env(?!rc)(?:\.[\w.-]*)?|[\w.-]*env\.(?:example|sample|template|dist)")
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
        arguments = merged_get(build, "args") if isinstance(build, Mapping) else None
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
    if isinstance(node, Mapping):
        for entry in merged_entries(node).values():
            yield isinstance(entry.value, Scalar) and entry.value.is_null
        return
    for item in item_nodes(node):
        yield "=" not in (scalar_text(item) or "=")


def _written(file: ComposeFile, name: str) -> Location:
    """Return where the variable *name* is used first."""
    pattern = re.compile(rf"\$\{{?{name}\b")
    for node in walk(file.root):
        if isinstance(node, Scalar) and pattern.search(node.value):
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
