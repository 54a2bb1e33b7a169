"""Separate development from production: an override file, and files for production and staging.

The root file of a project is one file for all environments. Source mounts, commands that reload,
debug ports, development modes and build targets, the published ports of data stores, and services
for developers only move to `docker-compose.override.yml`. `docker compose up` reads it by itself,
so the resolved configuration stays equal. In production a new `docker-compose.production.yml` is
read in its place, by `-f docker-compose.yml -f docker-compose.production.yml`. It sets modes and
build targets for production, and a restart policy and limits where there are none. Where a mode has
a value of its own in staging, a third file sets it.

A project whose files or profiles are separated already is left alone, and so is a file that a
command names with `-f`: it would start without its development part.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project
from composerefactor.compose.references import referenced_services
from composerefactor.compose.services import Service, StartModel, services_in, start_model
from composerefactor.edit.apply import apply_edits
from composerefactor.edit.operations import AddKey, WriteFile
from composerefactor.edit.rendering import AnchorAlias, Anchored, Quoted, Value
from composerefactor.errors import Location, RefusedError
from composerefactor.images.catalog import catalog_of, service_placement
from composerefactor.images.connections import connections
from composerefactor.images.environments import environment_of, kind_of
from composerefactor.refactoring.contract import Change, Effect, Refusal, Variant, fixer, option
from composerefactor.refactoring.modules.grouping import Family
from composerefactor.transforms._development import (
    DEBUG_PORTS,
    DevelopmentFinder,
    DevelopmentSetting,
    cut_text,
    developers_only_reason,
    moved_text,
)
from composerefactor.transforms.add_resource_limits import add_resource_limits
from composerefactor.transforms.add_restart_policy import add_restart_policy
from composerefactor.yaml.nodes import MappingNode, Path, SequenceNode, children, node_at
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import BOM, Source
from composerefactor.yaml.values import names_in

_NOTE = "`docker compose` reads this file by itself, after"

_SEPARATED = frozenset({"development", "test", "production"})
"""Environments that a profile separates from the others."""

ENTRY: Path = ("services", "SERVICE", "ATTRIBUTE", "ENTRY")
"""The form of the path of one entry, or item, of an attribute."""


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


@fixer(
    Options,
    selected_only=True,
    purpose="operations",
    cause="settings for development and for production are in one file",
)
def add_environments(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change, or a refusal, for each root file with development-only configuration."""
    if reason := _separated_already(project):
        yield reason
        return
    for path in project.root_files:
        environment = environment_of(project, path)
        if environment is not None and (environment.is_named or environment.kind == "test"):
            continue
        file = project.files[path]
        is_split = "include" in file.root_keys or file.top_services
        entries = [entry for entry in project.readable if path in entry.files]
        implicit = next((e for e in entries if e.implicit and e.files == (path,)), None)
        if implicit is None or is_split:
            continue
        others = [e for e in entries if not (e.implicit and e.files == (path,))]
        protected = project.protected_files.get(path)
        if others or protected:
            why = protected.reason if protected else f"`{others[0].command}` names it"
            reason = Refusal(
                f"{path} is not separated: {why}, so it would start without its development part",
                file.location_of("services"),
                "separate it by hand",
            )
            if _Separation(project, implicit, file, options).is_needed:
                yield reason
            continue
        yield from _Separation(project, implicit, file, options).changes()


def _separated_already(project: Project) -> Refusal | None:
    """Return where *project* has a file or a profile for production; None if it has neither."""
    for path, file in project.files.items():
        environment = environment_of(project, path)
        if environment is not None and environment.kind == "production":
            reason = f"{path} is for production ({environment.reason})"
            return Refusal(reason, Location(path))
        for name, service in services_in(file).items():
            profile = next((p for p in service.profiles if kind_of(p.value) in _SEPARATED), None)
            if profile is not None:
                reason = f"profile {profile.value} separates {name} already"
                return Refusal(reason, file.location_of("services", name))
    return None


class _Separation:
    """Separates the development part of *file*, which the start command *entry* reads alone."""

    def __init__(
        self, project: Project, entry: Invocation, file: ComposeFile, options: Options
    ) -> None:
        self.project, self.entry, self.file, self.options = project, entry, file, options
        self.model = start_model(project, entry)
        self.tools = _tools(self.model, file, options)
        finder = DevelopmentFinder(project, options.debug_ports)
        self.settings: list[DevelopmentSetting] = []
        self.kept = [name for name in file.services if name not in self.tools]
        for name in self.kept:
            body = file.services[name]
            if name not in options.keep and isinstance(body, MappingNode):
                self.settings += finder.settings(self.model.services[name], body)
                self.settings += self._data_ports(self.model.services[name], body)
        family = Family.of(file.path)
        self.paths = {
            kind: posixpath.join(posixpath.dirname(file.path), family.file(kind))
            for kind in ("override", "production", "staging")
        }

    @property
    def is_needed(self) -> bool:
        """Whether there is something to separate, and services are left without it."""
        return bool(self.settings or self.tools) and bool(self.kept)

    def _data_ports(self, service: Service, body: MappingNode) -> Iterator[DevelopmentSetting]:
        """Yield the published ports of a data store: other containers do not need them."""
        node = body.get("ports")
        is_store = service_placement(service, catalog_of(self.project)).counts_as == "data stores"
        if node is not None and is_store:
            evidence = "other containers reach a data store without a published port"
            path: Path = ("services", service.name, "ports")
            yield DevelopmentSetting(service.name, "ports", node.start, evidence, (path,))

    def changes(self) -> Iterator[Change | Refusal]:
        """Yield the change, or why there is none; nothing if there is nothing to separate."""
        if not self.is_needed:
            return
        location = self.file.location_of("services")
        for path in self.paths.values():
            if self.project.exists(path):
                yield Refusal(f"{path} exists already", location, "separate it by hand")
                return
        moved = self._moved()
        try:
            base = cut_text(self.file, moved)
            override = moved_text(self.file, moved, f"# Development: {_NOTE} {self.file.path}.\n")
        except RefusedError as error:
            yield Refusal(error.message, error.location or location, error.remedy)
            return
        newline = "\r\n" if "\r\n" in self.file.source.text else "\n"
        production = self._production()
        if not production:
            command = f"docker compose -f {self.file.path} up -d"
            override = override.replace("\n", f"\n# Production leaves it out: {command}\n", 1)
        texts = {"override": override, "production": production, "staging": self._staging()}
        reasons = (f"{name}: {why}" for name, why in self.tools.items())
        after = replace(self.entry, files=(self.file.path, self.paths["override"]))
        bom = BOM if self.file.source.has_bom else ""
        yield Change(
            f"Separate development from production in {self.file.path}",
            location,
            [
                WriteFile(self.file.path, bom + base),
                *(
                    WriteFile(self.paths[kind], newline.join(text.splitlines()) + newline)
                    for kind, text in texts.items()
                    if text
                ),
            ],
            details=[*self._explanations(), *reasons],
            variants=[
                Variant(
                    self.paths["production"],
                    self.file.path,
                    [*self._effects()],
                    at=self.paths["override"],
                )
            ]
            if production
            else [],
            entries={self.entry: after},
        )

    def _moved(self) -> list[Path]:
        """Return the paths that move to the override file, in the order of the text."""
        moved: list[Path] = [("services", name) for name in self.tools]
        for setting in self.settings:
            moved += [self._whole_list(path, setting.removed) for path in setting.removed]
        moved += [path for _, paths in _dependents(self.file, self.tools) for path in paths]
        for parent in dict.fromkeys(path[:3] for path in moved if len(path) == len(ENTRY)):
            node = node_at(self.file.root, parent)
            count = len(list(children(node))) if isinstance(node, SequenceNode) else 0
            count = len(node.entries) if isinstance(node, MappingNode) else count
            if sum(path[:3] == parent for path in dict.fromkeys(moved)) == count:
                moved = [parent, *(path for path in moved if path[:3] != parent)]
        whole = {path for path in moved if len(path) < len(ENTRY)}
        return [path for path in dict.fromkeys(moved) if path in whole or path[:3] not in whole]

    def _whole_list(self, path: Path, removed: Iterable[Path]) -> Path:
        """Return *path*, or that of its whole list if an item stays behind one that moves.

        Docker Compose appends the items of an override file (observed: v2.24.1 to v5.6.1).
        """
        if path[2] not in {"volumes", "ports"} or len(path) == 3:  # noqa: PLR2004 - the list itself
            return path
        value = services_in(self.file)[str(path[1])].value(str(path[2]))
        count = len(value.items) if value else 0
        indexes = sorted(p[3] for p in removed if p[:3] == path[:3] and isinstance(p[3], int))
        return path if indexes == list(range(count - len(indexes), count)) else path[:3]

    def _production(self) -> str:
        """Return the text of the production file; ``""`` if the base is all that it needs."""
        values: dict[str, dict[str, Value]] = {name: {} for name in self.kept}
        for name, key, value in self._lasting():
            values.get(name, {})[key] = value
        for setting in self.settings:
            for key, value in setting.production.items():
                present = values[setting.service].get(key)
                if isinstance(present, dict) and isinstance(value, dict):
                    values[setting.service][key] = {**present, **value}
                else:
                    values[setting.service][key] = value
            rest = self._rest(setting)
            if rest:
                values[setting.service][setting.key] = rest
        root = self.file.path
        return self._text(
            values,
            f"# Production: docker compose -f {root} -f {self.paths['production']} up -d\n",
        )

    def _rest(self, setting: DevelopmentSetting) -> list[Value]:
        """Return the items of a list that moves as a whole although production needs them."""
        whole = {self._whole_list(path, setting.removed) for path in setting.removed}
        value = services_in(self.file)[setting.service].value(setting.key)
        if value is None or whole != {("services", setting.service, setting.key)}:
            return []
        removed = {path[3] for path in setting.removed if len(path) > 3}  # noqa: PLR2004
        if not removed:
            return []
        texts = [item.written or "" for n, item in enumerate(value.items) if n not in removed]
        return [Quoted(text) for text in texts] if setting.key == "ports" else [*texts]

    def _staging(self) -> str:
        """Return the text of the staging file; ``""`` if it is the same as production."""
        values: dict[str, dict[str, Value]] = {}
        for setting in self.settings:
            if setting.staging:
                variables = values.setdefault(setting.service, {}).setdefault("environment", {})
                assert isinstance(variables, dict)  # noqa: S101 - made above
                variables.update(setting.staging)
        command = " ".join(
            f"-f {path}" for path in (self.file.path, *list(self.paths.values())[1:])
        )
        return self._text(values, f"# Staging: docker compose {command} up -d\n")

    def _text(self, values: dict[str, dict[str, Value]], header: str) -> str:
        """Return the text of a file that sets *values*, by service and attribute.

        ``""`` if there are none.
        """
        values = {name: attributes for name, attributes in values.items() if attributes}
        if not values:
            return ""
        skeleton = header + "services:\n" + "\n".join(f"  {name}:\n" for name in values)
        file = ComposeFile.of(parse(Source(self.paths["production"], skeleton)))
        return apply_edits(
            file,
            [
                AddKey(file.path, ("services", name), key, value, SERVICE_ORDER)
                for name, attributes in values.items()
                for key, value in sorted(
                    attributes.items(), key=lambda a: SERVICE_ORDER.index(a[0])
                )
            ],
        )

    def _lasting(self) -> Iterator[tuple[str, str, Value]]:
        """Yield the restart policies and limits that services lack, as their fixers add them."""
        project = replace(self.project, entries=(self.entry,))
        planned = [
            *add_restart_policy.plan(project, add_restart_policy.options()),
            *add_resource_limits.plan(project, add_resource_limits.options()),
        ]
        for change in (each for each in planned if isinstance(each, Change)):
            if change.confidence == "guess":
                continue
            names = [effect.service for effect in change.effects if effect.service]
            added = [edit for edit in change.edits if isinstance(edit, AddKey)]
            anchors = {
                e.value.anchor: e.value.value for e in added if isinstance(e.value, Anchored)
            }
            for edit in (each for each in added if each.key in {"restart", "deploy"}):
                value = _without_aliases(edit.value, anchors)
                yield from ((name, edit.key, value) for name in dict.fromkeys(names))

    def _effects(self) -> Iterator[Effect]:
        """Yield where production differs from the original."""
        for setting in self.settings:
            yield Effect(("services", setting.service, setting.key), "changes")
        for name, _ in _dependents(self.file, self.tools):
            yield Effect(("services", name, "depends_on"), "changes")
        for name in self.tools:
            yield Effect(("services", name), "removes")
        for section in ("volumes", "networks", "secrets", "configs"):
            yield Effect((section,), "changes")
        for name, key, _ in self._lasting():
            yield Effect(("services", name, key), "adds")

    def _explanations(self) -> Iterator[str]:
        for setting in self.settings:
            where = f"{self.file.source.location(setting.at)}: {setting.service}.{setting.key}"
            yield f"{where}: {setting.evidence}"


def _without_aliases(value: Value, anchors: Mapping[str, Value]) -> Value:
    """Return *value* with the values of *anchors* in place of aliases: it goes to another file."""
    if isinstance(value, AnchorAlias):
        return anchors[value.anchor]
    if isinstance(value, dict):
        return {key: _without_aliases(each, anchors) for key, each in value.items()}
    return value


def _tools(model: StartModel, file: ComposeFile, options: Options) -> dict[str, str]:
    """Return the services that production leaves out, with the reason for each.

    A tool to which another service connects stays: that service would not reach it.
    """
    reasons = {
        name: "named by the option"
        if name in options.services
        else developers_only_reason(model.services[name])
        for name in file.services
        if name not in options.keep
    }
    reasons = {name: why for name, why in reasons.items() if why}
    needed = {
        other
        for name, body in file.services.items()
        if name not in reasons
        for other in referenced_services(body) - services_in(file)[name].depends_on.keys()
    }
    needed |= {
        each.callee
        for each in connections(model)
        if each.caller not in reasons
        and each.callee not in options.services
        and any(hint.kind != "depends_on" for hint in each.hints)
    }
    return {name: why for name, why in reasons.items() if name not in needed}


def _dependents(file: ComposeFile, tools: dict[str, str]) -> Iterator[tuple[str, list[Path]]]:
    """Yield the services that depend on *tools*, with the paths of these dependencies."""
    for name, body in file.services.items():
        node = body.get("depends_on") if isinstance(body, MappingNode) else None
        names = names_in(node)
        lost = [other for other in names if other in tools]
        if name in tools or node is None or not lost:
            continue
        path: Path = ("services", name, "depends_on")
        if len(lost) == len(names):
            yield name, [path]
        elif isinstance(node, MappingNode):
            yield name, [(*path, other) for other in lost]
        else:
            yield name, [(*path, names.index(other)) for other in lost]
