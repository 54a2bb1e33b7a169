"""Divide a monolithic Compose file into modules that it includes.

Each service moves, with its comments and not one character changed, to a file of its own, or
infrastructure to one file a category. Networks, volumes, secrets and configs that one module alone
uses move along; what several share stays in the root. The root keeps its name and place, its header
comments, and lists the modules in `include`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field

from composerefactor.catalog.placement import Placement, place
from composerefactor.compose.build_context import services_that_send
from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import merged_get, scalar_text
from composerefactor.compose.project import Project
from composerefactor.compose.references import extended
from composerefactor.edits.drafts import Draft
from composerefactor.errors import Location, RefusedError, UsageError
from composerefactor.modules.anchors import AnchorIndex, Holder
from composerefactor.modules.assemble import Assembler
from composerefactor.modules.assignment import LayoutOptions, Module, assign
from composerefactor.modules.divide import divide
from composerefactor.modules.include import IncludeEdit
from composerefactor.modules.naming import Family, Names, variant
from composerefactor.modules.ties import tied_groups
from composerefactor.transform import Part, Plan, Stay, transform

FEWEST_SERVICES = 3
"""Fewer services do not call for modules."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user can choose.

    *into* is the directory of the modules, next to the root; ``""`` for the family's own name.
    *keep* has parts that stay, with the reason of each; *move* parts that move although the plan
    would leave them.
    """

    into: str = ""
    granularity: str = "auto"
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    keep: dict[Part, str] = field(default_factory=dict)
    move: frozenset[Part] = frozenset()


@transform(Options)
def split(project: Project, options: Options) -> Plan:
    """Plan the split of every base file of *project*.

    Raises RefusedError where several base files define the same service, and UsageError for
    options that name what is not there.
    """
    bases = [project.files[path] for path in project.bases]
    _check_no_shared_services(bases)
    _check_options(options, project)
    names = Names(project.exists)
    roots = [_Base(project, file, options, names) for file in bases]
    several = sum(not root.whole for root in roots) > 1
    plans = [root.plan(f"{variant(root.file.path)}-" if several else "") for root in roots]
    return Plan(
        drafts=tuple(d for p in plans for d in p.drafts),
        moved={part: path for p in plans for part, path in p.moved.items()},
        stays=tuple(s for p in plans for s in p.stays),
        notes=tuple(n for p in plans for n in p.notes),
    )


def _check_no_shared_services(bases: list[ComposeFile]) -> None:
    first: dict[str, ComposeFile] = {}
    for file in bases:
        if len(file.services) < FEWEST_SERVICES:
            continue  # stays whole
        for name in file.services:
            other = first.setdefault(name, file)
            if other is not file:
                at, there = file.location_of("services", name), other.location_of("services", name)
                raise RefusedError(
                    f"service {name!r} is defined in several files that start the project: "
                    f"{there} and {at}",
                    location=at,
                    remedy="name the one to split, as `composerefactor split --entry "
                    f"{other.path}`; the others stay as they are",
                    source_line=file.source.line(file.source.line_starts[at.line - 1]),
                )


def _check_options(options: Options, project: Project) -> None:
    known = {name for file in project.files.values() for name in file.services}
    named = [*options.modules, *(s for members in options.groups.values() for s in members)]
    for name in named:
        if name not in known:
            raise UsageError(
                f"no service is called {name!r}",
                remedy="the services are " + ", ".join(sorted(known)),
            )
    for path in (options.into, *options.modules.values()):
        if path and (posixpath.isabs(path) or posixpath.normpath(path).startswith("..")):
            raise RefusedError(
                f"{path!r} is outside of the project",
                remedy="give a path relative to the project directory",
            )


@dataclass(frozen=True, slots=True)
class _Reason:
    words: str
    forecast: bool = False


class _Base:
    """Plans the split of one base file."""

    def __init__(self, project: Project, file: ComposeFile, options: Options, names: Names) -> None:
        self.project = project
        self.file = file
        self.options = options
        self.names = names
        self.directory = posixpath.dirname(file.path)
        self.family = Family.of(file.path)
        self.into = options.into or self.family.prefix
        self.whole = self._reason_to_stay_whole()

    def plan(self, category_prefix: str) -> Plan:
        if self.whole:
            reasons = {("services", n): _Reason(self.whole) for n in self.file.services}
        else:
            reasons = dict(self._reasons_to_stay())
        stays = tuple(self._stay(holder, reason) for holder, reason in reasons.items())
        anchors = AnchorIndex(self.file)
        movable = [n for n in self._written_services() if ("services", n) not in reasons]
        modules = self._modules(tied_groups(self.file, anchors, movable), category_prefix)
        if self.whole or not modules:
            return Plan(stays=stays)
        modules.sort(key=lambda m: "/infrastructure/" in m.path)
        homes = {s: m.path for m in modules for s in m.services}
        order = tuple(dict.fromkeys(m.path for m in modules))
        division = divide(self.project, self.file, anchors, homes, order, reasons)
        local = tuple(posixpath.relpath(p, self.directory or ".") for p in order)
        assembler = Assembler(division, IncludeEdit(self.file, local))
        drafts = (assembler.root(), *assembler.modules())
        moved = {
            (self.file.path, section, name): home
            for (section, name), home in division.homes.items()
            if home
        }
        return Plan(drafts, moved, stays, tuple(self._notes(drafts, moved)))

    def _written_services(self) -> list[str]:
        section = (self.file.sections or {}).get("services")
        entries = section.entries if section else None
        return [name for name in entries or {} if name != "<<"]

    def _reason_to_stay_whole(self) -> str:
        path, file = self.file.path, self.file
        section = (file.sections or {}).get("services")
        elsewhere = self.project.directories.get(path, set()) - {self.directory or "."}
        reason = self.project.whole.get(path, "")
        if reason:
            return reason
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
        elif len(file.services) + self._already_included() < FEWEST_SERVICES:
            several = len(file.services) > 1
            words = f"{len(file.services)} services do" if several else "one service does"
            reason = f"{words} not call for modules"
        return reason

    def _already_included(self) -> int:
        """Return how many services the modules hold that this file includes already."""
        return sum(
            len(self.project.files[path].services)
            for path, by in self.project.included_by.items()
            if self.file.path in by and path in self.project.files
        )

    def _reasons_to_stay(self) -> Iterator[tuple[Holder, _Reason]]:
        for (path, section, name), words in self.options.keep.items():
            if path == self.file.path:
                yield (section, name), _Reason(words)
        for extension in self.project.extensions.get(self.file.path, []):
            service: str | None = extension.service
            while service is not None and service in self.file.services:
                if (self.file.path, "services", service) not in self.options.move:
                    words = f"{extension.location} extends it, and does not see what is included"
                    yield ("services", service), _Reason(words, forecast=True)
                parent = extended(self.file.services[service])
                service = parent[1] if parent and parent[0] is None else None

    def _stay(self, holder: Holder, reason: _Reason) -> Stay:
        section, name = holder
        at = self.file.location_of(section, name)
        return Stay((self.file.path, section, name), reason.words, at, reason.forecast)

    def _modules(self, units: list[list[str]], category_prefix: str) -> list[Module]:
        layout = LayoutOptions(
            posixpath.join(self.directory, self.into),
            self.options.granularity,
            self.options.groups,
            {s: posixpath.join(self.directory, p) for s, p in self.options.modules.items()},
        )
        for service in (name for unit in units for name in unit):
            path = layout.modules.get(service, "")
            if path and self.project.exists(path):
                raise RefusedError(
                    "exists already, and is not overwritten",
                    location=Location(path),
                    remedy=f"give another path for {service}: --module {service}=PATH",
                )
        return assign(units, self._place, layout, self.family, self.names, category_prefix)

    def _place(self, name: str) -> Placement:
        image = scalar_text(merged_get(self.file.services[name], "image"))
        return place(name, image)

    def _notes(self, drafts: tuple[Draft, ...], moved: dict[Part, str]) -> Iterator[str]:
        for (_, name, _), to in moved.items():
            if name.startswith("x-"):
                yield f"{name} only carries anchors and moves to {to}"
        copied = sum(d.lines_from(copied=True) for d in drafts)
        if copied:
            yield f"{copied} lines of anchors are copied, since several modules use them"
        ignore = posixpath.join(self.directory, ".dockerignore")
        senders = list(services_that_send(self.file, self.into))
        if senders and self.into not in self.project.ignored_in_builds(ignore):
            yield (
                f"the build context of {', '.join(senders)} holds {self.into}/ from now on: a line "
                f"`{self.into}/` in {ignore} keeps it out of `COPY . .`"
            )
