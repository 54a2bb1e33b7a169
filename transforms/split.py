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
from functools import cached_property

from composerefactor.catalog.placement import Placement, place
from composerefactor.compose.build_context import services_that_send
from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import merged_get, scalar_text
from composerefactor.compose.project import Project
from composerefactor.compose.references import extended
from composerefactor.edits.drafts import Draft
from composerefactor.errors import Location, RefusedError, UsageError
from composerefactor.factoring.layout import Layout
from composerefactor.factoring.variants import Factored, factor
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
    _check_options(options, project)
    names = Names(project.exists)
    roots = [_Base(project, file, options, names) for file in bases]
    groups = [_without_small(group) for group in _sharing(roots)]
    factored = [root for group in groups for root in group]
    alone = [root for root in roots if root not in factored]
    several = sum(not root.whole for root in alone) > 1 or bool(factored)
    plans = [root.plan(f"{variant(root.file.path)}-" if several else "") for root in alone]
    plans += [_plan_together(project, group) for group in groups if group]
    return Plan(
        drafts=tuple(d for p in plans for d in p.drafts),
        moved={part: path for p in plans for part, path in p.moved.items()},
        stays=tuple(s for p in plans for s in p.stays),
        notes=tuple(n for p in plans for n in p.notes),
        services={path: names for p in plans for path, names in p.services.items()},
    )


def _sharing(roots: list[_Base]) -> list[list[_Base]]:
    """Return the groups of roots of one directory that define the same services."""
    groups: list[list[_Base]] = []
    for root in roots:
        if root.whole and not root.is_small:
            continue
        near = [
            group
            for group in groups
            if any(
                other.directory == root.directory
                and other.file.services.keys() & root.file.services.keys()
                for other in group
            )
        ]
        groups = [g for g in groups if g not in near]
        groups.append([*(r for g in near for r in g), root])
    return [group for group in groups if len(group) > 1]


def _without_small(group: list[_Base]) -> list[_Base]:
    """Return *group* without small roots that would gain nothing, [] where one root is left."""
    found = _factored(group)
    gaining = {owner for v in found.variants if v.shared is not None for owner in v.owners}
    kept = [r for i, r in enumerate(group) if not r.is_small or i in gaining]
    if len(kept) == len(group):
        return group
    return _without_small(kept) if len(kept) > 1 else []


def _factored(group: list[_Base]) -> Factored:
    anchors = [root.anchors for root in group]
    movable = {i: root.movable() for i, root in enumerate(group)}
    return factor([root.file for root in group], anchors, movable)


def _plan_together(project: Project, group: list[_Base]) -> Plan:
    """Plan the split of roots that define the same services."""
    found = _factored(group)
    first = group[0]
    layout = Layout(project, found, first.layout_options(), first.names, _placement)
    drafts = tuple(layout.drafts())
    moved = {
        (root.file.path, section, name): home
        for i, root in enumerate(group)
        for (section, name), home in layout.homes[i].items()
        if home
    }
    stays = tuple(stay for root in group for stay in root.stays())
    services = {module.path: module.services for _, module in layout.modules}
    services |= {p.path: p.services for pieces in layout.environments.values() for p in pieces}
    return Plan(drafts, moved, stays, tuple(_variant_notes(found)), services)


def _variant_notes(found: Factored) -> Iterator[str]:
    shared = [v.name for v in found.variants if v.shared is not None]
    whole = [v.name for v in found.variants if v.shared is None]
    if shared:
        yield f"{len(shared)} services of several files are written once, with what each file adds"
    if whole:
        yield f"stay whole in each environment, since sharing saves nothing: {', '.join(whole)}"


def _placement(file: ComposeFile, name: str) -> Placement:
    return place(name, scalar_text(merged_get(file.services[name], "image")))


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

    @property
    def is_small(self) -> bool:
        """Whether nothing but the number of its services keeps the file whole."""
        return bool(self.whole) and self.whole == self._few_services()

    @cached_property
    def anchors(self) -> AnchorIndex:
        return AnchorIndex(self.file)

    @cached_property
    def reasons(self) -> dict[Holder, _Reason]:
        return dict(self._reasons_to_stay())

    def movable(self) -> list[str]:
        """Return the services that may leave the file."""
        return [n for n in self._written_services() if ("services", n) not in self.reasons]

    def stays(self) -> tuple[Stay, ...]:
        """Return what stays in the file although it is divided."""
        return tuple(self._stay(holder, reason) for holder, reason in self.reasons.items())

    def plan(self, category_prefix: str) -> Plan:
        if self.whole:
            reason = _Reason(self.whole)
            stays = tuple(self._stay(("services", n), reason) for n in self.file.services)
            return Plan(stays=stays)
        anchors, reasons, stays = self.anchors, self.reasons, self.stays()
        modules = self._modules(tied_groups(self.file, anchors, self.movable()), category_prefix)
        if not modules:
            return Plan(stays=stays)
        modules.sort(key=lambda m: "/infrastructure/" in m.path)
        homes = {s: m.path for m in modules for s in m.services}
        order = tuple(dict.fromkeys(m.path for m in modules))
        division = divide(self.project, self.file, anchors, homes, order, reasons)
        local = tuple(posixpath.relpath(p, self.directory or ".") for p in order)
        assembler = Assembler(division, IncludeEdit.of(self.file, local))
        drafts = (assembler.root(), *assembler.modules())
        moved = {
            (self.file.path, section, name): home
            for (section, name), home in division.homes.items()
            if home
        }
        services = {m.path: m.services for m in modules}
        return Plan(drafts, moved, stays, tuple(self._notes(drafts, moved)), services)

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
        else:
            reason = self._few_services()
        return reason

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

    def layout_options(self) -> LayoutOptions:
        """Return the user's options with paths relative to the project root."""
        return LayoutOptions(
            posixpath.join(self.directory, self.into),
            self.options.granularity,
            self.options.groups,
            {s: posixpath.join(self.directory, p) for s, p in self.options.modules.items()},
        )

    def _modules(self, units: list[list[str]], category_prefix: str) -> list[Module]:
        layout = self.layout_options()
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
