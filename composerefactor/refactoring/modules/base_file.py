"""A base file that may be divided: what may leave it, and why the rest may not."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

from msgspec import Struct

from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.merge_keys import merged_entries, merged_get
from composerefactor.compose.project import Project
from composerefactor.compose.references import extended, resources
from composerefactor.refactoring.modules.anchors import AnchorIndex, Element
from composerefactor.refactoring.modules.naming import Family
from composerefactor.refactoring.modules.writer import Division
from composerefactor.yaml.nodes import Node, ScalarNode, resolve

FEWEST_SERVICES = 3
"""Fewer services do not call for modules."""


class Reason(Struct, frozen=True):
    """Why something stays; *predicted* where it is what the engine would say, not what it said."""

    words: str
    predicted: bool = False


class BaseFile:
    """One base file. *keep* has parts of any file that stay, with the reason; *move* overrules.

    *into* is the directory of the modules. *leaves_stubs* is True where what moves can still be
    extended by other files, since a stub stays.
    """

    def __init__(
        self,
        project: Project,
        file: ComposeFile,
        keep: Mapping[tuple[str, str, str], str],
        move: Collection[tuple[str, str, str]],
        into: str = "",
        *,
        leaves_stubs: bool = False,
    ) -> None:
        self.project = project
        self.file = file
        self.directory = posixpath.dirname(file.path)
        self.family = Family.of(file.path)
        self.into = into or self.family.prefix
        self._keep = keep
        self._move = move
        self._leaves_stubs = leaves_stubs

    def without_stubs(self) -> BaseFile:
        """Return the same root for a plan that leaves no stubs in it."""
        return BaseFile(self.project, self.file, self._keep, self._move, self.into)

    @cached_property
    def anchors(self) -> AnchorIndex:
        """The anchors of the file."""
        return AnchorIndex(self.file)

    @cached_property
    def whole(self) -> str:
        """Why the file is not divided at all, or ``""``."""
        path, file = self.file.path, self.file
        section = (file.sections or {}).get("services")
        elsewhere = self.project.directories.get(path, set()) - {self.directory or "."}
        known, reason = self.project.whole.get(path), ""
        if known is not None and known.reader:
            remedy = "name the file with --entry to divide it all the same"
            return f"{known.reason}, which knows no include; {remedy}"
        if known is not None:
            return known.reason
        if path.startswith("../"):
            reason = "the file is outside of the project"
        elif not file.services:
            reason = "no services"
        elif section is None or section.entries is None:
            reason = "its services are not on lines of their own (a flow mapping)"
        elif elsewhere:
            reason = (
                f"the file is also used under the project directory {min(elsewhere)!r}, where "
                "its include paths would not be found"
            )
        else:
            reason = self._few_services()
        return reason

    @property
    def is_small(self) -> bool:
        """Whether nothing but the number of its services keeps the file whole."""
        return bool(self.whole) and self.whole == self._few_services()

    @cached_property
    def reasons(self) -> dict[Element, Reason]:
        """What stays in the file although it is divided, with the reasons."""
        return dict(self._reasons())

    def movable(self) -> list[str]:
        """Return the services that may leave the file; stubs of those that have left it do not."""
        return [
            n
            for n in self.file.regions_in("services")
            if n != "<<" and ("services", n) not in self.reasons and not self._is_stub(n)
        ]

    def _is_stub(self, name: str) -> bool:
        """Return whether a service only extends that of another file, or one of a module."""
        body = self.file.services[name]
        parent = extended(body)
        if parent is None or parent[0] is None:
            return False
        path = posixpath.normpath(posixpath.join(self.directory, parent[0]))
        into = posixpath.normpath(posixpath.join(self.directory, self.into))
        return path.startswith(f"{into}/") or merged_entries(body).keys() == {"extends"}

    def _few_services(self) -> str:
        count = len(self.file.services)
        if count + self._already_included() >= FEWEST_SERVICES:
            return ""
        if count == 1:
            return "one service does not call for modules"
        return f"{count} services do not call for modules"

    def _already_included(self) -> int:
        """Return how many services the modules hold that this file includes already."""
        return sum(
            len(self.project.files[path].services)
            for path, by in self.project.included_by.items()
            if self.file.path in by and path in self.project.files
        )

    def _reasons(self) -> Iterator[tuple[Element, Reason]]:
        for (path, section, name), words in self._keep.items():
            if path == self.file.path:
                yield (section, name), Reason(words)
        if self._leaves_stubs:
            return
        for extension in self.project.extensions.get(self.file.path, []):
            service: str | None = extension.service
            while service is not None and service in self.file.services:
                if (self.file.path, "services", service) not in self._move:
                    words = f"{extension.location} extends it, and does not see what is included"
                    yield ("services", service), Reason(words, predicted=True)
                parent = extended(self.file.services[service])
                service = parent[1] if parent and parent[0] is None else None


ROOT = ""


def divide(
    project: Project,
    file: ComposeFile,
    anchors: AnchorIndex,
    service_homes: Mapping[str, str],
    order: tuple[str, ...],
    kept: Iterable[Element],
) -> Division:
    """Return the destination of every part of *file*.

    *service_homes* gives the module of each service that moves, *order* the modules in plan order,
    *kept* further parts that stay in the root.
    """
    destinations: dict[Element, str] = {}
    kept = set(kept)
    users = resource_users(project, file, service_homes)
    for name, section in (file.sections or {}).items():
        if name == "services" and section.entries is not None:
            for key in section.entries:
                destinations[name, key] = service_homes.get(key, ROOT)
        elif name in RESOURCE_SECTIONS and section.entries is not None:
            for key in section.entries:
                of = users.get((name, key), {ROOT})
                alone = len(of) == 1 and (name, key) not in kept
                unmoved = not alone or belongs_to_root(name, key, section.value)
                destinations[name, key] = ROOT if unmoved else next(iter(of))
        elif section.entries is not None and not name.startswith("x-"):
            for key in section.entries:
                destinations[name, key] = ROOT
        else:
            destinations[name, ""] = ROOT
    _place_anchor_blocks(file, anchors, destinations, order, kept)
    return Division(file, anchors, destinations, order)


def resource_users(
    project: Project, file: ComposeFile, service_homes: Mapping[str, str]
) -> dict[Element, set[str]]:
    """Return, per resource, the destinations whose services name it, overrides included."""
    found: dict[Element, set[str]] = {}
    companions = [
        project.files[path]
        for entry, paths in project.files_of.items()
        if file.path in entry.files or file.path in paths
        for path in paths
        if path in project.files
    ]
    for other in {f.path: f for f in [file, *companions]}.values():
        for name, body in other.services.items():
            home = service_homes.get(name, ROOT)
            for resource in _with_parents(project, other, body):
                found.setdefault(resource, set()).add(home)
    return found


def _with_parents(project: Project, file: ComposeFile, body: Node) -> set[Element]:
    found = set(resources(body))
    parent = extended(body)
    for _ in range(20):  # longer chains only decide where a resource stands, not what it is
        if parent is None or parent[1] is None:
            break
        if parent[0] is not None:
            name = parent[0].rpartition("/")[2]
            match = [f for p, f in project.files.items() if p.rpartition("/")[2] == name]
            if not match:
                break
            file = match[0]
        body = file.services.get(parent[1], body)
        found |= resources(body)
        parent = extended(body)
    return found


def belongs_to_root(section: str, name: str, value: Node) -> bool:
    """Return whether a resource has to stay in the root although one module alone uses it."""
    if name == "<<" or (section == "networks" and name == "default"):
        return True  # an included default network is everybody's (observed: v5.6.1)
    if section not in {"secrets", "configs"}:
        return False
    body = resolve(value.get(name) or value) if hasattr(value, "get") else value
    if isinstance(body, ScalarNode):
        return True  # each included file passes the schema alone, which takes no empty secret
    return merged_get(body, "environment") is not None and section == "configs"


def _place_anchor_blocks(
    file: ComposeFile,
    anchors: AnchorIndex,
    destinations: dict[Element, str],
    order: tuple[str, ...],
    kept: set[Element],
) -> None:
    """Move each ``x-`` block that only carries anchors to the first module that needs it.

    Aliases look upwards only, so going from the last block to the first sees every need.
    """
    names = [n for n in file.sections or {} if n.startswith("x-")]
    for name in reversed(names):
        element = (name, "")
        section = (file.sections or {})[name]
        if element in kept or not anchors.carries_only_anchors(section):
            continue
        parts: dict[str, list[Element]] = {}
        for other, home in destinations.items():
            if other != element:
                parts.setdefault(home, []).append(other)
        needing = [d for d in (ROOT, *order) if element in anchors.needs(parts.get(d, []))]
        if needing and ROOT not in needing:
            destinations[element] = needing[0]
