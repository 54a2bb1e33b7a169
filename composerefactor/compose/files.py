"""Names of Compose files, one file with its sections and lines, and the files of a project by path.

:class:`ComposeFile` is one parsed file. :class:`Library` parses files on first use.
"""

from __future__ import annotations

from collections.abc import Container
from functools import cached_property
from typing import Protocol

from msgspec import Struct

from composerefactor.compose.interpolation import Variable, variables
from composerefactor.compose.paths import is_inside
from composerefactor.errors import InputError, Location
from composerefactor.yaml.comments import Region, regions, top_regions
from composerefactor.yaml.nodes import (
    AliasNode,
    Entry,
    MappingNode,
    Node,
    Path,
    Tree,
    own_entries,
    paths,
    resolve,
    value_of,
    walk,
)
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import merged_entries, to_python

DEFAULT_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""Names that Docker Compose looks for without ``-f``, best first (observed: v5.6.1)."""

OVERRIDE_NAMES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
"""Names of the override file of a default file, best first (observed: v5.6.1)."""

YAML_SUFFIXES = (".yml", ".yaml")

RESOURCE_SECTIONS = ("networks", "volumes", "secrets", "configs", "models")
"""Top-level sections with resources that services refer to (Compose specification)."""

SECTION_NOUNS = {section: section.removesuffix("s") for section in ("services", *RESOURCE_SECTIONS)}
"""The noun for an entry of each section, such as ``network``."""

SECTION_ORDER = ("version", "name", "include", "services", *RESOURCE_SECTIONS)
"""The usual order of the sections of a file."""

SECTIONS = frozenset(SECTION_ORDER)

_NOT_THIS_FILE = "name the Compose file with -f if this is not one"


class FileSection(Struct, frozen=True, eq=False):
    """A top-level entry.

    Attributes:
        name: The key.
        region: The lines of the entry.
        entries: The lines of each entry below the key, by name; None if they share lines.
    """

    name: str
    region: Region
    entries: dict[str, Region] | None

    @property
    def value(self) -> Node:
        """The value of the key, with aliases resolved."""
        return resolve(self.region.entry.value)


class ComposeFile(Struct, frozen=True, eq=False, dict=True):
    """A parsed Compose file.

    Attributes:
        path: The path, POSIX and relative to the project root.
        source: The text.
        tree: The YAML tree.
        root: The top-level mapping; empty if the file contains only comments.
    """

    path: str
    source: Source
    tree: Tree
    root: MappingNode

    @classmethod
    def parse(cls, source: Source) -> ComposeFile:
        """Parse *source*; raises InputError for text that is not YAML or not a Compose file."""
        return cls.of(parse(source))

    @classmethod
    def of(cls, tree: Tree, *, repairable: bool = False) -> ComposeFile:
        """Return *tree* as a Compose file.

        A file that contains only comments is a Compose file without definitions
        (:attr:`is_blank`). Raises InputError if the top level is not a mapping, if there are
        several YAML documents and, unless *repairable*, for a version 1 file, which has its
        services at the top level.

        Docker Compose merges the documents of a file like files of ``-f``, and rejects an empty
        one (observed: v2.24.7 and v5.6.1).
        """
        source, root = tree.source, tree.root
        if len(tree.documents) > 1:
            at = tree.documents[1].start
            raise InputError(
                "a second YAML document begins here, and only files with one are supported",
                location=source.location(at),
                remedy="remove the `---`, or move what follows it to an override file",
                source_line=source.line(at),
            )
        if not tree.documents:
            at = len(source.text)
            root = MappingNode(at, at, at)
        elif root is None:
            raise empty_file_error(source.path)
        if not isinstance(root, MappingNode):
            raise InputError(
                "not a Compose file: the top level is not a mapping",
                location=source.location(root.start),
                remedy=_NOT_THIS_FILE,
                source_line=source.line(root.start),
            )
        file = cls(source.path, source, tree, root)
        if not repairable:
            file.check_version_1()
        return file

    def check_version_1(self) -> None:
        """Raise InputError if services are at the top level, as in version 1 of the format."""
        services = self.top_services
        if services:
            raise InputError(
                f"a version 1 file: service {services[0].name!r} is at the top level",
                location=self.source.location(services[0].start),
                remedy="move the services below a key 'services:', as `composerefactor fix` does",
                source_line=self.source.line(services[0].start),
            )

    @property
    def is_blank(self) -> bool:
        """True if the file contains only comments.

        Docker Compose accepts such a file if another file of the start command, or a file that
        includes it, has a definition (observed: from v2.24.7 on).
        """
        return not self.tree.documents

    @property
    def top_services(self) -> list[Entry]:
        """The services at the top level, as in version 1 of the format."""
        if self.root.get("services") is not None:
            return []
        candidates = [
            entry
            for entry in self.root.entries
            if entry.name not in SECTIONS and not (entry.name or "").startswith("x-")
        ]
        bodies = [resolve(entry.value) for entry in candidates]
        known = ("image", "build", "extends")
        if any(isinstance(b, MappingNode) and any(map(b.get, known)) for b in bodies):
            return [
                e for e, b in zip(candidates, bodies, strict=True) if isinstance(b, MappingNode)
            ]
        return []

    @cached_property
    def aliased(self) -> frozenset[int]:
        """The ids of the nodes that aliases refer to."""
        nodes = walk(self.root)
        return frozenset(id(node.target) for node in nodes if isinstance(node, AliasNode))

    @cached_property
    def sections(self) -> dict[str, FileSection] | None:
        """The top-level entries by name; None if they are not on lines of their own."""
        if self.is_blank:
            return {}
        source = self.source
        first = self.tree.documents[0]
        entry_regions = top_regions(
            source, self.root, start=_document_start(source, first.start), end=self.document_end
        )
        if entry_regions is None:
            return None
        return {r.entry.name or "": self._section(r) for r in entry_regions}

    def regions_in(self, section: str) -> dict[str, Region]:
        """Return the lines of each entry of *section*; {} if entries share lines."""
        top_level = (self.sections or {}).get(section)
        return (top_level.entries if top_level else None) or {}

    @property
    def document_end(self) -> int:
        """The offset at which the lines of the document end."""
        if self.is_blank:
            return len(self.source.text)
        end = self.tree.documents[0].end
        if self.source.text[self.source.line_start(end) : end] == "...":
            return self.source.line_start(max(end - 1, 0)) if end else 0
        return len(self.source.text)

    def _section(self, region: Region) -> FileSection:
        value = region.entry.value
        entries: dict[str, Region] | None = None
        if isinstance(value, MappingNode):
            start = self.source.next_line(region.key)
            parts = regions(self.source, value, start=start, end=region.end)
            if parts is not None and all(p.entry.name for p in parts):
                entries = {p.entry.name or "": p for p in parts}
        return FileSection(region.entry.name or "", region, entries)

    @property
    def root_keys(self) -> set[str]:
        """The top-level keys."""
        return {entry.name or "" for entry in self.root.entries}

    @cached_property
    def paths(self) -> tuple[tuple[Path, Node], ...]:
        """All nodes with their paths, in the order of the file; aliases are not followed."""
        return tuple(paths(self.root))

    @cached_property
    def services(self) -> dict[str, Node]:
        """The bodies of the services by name, with aliases resolved."""
        return self.entries("services")

    @property
    def service_keys(self) -> set[str]:
        """The keys that services have, merge keys and aliases followed."""
        return {key for body in self.services.values() for key in merged_entries(body)}

    @cached_property
    def variables(self) -> list[Variable]:
        """The distinct variables in keys and values (see :func:`variables`)."""
        found = self.tree.interpolated_in(self.root.outer_start, self.root.end)
        return list(dict.fromkeys(v for node in found for v in variables(node.value)))

    def entries(self, section: str) -> dict[str, Node]:
        """Return the definitions in *section* by name, with aliases resolved."""
        entries = own_entries(value_of(self.root, section))
        return {e.name: resolve(e.value) for e in entries if e.name and not e.is_merge}

    def location_of(self, section: str, name: str = "") -> Location:
        """Return the location of *section*, or of the entry *name* in it; else of the file."""
        entry = self.root.entry(section)
        if entry is not None and name:
            value = resolve(entry.value)
            entry = value.entry(name) if isinstance(value, MappingNode) else None
        return self.source.location(entry.start) if entry else Location(self.path)


def empty_file_error(path: str) -> InputError:
    """Return the error for the empty file at *path*."""
    return InputError("the file is empty", location=Location(path), remedy=_NOT_THIS_FILE)


def _document_start(source: Source, start: int) -> int:
    """Return the offset just after the line of the ``---`` at *start*; 0 if there is none."""
    if source.text.startswith("---", start):
        return source.next_line(start)
    return 0


class FileReader(Protocol):
    """Access to files by POSIX path relative to the project root.

    Compose files are read from a disk, and from plans that are not written yet.
    """

    def read_bytes(self, path: str) -> bytes:
        """Return the content; raises InputError if the file cannot be read."""
        ...

    def exists(self, path: str) -> bool:
        """Return whether there is a regular file at *path*."""
        ...


class Library:
    """The Compose files of *reader*, each parsed on first use.

    Files that the library *known* has parsed are reused, except for the paths in *changed*. If
    *repairable* is True, files with two errors that Docker Compose rejects, but that can be fixed
    in place, are accepted too: a repeated key, and services at the top level.
    """

    def __init__(
        self,
        reader: FileReader,
        known: Library | None = None,
        changed: Container[str] = (),
        *,
        repairable: bool = False,
    ) -> None:
        self.reader = reader
        self.repairable: bool = repairable or (known is not None and known.repairable)
        self.parsed: dict[str, ComposeFile | InputError] = {}
        self.trees: dict[str, Tree | InputError] = {}
        self.usable: set[str] = set()
        if known is not None:
            self.parsed |= {p: file for p, file in known.parsed.items() if p not in changed}
            self.trees |= {p: tree for p, tree in known.trees.items() if p not in changed}
            self.usable |= {path for path in known.usable if path not in changed}

    def file(self, path: str) -> ComposeFile:
        """Return the parsed file at *path*.

        Raises InputError if it cannot be read or is not a Compose file.
        """
        result = self.parsed.get(path)
        if result is None:
            try:
                result = ComposeFile.of(self.tree(path), repairable=self.repairable)
                self.check_usable(path)
            except InputError as error:
                result = _without_text(error, path)
            self.parsed[path] = result
        if isinstance(result, InputError):
            raise result
        return result

    def tree(self, path: str) -> Tree:
        """Return the YAML tree of the file at *path*; raises InputError if it is not YAML."""
        result = self.trees.get(path)
        if result is None:
            try:
                source = Source.decode(path, self.reader.read_bytes(path))
                result = parse(source, duplicates=self.repairable)
            except InputError as error:
                result = _without_text(error, path)
            self.trees[path] = result
        if isinstance(result, InputError):
            raise result
        return result

    def check_usable(self, path: str) -> None:
        """Raise InputError if the file at *path* cannot be read, or has no usable values.

        In a template, for example, ``{{ ports }}`` is a mapping with a mapping as its key.
        """
        if path not in self.usable:
            tree = self.tree(path)
            if tree.root is not None:
                to_python(tree.root, tree.source)
            self.usable.add(path)

    def mapping(self, path: str) -> MappingNode | None:
        """Return the top-level mapping of the file at *path*; None if it cannot be read."""
        try:
            root = self.tree(path).root
        except InputError:
            return None
        return root if isinstance(root, MappingNode) else None


def _without_text(error: InputError, path: str) -> InputError:
    """Return *error*, without its source line if *path* is outside of the project.

    A project may name any file of the machine, and must not reveal its contents.
    """
    if not is_inside(path):
        error.source_line = ""
    return error
