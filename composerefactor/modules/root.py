"""A base file that may be divided: what may leave it, and why the rest may not."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from msgspec import Struct

from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import merged_entries
from composerefactor.compose.project import Project
from composerefactor.compose.references import extended
from composerefactor.modules.anchors import AnchorIndex, Holder
from composerefactor.modules.naming import Family

FEWEST_SERVICES = 3
"""Fewer services do not call for modules."""


class Reason(Struct, frozen=True):
    """Why something stays; *forecast* where it is what the engine would say, not what it said."""

    words: str
    forecast: bool = False


class Root:
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

    def without_stubs(self) -> Root:
        """Return the same root for a plan that leaves no stubs in it."""
        return Root(self.project, self.file, self._keep, self._move, self.into)

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
    def reasons(self) -> dict[Holder, Reason]:
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

    def _reasons(self) -> Iterator[tuple[Holder, Reason]]:
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
                    yield ("services", service), Reason(words, forecast=True)
                parent = extended(self.file.services[service])
                service = parent[1] if parent and parent[0] is None else None
