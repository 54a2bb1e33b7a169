"""A project: every file that its entry points read, and who names whom."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Mapping

from msgspec import Struct

from composerefactor.compose.dotenv import assignments
from composerefactor.compose.files import ComposeFile, Library, empty
from composerefactor.compose.interpolation import expand
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.merge_keys import item_nodes, merged_get, scalar_text
from composerefactor.compose.references import extended
from composerefactor.errors import InputError, Location
from composerefactor.yaml import nodes as yaml
from composerefactor.yaml.nodes import Node

REMOTE_PREFIXES = ("oci://", "http://", "https://", "git://", "ssh://", "git@", "github.com/")


class UndividedFile(Struct, frozen=True):
    """Why a file is not to be divided; *reader* is the program that reads it and is not Compose."""

    reason: str
    reader: str = ""


class Extension(Struct, frozen=True):
    """A service that others extend: *service* of the file, named at *location*."""

    service: str
    location: Location


class Project(Struct):
    """The read view that transforms get.

    *files* are the parsed Compose files by path. *inputs* is every path that the engine reads,
    whether it exists or not, *env_files* those of them that services ask for. *errors* says why an
    entry point cannot be read. *directories* has, per file, the project directories under which it
    is read by ``-f`` or ``include``; *extensions* the services of a file that other files extend;
    *included_by* the files that include it, *own_includes* the included files that stand for their
    own directory; *files_of* what each entry point reads. *exists* tells whether a path is taken,
    *has_directory* whether it is a directory, *read* gives its bytes. *whole* are files that are
    not to be divided, with the reason.
    *is_tracked* tells whether git has a path, *is_ignored* whether it would leave it out; without
    git neither. *referenced_by* gives the Compose files in the whole tree that name one in
    ``include`` or ``extends``, whether an entry point reads them or not; *overriding* those that
    may be merged over a file and say something on a service. *rejected* are entry points that the
    engine does not accept as they stand; *incomplete* gives those of them that read one of some
    paths, and that it resolves without its checks of what belongs together.
    """

    entries: tuple[Invocation, ...]
    files: dict[str, ComposeFile] = {}
    inputs: set[str] = set()
    env_files: set[str] = set()
    errors: dict[Invocation, InputError] = {}
    directories: dict[str, set[str]] = {}
    extensions: dict[str, list[Extension]] = {}
    included_by: dict[str, set[str]] = {}
    own_includes: set[str] = set()
    files_of: dict[Invocation, set[str]] = {}
    exists: Callable[[str], bool] = lambda _: False
    has_directory: Callable[[str], bool] = lambda _: True
    read: Callable[[str], bytes] | None = None
    whole: dict[str, UndividedFile] = {}
    is_tracked: Callable[[str], bool] = lambda _: False
    is_ignored: Callable[[str], bool] = lambda _: False
    referenced_by: Callable[[str], frozenset[str]] = lambda _: frozenset()
    overriding: Callable[[str, str], frozenset[str]] = lambda _, __: frozenset()
    rejected: tuple[Invocation, ...] = ()
    incomplete: Callable[[Collection[str]], tuple[Invocation, ...]] = lambda _: ()

    @property
    def readable(self) -> tuple[Invocation, ...]:
        """The entry points whose files could all be read."""
        return tuple(e for e in self.entries if e not in self.errors)

    def ignored_in_builds(self, path: str) -> set[str]:
        """Return the plain directory names that the ``.dockerignore`` at *path* leaves out."""
        if self.read is None or not self.exists(path):
            return set()
        lines = self.read(path).decode("utf-8", "replace").splitlines()
        return {line.strip().strip("/").removeprefix("./").removesuffix("/**") for line in lines}

    @property
    def bases(self) -> list[str]:
        """The first files of the readable entry points, each once, in order."""
        return list(dict.fromkeys(e.base for e in self.readable))

    @property
    def services(self) -> dict[str, Node]:
        """The services of all readable entry points by name, each as its first file has it."""
        seen: dict[str, Node] = {}
        for entry in self.readable:
            order = [*entry.files, *sorted(self.files_of[entry] - set(entry.files))]
            for path in order:
                file = self.files.get(path)
                for name, body in file.services.items() if file else ():
                    seen.setdefault(name, body)
        return seen


def project_directory(entry: Invocation) -> str:
    """Return the project directory of *entry*, relative to the root ("." for the root itself)."""
    if entry.project_directory is not None:
        return entry.project_directory
    return posixpath.dirname(entry.base) or "."


def project_name(directory: str) -> str:
    """Return the project name that the engine makes of a directory's name, ``""`` for none.

    Lower case, letters, digits, ``_`` and ``-``, and not one of the latter two at the beginning
    (Compose specification; observed: v5.6.1).
    """
    return re.sub(r"[^a-z0-9_-]", "", directory.lower()).lstrip("_-")


def load(
    entries: Iterable[Invocation], library: Library, environ: Mapping[str, str] | None = None
) -> Project:
    """Read all files of *entries*; what cannot be read is recorded per entry point, not raised.

    *environ* has the shell's variables, for paths that name some.
    """
    project = Project(tuple(entries), exists=library.reader.exists, read=library.reader.read_bytes)
    for entry in project.entries:
        walk = _Walk(project, library, entry, environ or {})
        try:
            walk.run()
        except InputError as error:
            project.errors[entry] = error
        project.files_of[entry] = walk.seen_files
    return project


class _Walk:
    """Follows one entry point through ``include``, ``extends`` and env files."""

    def __init__(
        self,
        project: Project,
        library: Library,
        entry: Invocation,
        environ: Mapping[str, str],
    ) -> None:
        self.project = project
        self.library = library
        self.reader = library.reader
        self.entry = entry
        self.seen: set[tuple[str, str, bool]] = set()
        self.seen_files: set[str] = set()
        self.environment = {**self.dotenv(), **environ}

    def dotenv(self) -> dict[str, str]:
        directory = project_directory(self.entry)
        paths = list(self.entry.env_files) or [_join(directory, ".env")]
        found: dict[str, str] = {}
        for path in paths:
            self.reads(path)
            if self.reader.exists(path):
                text = self.reader.read_bytes(path).decode("utf-8", "replace")
                found.update((each.name, each.value) for each in assignments(text))
        for where in {directory, self.entry.directory}:
            self.reads(_join(where, ".env"))
        return found

    def run(self) -> None:
        directory = project_directory(self.entry)
        for path in self.entry.files:
            self.compose_file(path, directory, (), None, path)
        if all(self.project.files[path].is_blank for path in self.entry.files):
            raise empty(self.entry.files[0])

    def compose_file(
        self,
        path: str,
        directory: str,
        trail: tuple[str, ...],
        named_at: Location | None,
        written: str,
    ) -> None:
        """Read a file of ``-f`` or ``include`` whose text stands for *directory*."""
        if path in trail:
            raise InputError(
                "include cycle: " + " -> ".join((*trail[trail.index(path) :], path)),
                location=named_at,
                remedy="remove one of the includes",
            )
        if (path, directory, False) in self.seen:
            return
        self.seen.add((path, directory, False))
        file = self.parse(path, named_at, written)
        self.project.directories.setdefault(path, set()).add(posixpath.normpath(directory))
        for item in item_nodes(file.root.get("include")):
            self.include(file, item, directory, (*trail, path))
        self.services(file, directory, directory)

    def include(
        self, file: ComposeFile, item: Node, directory: str, trail: tuple[str, ...]
    ) -> None:
        at = file.source.location(item.start)
        body = item if isinstance(item, yaml.MappingNode) else None
        written = [
            text
            for node in item_nodes(merged_get(body, "path") if body else item)
            if (text := scalar_text(node))
        ]
        paths = [self.expanded(text) for text in written]
        inner = scalar_text(merged_get(body, "project_directory")) if body else None
        for text, path in zip(written, paths, strict=True):
            if path.startswith(REMOTE_PREFIXES):
                raise InputError(
                    f"include of a remote resource, {text!r}: nothing is fetched from the network",
                    location=at,
                    remedy="fetch it and include the local copy",
                    source_line=file.source.line(item.start),
                )
        if not paths:
            return
        where = (
            _join(directory, self.expanded(inner))
            if inner
            else posixpath.dirname(_join(directory, paths[0])) or "."
        )
        env_files = item_nodes(merged_get(body, "env_file")) if body else []
        for node in env_files:
            self.reads(_join(directory, self.expanded(scalar_text(node) or "")))
        self.reads(where)  # the engine resolves paths elsewhere where the directory is missing
        self.reads(_join(where, ".env"))
        for text, path in zip(written, paths, strict=True):
            target = _join(directory, path)
            self.project.included_by.setdefault(target, set()).add(file.path)
            if not inner:
                self.project.own_includes.add(target)
            self.compose_file(target, where, trail, at, text)

    def services(self, file: ComposeFile, directory: str, extends_base: str) -> None:
        for body in file.services.values():
            self.service(file, body, directory, extends_base)

    def service(self, file: ComposeFile, body: Node, directory: str, extends_base: str) -> None:
        for attribute in ("env_file", "label_file"):
            for node in item_nodes(merged_get(body, attribute)):
                text = scalar_text(
                    merged_get(node, "path") if isinstance(node, yaml.MappingNode) else node
                )
                if text:
                    path = _join(directory, self.expanded(text))
                    self.reads(path)
                    optional = scalar_text(merged_get(node, "required")) == "false"
                    if path in self.project.inputs and not optional:
                        self.project.env_files.add(path)
        parent = extended(body)
        if parent is None or parent[0] is None:
            return
        name, node = parent[1], parent[2]
        target = _join(extends_base, self.expanded(parent[0]))
        at = file.source.location(node.start)
        if name and target != file.path:
            known = self.project.extensions.setdefault(target, [])
            if not any(e.service == name and e.location == at for e in known):
                known.append(Extension(name, at))
        self.extended_file(target, at, parent[0])

    def extended_file(self, path: str, named_at: Location, written: str) -> None:
        """Read a file that ``extends`` names: its text stands for its own directory."""
        if (path, "", True) in self.seen:
            return
        self.seen.add((path, "", True))
        file = self.parse(path, named_at, written)
        directory = posixpath.dirname(path) or "."
        self.services(file, directory, directory)

    def parse(self, path: str, named_at: Location | None, written: str) -> ComposeFile:
        """Return the parsed file; *written* is how it is named, with variables unexpanded."""
        self.reads(path)
        self.seen_files.add(path)
        if named_at is not None and not self.reader.exists(path):
            raise InputError(
                f"names {written}, which does not exist",
                location=named_at,
                remedy="create the file or correct the path",
            )
        file = self.library.file(path)
        self.project.files[path] = file
        return file

    def reads(self, path: str) -> None:
        """Note an input; absolute paths and homes are the machine's, not the project's."""
        if not path.startswith(("/", "~")):
            self.project.inputs.add(path)

    def expanded(self, text: str) -> str:
        return expand(text, self.environment)


def _join(directory: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(directory, path))
