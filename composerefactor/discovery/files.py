"""What this package knows of a project: its files, and facts on its Compose files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Protocol

from composerefactor.compose.files import RESOURCE_SECTIONS, Library
from composerefactor.compose.merge_keys import item_nodes, merged_entries, merged_get, scalar_text
from composerefactor.compose.references import extended, resources, services
from composerefactor.discovery.script import directory_of
from composerefactor.yaml.nodes import MappingNode, Node, resolve, walk

DEFAULT_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""Names that the engine looks for when no ``-f`` is given, best first (observed: v5.6.1)."""

OVERRIDE_NAMES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
"""Names of the override that is added to a default file, best first (observed: v5.6.1)."""


class FileReader(Protocol):
    """The files of a project, read only.

    Paths are POSIX and relative to the project directory. The listing is sorted and bounded: it
    leaves out ``.git``, ``node_modules`` and vendor directories, and stops at six levels.
    """

    def paths(self) -> Sequence[str]:
        """Return the paths of all files."""
        ...

    def read(self, path: str) -> str | None:
        """Return the text of *path*; None for what is missing, binary or larger than 1 MB."""
        ...


class FileFacts(Protocol):
    """Facts on single Compose files, as they are written, before any merge."""

    def is_compose(self, path: str) -> bool:
        """Return whether *path* is a Compose file, judged by its content."""
        ...

    def services(self, path: str) -> Mapping[str, bool]:
        """Return the services: name -> has an image, build, extends or provider of its own."""
        ...

    def has_override_tags(self, path: str) -> bool:
        """Return whether ``!reset`` or ``!override`` stands in *path*."""
        ...

    def has_include(self, path: str) -> bool:
        """Return whether *path* takes in other files by ``include``."""
        ...

    def home(self, path: str) -> str:
        """Return the directory from which *path* finds what it includes and extends."""
        ...

    def undefined(self, path: str) -> Collection[str]:
        """Return what services use and *path* does not define: services, networks, volumes ..."""
        ...

    def referenced_by(self, path: str) -> Collection[str]:
        """Return the Compose files that name *path* in ``include`` or ``extends``."""
        ...

    def extended_services(self, path: str) -> Collection[str] | None:
        """Return the services of *path* that other files extend; None where one includes it."""
        ...


class Listing:
    """The paths of a project as sets, for questions about single paths and directories."""

    def __init__(self, reader: FileReader) -> None:
        self._reader = reader
        self.paths: tuple[str, ...] = tuple(reader.paths())
        self._known = frozenset(self.paths)

    def read(self, path: str) -> str | None:
        """Return the text of *path*, or None where it is missing or unreadable."""
        return self._reader.read(path)

    @cached_property
    def directories(self) -> frozenset[str]:
        """All directories that hold a file at any depth; ``.`` is the project directory."""
        found = {"."}
        for path in self.paths:
            directory = posixpath.dirname(path)
            while directory and directory not in found:
                found.add(directory)
                directory = posixpath.dirname(directory)
        return frozenset(found)

    def exists(self, path: str) -> bool:
        """Return whether the file *path* is listed."""
        return path in self._known

    def names_in(self, directory: str) -> list[str]:
        """Return the paths of the files directly in *directory*."""
        inside = "" if directory == "." else directory
        return [path for path in self.paths if posixpath.dirname(path) == inside]

    def default_file(self, directory: str) -> str | None:
        """Return the file that the engine takes in *directory* when no ``-f`` is given."""
        return self._first(directory, DEFAULT_NAMES)

    def override_file(self, directory: str) -> str | None:
        """Return the override that the engine adds to the default file of *directory*."""
        return self._first(directory, OVERRIDE_NAMES)

    def _first(self, directory: str, names: Sequence[str]) -> str | None:
        for name in names:
            path = join(directory, name)
            if path in self._known:
                return path
        return None


def join(directory: str, path: str) -> str:
    """Return *path*, relative to *directory*, as a normal path relative to the project."""
    return posixpath.normpath(posixpath.join(directory, path))


_SOURCES = ("image", "build", "extends", "provider")
_TAGS = frozenset({"!reset", "!override"})
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_ELSEWHERE = re.compile(r"[/~]|.*(?:\$|://)")
_REFERS = re.compile(r"\bextends\b|^include\b", re.MULTILINE)


class TreeFacts:
    """The :class:`~composerefactor.discovery.files.FileFacts` of *files*, parsed by *library*.

    A file that is not YAML is no Compose file here.
    """

    def __init__(self, files: FileReader, library: Library) -> None:
        self._files = files
        self._library = library
        self._complete: dict[str, dict[str, bool]] = {}
        self._names: dict[str, list[str]] = {}

    def is_compose(self, path: str) -> bool:
        """Return whether *path* has services, ``include``, or networks or volumes beside ``x-*``.

        A mapping of which every value has an image or build is one too: the format before
        ``services`` was introduced.
        """
        root = self._library.mapping(path)
        if root is None:
            return False
        written = root.get("services")
        if written is not None:
            body = resolve(written)
            return isinstance(body, MappingNode) and all(
                isinstance(resolve(entry.value), MappingNode) for entry in body.entries
            )
        names = {entry.name or "" for entry in root.entries}
        known = {name for name in names if not name.startswith("x-")} - {"version", "name"}
        if known and known <= {"include", *RESOURCE_SECTIONS}:
            return True
        return bool(root.entries) and all(_is_service(entry.value) for entry in root.entries)

    def services(self, path: str) -> dict[str, bool]:
        """Return each service, and whether it has an image, build, extends or provider itself.

        Those that *path* includes count too, and what several files write of one is put together:
        a file that was divided is what it was.
        """
        if path not in self._complete:
            self._complete[path] = self._services_with_included(path)
        return self._complete[path]

    def _services_with_included(self, path: str) -> dict[str, bool]:
        found: dict[str, bool] = {}
        queue, seen = [path], {path}
        while queue:
            current = queue.pop()
            for name, body in self._services(current):
                is_complete = any(key in merged_entries(body) for key in _SOURCES)
                found[name] = found.get(name, False) or is_complete
            for name in self._included(current):
                target = join(self.home(path), name)
                if target not in seen:
                    seen.add(target)
                    queue.append(target)
        return found

    def home(self, path: str) -> str:
        """Return the project directory of *path*: what it includes and extends is there.

        That is its own directory, or else the nearest one above from which all of it is found, as
        for a file that is used with ``--project-directory``.
        """
        own = directory = directory_of(path)
        names = [name for name in self._named(path) if not _ELSEWHERE.match(name)]
        while names:
            if all(join(directory, name) in self._listed for name in names):
                return directory
            if directory == ".":
                break
            directory = directory_of(directory)
        return own

    @cached_property
    def _listed(self) -> frozenset[str]:
        return frozenset(self._files.paths())

    def overriding(self, path: str, service: str) -> frozenset[str]:
        """Return the files that may be merged over *path* and say something on *service*.

        They stand in the same directory, or write the service without saying what runs.
        """
        return frozenset(
            other
            for other, is_complete in self._homes.get(service, {}).items()
            if other != path and not (is_complete and directory_of(other) != directory_of(path))
        )

    @cached_property
    def _homes(self) -> dict[str, dict[str, bool]]:
        """The files of the tree that write each service, and whether they say what runs."""
        found: dict[str, dict[str, bool]] = {}
        for path in self._files.paths():
            if path.endswith((".yml", ".yaml")) and self.is_compose(path):
                for name, body in self._services(path):
                    is_complete = any(key in merged_entries(body) for key in _SOURCES)
                    found.setdefault(name, {})[path] = is_complete
        return found

    def has_override_tags(self, path: str) -> bool:
        """Return whether ``!reset`` or ``!override`` stands in *path*."""
        root = self._library.mapping(path)
        if root is None or not any(t in self._library.tree(path).source.text for t in _TAGS):
            return False
        return any(node.tag in _TAGS for node in walk(root))

    def has_include(self, path: str) -> bool:
        """Return whether *path* takes in other files by ``include``."""
        root = self._library.mapping(path)
        return root is not None and root.get("include") is not None

    def undefined(self, path: str) -> frozenset[str]:
        """Return the services and resources that are used but not defined.

        What a service of another file uses counts where one extends it. Empty for a file with
        ``include``, which may define anything.
        """
        root = self._library.mapping(path)
        if root is None or self.has_include(path):
            return frozenset()
        bodies = dict(self._services(path))
        defined = {
            (section, name)
            for section in RESOURCE_SECTIONS
            for name in merged_entries(root.get(section))
        } | {("networks", "default")}
        missing: set[str] = set()
        for body in self._with_extended(path, bodies.values()):
            parent = extended(body)
            needed = services(body)
            if parent and parent[0] is None and parent[1]:
                needed.add(parent[1])
            missing |= {name for name in needed if name not in bodies}
            missing |= {
                name
                for section, name in resources(body)
                if (section, name) not in defined and _PLAIN_NAME.fullmatch(name)
            }
        return frozenset(missing)

    def _with_extended(self, path: str, bodies: Iterable[Node]) -> Iterator[Node]:
        """Yield *bodies* of *path*, and those of the services in other files that they extend."""
        queue = [(path, body) for body in bodies]
        seen: set[tuple[str, str]] = set()
        while queue:
            where, body = queue.pop()
            yield body
            parent = extended(body)
            if parent is None or parent[1] is None or not (parent[0] or where != path):
                continue
            home = self.home(path) if where == path else directory_of(where)
            target = (join(home, parent[0]) if parent[0] else where, parent[1])
            found = dict(self._services(target[0])).get(target[1])
            if found is not None and target not in seen:
                seen.add(target)
                queue.append((target[0], found))

    def referenced_by(self, path: str) -> frozenset[str]:
        """Return the Compose files that name *path* in ``include`` or ``extends``."""
        return frozenset(self._references.get(path, ()))

    def extended_services(self, path: str) -> frozenset[str] | None:
        """Return the services of *path* that other files extend; None where one includes it."""
        found: set[str] = set()
        for other in self.referenced_by(path) - {path}:
            home = self.home(other)
            if any(join(home, name) == path for name in self._included(other)):
                return None
            parents = (extended(body) for _, body in self._services(other))
            found |= {p[1] for p in parents if p and p[0] and p[1] and join(home, p[0]) == path}
        return frozenset(found)

    @cached_property
    def _references(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for path in self._files.paths():
            if not path.endswith((".yml", ".yaml")):
                continue
            text = self._files.read(path) or ""
            if "extends" not in text and "include" not in text:
                continue
            if not _REFERS.search(text) or not self.is_compose(path):
                continue
            for name in self._named(path):
                found.setdefault(join(self.home(path), name), set()).add(path)
        return found

    def _named(self, path: str) -> list[str]:
        """Return the files that *path* extends and includes, as it writes them."""
        if path not in self._names:
            parents = (extended(body) for _, body in self._services(path))
            found = [parent[0] for parent in parents if parent and parent[0]]
            self._names[path] = [*found, *self._included(path)]
        return self._names[path]

    def _included(self, path: str) -> Iterator[str]:
        root = self._library.mapping(path)
        for item in item_nodes(root.get("include") if root else None):
            paths = merged_get(item, "path") if isinstance(item, MappingNode) else item
            for node in item_nodes(paths):
                if text := scalar_text(node):
                    yield text

    def _services(self, path: str) -> list[tuple[str, Node]]:
        root = self._library.mapping(path)
        if root is None:
            return []
        written: Node | None = root.get("services")
        if written is None and not any(root.get(k) for k in ("include", *RESOURCE_SECTIONS)):
            written = root
        body = resolve(written) if written is not None else None
        if not isinstance(body, MappingNode):
            return []
        return [(e.name, resolve(e.value)) for e in body.entries if e.name and not e.is_merge]


def _is_service(node: Node) -> bool:
    body = merged_entries(node)
    return "image" in body or "build" in body
