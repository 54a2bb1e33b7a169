"""One Compose file: its sections, and the lines that belong to each."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from functools import cached_property, lru_cache
from typing import Protocol

from msgspec import Struct

from composerefactor.compose.interpolation import Variable, variables
from composerefactor.errors import InputError, Location
from composerefactor.yaml.comments import Region, regions, top_regions
from composerefactor.yaml.nodes import Entry, MappingNode, Node, Tree, resolve
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source

RESOURCE_SECTIONS = ("networks", "volumes", "secrets", "configs", "models")
"""Top-level sections whose entries services name (Compose specification)."""

SECTION_ORDER = ("version", "name", "include", "services", *RESOURCE_SECTIONS)
"""The order in which people write the sections of a file."""

SECTIONS = frozenset(SECTION_ORDER)

_NOT_THIS_FILE = "name the Compose file with -f if this is not one"


class Section(Struct, frozen=True, eq=False):
    """A top-level entry. *entries* divides its lines by key; None where they cannot be divided."""

    name: str
    region: Region
    entries: dict[str, Region] | None

    @property
    def value(self) -> Node:
        """What stands below the key, aliases followed."""
        return resolve(self.region.entry.value)


class ComposeFile(Struct, frozen=True, eq=False, dict=True):
    """A parsed Compose file. *path* is POSIX and relative to the project root."""

    path: str
    source: Source
    tree: Tree
    root: MappingNode

    @classmethod
    def parse(cls, source: Source) -> ComposeFile:
        """Parse *source*; raises InputError for text that is not YAML or no Compose file."""
        return cls.of(parse(source))

    @classmethod
    def of(cls, tree: Tree, *, repairable: bool = False) -> ComposeFile:
        """Return *tree* as a Compose file.

        Raises InputError for what is none: one without a mapping, and, unless it may be
        *repairable*, a version 1 file with its services at the top level. A file of comments alone
        is one that defines nothing (:attr:`is_blank`).
        """
        source, root = tree.source, tree.root
        if not tree.documents:
            at = len(source.text)
            root = MappingNode(at, at, at)
        elif root is None and len(tree.documents) == 1:
            raise empty(source.path)
        if not isinstance(root, MappingNode):
            at = root.start if root is not None else 0
            raise InputError(
                "not a Compose file: the top level is no mapping",
                location=source.location(at),
                remedy=_NOT_THIS_FILE,
                source_line=source.line(at),
            )
        file = cls(source.path, source, tree, root)
        if not repairable:
            file.check_version_1()
        return file

    def check_version_1(self) -> None:
        """Raise InputError where services stand at the top level, as before Compose format 2."""
        found = self.top_services
        if found:
            raise InputError(
                f"a version 1 file: service {found[0].name!r} stands at the top level",
                location=self.source.location(found[0].start),
                remedy="put the services below a key 'services:', as `composerefactor fix` does",
                source_line=self.source.line(found[0].start),
            )

    @property
    def is_blank(self) -> bool:
        """Return whether nothing but comments is written.

        The engine takes such a file where another one of the entry point, or one that it is
        included in, says something (observed: from v2.24.7 on).
        """
        return not self.tree.documents

    @property
    def top_services(self) -> list[Entry]:
        """The entries of services that stand at the top level, as before Compose format 2."""
        if self.root.get("services") is not None:
            return []
        found = [
            entry
            for entry in self.root.entries
            if entry.name not in SECTIONS and not (entry.name or "").startswith("x-")
        ]
        bodies = [resolve(entry.value) for entry in found]
        known = ("image", "build", "extends")
        if any(isinstance(b, MappingNode) and any(map(b.get, known)) for b in bodies):
            return [e for e, b in zip(found, bodies, strict=True) if isinstance(b, MappingNode)]
        return []

    @cached_property
    def sections(self) -> dict[str, Section] | None:
        """The top-level entries by name; None where they do not stand on lines of their own."""
        if self.is_blank:
            return {}
        source = self.source
        first = self.tree.documents[0]
        found = top_regions(
            source, self.root, start=_document_start(source, first.start), end=self.document_end
        )
        if found is None:
            return None
        return {r.entry.name or "": self._section(r) for r in found}

    def regions_in(self, section: str) -> dict[str, Region]:
        """Return the lines of each entry of *section*; {} where they are not lines of their own."""
        found = (self.sections or {}).get(section)
        return (found.entries if found else None) or {}

    @property
    def document_end(self) -> int:
        """Offset at which the lines of the first document end."""
        if self.is_blank:
            return len(self.source.text)
        end = self.tree.documents[0].end
        if len(self.tree.documents) > 1 or self.source.text[end - 3 : end] == "...":
            return self.source.line_start(max(end - 1, 0)) if end else 0
        return len(self.source.text)

    def _section(self, region: Region) -> Section:
        value = region.entry.value
        entries: dict[str, Region] | None = None
        if isinstance(value, MappingNode):
            start = self.source.next_line(region.key)
            parts = regions(self.source, value, start=start, end=region.end)
            if parts is not None and all(p.entry.name is not None for p in parts):
                entries = {p.entry.name or "": p for p in parts}
        return Section(region.entry.name or "", region, entries)

    @property
    def root_keys(self) -> set[str]:
        """The top-level keys."""
        return {entry.name or "" for entry in self.root.entries}

    @cached_property
    def services(self) -> dict[str, Node]:
        """The bodies of the services by name, aliases followed; {} where there are none."""
        return self.entries("services")

    @cached_property
    def variables(self) -> list[Variable]:
        """The variables in keys and values, each once for each way it is written."""
        found = self.tree.interpolated_in(self.root.outer_start, self.root.end)
        return list(dict.fromkeys(v for node in found for v in variables(node.value)))

    def entries(self, section: str) -> dict[str, Node]:
        """Return what *section* defines by name, aliases followed."""
        value = self.root.get(section)
        value = resolve(value) if value is not None else None
        if not isinstance(value, MappingNode):
            return {}
        return {e.name: resolve(e.value) for e in value.entries if e.name and not e.is_merge}

    def location_of(self, section: str, name: str = "") -> Location:
        """Return where *section*, or the entry *name* in it, is written."""
        entry = self.root.entry(section)
        if entry is not None and name:
            value = resolve(entry.value)
            entry = value.entry(name) if isinstance(value, MappingNode) else None
        return self.source.location(entry.start) if entry else Location(self.path)


def empty(path: str) -> InputError:
    """Return the error for the file at *path*, which should say something and does not."""
    return InputError("the file is empty", location=Location(path), remedy=_NOT_THIS_FILE)


def _document_start(source: Source, start: int) -> int:
    """Return the offset just after the line of ``---``, or 0 where none is written."""
    if source.text.startswith("---", start):
        return source.next_line(start)
    return 0


class Reader(Protocol):
    """Access to files by POSIX path relative to the project root."""

    def read_bytes(self, path: str) -> bytes:
        """Return the content; raises InputError where it cannot be read."""
        ...

    def exists(self, path: str) -> bool:
        """Return whether a regular file stands at *path*."""
        ...


class Library:
    """The Compose files of *reader*, parsed when they are first asked for.

    What another library *known* has parsed is taken from it, except for the paths in *changed*.
    *repairable* True also reads what the engine rejects and can be mended in place: a key that is
    written twice, and services at the top level.
    """

    def __init__(
        self,
        reader: Reader,
        known: Library | None = None,
        changed: Container[str] = (),
        *,
        repairable: bool = False,
    ) -> None:
        self.reader = reader
        self.repairable: bool = repairable or (known is not None and known.repairable)
        self.parsed: dict[str, ComposeFile | InputError] = {}
        self.trees: dict[str, Tree | InputError] = {}
        if known is not None:
            self.parsed |= {p: file for p, file in known.parsed.items() if p not in changed}
            self.trees |= {p: tree for p, tree in known.trees.items() if p not in changed}

    def file(self, path: str) -> ComposeFile:
        """Return the parsed file at *path*.

        Raises InputError where it cannot be read, or is no Compose file.
        """
        known = self.parsed.get(path)
        if known is None:
            try:
                known = ComposeFile.of(self.tree(path), repairable=self.repairable)
            except InputError as error:
                known = _without_text(error, path)
            self.parsed[path] = known
        if isinstance(known, InputError):
            raise known
        return known

    def tree(self, path: str) -> Tree:
        """Return the parsed text at *path*; raises InputError where it is no YAML text."""
        known = self.trees.get(path)
        if known is None:
            try:
                source = Source.decode(path, self.reader.read_bytes(path))
                known = parse(source, duplicates=self.repairable)
            except InputError as error:
                known = _without_text(error, path)
            self.trees[path] = known
        if isinstance(known, InputError):
            raise known
        return known

    def mapping(self, path: str) -> MappingNode | None:
        """Return the top-level mapping at *path*, or None where there is none to read."""
        try:
            root = self.tree(path).root
        except InputError:
            return None
        return root if isinstance(root, MappingNode) else None


def _without_text(error: InputError, path: str) -> InputError:
    """Return *error* without the line it shows if *path* is outside of the project.

    A project may name any file of the machine, and what stands in it is not the project's to show.
    """
    if path.startswith(("../", "/")):
        error.source_line = ""
    return error


IGNORE = re.compile(r"#\s*composerefactor:\s*ignore\[([\w,\s-]*)\]\s*(.*?)\s*$")
"""As ``# composerefactor: ignore[harden] needs root``."""

NO_REASON = "ignored by a comment"


def ignored(file: ComposeFile, line: int, *names: str) -> str | None:
    """Return the reason a comment gives for leaving *line* of *file* alone, or None.

    It counts on the line itself, right above it, and on the service around it, for the transform
    or rule that is called like one of *names*.
    """
    if not _has_any(file.source.text):
        return None
    for comment in _comments_on(file, line):
        match = IGNORE.search(comment)
        if match and {name.strip() for name in match[1].split(",")}.intersection(names):
            return match[2] or NO_REASON
    return None


@lru_cache(maxsize=16)
def _has_any(text: str) -> bool:
    return "composerefactor:" in text


def _comments_on(file: ComposeFile, line: int) -> Iterator[str]:
    """Yield the line *line*, the comments right above it, and those on its service."""
    lines = file.source.text.splitlines()
    if not 0 < line <= len(lines):
        return
    yield lines[line - 1]
    yield from _above(lines, line - 1)
    at = file.source.line_starts[line - 1]
    for region in file.regions_in("services").values():
        if region.lead <= at < region.end:
            key = file.source.line_index(region.key)
            yield lines[key]
            yield from _above(lines, key)


def _above(lines: list[str], index: int) -> Iterator[str]:
    while index > 0 and lines[index - 1].lstrip().startswith("#"):
        index -= 1
        yield lines[index]
