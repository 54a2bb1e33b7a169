"""Compose files by path, each read and parsed once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from composerefactor.compose.file import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.merged import item_nodes, merged_entries, merged_get, scalar_text
from composerefactor.compose.references import extended, resources, services
from composerefactor.errors import ComposerefactorError, InputError
from composerefactor.source import Source
from composerefactor.yamltree.nodes import Mapping as MappingNode

DEFINING = ("image", "build", "extends", "provider")
"""Attributes that make a service more than a change of another file's service."""


class Reader(Protocol):
    """Access to files by POSIX path relative to the project root."""

    def read_bytes(self, path: str) -> bytes:
        """Return the content; raises InputError where it cannot be read."""
        ...

    def exists(self, path: str) -> bool:
        """Return whether a regular file stands at *path*."""
        ...


class Library:
    """The Compose files of *reader*, parsed when they are first asked for."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._known: dict[str, ComposeFile | InputError] = {}

    def file(self, path: str) -> ComposeFile:
        """Return the parsed file at *path*.

        Raises InputError where it cannot be read, or is no Compose file.
        """
        known = self._known.get(path)
        if known is None:
            try:
                known = ComposeFile.parse(Source.decode(path, self.reader.read_bytes(path)))
            except InputError as error:
                known = error
            self._known[path] = known
        if isinstance(known, InputError):
            raise known
        return known

    def find(self, path: str) -> ComposeFile | None:
        """Return the parsed file at *path*, or None where there is no Compose file."""
        try:
            return self.file(path)
        except ComposerefactorError:
            return None


class Facts:
    """What single Compose files say of themselves, before any merge."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def is_compose(self, path: str) -> bool:
        """Return whether *path* is a Compose file, judged by its content.

        A file that is named like one and cannot be parsed counts too, so that its error is shown.
        """
        try:
            file = self.library.file(path)
        except InputError:
            return "compose" in path.rsplit("/", 1)[-1]
        if isinstance(file.root.get("services"), MappingNode):
            return True
        return file.root.get("include") is not None or {"networks", "volumes"} <= {
            e.name for e in file.root.entries
        }

    def services(self, path: str) -> Mapping[str, bool]:
        """Return the services: name -> has an image, build, extends or provider of its own."""
        file = self.library.find(path)
        if file is None:
            return {}
        return {
            name: any(attribute in merged_entries(body) for attribute in DEFINING)
            for name, body in file.services.items()
        }

    def has_override_tags(self, path: str) -> bool:
        """Return whether ``!reset`` or ``!override`` stands in *path*."""
        file = self.library.find(path)
        return file is not None and file.has_tags

    def undefined(self, path: str) -> Collection[str]:
        """Return what services use and *path* does not define; nothing for a file that includes."""
        file = self.library.find(path)
        if file is None or file.root.get("include") is not None:
            return ()
        defined = {(s, n) for s in RESOURCE_SECTIONS for n in file.entries(s)}
        defined |= {("networks", "default")}
        missing: set[str] = set()
        for body in file.services.values():
            missing |= {n for s, n in resources(body) if (s, n) not in defined and "$" not in n}
            missing |= {n for n in services(body) if n not in file.services and "$" not in n}
        return missing

    def referenced_by(self, path: str) -> Collection[str]:
        """Return the parsed Compose files that name *path* in ``include`` or ``extends``."""
        return self._references.get(path, ())

    def learn(self, paths: Collection[str]) -> None:
        """Note which of the Compose files *paths* name which others."""
        self._references: dict[str, set[str]] = {}
        for path in paths:
            file = self.library.find(path)
            for target in _named_files(file) if file else ():
                directory = path.rpartition("/")[0]
                full = _join(directory, target)
                if full != path:
                    self._references.setdefault(full, set()).add(path)


def _named_files(file: ComposeFile) -> Collection[str]:
    found = set()
    for item in item_nodes(file.root.get("include")):
        paths = merged_get(item, "path") if isinstance(item, MappingNode) else item
        found |= {text for node in item_nodes(paths) if (text := scalar_text(node))}
    for body in file.services.values():
        parent = extended(body)
        if parent and parent[0]:
            found.add(parent[0])
    return found


def _join(directory: str, path: str) -> str:
    parts: list[str] = []
    for part in f"{directory}/{path}".split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in {"", ".", ".."}:
            parts.append(part)
    return "/".join(parts)
