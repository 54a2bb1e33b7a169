"""What a user asks of ``split``, as a value: planned from it, and written as arguments.

The command line and the wizard both make one, so that the two do the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from composerefactor.compose.project import Project
from composerefactor.errors import UsageError
from composerefactor.proposal.opening import Opened
from composerefactor.proposal.selection import Transformation
from composerefactor.settings.settings import Settings
from composerefactor.splitting.options import SplitOptions
from composerefactor.transform import Part, Plan
from composerefactor.transforms.split import split

Pairs: TypeAlias = tuple[tuple[str, str], ...]
Groups: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]

STAYS = "the settings keep it in place"


class SplitRequest(Struct, frozen=True):
    """The options of ``split``; what is empty is taken from the settings.

    *groups* has services by module, *modules* paths by service, *environments* names by root.
    *roots* is the directory that the root files move to, ``""`` where they stay.
    """

    into: str = ""
    strategy: str = ""
    granularity: str = ""
    anchors: str = ""
    groups: Groups = ()
    modules: Pairs = ()
    environments: Pairs = ()
    roots: str = ""

    def options(self, settings: Settings) -> SplitOptions:
        """Return the options with the defaults in *settings*."""
        defaults = settings.split
        return SplitOptions(
            self.into or defaults.into or "",
            self.granularity or defaults.granularity or "auto",
            dict(self.groups) or dict(defaults.groups),
            {**defaults.modules, **dict(self.modules)},
            anchors=self.anchors or defaults.anchors or "copy",
            strategy=self.strategy or defaults.strategy or "include",
            catalog=settings.catalog,
            variants={**defaults.environments, **dict(self.environments)},
        )

    def transformation(self, opened: Opened, path: Path) -> Transformation:
        """Return what divides the project that is open as asked, and moves its roots if asked.

        *path* is where the user says that it is. Raises UsageError and RefusedError for roots that
        cannot move.
        """
        planned = self._division(opened.settings)
        if not self.roots:
            return planned
        from composerefactor.proposal.relocating import (  # noqa: PLC0415 - see cli/__init__.py
            relocated,
        )

        moving = relocated(opened, path, self.roots)
        return lambda project, keep, move: moving.after(planned(project, keep, move))

    def _division(self, settings: Settings) -> Transformation:
        """Return what divides a project as asked, except what *settings* keep in place."""
        options = self.options(settings)
        stay = frozenset(settings.split.stay)

        def planned(project: Project, keep: dict[Part, str], move: frozenset[Part]) -> Plan:
            kept: dict[Part, str] = {
                (path, "services", name): STAYS
                for path, file in (project.files.items() if stay else ())
                for name in stay & file.services.keys()
            }
            return split.plan(project, replace(options, keep={**kept, **keep}, move=move))

        return planned

    def arguments(self) -> list[str]:
        """Return the command line's options that say the same."""
        given = [
            ("--into", self.into),
            ("--strategy", self.strategy),
            ("--granularity", self.granularity),
            ("--anchors", self.anchors),
            *(("--group", f"{name}={','.join(services)}") for name, services in self.groups),
            *(("--module", f"{service}={path}") for service, path in self.modules),
            *(("--environment", f"{path}={name}") for path, name in self.environments),
            ("--move-roots", self.roots),
        ]
        return [word for option, value in given if value for word in (option, value)]


def groups_of(pairs: Iterable[tuple[str, str]]) -> Groups:
    """Return the services by group; a group may be given in parts, a service only once.

    Raises UsageError for a service in two groups.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        services = names_of(value)
        for service in services:
            if any(service in members for group, members in found.items() if group != name):
                raise UsageError(f"--group: {service!r} is in two groups", remedy="choose one")
        found[name] = tuple(dict.fromkeys((*found.get(name, ()), *services)))
    return tuple(found.items())


def names_of(text: str) -> tuple[str, ...]:
    """Return the names in a list with commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
