"""The files of a project, and the facts on its Compose files that discovery needs.

Facts describe single files as they are written, before Docker Compose merges them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.files import DEFAULT_NAMES, OVERRIDE_NAMES, RESOURCE_SECTIONS, Library
from composerefactor.compose.paths import directory_of, path_from
from composerefactor.compose.references import (
    extends_target,
    includes,
    referenced_resources,
    referenced_services,
)
from composerefactor.compose.short_forms import volumes
from composerefactor.errors import InputError
from composerefactor.yaml.nodes import MappingNode, Node, Tree, own_entries, resolve, value_of, walk
from composerefactor.yaml.values import merged_entries


def directories_of(paths: Iterable[str]) -> frozenset[str]:
    """Return all directories that contain one of *paths* at any depth; not the top one."""
    directories: set[str] = set()
    for path in paths:
        directory = posixpath.dirname(path)
        while directory and directory not in directories:
            directories.add(directory)
            directory = posixpath.dirname(directory)
    return frozenset(directories)


class Listing:
    """The texts of a project by POSIX path relative to the project directory.

    Start commands are searched in files of all kinds, and again in those that a move would leave.

    Attributes:
        read: Returns the text of a path; None if it is missing, not text, or too large.
    """

    def __init__(
        self, list_paths: Callable[[], Iterable[str]], read: Callable[[str], str | None]
    ) -> None:
        self._list_paths = list_paths
        self.read = read

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The paths of all files, sorted."""
        return tuple(self._list_paths())

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.paths)

    @cached_property
    def directories(self) -> frozenset[str]:
        """All directories that contain a file at any depth; ``.`` is the project directory."""
        return directories_of(self.paths) | {"."}

    def exists(self, path: str) -> bool:
        """Return whether the file *path* is listed."""
        return path in self._known

    def names_in(self, directory: str) -> list[str]:
        """Return the paths of the files directly in *directory*."""
        inside = "" if directory == "." else directory
        return [path for path in self.paths if posixpath.dirname(path) == inside]

    def default_file(self, directory: str) -> str | None:
        """Return the file that Docker Compose uses in *directory* without ``-f``, or None."""
        return self._first(directory, DEFAULT_NAMES)

    def override_file(self, directory: str) -> str | None:
        """Return the override file that Docker Compose adds to the default file, or None."""
        return self._first(directory, OVERRIDE_NAMES)

    def _first(self, directory: str, names: Sequence[str]) -> str | None:
        for name in names:
            path = path_from(directory, name)
            if path in self._known:
                return path
        return None


_CODE = re.compile(
    r"(?:.*/)?(?:dockerfile[^/]*|makefile|justfile|jenkinsfile|scripts?/[^/.]+"
    r"|[^/]*\.(?:env(?:\.[\w.-]+)?|ya?ml|json|properties|toml|ini|cfg|conf|mk"
    r"|config|xml|sh|bash|ps1|bat|sql|py|rb|php|js|ts|java|kt|cs|go))",
    re.IGNORECASE,
)
"""Files in which programs have their settings."""
_MAX_SEARCHED = 3000


def files_with(listing: Listing, texts: Iterable[str]) -> dict[str, list[str]]:
    """Return the settings and sources in *listing* that contain each of *texts*.

    Of very many files those nearest to the root are searched.
    """
    wanted = {text: list[str]() for text in texts}
    for path in _searched(listing)[:_MAX_SEARCHED] if wanted else ():
        content = listing.read(path) or ""
        for text, found in wanted.items():
            if text in content:
                found.append(path)
    return wanted


def unsearched(listing: Listing) -> int:
    """Return how many settings and sources in *listing* :func:`files_with` does not search."""
    return max(0, len(_searched(listing)) - _MAX_SEARCHED)


def _searched(listing: Listing) -> list[str]:
    """Return the settings and sources in *listing*, those nearest to the root first."""
    paths = (path for path in listing.paths if _CODE.fullmatch(path))
    return sorted(paths, key=lambda path: (path.count("/"), path))


_DEFINING_KEYS = ("image", "build", "extends", "provider")
_OVERRIDE_TAGS = frozenset({"!reset", "!override"})
_PLAIN_NAME = r"[A-Za-z0-9][\w.-]*"
_SERVICE_NAME = r"[\w.-]+"
_OUTSIDE_PATH = r"[/~]|.*(?:\$|://)"
_REFERENCE = r"(?m)\bextends\b|^include\b"


class TreeFacts:
    """Facts on single Compose files of *listing* as they are written, parsed by *library*.

    A file that is not valid YAML is not a Compose file here.
    """

    def __init__(self, listing: Listing, library: Library) -> None:
        self._listing = listing
        self._library = library
        self._complete: dict[str, dict[str, bool]] = {}
        self._names: dict[str, list[str]] = {}

    def is_compose(self, path: str) -> bool:
        """Return whether *path* is a Compose file.

        It is one if it has ``services`` with keys of Compose (the ``azure.yaml`` of azd has
        others), or nothing but ``include``, networks, volumes and other
        resources, apart from ``x-*``. A mapping is one, too, if every value has an image or a
        build: that is the format before ``services`` was introduced. A template is none.
        """
        root = self._library.mapping(path)
        return root is not None and self._has_sections(root) and self.why_unusable(path) is None

    def has_services(self, path: str) -> bool:
        """Return whether *path* is a YAML file with a key ``services``."""
        is_yaml = path.endswith((".yml", ".yaml"))
        root = self._library.mapping(path) if is_yaml else None
        return root is not None and root.get("services") is not None

    def why_unusable(self, path: str) -> InputError | None:
        """Return why *path* is no usable YAML or names services with ``{{``, as in a template."""
        try:
            self._library.check_usable(path)
        except InputError as error:
            return error
        tree = self._library.tree(path)
        services = value_of(tree.root, "services")
        for name, entry in merged_entries(services).items():
            if not re.fullmatch(_SERVICE_NAME, name):
                return InputError(
                    f"{name!r} is not the name of a service",
                    location=tree.source.location(entry.start),
                )
        return None

    @staticmethod
    def _has_sections(root: MappingNode) -> bool:
        services_node = root.get("services")
        if services_node is not None:
            body = resolve(services_node)
            if not isinstance(body, MappingNode):
                return False
            services = [resolve(entry.value) for entry in body.entries]
            keys = {key for each in services for key in merged_entries(each)}
            is_compose = not keys or any(key in SERVICE_ORDER or key[:2] == "x-" for key in keys)
            return is_compose and all(isinstance(each, MappingNode) for each in services)
        names = {entry.name or "" for entry in root.entries}
        sections = {name for name in names if not name.startswith("x-")} - {"version", "name"}
        if sections and sections <= {"include", *RESOURCE_SECTIONS}:
            return True
        return bool(root.entries) and all(_is_service(entry.value) for entry in root.entries)

    def tree(self, path: str) -> Tree | None:
        """Return the YAML tree of *path*, or None if it is not valid YAML."""
        try:
            return self._library.tree(path)
        except InputError:
            return None

    def services(self, path: str) -> dict[str, bool]:
        """Return the services: name -> whether it has an image, build, extends or provider.

        Services of included files count, too, and the definitions of one service in several files
        are combined, so that splitting a file does not change the result.
        """
        if path not in self._complete:
            self._complete[path] = self._services_with_included(path)
        return self._complete[path]

    def _services_with_included(self, path: str) -> dict[str, bool]:
        complete: dict[str, bool] = {}
        queue, seen = [path], {path}
        while queue:
            current = queue.pop()
            for name, body in self._services(current):
                is_complete = any(key in merged_entries(body) for key in _DEFINING_KEYS)
                complete[name] = complete.get(name, False) or is_complete
            for name in self._included(current):
                target = path_from(self.project_directory(path), name)
                if target not in seen:
                    seen.add(target)
                    queue.append(target)
        return complete

    def project_directory(self, path: str) -> str:
        """Return the directory to which the included and extended files of *path* are relative.

        That is its own directory, or else the nearest one above from which all these files exist,
        as for a file that is used with ``--project-directory``.
        """
        own = directory = directory_of(path)
        names = [name for name in self._named(path) if not re.match(_OUTSIDE_PATH, name)]
        while names:
            if all(self._listing.exists(path_from(directory, name)) for name in names):
                return directory
            if directory == ".":
                break
            directory = directory_of(directory)
        return own

    def overriding(self, path: str, service: str) -> frozenset[str]:
        """Return the files that may be merged over *path* and define *service*.

        They are in the same directory, or define the service without an image, build, extends or
        provider.
        """
        return frozenset(
            other
            for other, is_complete in self._files_by_service.get(service, {}).items()
            if other != path and not (is_complete and directory_of(other) != directory_of(path))
        )

    @cached_property
    def _files_by_service(self) -> dict[str, dict[str, bool]]:
        """Each service -> the files that define it -> whether they have its image, build ..."""
        files: dict[str, dict[str, bool]] = {}
        for path in self._listing.paths:
            if path.endswith((".yml", ".yaml")) and self.is_compose(path):
                for name, body in self._services(path):
                    is_complete = any(key in merged_entries(body) for key in _DEFINING_KEYS)
                    files.setdefault(name, {})[path] = is_complete
        return files

    def has_override_tags(self, path: str) -> bool:
        """Return whether *path* contains the tag ``!reset`` or ``!override``."""
        root = self._library.mapping(path)
        if root is None or not any(
            t in self._library.tree(path).source.text for t in _OVERRIDE_TAGS
        ):
            return False
        return any(node.tag in _OVERRIDE_TAGS for node in walk(root))

    def has_include(self, path: str) -> bool:
        """Return whether *path* has an ``include``."""
        root = self._library.mapping(path)
        return root is not None and root.get("include") is not None

    def undefined(self, path: str) -> frozenset[str]:
        """Return the services and resources that *path* uses and does not define.

        The uses of extended services in other files count, too. The result is empty for a file
        with ``include``, since the included files may define anything.
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
        for body, replaced in self._with_extended(path, bodies.values()):
            parent = extends_target(body)
            needed = referenced_services(body)
            if parent and parent[0] is None and parent[1]:
                needed.add(parent[1])
            missing |= {name for name in needed if name not in bodies}
            missing |= {
                name
                for section, name in referenced_resources(body)
                if (section, name) not in defined
                and (section != "volumes" or name not in replaced)
                and re.fullmatch(_PLAIN_NAME, name)
            }
        return frozenset(missing)

    @cached_property
    def all_undefined(self) -> frozenset[str]:
        """What the Compose files of the whole tree use and do not define, see `undefined`."""
        paths = (p for p in self._listing.paths if p.endswith((".yml", ".yaml")))
        return frozenset().union(*(self.undefined(p) for p in paths if self.is_compose(p)))

    def _with_extended(
        self, path: str, bodies: Iterable[Node]
    ) -> Iterator[tuple[Node, frozenset[str]]]:
        """Yield the *bodies* of services of *path*, and of those in other files they extend.

        With each comes which of its volumes another mount at the same place replaces.
        """
        queue = [(path, body, frozenset[str]()) for body in bodies]
        seen: set[tuple[str, str, frozenset[str]]] = set()
        while queue:
            current_path, body, targets = queue.pop()
            mounts = [each.text for each in volumes(body)]
            yield body, frozenset(m.source or "" for m in mounts if m.target in targets)
            parent = extends_target(body)
            if parent is None or parent[1] is None or not (parent[0] or current_path != path):
                continue
            base_directory = (
                self.project_directory(path) if current_path == path else directory_of(current_path)
            )
            place = path_from(base_directory, parent[0]) if parent[0] else current_path
            targets = targets.union(mount.target for mount in mounts)
            key = place, parent[1], targets
            extended_body = dict(self._services(place)).get(parent[1])
            if extended_body is not None and key not in seen:
                seen.add(key)
                queue.append((place, extended_body, targets))

    def compose_files_in(self, directory: str) -> list[str]:
        """Return the Compose files directly in *directory*, sorted."""
        return [
            path
            for path in self._listing.paths
            if directory_of(path) == directory
            and path.endswith((".yml", ".yaml"))
            and self.is_compose(path)
        ]

    def referenced_by(self, path: str) -> frozenset[str]:
        """Return the Compose files that name *path* in ``include`` or ``extends``."""
        return frozenset(self._references.get(path, ()))

    def extended_services(self, path: str) -> frozenset[str] | None:
        """Return the services of *path* that other files extend; None if a file includes it."""
        extended_names: set[str] = set()
        for other in self.referenced_by(path) - {path}:
            base_directory = self.project_directory(other)
            if any(path_from(base_directory, name) == path for name in self._included(other)):
                return None
            parents = (extends_target(body) for _, body in self._services(other))
            extended_names |= {
                p[1]
                for p in parents
                if p and p[0] and p[1] and path_from(base_directory, p[0]) == path
            }
        return frozenset(extended_names)

    @cached_property
    def _references(self) -> dict[str, set[str]]:
        references: dict[str, set[str]] = {}
        for path in self._listing.paths:
            if not path.endswith((".yml", ".yaml")):
                continue
            text = self._listing.read(path) or ""
            if "extends" not in text and "include" not in text:
                continue
            if not re.search(_REFERENCE, text) or not self.is_compose(path):
                continue
            for name in self._named(path):
                target = path_from(self.project_directory(path), name)
                references.setdefault(target, set()).add(path)
        return references

    def _named(self, path: str) -> list[str]:
        """Return the files that *path* extends and includes, as written."""
        if path not in self._names:
            parents = (extends_target(body) for _, body in self._services(path))
            extended_files = [parent[0] for parent in parents if parent and parent[0]]
            self._names[path] = [*extended_files, *self._included(path)]
        return self._names[path]

    def _included(self, path: str) -> Iterator[str]:
        for item in includes(self._library.mapping(path)):
            yield from filter(None, item.paths)

    def _services(self, path: str) -> list[tuple[str, Node]]:
        root = self._library.mapping(path)
        if root is None:
            return []
        services_node: Node | None = root.get("services")
        if services_node is None and not any(root.get(k) for k in ("include", *RESOURCE_SECTIONS)):
            services_node = root
        body = resolve(services_node)
        entries = own_entries(body)
        return [(e.name, resolve(e.value)) for e in entries if e.name and not e.is_merge]


def _is_service(node: Node) -> bool:
    body = merged_entries(node)
    return "image" in body or "build" in body
