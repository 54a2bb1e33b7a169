"""Tell what only development needs from the rest, and add a production entry point.

From one file for everybody: source mounts, commands that reload, debuggers' ports, development
modes and build targets, and services that only developers look at go to
`environments/docker-compose.development.yml`; `docker-compose.production.yml` beside the root reads
the rest. The root keeps its name, and gives the same model as before. What one list cannot hold in
that order without its first part stays whole in each environment. Every choice is named with its
evidence, and options change it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.merge_keys import merged_get, names_in
from composerefactor.compose.project import Project, project_directory
from composerefactor.compose.references import resources, services
from composerefactor.edit.operations import WriteFile
from composerefactor.errors import RefusedError
from composerefactor.refactoring.contract import (
    Change,
    Effect,
    Plan,
    Refusal,
    Variant,
    fixer,
    option,
)
from composerefactor.refactoring.modules.naming import Family
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms._development import (
    DEBUG_PORTS,
    Finder,
    Need,
    developers_only,
    production,
)
from composerefactor.transforms.split import split
from composerefactor.yaml.nodes import MappingNode, Path
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import BOM, Source


@dataclass(frozen=True, slots=True)
class Options:
    """What the user can choose."""

    services: tuple[str, ...] = option(
        default=(), help="Services that only development needs, besides those that are known."
    )
    keep: tuple[str, ...] = option(
        default=(), help="Services that production has as they are.", example="adminer,web"
    )
    debug_ports: tuple[str, ...] = option(
        default=DEBUG_PORTS, help="Container ports that production does not publish."
    )


@fixer(Options, selected_only=True)
def add_environments(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield one change for each root that holds things for development alone."""
    for path in project.bases:
        entry = next((e for e in project.entries if e.files == (path,)), None)
        file = project.files[path]
        divided = "include" in file.root_keys or path in project.whole or file.top_services
        if entry is not None and not divided and not project.exists(_production_path(path)):
            yield from _told_apart(project, entry, file, options)


def _told_apart(
    project: Project, entry: Invocation, file: ComposeFile, options: Options
) -> Iterator[Change | Refusal]:
    alone = _developers_only(file, options)
    read = partial(_text, project, project_directory(entry))
    finder = Finder(file.path, read, options.debug_ports)
    needs = [
        need
        for name, body in file.services.items()
        if name not in options.keep and name not in alone and isinstance(body, MappingNode)
        for need in finder.needs(name, body)
    ]
    if not needs and not alone:
        return
    gone: list[Path] = [("services", name) for name in alone]
    gone += [path for need in needs for path in need.gone]
    waiting = dict(_waiting(file, alone))
    gone += [path for paths in waiting.values() for path in paths]
    target = _production_path(file.path)
    location = file.location_of("services")
    try:
        text = production(file, gone, [edit for need in needs for edit in need.edits])
    except RefusedError as error:
        yield Refusal(error.message, error.location or location, error.remedy)
        return
    effects = [Effect(("services", need.service, need.key), "changes") for need in needs]
    effects += [Effect(("services", name, "depends_on"), "changes") for name in waiting]
    for name in alone:
        effects.append(Effect(("services", name), "removes"))
        effects += [Effect(part, "removes") for part in resources(file.services[name])]
    plan, edits = _files(project, entry, file, target, text)
    # Blocks that only carry anchors go where they are used.
    names = dict.fromkeys(name for _, name, _ in plan.moved if name.startswith("x-"))
    blocks = [Effect((name,), "removes") for name in names]
    details = [*_explained(file, needs), *(f"{name}: {why}" for name, why in alone.items())]
    yield Change(
        f"{target} is new: what {file.path} has without what only development needs",
        location,
        edits,
        blocks,
        details=[*details, *dict.fromkeys(plan.notes)],
        variants=[Variant(target, file.path, [*effects, *blocks])],
    )


def _production_path(path: str) -> str:
    family = Family.of(path)
    return posixpath.join(posixpath.dirname(path), family.file("production"))


def _developers_only(file: ComposeFile, options: Options) -> dict[str, str]:
    """Return the services that production leaves out, with the reason of each."""
    found = {
        name: "named by the option" if name in options.services else developers_only(name, body)
        for name, body in file.services.items()
        if name not in options.keep
    }
    found = {name: why for name, why in found.items() if why}
    needed = {
        other
        for name, body in file.services.items()
        if name not in found
        for other in services(body) - set(names_in(merged_get(body, "depends_on")))
    }
    return {name: why for name, why in found.items() if name not in needed}


def _waiting(file: ComposeFile, alone: dict[str, str]) -> Iterator[tuple[str, list[Path]]]:
    """Yield the services that depend on one that production leaves out, and where they say so."""
    for name, body in file.services.items():
        node = body.get("depends_on") if isinstance(body, MappingNode) else None
        names = names_in(node)
        gone = [other for other in names if other in alone]
        if name in alone or node is None or not gone:
            continue
        path: Path = ("services", name, "depends_on")
        if len(gone) == len(names):
            yield name, [path]
        elif isinstance(node, MappingNode):
            yield name, [(*path, other) for other in gone]
        else:
            yield name, [(*path, names.index(other)) for other in gone]


def _files(
    project: Project, entry: Invocation, file: ComposeFile, target: str, text: str
) -> tuple[Plan, list[WriteFile]]:
    """Return the plan, and the root, the production root and the files that they read.

    Where the two share too little, the root stays and the production root is a file of its own.
    """
    other = ComposeFile.of(parse(Source(target, text, file.source.has_bom)))
    both = replace(
        project,
        entries=(
            *(e for e in project.entries if e.base == entry.base),
            replace(entry, files=(target,), implicit=False),
        ),
        files={**project.files, target: other},
        directories={**project.directories, target: {project_directory(entry)}},
    )
    names = {file.path: "development", target: "production"}
    plan = split.plan(both, SplitOptions(variants=names))
    bom = BOM if file.source.has_bom else ""
    planned_files = {
        planned_file.path: (BOM if planned_file.has_bom else "") + planned_file.text()
        for planned_file in plan.planned_files
    }
    planned_files.setdefault(target, bom + text)
    return plan, [WriteFile(path, content) for path, content in planned_files.items()]


def _explained(file: ComposeFile, needs: list[Need]) -> Iterator[str]:
    for need in needs:
        yield f"{file.source.location(need.at)}: {need.service}.{need.key}: {need.evidence}"


def _text(project: Project, directory: str, name: str) -> str | None:
    path = posixpath.normpath(posixpath.join(directory, name))
    if project.read is None or not project.exists(path):
        return None
    return project.read(path).decode("utf-8", "replace")
