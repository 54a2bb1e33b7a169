"""A staging environment: the files of production, and what must differ beside it on one host.

Its project name, in `.env.staging`, gives it containers, networks and volumes of its own. What has
a name or a port that does not depend on the project name would clash, or would be production's:
container names, published ports, named networks and volumes, directories with the data of a store.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.definitions import LocatedNode, text_of
from composerefactor.compose.dotenv import assignment
from composerefactor.compose.files import RESOURCE_SECTIONS, Library
from composerefactor.compose.hosts import is_local, name_words, urls
from composerefactor.compose.interpolation import expand, expressions, sole_expression
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project, project_directory, project_name, reload_project
from composerefactor.compose.secret_spans import secret_spans
from composerefactor.compose.secrets import is_credential, is_secret_name
from composerefactor.compose.services import Service, StartModel, start_model
from composerefactor.compose.short_forms import PortText, parse_volume, port_of
from composerefactor.edit.operations import AddLines, Edit, WriteFile
from composerefactor.edit.rendering import Quoted, Value, YamlStyle, entry_lines
from composerefactor.errors import Location, enumerated
from composerefactor.images.catalog import catalog_of
from composerefactor.images.environments import (
    MODE_VARIABLE,
    NAMES,
    SHORT_LIVED,
    environment_of,
    kind_of,
)
from composerefactor.refactoring.contract import Change, Effect, Refusal, Unneeded, Variant
from composerefactor.refactoring.modules.naming import Family
from composerefactor.transforms._development import LOG_LEVEL, ONLY_TWO_MODES, values_by_environment
from composerefactor.transforms._env_files import (
    env_file_options,
    environment_paths,
    expressions_in,
    file_options,
    kind_of_command,
)
from composerefactor.yaml.nodes import ScalarNode

_OVERRIDE_SINCE = "v2.24.4"
"""The first Docker Compose that knows `!override` (its release notes)."""

_PRODUCTION_WORD = rf"(?<![a-z])(?:{'|'.join(sorted(NAMES['production']))})(?![a-z])"
_DOMAINS = frozenset({"domain", "hostname", "fqdn", "origin", "origins", "callback", "site"})
"""Words in the name of a variable whose value is the public address of the project."""

_UNSAFE_PORTS = frozenset({10080})
"""Ports to which browsers do not connect (WHATWG fetch standard)."""

_LOCAL_PORT = r"(?<![\w.-])((?:localhost|127\.0\.0\.1):)(\d+)(?!\d)"
"""A port of this machine in an address."""

_UNKNOWN = "unknown"
"""The value of a variable that has none in the files."""

_MOST_PORTS = 65535
_PRIVILEGED = 1000
_STYLE = YamlStyle()


class _Production(Struct, frozen=True):
    """How production starts.

    Attributes:
        start: The start command of the project from which it is known.
        files: Its files.
        profiles: Its profiles.
        model: Its services.
        added: The files in front that create networks which production finds.
    """

    start: Invocation
    files: tuple[str, ...]
    profiles: tuple[str, ...]
    model: StartModel
    added: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of *project*, as a library reads them."""

    project: Project

    def read_bytes(self, path: str) -> bytes:
        """Return the content of *path*."""
        read = self.project.read
        return read(path) if read is not None else b""

    def exists(self, path: str) -> bool:
        """Return whether *path* is a file."""
        return self.project.exists(path)


def add_staging(project: Project) -> Iterator[Change | Refusal]:
    """Yield the change that adds staging to *project*, or why there is none."""
    at = project.files[project.root_files[0]].location_of("services")
    for path in project.files:
        environment = environment_of(project, path)
        if environment is not None and environment.kind == "staging":
            yield Unneeded(f"the file is for staging ({environment.reason})", Location(path))
            return
    production = _production(project)
    if production is None:
        yield Refusal(
            "staging is not added: no start command is for production",
            at,
            "say in .composerefactor.yml which file is, below environments",
        )
        return
    staging = _Staging(project, production)
    for path in (staging.path, staging.env_path):
        if project.exists(path):
            yield Unneeded(f"{path} is there already", Location(path))
            return
    yield staging.change()


def _production(project: Project) -> _Production | None:
    """Return how production starts; None if no start command can be for it."""
    named = [e for e in project.readable if kind_of_command(project, e) == "production"]
    if named:
        start = max(named, key=lambda each: (len(each.files), -len(each.files[-1])))
        files = start.files
    else:
        start = next((e for e in project.readable if e.implicit), project.readable[0])
        environment = environment_of(project, start.root_file)
        is_only_one = len(project.readable) == 1 or start.implicit
        if not is_only_one or (environment is not None and environment.kind in SHORT_LIVED):
            return None
        beside = environment_paths(project.files[start.root_file])["production"]
        files = (start.root_file, *([beside] if project.exists(beside) else []))
    added = _creating(project, start, files)
    model = _model(project, replace(start, files=(*added, *files), implicit=False))
    if model is None:
        return None
    of_services = (p.value for service in model.services.values() for p in service.profiles)
    profile = next((each for each in of_services if kind_of(each) == "production"), None)
    profiles = start.profiles or ((profile,) if profile else ())
    return _Production(start, files, profiles, model, added)


def _model(project: Project, entry: Invocation) -> StartModel | None:
    """Return the services of *entry*, which need not be a start command of *project*."""
    alone = reload_project(replace(project, entries=(entry,)), Library(_Files(project)), {})
    return start_model(alone, entry) if entry in alone.readable else None


def _creating(project: Project, start: Invocation, files: tuple[str, ...]) -> tuple[str, ...]:
    """Return the files of another start command that creates networks which *files* only find.

    Staging has to have them as well, and the services on them: both start as one project.
    """
    model = start_model(project, start)
    found = {
        each.full_name
        for each in model.resources("networks").values()
        if each.external and each.full_name
    }
    for entry in project.readable if found else ():
        if kind_of_command(project, entry) in SHORT_LIVED or set(entry.files) & set(files):
            continue
        other = start_model(project, entry)
        created = {
            each.full_name for each in other.resources("networks").values() if not each.external
        }
        is_beside = posixpath.dirname(entry.root_file) == posixpath.dirname(files[0])
        if found & created and is_beside and not other.services.keys() & model.services.keys():
            return entry.files
    return ()


@dataclass(slots=True)
class _Difference:
    """What differs in staging.

    Attributes:
        services: The attributes by service.
        networks: The settings by network.
        volumes: The settings by volume.
        variables: The values of variables.
        ports: The values of variables for published ports.
        notes: What the user has to know, one line each.
        first: The commands before the first start.
    """

    services: dict[str, dict[str, Value]] = field(default_factory=dict)
    networks: dict[str, dict[str, Value]] = field(default_factory=dict)
    volumes: dict[str, dict[str, Value]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    ports: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    first: list[str] = field(default_factory=list)

    def set(self, service: str, key: str, value: Value) -> None:
        """Let *service* have *value* as its attribute *key*."""
        self.services.setdefault(service, {})[key] = value


class _Staging:
    """Staging beside *production*."""

    def __init__(self, project: Project, production: _Production) -> None:
        self.project, self.production, self.model = project, production, production.model
        last = production.files[-1]
        name, words = re.subn(_PRODUCTION_WORD, "staging", posixpath.basename(last), count=1)
        family = Family.of(last).file("staging")
        self.path = posixpath.join(posixpath.dirname(last), name if words else family)
        base = production.files[0]
        self.env_path = posixpath.join(posixpath.dirname(base), ".env.staging")
        self.uses = Counter(each.name for file in self.model.files for each in expressions_in(file))
        self.in_containers = {
            pair.name
            for service in self.model.services.values()
            for pairs in service.env_files.values()
            for pair in pairs
        }
        self.taken = {
            int(port.value.published)
            for service in self.model.services.values()
            for port in service.ports
            if port.value.published and port.value.published.isdecimal()
        }
        self.moved: dict[str, str] = {}
        self.differs = _Difference()
        for service in self.model.services.values():
            self._add_names(service)
            self._add_ports(service)
            self._add_data(service)
            self._add_modes(service)
        self._add_resources()

    def change(self) -> Change:
        """Return the change that writes the files."""
        project, production, differs = self.project, self.production, self.differs
        has_file = any((differs.services, differs.networks, differs.volumes))
        text = self._compose_text() if has_file else ""
        edits: list[Edit] = [WriteFile(self.path, text)] if text else []
        env_text = self._env_text(self._command(has_file=has_file))
        if project.is_ignored(self.env_path):
            edits.append(AddLines(self.env_path, env_text, private=True))
        else:
            edits.append(WriteFile(self.env_path, env_text))
        new = replace(
            production.start,
            files=(*production.added, *production.files, self.path),
            profiles=production.profiles,
            implicit=False,
        )
        variant = Variant(
            self.path, production.start.root_file, [*self._effects()], start=(production.start, new)
        )
        return Change(
            f"Write {enumerated([edit.file for edit in edits])} for a staging beside production",
            project.files[production.start.root_file].location_of("services"),
            edits,
            evidence="the option staging",
            details=differs.notes,
            variants=[variant] if text else [],
        )

    def _command(self, *, has_file: bool) -> str:
        """Return the command that starts staging."""
        project, production = self.project, self.production
        files = (*production.added, *production.files, *([self.path] if has_file else []))
        base = project.files[production.start.root_file]
        options = env_file_options(project, base, "staging") + file_options(files)
        if production.start.project_name:
            options.append(f"-p {production.start.project_name}-staging")
        options += [f"--profile {name}" for name in production.profiles]
        return f"docker compose {' '.join(options)} up -d"

    def _effects(self) -> Iterator[Effect]:
        """Yield where staging differs from the start command from which it is made.

        That has what only development needs, if it has just been separated.
        """
        start, differs = self.production.start, self.differs
        beside = environment_paths(self.project.files[start.root_file])
        is_separated = any(
            self.project.exists(path) and path not in start.files
            for kind, path in beside.items()
            if kind != "staging"
        )
        if is_separated or self.production.added or self.production.files != start.files:
            yield Effect(("services",), "changes")
            names = (*self.model.services, *start_model(self.project, start).services)
            yield from (Effect(("services", name), "changes") for name in dict.fromkeys(names))
        for name, attributes in differs.services.items():
            yield from (Effect(("services", name, key), "changes") for key in attributes)
        yield from (Effect((section,), "changes") for section in RESOURCE_SECTIONS)

    def _add_names(self, service: Service) -> None:
        """Give the container of *service* another name, under which others find it as well."""
        node = service.value("container_name")
        name = (node.written if node is not None else "") or ""
        if not name or any(e.name == "COMPOSE_PROJECT_NAME" for e in expressions(name)):
            return
        self.differs.set(service.name, "container_name", _in_staging(name))
        shown = node.text if node is not None else name
        is_host = any(
            re.search(rf"(?<![\w.-]){re.escape(shown or name)}(?![\w-])", each.value or "")
            for other in self.model.services.values()
            for each in other.settings.values()
        )
        if is_host and shown != service.name:
            networks = service.networks or ["default"]
            aliases: dict[str, Value] = {n: {"aliases": [shown]} for n in networks}
            self.differs.set(service.name, "networks", aliases)

    def _add_ports(self, service: Service) -> None:
        """Publish the ports of *service* under other numbers."""
        if text_of(service.network_mode) == "host":
            self.differs.notes.append(
                f"{service.name} uses the network of the host: beside production its ports clash"
            )
            return
        items = [item for node in service.values("ports") for item in node.items]
        ports = [port.text if (port := port_of(item.node)) else None for item in items]
        texts: dict[str, None] = {}
        is_other = False
        for item, text in zip(items, ports, strict=True):
            if text is None:
                return
            variable = self._variable_of_port(text)
            number = self._other_port(item.scope.expand(text.published or ""))
            if variable and number:
                self.differs.ports[variable] = number
            elif number:
                is_other = True
            moved = number if number and not variable else text.published
            texts[_port_text(replace(text, published=moved))] = None
        if is_other:
            self.differs.set(service.name, "ports", [*map(Quoted, texts)])

    def _variable_of_port(self, text: PortText) -> str:
        """Return the variable whose only use is to be the published port *text*; or ``""``."""
        published = text.published or ""
        found = sole_expression(published)
        if found is None or len(expressions(published)) > 1 or self.uses[found.name] != 1:
            return ""
        return found.name if found.name not in self.in_containers else ""

    def _other_port(self, published: str) -> str:
        """Return a free port, or range, for *published*; ``""`` if Docker chooses it."""
        first, dash, last = published.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            return ""
        number = int(first)
        steps = [8000] if number < _PRIVILEGED else []
        steps += [*range(10_000, 50_000, 1_000), *range(-10_000, -50_000, -1_000)]
        free = (
            number + step
            for step in steps
            if 0 < number + step <= _MOST_PORTS and number + step not in self.taken | _UNSAFE_PORTS
        )
        other = int(self.moved.get(first, "0")) or next(free, number)  # TCP and UDP alike
        self.taken.add(other)
        self.moved[first] = str(other)
        return f"{other}-{other + int(last) - number}" if dash else str(other)

    def _add_data(self, service: Service) -> None:
        """Give *service* another directory for its data, if its image has it in a bind mount."""
        image = text_of(service.image)
        entry = catalog_of(self.model).match(image) if image else None
        paths = {each.path for each in entry.data} if entry else set()
        mounts: list[Value] = []
        for each in service.volumes:
            target = each.value.target.rstrip("/")
            if each.value.kind != "bind" or each.value.read_only or target not in paths:
                continue
            below = each.at.below("source")
            written = below.written if below else _source(each.at)
            if written:
                mounts.append(f"{written.rstrip('/')}-staging:{target}")
        if mounts:
            self.differs.set(service.name, "volumes", mounts)

    def _add_modes(self, service: Service) -> None:
        """Let the program of *service* know that it runs in staging, if it can know that."""
        differs = self.differs
        literals: dict[str, Value] = {}
        for name, setting in service.settings.items():
            found = expressions(setting.value or "")
            value = expand(setting.value or "", self.model.variables)
            other = _in_environment(service, name, found[0].name if found else "", value)
            if found and other:
                differs.variables[found[0].name] = other
            elif setting.node is None and other:
                differs.variables[name] = other
            elif other not in {"", value}:
                literals[name] = other
        if literals:
            differs.set(service.name, "environment", literals)
        names = {pair.name for pairs in service.env_files.values() for pair in pairs}
        if names & differs.variables.keys():
            directory = project_directory(self.production.start)
            differs.set(service.name, "env_file", [posixpath.relpath(self.env_path, directory)])

    def _add_resources(self) -> None:
        """Give networks and volumes with a name of their own another one."""
        for name in self.model.resources("volumes"):
            self._add_resource("volumes", name, self.differs.volumes)
        for name in self.model.resources("networks"):
            self._add_resource("networks", name, self.differs.networks)
            nodes = self.model.declared("networks")[name]
            if any(node.below("ipam") is not None for node in nodes):
                self._add_subnet(name)

    def _add_resource(self, section: str, name: str, into: dict[str, dict[str, Value]]) -> None:
        """Give the resource *name* of *section* another name, if its name is the same anywhere."""
        resource, nodes = self.model.resources(section)[name], self.model.declared(section)[name]
        named = next((n for each in reversed(nodes) if (n := each.below("name"))), None)
        written = (named.written if named is not None else "") or name
        if any(each.name == "COMPOSE_PROJECT_NAME" for each in expressions(written)):
            return
        added = self.production.added
        is_created = any(n.file.path in added and n.below("external") is None for n in nodes)
        if resource.external and not is_created:
            if section == "networks" and not self._is_inner(name):
                return
            shown = expand(_in_staging(written), self.model.variables)
            self.differs.first.append(f"docker {section.removesuffix('s')} create {shown}")
        elif not resource.full_name:
            return
        into[name] = {"name": _in_staging(written)}
        if resource.external and is_created:
            into[name]["external"] = False

    def _is_inner(self, network: str) -> bool:
        """Return whether services find each other on *network* alone, which others create.

        On production's they would find those of production. A network to the proxy of the host
        stays the same.
        """
        on_it = [s for s in self.model.services.values() if network in (s.networks or {"default"})]
        return sum(len(service.networks) <= 1 for service in on_it) > 1

    def _add_subnet(self, network: str) -> None:
        """Let Docker choose the subnet of *network*, since two networks cannot have the same."""
        is_static = any(
            node.below(key) is not None
            for service in self.model.services.values()
            for name, value in service.networks.items()
            for node in [value.at]
            for key in ("ipv4_address", "ipv6_address")
            if name == network
        )
        if is_static:
            self.differs.notes.append(
                f"network {network} has a subnet, and services have addresses in it: set others"
            )
        else:
            self.differs.networks.setdefault(network, {})["ipam"] = None

    def _compose_text(self) -> str:
        """Return the text of the Compose file."""
        differs = self.differs
        lines = [f"# Staging: {self._command(has_file=True)}"]
        if differs.first:
            lines.append(f"# Before the first start: {'; '.join(differs.first)}")
        if any("ports" in attributes for attributes in differs.services.values()):
            note = f"Docker Compose {_OVERRIDE_SINCE} or later replaces the ports; others add them."
            lines.append(f"# {note}")
        lines += ["services:"] if differs.services else []
        for n, (name, attributes) in enumerate(differs.services.items()):
            ordered = sorted(attributes.items(), key=lambda a: SERVICE_ORDER.index(a[0]))
            lines += [*([""] if n else []), *entry_lines(name, dict(ordered), 2, _STYLE)]
        for section, found in (("networks", differs.networks), ("volumes", differs.volumes)):
            if found:
                values: dict[str, Value] = dict(found.items())
                lines += ["", *entry_lines(section, values, 0, _STYLE)]
        tags = {"    ports:": "    ports: !override", "    ipam:": "    ipam: !reset"}
        return "\n".join(tags.get(line, line) for line in lines) + "\n"

    def _env_text(self, command: str) -> str:
        """Return the text of the env file; *command* reads it."""
        differs, model = self.differs, self.model
        lines = [f"# Staging: {command}"]
        if not self.production.start.project_name:
            lines += [
                "# The project name gives it containers, networks and volumes of its own. They are",
                "# empty at first: load test data, not a copy of production.",
                f"COMPOSE_PROJECT_NAME={self._project_name()}-staging",
            ]
        lines += [assignment(name, value) or "" for name, value in differs.variables.items()]
        if differs.ports:
            lines += ["", "# Ports beside those of production on one host:"]
            lines += [f"{name}={value}" for name, value in differs.ports.items()]
        values = self._values_of_production()
        addresses = {n: v for n, v in values.items() if _is_address(n, v, model)}
        here = {n: self._with_ports(v) for n, v in addresses.items()}
        lines += [assignment(n, v) or "" for n, v in here.items() if v != addresses[n]]
        others = [f"# {n}={v}" for n, v in here.items() if v == addresses[n]]
        if others:
            lines += ["", "# Those of production, until staging has its own:", *others]
        secrets = [f"# {n}=" for n, v in values.items() if is_credential(n, v or _UNKNOWN)]
        if secrets:
            lines += ["", "# Set others than in production:", *secrets]
        return "\n".join(lines) + "\n"

    def _with_ports(self, address: str) -> str:
        """Return *address* with the ports of staging in place of those of production."""
        return re.sub(_LOCAL_PORT, lambda m: m[1] + self.moved.get(m[2], m[2]), address)

    def _values_of_production(self) -> Mapping[str, str]:
        """Return the variables that the files of production use, with their values."""
        values: dict[str, str] = {}
        for file in self.model.files:
            for each in expressions_in(file):
                value = self.model.variables.get(each.name)
                default = expand(each.variable.default or "", self.model.variables)
                if each.name not in {**self.differs.variables, **self.differs.ports}:
                    values.setdefault(each.name, default if value is None else value)
        return values

    def _project_name(self) -> str:
        """Return the name of the project of production."""
        names = (n for file in self.model.files if (n := file.root.get("name")) is not None)
        written = [node.value for node in names if isinstance(node, ScalarNode)]
        directory = project_directory(self.production.start)
        name = self.project.name if directory == "." else posixpath.basename(directory)
        set_name = self.model.variables.get("COMPOSE_PROJECT_NAME", "")
        named = expand(written[-1], self.model.variables) if written else ""
        return set_name or project_name(named) or project_name(name) or "project"


def _in_staging(name: str) -> str:
    """Return the *name* of something of production for staging: ``shop-prod``, ``shop-staging``."""
    other, count = re.subn(rf"(?<=[-_.]){_PRODUCTION_WORD}\Z", "staging", name)
    if count:
        return other
    return f"{name}_staging" if "_" in name and "-" not in name else f"{name}-staging"


def _in_environment(service: Service, name: str, variable: str, value: str) -> str:
    """Return the value of staging for *name* in the environment of *service*, now *value*.

    That of a *variable* is set in the env file. ``""`` if it is as in production.
    """
    if MODE_VARIABLE.fullmatch(name):
        return _mode(name, value)
    if re.fullmatch(LOG_LEVEL, name):
        is_own = bool(variable) and service.build is not None
        return ("DEBUG" if value.isupper() else "debug") if is_own else ""
    usual = values_by_environment(variable, value) if variable else None
    return (usual.staging if usual else None) or ""


def _mode(name: str, value: str) -> str:
    """Return the mode of staging for the variable *name*, which is *value* in production.

    ``""`` if that is no mode, or if its program may not know another one.
    """
    if name in ONLY_TWO_MODES:
        return "production" if kind_of(value.lower()) in {"production", "development"} else ""
    if value.lower() != "production" or name == "SPRING_PROFILES_ACTIVE":
        return ""
    return "STAGING" if value.isupper() else "Staging" if value.istitle() else "staging"


def _is_address(name: str, value: str, model: StartModel) -> bool:
    """Return whether the variable *name* has the public address of the project as its *value*."""
    if is_secret_name(name) or secret_spans(value):
        return False
    hosts = [host.partition(":")[0] for url in urls(value) for host, _ in url.hosts]
    if hosts:
        return not any(host in model.services for host in hosts)
    is_host = "." in value and not value.replace(".", "").isdigit() and "/" not in value
    return not _DOMAINS.isdisjoint(name_words(name)) and (not value or is_host or is_local(value))


def _port_text(text: PortText) -> str:
    protocol = "" if text.protocol == "tcp" else f"/{text.protocol}"
    host = f"{text.host_ip}:" if text.host_ip else ""
    published = f"{text.published}:" if text.published else ""
    return f"{host}{published}{text.target}{protocol}"


def _source(item: LocatedNode) -> str:
    """Return the source of a mount in the short form, as written; ``""`` in the long form."""
    volume = parse_volume(item.written or "")
    return (volume.source if volume else None) or ""
