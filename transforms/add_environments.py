"""Separate development-only configuration from production, and add a production root file.

The root file of a project is one file for all environments. Source mounts, commands that reload,
debug ports, development modes and build targets, and services for developers only move to
`environments/docker-compose.development.yml`; the rest is also read by a new
`docker-compose.production.yml` beside the root file. The root file keeps its name, and its resolved
configuration stays equal. A list that would lose its order without its development part is kept in
full in each environment. Every choice is reported with its evidence, and options change it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.merge_keys import item_nodes, merged_get, names_in, scalar_text
from composerefactor.compose.project import Project, project_directory
from composerefactor.compose.references import referenced_resources, referenced_services
from composerefactor.edit.operations import WriteFile
from composerefactor.errors import Location, RefusedError
from composerefactor.images.environments import NAMES, environment_of
from composerefactor.refactoring.contract import (
    Change,
    Effect,
    Plan,
    Refusal,
    Variant,
    fixer,
    option,
)
from composerefactor.refactoring.modules.grouping import Family
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms._development import (
    DEBUG_PORTS,
    PROFILES,
    DevelopmentFinder,
    DevelopmentSetting,
    developers_only_reason,
    production_text,
)
from composerefactor.transforms.split import split
from composerefactor.yaml.nodes import MappingNode, Path
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import BOM, Source


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the transform."""

    services: tuple[str, ...] = option(
        default=(), help="Services that only development needs, besides those that are recognized."
    )
    keep: tuple[str, ...] = option(
        default=(), help="Services that production gets unchanged.", example="adminer,web"
    )
    debug_ports: tuple[str, ...] = option(
        default=DEBUG_PORTS, help="Container ports that production does not publish."
    )


@fixer(Options, selected_only=True)
def add_environments(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change, or a refusal, for each root file with development-only configuration."""
    if reason := _separated_already(project):
        yield reason
        return
    for path in project.root_files:
        environment = environment_of(project, path)
        if environment is not None and (environment.is_named or environment.kind == "test"):
            continue
        entry = next((e for e in project.entries if e.files == (path,)), None)
        file = project.files[path]
        is_split = (
            "include" in file.root_keys or path in project.protected_files or file.top_services
        )
        if entry is not None and not is_split and not project.exists(_production_path(path)):
            yield from _separate(project, entry, file, options)


def _separated_already(project: Project) -> Refusal | None:
    """Return where *project* has a file or a profile for production; None if it has neither."""
    for path, file in project.files.items():
        environment = environment_of(project, path)
        if environment is not None and environment.kind == "production":
            reason = f"{path} is for production ({environment.reason})"
            return Refusal(reason, Location(path))
        for name, body in file.services.items():
            profiles = {
                scalar_text(item) or "" for item in item_nodes(merged_get(body, "profiles"))
            }
            if found := profiles & (PROFILES | NAMES["production"]):
                reason = f"profile {min(found)} separates {name} already"
                return Refusal(reason, file.location_of("services", name))
    return None


def _separate(
    project: Project, entry: Invocation, file: ComposeFile, options: Options
) -> Iterator[Change | Refusal]:
    """Yield the change that separates the development part of *file*, or a refusal."""
    removed_services = _services_to_remove(file, options)
    read = partial(_file_text, project, project_directory(entry))
    finder = DevelopmentFinder(file.path, read, options.debug_ports)
    settings = [
        setting
        for name, body in file.services.items()
        if name not in options.keep
        and name not in removed_services
        and isinstance(body, MappingNode)
        for setting in finder.settings(name, body)
    ]
    if (not settings and not removed_services) or not file.services.keys() - removed_services:
        return
    removed: list[Path] = [("services", name) for name in removed_services]
    removed += [path for setting in settings for path in setting.removed]
    dependents = dict(_dependents(file, removed_services))
    removed += [path for paths in dependents.values() for path in paths]
    target = _production_path(file.path)
    location = file.location_of("services")
    try:
        text = production_text(file, removed, [e for setting in settings for e in setting.edits])
    except RefusedError as error:
        yield Refusal(error.message, error.location or location, error.remedy)
        return
    effects = [Effect(("services", s.service, s.key), "changes") for s in settings]
    effects += [Effect(("services", name, "depends_on"), "changes") for name in dependents]
    for name in removed_services:
        effects.append(Effect(("services", name), "removes"))
        effects += [Effect(part, "removes") for part in referenced_resources(file.services[name])]
    plan, edits = _planned_files(project, entry, file, target, text)
    # Blocks with nothing but anchors move to the files that use them.
    names = dict.fromkeys(name for _, name, _ in plan.moved if name.startswith("x-"))
    blocks = [Effect((name,), "removes") for name in names]
    reasons = (f"{name}: {why}" for name, why in removed_services.items())
    details = [*_explanations(file, settings), *reasons]
    yield Change(
        f"Add {target}: {file.path} without its development-only configuration",
        location,
        edits,
        blocks,
        details=[*details, *dict.fromkeys(plan.notes)],
        variants=[Variant(target, file.path, [*effects, *blocks])],
    )


def _production_path(path: str) -> str:
    family = Family.of(path)
    return posixpath.join(posixpath.dirname(path), family.file("production"))


def _services_to_remove(file: ComposeFile, options: Options) -> dict[str, str]:
    """Return the services that production leaves out, with the reason for each."""
    reasons = {
        name: "named by the option"
        if name in options.services
        else developers_only_reason(name, body)
        for name, body in file.services.items()
        if name not in options.keep
    }
    reasons = {name: why for name, why in reasons.items() if why}
    needed = {
        other
        for name, body in file.services.items()
        if name not in reasons
        for other in referenced_services(body) - set(names_in(merged_get(body, "depends_on")))
    }
    return {name: why for name, why in reasons.items() if name not in needed}


def _dependents(file: ComposeFile, removed: dict[str, str]) -> Iterator[tuple[str, list[Path]]]:
    """Yield the services that depend on *removed* ones, with the paths of these dependencies."""
    for name, body in file.services.items():
        node = body.get("depends_on") if isinstance(body, MappingNode) else None
        names = names_in(node)
        lost = [other for other in names if other in removed]
        if name in removed or node is None or not lost:
            continue
        path: Path = ("services", name, "depends_on")
        if len(lost) == len(names):
            yield name, [path]
        elif isinstance(node, MappingNode):
            yield name, [(*path, other) for other in lost]
        else:
            yield name, [(*path, names.index(other)) for other in lost]


def _planned_files(
    project: Project, entry: Invocation, file: ComposeFile, target: str, text: str
) -> tuple[Plan, list[WriteFile]]:
    """Return the split plan, and the edits that write both root files and the files that they read.

    If the two share too little, the root file stays unchanged, and the production root file is
    written in full.
    """
    production = ComposeFile.of(parse(Source(target, text, file.source.has_bom)))
    both = replace(
        project,
        entries=(
            *(e for e in project.entries if e.root_file == entry.root_file),
            replace(entry, files=(target,), implicit=False),
        ),
        files={**project.files, target: production},
        directories={**project.directories, target: {project_directory(entry)}},
    )
    names = {file.path: "development", target: "production"}
    plan = split.plan(both, SplitOptions(environments=names))
    bom = BOM if file.source.has_bom else ""
    planned_files = {
        planned_file.path: (BOM if planned_file.has_bom else "") + planned_file.text()
        for planned_file in plan.planned_files
    }
    planned_files.setdefault(target, bom + text)
    return plan, [WriteFile(path, content) for path, content in planned_files.items()]


def _explanations(file: ComposeFile, settings: list[DevelopmentSetting]) -> Iterator[str]:
    for setting in settings:
        where = f"{file.source.location(setting.at)}: {setting.service}.{setting.key}"
        yield f"{where}: {setting.evidence}"


def _file_text(project: Project, directory: str, name: str) -> str | None:
    """Return the text of the file *name* of *directory*, or None if it does not exist."""
    path = posixpath.normpath(posixpath.join(directory, name))
    if project.read is None or not project.exists(path):
        return None
    return project.read(path).decode("utf-8", "replace")
