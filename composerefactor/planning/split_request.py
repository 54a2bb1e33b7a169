"""The options of ``split`` as a value.

The command line and the wizard both create a :class:`SplitRequest`, so that both do the same. A
request can be written as command line arguments again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.project import Project
from composerefactor.errors import UsageError
from composerefactor.planning.fix_request import names_of
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.propose import root_move
from composerefactor.planning.selection import Transformation
from composerefactor.planning.settings import Settings
from composerefactor.refactoring.contract import FileElement, Plan
from composerefactor.refactoring.modules.naming import LayoutOptions
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split

UNMOVED_BY_SETTINGS = "excluded by split.stay in the settings"
"""Why a service does not move."""


class SplitRequest(Struct, frozen=True):
    """The options of ``split`` that the user gives; the settings supply the others.

    Attributes:
        given: The values of :class:`LayoutOptions` that are given, by name; none is empty.
        roots: The directory that the root files move to; ``""`` if they do not move.
    """

    given: Mapping[str, Any] = {}
    roots: str = ""

    def __hash__(self) -> int:
        return hash(frozenset(self.arguments()))

    def using(self, **values: Any) -> SplitRequest:
        """Return the request with *values* of LayoutOptions; an empty one is not given."""
        values = {**self.given, **values}
        names = LayoutOptions.__struct_fields__
        return replace(self, given={name: values[name] for name in names if values.get(name)})

    def options(self, settings: Settings) -> SplitOptions:
        """Return the options, with the defaults from *settings*."""
        defaults = settings.split
        values = {name: getattr(defaults, name) for name in LayoutOptions.__struct_fields__}
        values |= self.given
        for name in ("modules", "environments"):
            values[name] = {**getattr(defaults, name), **values[name]}
        return SplitOptions(**values)

    def transformation(self, opened: OpenProject, path: Path) -> Transformation:
        """Return the refactoring that splits the project, and moves its root files if requested.

        Args:
            opened: The project that is open.
            path: The project directory that the user gives.

        Raises:
            UsageError: The root files cannot be moved to the requested directory.
            RefusedError: Files or commands cannot be adapted to the move.
        """
        split_plan = self._split(opened.settings)
        if not self.roots:
            return split_plan

        moving = root_move(opened, path, self.roots)
        return lambda project, keep, move: moving.after(split_plan(project, keep, move))

    def _split(self, settings: Settings) -> Transformation:
        """Return the refactoring that splits a project, except services that *settings* exclude."""
        options = self.options(settings)
        stay = frozenset(settings.split.stay)

        def split_plan(
            project: Project, keep: dict[FileElement, str], move: frozenset[FileElement]
        ) -> Plan:
            unmoved: dict[FileElement, str] = {
                (path, "services", name): UNMOVED_BY_SETTINGS
                for path, file in (project.files.items() if stay else ())
                for name in stay & file.services.keys()
            }
            return split.plan(project, replace(options, keep={**unmoved, **keep}, move=move))

        return split_plan

    def arguments(self) -> list[str]:
        """Return the equivalent command line options."""
        words = []
        for name, value in self.given.items():
            if isinstance(value, Mapping):
                for key, part in value.items():
                    text = part if isinstance(part, str) else ",".join(part)
                    words += [f"--{name.removesuffix('s')}", f"{key}={text}"]
            else:
                words += [f"--{name}"] if value is True else [f"--{name}", value]
        return words + (["--move-roots", self.roots] if self.roots else [])


def groups_of(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return the services by group; a group may be given several times.

    Args:
        pairs: Names of groups, each with its services as a comma-separated list.

    Raises:
        UsageError: A service is in two groups.
    """
    groups: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        services = names_of(value)
        for service in services:
            if any(service in members for group, members in groups.items() if group != name):
                raise UsageError(f"--group: {service!r} is in two groups", remedy="keep it in one")
        groups[name] = tuple(dict.fromkeys((*groups.get(name, ()), *services)))
    return groups
