"""Separate development from production: an override file, and files for production and staging.

The root file of a project is one file for all environments. Source mounts, commands that reload,
debug ports, development modes and build targets, and services for developers only move to
`docker-compose.override.yml`; so do the published ports of data stores, if other services use the
store and no client elsewhere is known. `docker compose up` reads it by itself, so the resolved
configuration stays equal; where an item moves from the middle of a list, its order alone is
different. In production a new `docker-compose.production.yml` is read in its place, by
`-f docker-compose.yml -f docker-compose.production.yml`. It sets modes and build targets for
production, and a restart policy and limits where there are none. Staging starts as production does,
with an `.env.staging` of its own; where a mode has a value of its own in staging, a third file sets
it.

With the option `staging`, staging is added beside production, also where its files are there
already, so that both can run on one host. `.env.staging` has a project name, and so volumes of its
own, and other modes, log levels and ports, where these are variables; `docker-compose.staging.yml`
has other container names, ports, named networks and volumes, and directories for the data of
stores. Files that create the networks of production are read as well. Passwords are left to you,
and so are addresses that only you know.

For variables that differ by environment (modes, log levels, addresses of this machine), the files
`.env.development`, `.env.staging` and `.env.production` are offered, each with the command that
reads it. Their values are conventions, so they are guesses.

A project whose files or profiles are separated already is left alone, and so is a file that a
command names with `-f`: it would start without its development part.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from msgspec.structs import replace

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.definitions import text_of
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project
from composerefactor.compose.references import referenced_services
from composerefactor.compose.services import StartModel, services_in, start_model
from composerefactor.edit.apply import apply_edits
from composerefactor.edit.operations import AddKey, WriteFile
from composerefactor.edit.rendering import AnchorAlias, Anchored, Value
from composerefactor.errors import Location, RefusedError
from composerefactor.images.catalog import catalog_of, service_placement
from composerefactor.images.connections import connections
from composerefactor.images.environments import PURPOSES, environment_of, kind_of, title_of_readme
from composerefactor.refactoring.contract import (
    Change,
    Effect,
    Refusal,
    Unneeded,
    Variant,
    fixer,
    option,
)
from composerefactor.transforms._development import (
    DEBUG_PORTS,
    DevelopmentFinder,
    DevelopmentSetting,
    cut_text,
    developers_only_reason,
    moved_text,
)
from composerefactor.transforms._env_files import (
    env_file_options,
    env_files,
    environment_paths,
    expressions_in,
    file_options,
)
from composerefactor.transforms._staging import add_staging
from composerefactor.transforms.add_resource_limits import add_resource_limits
from composerefactor.transforms.add_restart_policy import add_restart_policy
from composerefactor.transforms.bind_local_ports import ports_without_outside_clients
from composerefactor.yaml.nodes import MappingNode, Path, SequenceNode, children, node_at
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import BOM, Source
from composerefactor.yaml.values import names_in

_NOTE = "`docker compose` reads this file by itself, after"

_SEPARATED = frozenset({"development", "test", "production"})
"""Environments that a profile separates from the others."""

_STAGING = "for staging beside it, add --set add-environments.staging=true"

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
    staging: bool = option(
        default=False, help="Add staging, which can run beside production on one host."
    )


@fixer(
    Options,
    selected_only=True,
    purpose="operations",
    cause="environments that differ share their files",
)
def add_environments(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change, or a refusal, for each root file with development-only configuration.

    If there is none, yield why, and changes for staging and for the env files of the environments.
    """
    separated = _separated_already(project)
    planned = [separated] if separated is not None else _separations(project, options)
    needed = [each for each in planned if not isinstance(each, Unneeded)]
    is_last = not any(isinstance(each, Change) for each in needed)  # its files are there then
    staging = [*add_staging(project)] if options.staging and is_last else []
    yield from needed or ([] if staging else planned[:1])
    yield from staging
    if is_last:
        yield from env_files(project, with_staging=not options.staging)


def _separations(project: Project, options: Options) -> list[Change | Refusal]:
    """Return the change, or the refusal, for each root file; else why there is neither."""
    return [each for path in project.root_files for each in _separation(project, path, options)]


def _separation(project: Project, path: str, options: Options) -> Iterator[Change | Refusal]:
    """Yield the change, or the refusal, for the root file *path*; else why there is neither."""
    file = project.files[path]
    at = file.location_of("services")
    environment = environment_of(project, path)
    if environment is not None and (environment.is_named or environment.kind == "test"):
        reason = f"the file is for {PURPOSES[environment.kind]} ({environment.reason})"
        yield Unneeded(reason, environment.location or Location(path))
        return
    if title := title_of_readme(project):
        yield Unneeded(f"the project is for development ({title})", at)
        return
    entries = [entry for entry in project.readable if path in entry.files]
    implicit = next((e for e in entries if e.implicit and e.files == (path,)), None)
    if "include" in file.root_keys or file.top_services or implicit is None:
        yield Unneeded(_reason_it_is_read_otherwise(entries), at)
        return
    others = [e for e in entries if not (e.implicit and e.files == (path,))]
    protected = project.protected_files.get(path)
    separation = _Separation(project, implicit, file, options)
    if not separation.is_needed:
        yield Unneeded(separation.reason_not_needed, at)
    elif others or protected:
        why = protected.reason if protected else f"`{others[0].command}` names it"
        yield Refusal(
            f"{path} is not separated: {why}, so it would start without its development part",
            at,
            "separate it by hand",
        )
    else:
        yield from separation.changes()


def _reason_it_is_read_otherwise(entries: Sequence[Invocation]) -> str:
    """Return why an override file does not suit a root file that *entries* read."""
    implicit = next((entry for entry in entries if entry.implicit), None)
    if implicit is not None and len(implicit.files) > 1:
        return f"{implicit.files[-1]} overrides it already"
    if implicit is None:
        return "only -f reads the file, so no override file is read beside it"
    return "the file includes or extends others, which define services"


def _separated_already(project: Project) -> Unneeded | None:
    """Return where *project* has a file or a profile for production; None if it has neither."""
    for path, file in project.files.items():
        environment = environment_of(project, path)
        if environment is not None and environment.kind == "production":
            reason = f"the file is for production ({environment.reason})"
            return Unneeded(reason, environment.location or Location(path), _STAGING)
        for name, service in services_in(file).items():
            profile = next((p for p in service.profiles if kind_of(p.value) in _SEPARATED), None)
            if profile is not None:
                reason = f"profile {profile.value} separates {name} already"
                return Unneeded(reason, file.location_of("services", name))
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
        data_ports = self._data_ports()
        for name in self.kept:
            body = file.services[name]
            if name not in options.keep and isinstance(body, MappingNode):
                self.settings += finder.settings(self.model.services[name], body)
                self.settings += data_ports.get(name, ())
        self.paths = environment_paths(file)

    @property
    def is_needed(self) -> bool:
        """Whether there is something to separate, and services are left without it."""
        moves = self.tools or any(setting.removed for setting in self.settings)
        return bool(moves) and bool(self.kept)

    @property
    def reason_not_needed(self) -> str:
        """Why there is nothing to separate."""
        if not self.kept:
            return "only developers need these services"
        reason = "no service has settings that only development needs: source mounts, commands "
        reason += "that reload, debug ports, open ports of data stores that other services use ..."
        modes = dict.fromkeys(setting.evidence for setting in self.settings)
        return "; ".join([reason, *modes])

    def _data_ports(self) -> dict[str, list[DevelopmentSetting]]:
        """Return the ports of data stores that production does not publish, by service.

        Other services use the store, and no client elsewhere is known.
        """
        users = _users(self.model, self.tools)
        found: dict[str, list[DevelopmentSetting]] = {}
        for name, file, path in ports_without_outside_clients(self.project, self.model):
            node = node_at(file.root, path)
            if name in users and node is not None and path[:2] == ("services", name):
                evidence = f"{users[name]} and others on its network reach {name} without it"
                own = (path[: len(ENTRY)],)
                setting = DevelopmentSetting(name, "ports", node.start, evidence, own)
                found.setdefault(name, []).append(setting)
        return found

    def changes(self) -> Iterator[Change | Refusal]:
        """Yield the change, or why it cannot be made."""
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
        production, staging = self._production(), self._staging()
        if not production:
            lines = f"# Production leaves it out: docker compose -f {self.file.path} up -d\n"
            lines += "" if staging else self._staging_line
            override = override.replace("\n", f"\n{lines}", 1)
        texts = {"override": override, "production": production, "staging": staging}
        reasons = (f"{name}: {why}" for name, why in self.tools.items())
        reordered = self._reordered(moved)
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
            effects=[Effect(path, "changes") for path in reordered],
            details=[
                *self._explanations(),
                *reasons,
                *(
                    f"{path[1]}.{path[2]}: Docker Compose lists what moves last, so that it "
                    "recreates the container, with the same items"
                    for path in reordered
                ),
            ],
            variants=[
                Variant(path, self.file.path, [*self._effects()], at=self.paths["override"])
                for path in ([self.paths["production"]] if production else [])
            ],
            entries={self.entry: after},
        )

    def _moved(self) -> list[Path]:
        """Return the paths that move to the override file, in the order of the text."""
        moved: list[Path] = [("services", name) for name in self.tools]
        for setting in self.settings:
            moved += setting.removed
        moved += [path for _, paths in _dependents(self.file, self.tools) for path in paths]
        for parent in dict.fromkeys(path[:3] for path in moved if len(path) == len(ENTRY)):
            node = node_at(self.file.root, parent)
            count = len(list(children(node))) if isinstance(node, SequenceNode) else 0
            count = len(node.entries) if isinstance(node, MappingNode) else count
            if sum(path[:3] == parent for path in dict.fromkeys(moved)) == count:
                moved = [parent, *(path for path in moved if path[:3] != parent)]
        whole = {path for path in moved if len(path) < len(ENTRY)}
        return [path for path in dict.fromkeys(moved) if path in whole or path[:3] not in whole]

    def _reordered(self, moved: Collection[Path]) -> list[tuple[str, str, str]]:
        """Return the paths of lists in which an item stays behind one that is *moved*.

        Docker Compose appends the items of an override file (observed: v2.24.1 to v5.6.1). To
        Docker, the order of mounts and ports has no meaning: it sorts mounts by their targets.
        """
        reordered = []
        for parent in dict.fromkeys(path[:3] for path in moved if len(path) == len(ENTRY)):
            node = node_at(self.file.root, parent)
            count = len(node.items) if isinstance(node, SequenceNode) else 0
            indexes = sorted(p[3] for p in moved if p[:3] == parent and isinstance(p[3], int))
            is_list = parent[2] in {"volumes", "ports"}
            if is_list and indexes != list(range(count - len(indexes), count)):
                reordered.append(("services", str(parent[1]), str(parent[2])))
        return reordered

    @property
    def _staging_line(self) -> str:
        """The comment on a staging that has the files of production.

        ``""`` if no variable can make a difference.
        """
        if self.options.staging or not any(expressions_in(self.file)):
            return ""
        options = " ".join(env_file_options(self.project, self.file, "staging"))
        return f"# Staging: the same command with {options}, a file for values of its own\n"

    def _production(self) -> str:
        """Return the text of the production file; ``""`` if the base is all that it needs."""
        values: dict[str, dict[str, Value]] = {name: {} for name in self.kept}
        for name, key, value in self._lasting:
            values.get(name, {})[key] = value
        for setting in self.settings:
            _merge(values[setting.service], setting.production)
        files = (self.file.path, self.paths["production"])
        header = f"# Production: docker compose {' '.join(file_options(files))} up -d\n"
        has_staging = any(setting.staging for setting in self.settings)
        return self._text(values, header + ("" if has_staging else self._staging_line))

    def _staging(self) -> str:
        """Return the text of the staging file; ``""`` if it is the same as production."""
        values: dict[str, dict[str, Value]] = {}
        for setting in self.settings:
            if setting.staging and not self.options.staging:  # else it is written afterwards
                variables = values.setdefault(setting.service, {}).setdefault("environment", {})
                assert isinstance(variables, dict)  # noqa: S101 - made above
                variables.update(setting.staging)
        files = (self.file.path, self.paths["production"], self.paths["staging"])
        return self._text(
            values, f"# Staging: docker compose {' '.join(file_options(files))} up -d\n"
        )

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

    @cached_property
    def _lasting(self) -> list[tuple[str, str, Value]]:
        """The restart policies and limits that services lack, as their fixers add them."""
        lasting: list[tuple[str, str, Value]] = []
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
                lasting += ((name, edit.key, value) for name in dict.fromkeys(names))
        return lasting

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
        for name, key, _ in self._lasting:
            yield Effect(("services", name, key), "adds")

    def _explanations(self) -> Iterator[str]:
        for setting in self.settings:
            where = f"{self.file.source.location(setting.at)}: {setting.service}.{setting.key}"
            yield f"{where}: {setting.evidence}"


def _users(model: StartModel, tools: Collection[str]) -> dict[str, str]:
    """Return the services that others than *tools* use, each with one of these.

    The nodes of a cluster have one image and do not count: their clients are others. The source of
    an application that is built may name services that its configuration does not.
    """
    images = {name: text_of(service.image) for name, service in model.services.items()}
    known = connections(model)
    users = {
        each.callee: each.caller
        for each in reversed(known)
        if each.caller not in tools
        and not (images[each.caller] and images[each.caller] == images[each.callee])
    }
    callers = {each.caller for each in known}
    catalog = catalog_of(model)
    application = next(
        (
            name
            for name, service in model.services.items()
            if service.build is not None
            and name not in callers
            and name not in tools
            and service_placement(service, catalog).counts_as == "applications"
        ),
        "",
    )
    return {**(dict.fromkeys(images, application) if application else {}), **users}


def _merge(into: dict[str, Value], values: Mapping[str, Value]) -> None:
    """Add *values* to the mapping *into*, and to the mappings in it."""
    for key, value in values.items():
        if isinstance(value, dict):
            present = into.get(key)
            into[key] = copy = dict(present) if isinstance(present, dict) else {}
            _merge(copy, value)
        else:
            into[key] = value


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
