"""Divide a monolithic Compose file into modules that it includes.

Each service moves, with its comments and not one character changed, to a file of its own, or
infrastructure to one file a category. Networks, volumes, secrets and configs that one module alone
uses move along; what several share stays in the root. The root keeps its name and place, its header
comments, and lists the modules in `include`.

With the strategy `extends` a stub of each service stays in the root, or stands in an environment
file that it includes, and extends the service of that name in a module. Relative paths there are
written anew; what begins with a variable cannot be, and stays with the stub. So do networks,
volumes, secrets and configs with the root.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from composerefactor.catalog.placement import Placement, place
from composerefactor.compose.build_context import services_that_send
from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import merged_get, scalar_text
from composerefactor.compose.project import Project
from composerefactor.edits.drafts import Draft
from composerefactor.errors import Location, RefusedError, UsageError
from composerefactor.factoring.inheritance import extended_file, extending, parents
from composerefactor.factoring.repeating import may_repeat, repeating
from composerefactor.modules.anchors import Holder
from composerefactor.modules.assemble import Assembler
from composerefactor.modules.assignment import MAX_SERVICES, LayoutOptions, assign
from composerefactor.modules.divide import divide
from composerefactor.modules.include import IncludeEdit
from composerefactor.modules.naming import MAX_NAME, Names, kebab, variant
from composerefactor.modules.root import Reason, Root
from composerefactor.modules.ties import tied_groups
from composerefactor.transform import Gain, Part, Plan, Stay, transform

if TYPE_CHECKING:
    from composerefactor.factoring.layout import Layout
    from composerefactor.factoring.variants import Factored

_UNSAFE = re.compile(r"[^\w./@+-]")
_FOUND_BY_NAME = re.compile(r"(docker-)?compose(\.override)?\.ya?ml")


@dataclass(frozen=True, slots=True)
class Options:
    """What the user can choose.

    *into* is the directory of the modules, next to the root; ``""`` for the family's own name.
    *strategy* is ``include`` or ``extends``.
    *keep* has parts that stay, with the reason of each; *move* parts that move although the plan
    would leave them. *anchors* says what becomes of an ``x-`` block that several modules take by
    ``<<``: ``copy``, or ``extends`` where that is exactly the same. *variants* has what roots are
    called in new names, by path, where their own name does not tell.
    """

    into: str = ""
    granularity: str = "auto"
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    keep: dict[Part, str] = field(default_factory=dict)
    move: frozenset[Part] = frozenset()
    anchors: str = "copy"
    strategy: str = "include"
    variants: Mapping[str, str] = field(default_factory=dict)


@transform(Options)
def split(project: Project, options: Options) -> Plan:
    """Plan the split of every base file of *project*.

    Raises UsageError for options that name what is not there, and RefusedError for paths that lead
    out of the project or are taken.
    """
    _check_options(options, project)
    roots = [_root(project, path, options) for path in project.bases]
    copies = [_root(project, path, options) for path in repeating(project)]
    groups = [group for group in map(_without_small, _sharing([*roots, *copies])) if group]
    alone = [root for root in roots if all(root not in group for group in groups)]
    alone += [_root(project, path, options) for path in _included_monoliths(project)]
    several = sum(not root.whole for root in alone) > 1 or bool(groups)
    names = Names(project.exists)
    if options.strategy == "extends":
        plans = [_plan_stubs(g, options, names, several) for g in [*([r] for r in alone), *groups]]
    else:
        plans = [_plan_alone(root, options, names, several=several) for root in alone]
        plans += [_plan_together(group, options, names) for group in groups]
    drafts = tuple(d for p in plans for d in p.drafts)
    moved = {part: path for p in plans for part, path in p.moved.items()}
    notes = [n for p in plans for n in p.notes]
    if drafts:
        notes += _notes(project, options, [r for r in roots if not r.whole], drafts, moved)
    return Plan(
        drafts,
        moved,
        stays=tuple(s for p in plans for s in p.stays),
        notes=tuple(notes),
        services={path: names for p in plans for path, names in p.services.items()},
        gain=Gain(
            sum(p.gain.services for p in plans),
            sum(p.gain.definitions for p in plans),
            sum(p.gain.lines for p in plans),
        ),
        since=max((p.since for p in plans), default=""),
    )


def _root(project: Project, path: str, options: Options) -> Root:
    extends = options.strategy == "extends"
    file = project.files[path]
    return Root(project, file, options.keep, options.move, options.into, leaves_stubs=extends)


def _included_monoliths(project: Project) -> list[str]:
    """Return the files of an existing ``include`` that are too large for a module."""
    return [
        path
        for path in sorted(project.own_includes - set(project.bases))
        if path in project.files and len(project.files[path].services) > MAX_SERVICES
    ]


def _sharing(roots: list[Root]) -> list[list[Root]]:
    """Return the groups of roots of one directory that define the same services."""
    groups: list[list[Root]] = []
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


def _without_small(group: list[Root]) -> list[Root]:
    """Return *group* without the roots that would gain nothing, [] where one root is left.

    Those are small roots, and files that are merged over others without repeating them.
    """
    bases = group[0].project.bases
    wanted = [not root.is_small and root.file.path in bases for root in group]
    if all(wanted):
        return group
    found = _factored(group)
    gaining = {owner for v in found.variants if v.shared is not None for owner in v.owners}
    kept = [root for i, root in enumerate(group) if wanted[i] or i in gaining]
    if len(kept) == len(group):
        return group
    return _without_small(kept) if len(kept) > 1 else []


def _factored(group: list[Root]) -> Factored:
    from composerefactor.factoring.variants import factor  # noqa: PLC0415 - see cli/__init__.py

    bases = group[0].project.bases
    copies = frozenset(i for i, root in enumerate(group) if root.file.path not in bases)
    movable = {
        i: [n for n in root.movable() if i not in copies or may_repeat(root.file, n)]
        for i, root in enumerate(group)
    }
    files, anchors = [root.file for root in group], [root.anchors for root in group]
    return factor(files, anchors, movable, copies)


def _plan_alone(root: Root, options: Options, names: Names, *, several: bool) -> Plan:
    """Plan the split of a root that shares no service with another."""
    if root.whole:
        return _plan_whole(root)
    stays = _stays(root, root.reasons)
    units = tied_groups(root.file, root.anchors, root.movable())
    prefix = f"{variant(root.file.path)}-" if several else ""
    layout = _layout_options(root, options)
    modules = assign(
        units, lambda name: _placement(root.file, name), layout, root.family, names, prefix
    )
    if not modules:
        return Plan(stays=stays)
    modules.sort(key=lambda m: "/infrastructure/" in m.path)
    homes = {s: m.path for m in modules for s in m.services}
    order = tuple(dict.fromkeys(m.path for m in modules))
    division = divide(root.project, root.file, root.anchors, homes, order, root.reasons)
    above = list(parents(root.file, root.anchors, division.homes))
    above = above if options.anchors == "extends" else []
    files = {}
    for parent in above:
        path = names.take(posixpath.join(layout.into, "extends"), root.family, kebab(parent.anchor))
        files[path] = parent
        division.homes[parent.section, ""] = path
    if files:
        taken = {alias for parent in above for alias in parent.aliases}
        division = replace(division, anchors=root.anchors.without(taken), order=(*order, *files))
    local = [posixpath.relpath(path, root.directory or ".") for path in order]
    assembler = Assembler(division, IncludeEdit.of(root.file, local))
    drafts = [assembler.root(), *assembler.modules()]
    for path, parent in files.items():
        named = posixpath.relpath(path, root.directory or ".")
        drafts = [
            extended_file(d, root.file, parent)
            if d.path == path
            else extending(d, root.file, parent, named)
            for d in drafts
        ]
    return Plan(
        drafts=tuple(drafts),
        moved=_moved(root, division.homes),
        stays=stays,
        notes=tuple(
            f"{', '.join(parent.heirs)} extend {parent.anchor} in {path}, instead of a copy each"
            for path, parent in files.items()
        ),
        services={m.path: m.services for m in modules},
    )


def _plan_whole(root: Root) -> Plan:
    reason = Reason(root.whole)
    return Plan(stays=_stays(root, {("services", n): reason for n in root.file.services}))


def _plan_together(group: list[Root], options: Options, names: Names) -> Plan:
    """Plan the split of roots that define the same services."""
    from composerefactor.factoring.layout import Layout  # noqa: PLC0415 - see cli/__init__.py

    found = _factored(group)
    first = group[0]
    layout = Layout(first.project, found, _layout_options(first, options), names, _placement)
    return _plan_of(layout, group, [root.reasons for root in group])


def _plan_stubs(group: list[Root], options: Options, names: Names, several: bool) -> Plan:  # noqa: FBT001
    """Plan the split of roots whose services leave stubs: one, or several that share services."""
    from composerefactor.stubs.divide import divided  # noqa: PLC0415 - see cli/__init__.py
    from composerefactor.stubs.layout import StubLayout  # noqa: PLC0415 - see cli/__init__.py

    if group[0].whole and len(group) == 1:
        return _plan_whole(group[0])
    division = divided(group)
    reasons = [division.stays[i] for i in range(len(group))]
    if not division.all.variants:
        return Plan(
            stays=tuple(s for r, why in zip(group, reasons, strict=True) for s in _stays(r, why))
        )
    layout = StubLayout(
        group[0].project,
        division.modules,
        _layout_options(group[0], options),
        names,
        _placement,
        several,
        division=division,
    )
    plan = _plan_of(layout, group, reasons)
    return replace(plan, notes=(*plan.notes, *layout.notes(plan.drafts)), since=layout.since)


def _plan_of(layout: Layout, group: list[Root], reasons: Sequence[Mapping[Holder, Reason]]) -> Plan:
    """Return the plan of *layout*, with the *reasons* for what stays in each root of *group*."""
    drafts = tuple(layout.drafts())
    moved: dict[Part, str] = {}
    for i, root in enumerate(group):
        moved |= _moved(root, layout.homes[i])
    services = {module.path: module.services for _, module in layout.modules}
    services |= {p.path: p.services for pieces in layout.environments.values() for p in pieces}
    stays = tuple(s for r, why in zip(group, reasons, strict=True) for s in _stays(r, why))
    found = layout.factored
    return Plan(drafts, moved, stays, tuple(_variant_notes(found)), services, _gain(found))


def _moved(root: Root, homes: Mapping[Holder, str]) -> dict[Part, str]:
    return {(root.file.path, s, name): home for (s, name), home in homes.items() if home}


def _stays(root: Root, reasons: Mapping[Holder, Reason]) -> tuple[Stay, ...]:
    return tuple(
        Stay((root.file.path, *holder), r.words, root.file.location_of(*holder), r.forecast)
        for holder, r in reasons.items()
    )


def _layout_options(root: Root, options: Options) -> LayoutOptions:
    """Return the user's options with paths relative to the project root."""
    modules = {s: posixpath.join(root.directory, p) for s, p in options.modules.items()}
    for service, path in modules.items():
        if service in root.movable() and root.project.exists(path):
            raise RefusedError(
                "exists already, and is not overwritten",
                location=Location(path),
                remedy=f"give another path for {service}: --module {service}=PATH",
            )
    into = posixpath.join(root.directory, posixpath.normpath(options.into or root.family.prefix))
    return LayoutOptions(into, options.granularity, options.groups, modules, options.variants)


def _placement(file: ComposeFile, name: str) -> Placement:
    return place(name, scalar_text(merged_get(file.services[name], "image")))


def _variant_notes(found: Factored) -> Iterator[str]:
    gain = _gain(found)
    whole = [v.name for v in found.variants if v.shared is None]
    if gain.services:
        yield (
            f"{gain.definitions} definitions of {gain.services} services become one each, with "
            f"what each file adds: {gain.lines} repeated lines are gone"
        )
    if whole:
        yield f"stay whole in each environment, since sharing saves nothing: {', '.join(whole)}"


def _gain(found: Factored) -> Gain:
    shared = [v for v in found.variants if v.shared is not None]
    return Gain(
        len({v.name for v in shared}),
        sum(len(v.owners) for v in shared),
        sum(v.repeated for v in shared),
    )


def _notes(
    project: Project,
    options: Options,
    roots: list[Root],
    drafts: tuple[Draft, ...],
    moved: dict[Part, str],
) -> Iterator[str]:
    for (_, name, _), to in moved.items():
        if name.startswith("x-"):
            yield f"{name} only carries anchors and moves to {to}"
    copied = sum(d.lines_from(copied=True) for d in drafts)
    if copied:
        yield f"{copied} lines of anchors are copied, since several modules use them"
    for directory in dict.fromkeys(root.directory for root in roots):
        near = [root for root in roots if root.directory == directory]
        into = posixpath.normpath(options.into or near[0].family.prefix)
        ignore = posixpath.join(directory, ".dockerignore")
        senders = {s: None for root in near for s in services_that_send(root.file, into)}
        if senders and into not in project.ignored_in_builds(ignore):
            yield (
                f"the build context of {', '.join(senders)} holds {into}/ from now on: a line "
                f"`{into}/` in {ignore} keeps it out of `COPY . .`"
            )


def _check_options(options: Options, project: Project) -> None:
    if options.strategy == "extends" and options.anchors == "extends":
        raise UsageError(
            "--strategy extends leaves anchors to be copied",
            remedy="give --anchors extends with --strategy include",
        )
    known = {name for file in project.files.values() for name in file.services}
    named = [*options.modules, *(s for members in options.groups.values() for s in members)]
    for name in named:
        if name not in known:
            raise UsageError(
                f"no service is called {name!r}",
                remedy="the services are " + ", ".join(sorted(known)),
            )
    for path in options.modules.values():
        if not path.endswith((".yml", ".yaml")) or _FOUND_BY_NAME.fullmatch(
            posixpath.basename(path)
        ):
            raise UsageError(
                f"{path!r} is no name for a module",
                remedy="give a path like docker-compose/services/docker-compose.NAME.yml",
            )
    for path in (options.into, *options.modules.values()):
        if path and (_UNSAFE.search(path) or max(map(len, path.split("/"))) > MAX_NAME):
            raise UsageError(
                f"{path!r} cannot stand in an include list as it is",
                remedy="use letters, digits and . _ - / in shorter names",
            )
        if path and (posixpath.isabs(path) or posixpath.normpath(path).startswith("..")):
            raise RefusedError(
                f"{path!r} is outside of the project",
                remedy="give a path relative to the project directory",
            )
