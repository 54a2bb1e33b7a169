"""A project: every file that its start commands read, and what the files refer to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.dotenv import assignments
from composerefactor.compose.files import ComposeFile, Library, empty_file_error
from composerefactor.compose.interpolation import expand
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.paths import (
    directory_of,
    is_absolute,
    is_outside,
    is_remote,
    path_from,
)
from composerefactor.compose.references import Include, extends_target, includes
from composerefactor.errors import InputError, Location
from composerefactor.yaml.nodes import Node
from composerefactor.yaml.values import (
    item_nodes,
    merged_get,
    scalar_text,
    short_or_long,
    text_below,
)

_MAX_INCLUDES = 100
"""Files that include one another, at most."""


class ProtectedFile(Struct, frozen=True):
    """A file whose text must stay in it: it is not split, and fixes to it are limited.

    That is so because another program reads it or generates it, or because git ignores it.

    Attributes:
        reason: Why, as part of a message.
        reader: The other program that reads the file (Podman Compose, for example), or ``""``.
        allows_extends: True if that program follows ``extends`` from another file.
        is_generated: True if a program writes the file.
    """

    reason: str
    reader: str = ""
    allows_extends: bool = False
    is_generated: bool = False


class ExtendedService(Struct, frozen=True):
    """A service that other files extend: its name, and the place of the ``extends`` attribute."""

    service: str
    location: Location


class Scope(Struct, frozen=True, eq=False):
    """What the relative paths and the variables in a file refer to.

    Attributes:
        directory: The directory to which relative paths are relative, from the project root.
        variables: The variables of env files, for interpolation. Those of the shell are not in it.
        env_files: The env files that provide them; later ones have precedence.
        root_variables: The variables of the start command, without those of an ``include``.
    """

    directory: str = "."
    variables: Mapping[str, str] = {}
    env_files: tuple[str, ...] = ()
    root_variables: Mapping[str, str] = {}

    def __repr__(self) -> str:  # without the values of variables
        return f"Scope({self.directory!r}, env_files={self.env_files!r})"

    def expand(self, text: str) -> str:
        """Return *text* with its variables replaced; see :func:`interpolation.expand`."""
        return expand(text, self.variables)

    def path(self, text: str) -> str:
        """Return the path *text*, without variables, relative to the project root.

        Absolute paths, paths of Windows and paths below the home directory are returned as they
        are, since they do not belong to the project.
        """
        return text if is_absolute(text) else path_from(self.directory, text)


class FileReading(Struct, frozen=True, eq=False):
    """A file of ``-f`` or ``include`` as one start command reads it.

    Attributes:
        path: The path of the file.
        scope: What its relative paths and its variables refer to.
        includes: For each item of its ``include``, the files of the item; later ones override
            earlier ones.
    """

    path: str
    scope: Scope
    includes: list[list[FileReading]] = []


EnvironmentKind: TypeAlias = Literal["production", "staging", "development", "test"]
"""What a Compose file is for."""


class ProjectSurroundings(Struct, kw_only=True):
    """What the start commands of a project do not say: the file tree, git and the settings.

    Whoever opens the project sets it; it stays when the files are read again.

    Attributes:
        not_read: The files with the name of a Compose file that no start command reads and that
            are no valid Compose files, templates for example: why, by path.
        links: The symbolic links among the files of the start commands: the path to which each
            leads.
        has_directory: Returns whether a path is a directory.
        protected_files: The files whose text must stay in them, with the reason, by path.
        name: The name of the project directory; ``""`` if it is not known.
        directory: The project directory in its git repository; ``""`` at the top, or without git.
        is_tracked: Returns whether git tracks a path; False without git.
        is_ignored: Returns whether git ignores a path; False without git.
        repository_of: Returns the directory of the git repository below the root, a submodule for
            example, that contains a path; ``""`` if there is none.
        referenced_by: Returns the Compose files of the whole tree that name a path in ``include``
            or ``extends``, whether a start command reads them or not.
        compose_files_in: Returns the Compose files directly in a directory, whether a start command
            reads them or not.
        files_in: Returns all files directly in a directory.
        overriding: Returns the files that may be merged over the file at a path and that define a
            service: ``overriding(path, service)``.
        all_undefined: Returns the services and resources that Compose files of the whole tree use
            and do not define, whether a start command reads them or not.
        files_with: Returns the settings and sources of the tree that contain each of some texts.
        unsearched: Returns how many settings and sources ``files_with`` does not search.
        environments: The environment of a file by its path, where the settings give it.
        catalog: The image catalog of the settings, which ``images.catalog.catalog_of`` returns.
    """

    not_read: dict[str, InputError] = {}
    links: dict[str, str] = {}
    has_directory: Callable[[str], bool] = lambda _: True
    protected_files: dict[str, ProtectedFile] = {}
    name: str = ""
    directory: str = ""
    is_tracked: Callable[[str], bool] = lambda _: False
    is_ignored: Callable[[str], bool] = lambda _: False
    repository_of: Callable[[str], str] = lambda _: ""
    referenced_by: Callable[[str], frozenset[str]] = lambda _: frozenset()
    compose_files_in: Callable[[str], list[str]] = lambda _: []
    files_in: Callable[[str], list[str]] = lambda _: []
    overriding: Callable[[str, str], frozenset[str]] = lambda _, __: frozenset()
    all_undefined: Callable[[], frozenset[str]] = frozenset
    files_with: Callable[[Iterable[str]], Mapping[str, list[str]]] = lambda _: {}
    unsearched: Callable[[], int] = lambda: 0
    environments: Mapping[str, EnvironmentKind] = {}
    catalog: object = None


class Project(ProjectSurroundings):
    """The read-only view of a project that transforms and rules work on.

    All paths are POSIX and relative to the project root.

    Attributes:
        entries: The start commands.
        files: The parsed Compose files, by path.
        inputs: Every path that Docker Compose reads, whether it exists or not.
        env_files: Those of the inputs that a service requires as ``env_file`` or ``label_file``.
        errors: Why a start command cannot be read, by start command.
        directories: The project directories under which a file is read by ``-f`` or ``include``,
            by path of the file.
        extensions: The services of a file that other files extend, by path of the file.
        included_by: The files that include a file, by path of the included file.
        own_includes: The included files whose paths are relative to their own directory, because
            the ``include`` has no ``project_directory``.
        files_of: The Compose files that each start command reads.
        readings: How each readable start command reads its files of ``-f``.
        exists: Returns whether a file exists at a path.
        read: Returns the bytes of the file at a path; None if there are no files to read.
        scopes: The scopes of all start commands, by what they contain: equal ones are one object.
        read_once: The start models and services that were read, see ``services.py``.
    """

    entries: tuple[Invocation, ...]
    files: dict[str, ComposeFile] = {}
    inputs: set[str] = set()
    env_files: set[str] = set()
    errors: dict[Invocation, InputError] = {}
    directories: dict[str, set[str]] = {}
    extensions: dict[str, list[ExtendedService]] = {}
    included_by: dict[str, set[str]] = {}
    own_includes: set[str] = set()
    files_of: dict[Invocation, set[str]] = {}
    readings: dict[Invocation, list[FileReading]] = {}
    exists: Callable[[str], bool] = lambda _: False
    read: Callable[[str], bytes] | None = None
    scopes: dict[Hashable, Scope] = {}
    read_once: dict[Hashable, Any] = {}

    @property
    def readable(self) -> tuple[Invocation, ...]:
        """The start commands whose files could all be read."""
        return tuple(e for e in self.entries if e not in self.errors)

    @property
    def own_files(self) -> dict[str, ComposeFile]:
        """The files inside the project directory: a fix changes no others."""
        return {path: file for path, file in self.files.items() if not is_outside(path)}

    def foreign_reason(self, path: str) -> str:
        """Return why *path* is not of this project, and stays as it is; ``""`` if it is."""
        if is_outside(path):
            return "the file is outside of the project"
        repository = self.repository_of(path)
        if not repository:
            return ""
        return f"{repository} is a git repository of its own: run composerefactor there"

    def text(self, path: str) -> str | None:
        """Return the text of the file at *path*; None if there is none in or beside the project."""
        if self.read is None or path.startswith(("/", "~")) or not self.exists(path):
            return None
        return self.read(path).decode("utf-8", "replace")

    def ignored_in_builds(self, path: str) -> set[str]:
        """Return the plain names of directories that the ``.dockerignore`` at *path* excludes."""
        lines = (self.text(path) or "").splitlines()
        return {line.strip().strip("/").removeprefix("./").removesuffix("/**") for line in lines}

    @property
    def root_files(self) -> list[str]:
        """The root files of the readable start commands, in order and without repetition."""
        return list(dict.fromkeys(e.root_file for e in self.readable))

    @property
    def services(self) -> dict[str, Node]:
        """The bodies of the services of all readable start commands; the first one of a name.

        A service that others only extend, in a file that no start command includes, is none.
        """
        bodies: dict[str, Node] = {}
        for entry in self.readable:
            for path in dict.fromkeys(_paths_read(self.readings[entry])):
                file = self.files.get(path)
                for name, body in file.services.items() if file else ():
                    bodies.setdefault(name, body)
        return bodies

    @property
    def templates(self) -> frozenset[str]:
        """The :attr:`services` that others extend and that have no container themselves.

        They have no replica, or profiles that neither a start command activates nor a service has
        that no other extends.
        """
        bodies = self.services
        targets = [target for body in bodies.values() if (target := extends_target(body))]
        extended = {name for file, name, _ in targets if name is not None and file is None}
        extended |= {e.service for path in self.directories for e in self.extensions.get(path, ())}
        started = {profile for entry in self.readable for profile in entry.profiles}
        for name in bodies.keys() - extended:
            started |= _profiles(bodies[name])
        return frozenset(
            name
            for name in bodies.keys() & extended
            if _has_no_replica(bodies[name])
            or ((profiles := _profiles(bodies[name])) and profiles.isdisjoint(started))
        )

    @property
    def containers(self) -> frozenset[str]:
        """The :attr:`services` that have a container: neither templates nor run by a provider."""
        own = (n for n, body in self.services.items() if merged_get(body, "provider") is None)
        return frozenset(own) - self.templates

    @property
    def only_extended(self) -> dict[str, list[str]]:
        """The services that others extend in files that no start command includes, by path."""
        found: dict[str, list[str]] = {}
        for path in sorted(self.extensions.keys() & self.files.keys() - self.directories.keys()):
            names = {extension.service for extension in self.extensions[path]}
            found[path] = [name for name in self.files[path].services if name in names]
        return found


def _profiles(body: Node) -> set[str]:
    """Return the profiles of the service *body*."""
    texts = map(scalar_text, item_nodes(merged_get(body, "profiles")))
    return {text for text in texts if text}


def _has_no_replica(body: Node) -> bool:
    """Return whether *body* sets the number of its containers to 0."""
    replicas = merged_get(merged_get(body, "deploy"), "replicas")
    return "0" in {text_below(body, "scale"), scalar_text(replicas)}


def _paths_read(readings: Iterable[FileReading]) -> Iterator[str]:
    """Yield the paths of *readings*, those of the start command before what they include."""
    included: list[FileReading] = []
    for reading in readings:
        yield reading.path
        included += [each for item in reading.includes for each in item]
    if included:
        yield from _paths_read(included)


def project_directory(entry: Invocation) -> str:
    """Return the project directory of *entry*, relative to the root; ``.`` for the root itself."""
    if entry.project_directory is not None:
        return entry.project_directory
    return directory_of(entry.root_file)


def env_files_of(entry: Invocation) -> tuple[str, ...]:
    """Return the env files that set variables of *entry*: ``--env-file``, else one ``.env``.

    The paths are relative to the root; not all need exist.
    """
    named = entry.env_files or (path_from(project_directory(entry), ".env"),)
    return tuple(dict.fromkeys(map(posixpath.normpath, named)))


@lru_cache(maxsize=256)
def extended_scope(path: str, scope: Scope) -> Scope:
    """Return the scope of the file at *path* that a service in *scope* extends.

    Its paths are relative to its own directory. Its variables are those of the service: a ``.env``
    next to it is not read (observed: v2.40.3 and v5.6.1).
    """
    return replace(scope, directory=directory_of(path))


def project_name(directory: str) -> str:
    """Return the project name that Docker Compose derives from the name of a directory.

    The name consists of lower case letters, digits, ``_`` and ``-``, and does not begin with one
    of the latter two (Compose specification; observed: v5.6.1). It is ``""`` if nothing is left.
    """
    return re.sub(r"[^a-z0-9_-]", "", directory.lower()).lstrip("_-")


def load_project(
    entries: Iterable[Invocation], library: Library, environ: Mapping[str, str] | None = None
) -> Project:
    """Read all files of the start commands *entries*.

    *environ* contains the variables of the shell, for paths with variables. A start command with a
    file that cannot be read is recorded in ``Project.errors``; the function does not raise.
    """
    project = Project(tuple(entries), exists=library.reader.exists, read=library.reader.read_bytes)
    for entry in project.entries:
        command_reader = _StartCommandReader(project, library, entry, environ or {})
        try:
            project.readings[entry] = command_reader.run()
        except InputError as error:
            project.errors[entry] = error
        project.files_of[entry] = command_reader.seen_files
    return project


def reload_project(project: Project, library: Library, environ: Mapping[str, str]) -> Project:
    """Return *project* with the files of its start commands read again, from *library*."""
    result = load_project(project.entries, library, environ)
    for name in ProjectSurroundings.__struct_fields__:
        setattr(result, name, getattr(project, name))
    return result


class _StartCommandReader:
    """Reads the files of one start command: ``include``, ``extends`` and env files."""

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
        self.readings: dict[tuple[str, str, tuple[str, ...]], FileReading] = {}
        self.extended: set[tuple[str, tuple[str, ...]]] = set()
        self.seen_files: set[str] = set()
        self.environ = environ

    def root_scope(self) -> Scope:
        """Return the scope of the files of ``-f``, and record the env files as inputs."""
        directory = project_directory(self.entry)
        for env_directory in {directory, self.entry.directory}:
            self.record_input(path_from(env_directory, ".env"))
        scope = self.scope(directory, env_files_of(self.entry), Scope())
        return self.shared(replace(scope, root_variables=scope.variables))

    def scope(self, directory: str, env_files: Iterable[str], outer: Scope) -> Scope:
        """Return a scope with the variables of *env_files*, except for those that *outer* sets."""
        variables: dict[str, str] = dict(outer.variables)
        paths = tuple(env_files)
        for path in paths:
            self.record_input(path)
            if path.startswith(("/", "~")) or not self.reader.exists(path):
                continue
            text = self.reader.read_bytes(path).decode("utf-8", "replace")
            for pair in assignments(text):
                if pair.name not in outer.variables:
                    variables[pair.name] = expand(pair.value, variables)
        env_paths = (*paths, *outer.env_files)
        return self.shared(Scope(directory, variables, env_paths, outer.root_variables))

    def shared(self, scope: Scope) -> Scope:
        """Return the first scope of the project that contains the same as *scope*."""
        variables, root_variables = (
            frozenset(each.items()) for each in (scope.variables, scope.root_variables)
        )
        key = (scope.directory, variables, scope.env_files, root_variables)
        return self.project.scopes.setdefault(key, scope)

    def run(self) -> list[FileReading]:
        """Read all files; raises InputError for the first one that cannot be read."""
        scope = self.root_scope()
        readings = [self.compose_file(path, scope, (), None, path) for path in self.entry.files]
        if all(self.project.files[path].is_blank for path in self.entry.files):
            raise empty_file_error(self.entry.root_file)
        return readings

    def compose_file(
        self,
        path: str,
        scope: Scope,
        trail: tuple[str, ...],
        named_at: Location | None,
        written: str,
    ) -> FileReading:
        """Read a file of ``-f`` or ``include``."""
        if path in trail:
            raise InputError(
                "include cycle: " + " -> ".join((*trail[trail.index(path) :], path)),
                location=named_at,
                remedy="remove one of the includes",
            )
        if len(trail) > _MAX_INCLUDES:
            raise InputError(
                f"more than {_MAX_INCLUDES} files include one another, one after another",
                location=named_at,
                remedy="include them from one file",
            )
        key = (path, scope.directory, scope.env_files)
        if key in self.readings:
            return self.readings[key]
        file = self.parse(path, named_at, written)
        reading = self.readings[key] = FileReading(path, scope)
        self.project.directories.setdefault(path, set()).add(posixpath.normpath(scope.directory))
        for item in includes(file.root):
            reading.includes.append(self.include(file, item, scope, (*trail, path)))
        self.services(file, scope)
        return reading

    def include(
        self, file: ComposeFile, item: Include, scope: Scope, trail: tuple[str, ...]
    ) -> list[FileReading]:
        """Read the files of one *item* of ``include`` in *file*; *trail* are the includers."""
        directory = scope.directory
        at = file.source.location(item.node.start)
        written = [text for text in item.paths if text]
        paths = [self.expanded(text, scope) for text in written]
        inner = item.project_directory
        for text, path in zip(written, paths, strict=True):
            if is_remote(path):
                raise InputError(
                    f"include of the remote resource {text!r}: remote files are not fetched",
                    location=at,
                    remedy="download the file and include the local copy",
                    source_line=file.source.line(item.node.start),
                )
        if not paths:
            return []
        project_dir = (
            path_from(directory, self.expanded(inner, scope))
            if inner
            else directory_of(path_from(directory, paths[0]))
        )
        env_paths = [path_from(directory, self.expanded(text, scope)) for text in item.env_files]
        # Docker Compose resolves paths differently if the directory is missing.
        self.record_input(project_dir)
        self.record_input(path_from(project_dir, ".env"))
        inner_scope = self.scope(project_dir, env_paths or [path_from(project_dir, ".env")], scope)
        readings = []
        for text, path in zip(written, paths, strict=True):
            target = path_from(directory, path)
            self.project.included_by.setdefault(target, set()).add(file.path)
            if not inner:
                self.project.own_includes.add(target)
            readings.append(self.compose_file(target, inner_scope, trail, at, text))
        return readings

    def services(self, file: ComposeFile, scope: Scope) -> None:
        """Read what the services of *file* refer to."""
        for body in file.services.values():
            self.service(file, body, scope)

    def service(self, file: ComposeFile, body: Node, scope: Scope) -> None:
        """Read the env files and the extended file of the service *body*."""
        for attribute in ("env_file", "label_file"):
            for node in item_nodes(merged_get(body, attribute)):
                text = scalar_text(short_or_long(node, "path"))
                if text:
                    path = path_from(scope.directory, self.expanded(text, scope))
                    self.record_input(path)
                    optional = text_below(node, "required") == "false"
                    if path in self.project.inputs and not optional:
                        self.project.env_files.add(path)
        parent = extends_target(body)
        if parent is None or parent[0] is None:
            return
        name, node = parent[1], parent[2]
        target = path_from(scope.directory, self.expanded(parent[0], scope))
        at = file.source.location(node.start)
        if name and target != file.path:
            known = self.project.extensions.setdefault(target, [])
            if not any(e.service == name and e.location == at for e in known):
                known.append(ExtendedService(name, at))
        self.extended_file(target, scope, at, parent[0])

    def extended_file(self, path: str, scope: Scope, named_at: Location, written: str) -> None:
        """Read a file that a service in *scope* extends."""
        if (path, scope.env_files) in self.extended:
            return
        self.extended.add((path, scope.env_files))
        self.services(self.parse(path, named_at, written), extended_scope(path, scope))

    def parse(self, path: str, named_at: Location | None, written: str) -> ComposeFile:
        """Return the parsed file; *written* is its path as written, with variables unexpanded."""
        self.record_input(path)
        self.seen_files.add(path)
        if named_at is not None and not self.reader.exists(path):
            remedy = "create the file or correct the path"
            if "$" in written:
                remedy = "set the variables in it, or create the file"
            raise InputError(
                f"refers to {written}, which does not exist", location=named_at, remedy=remedy
            )
        file = self.library.file(path)
        self.project.files[path] = file
        return file

    def record_input(self, path: str) -> None:
        """Record an input. Absolute and home paths do not belong to the project."""
        if not path.startswith(("/", "~")):
            self.project.inputs.add(path)

    def expanded(self, text: str, scope: Scope) -> str:
        """Return *text* with its variables expanded; those of the shell have precedence."""
        return expand(text, {**scope.variables, **self.environ}) if "$" in text else text
