"""The services of one start command, each with every definition that contributes to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import compress
from typing import Generic, TypeVar

from msgspec import Struct

from composerefactor.compose.definitions import Definition, LocatedNode, Value, text_of
from composerefactor.compose.dotenv import Assignment, assignments
from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.merge import DefinitionMerge, effective, values_below
from composerefactor.compose.paths import directory_of
from composerefactor.compose.project import Project, Scope
from composerefactor.compose.service_values import (
    Build,
    Dependency,
    Resource,
    read_build,
    read_dependencies,
    read_deploy,
    read_env_files,
    read_environment,
    read_flag,
    read_grants,
    read_healthcheck,
    read_hosts,
    read_logging,
    read_networks,
    read_number,
    read_pairs,
    read_ports,
    read_resource,
    read_size,
    read_text,
    read_texts,
    read_volumes,
    read_words,
)
from composerefactor.errors import Location

T = TypeVar("T")

_INLINE_KEYS = ("content", "environment")
"""Keys of a config that give its content without a file."""

_WINDOWS_IMAGE = (
    r"mcr\.microsoft\.com/windows/|[:-](?:windows(?!\w)|windowsservercore|nanoserver)|ltsc20\d\d"
)


class ServiceAttribute(Generic[T]):
    """The attribute of a service with the name of the property, read once by *read*."""

    def __init__(self, read: Callable[[list[LocatedNode]], T]) -> None:
        self.read = read

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, service: Service, owner: type) -> T:
        value = service.__dict__[self.name] = self.read(service.values(self.name))
        return value


def _read_names(nodes: list[LocatedNode]) -> tuple[Value[str], ...]:
    """Return the texts; of two that are equal up to a ``=``, the later one replaces the earlier."""
    return read_texts(nodes, lambda text: text.partition("=")[0])


class Setting(Struct, frozen=True):
    """A variable of a service's container.

    Attributes:
        name: The name of the variable.
        value: The value as written; None if it comes from the shell.
        location: The location of the variable.
        node: The node, or None for a variable of an env file.
    """

    name: str
    value: str | None
    location: Location
    node: LocatedNode | None = None

    def __repr__(self) -> str:  # without the value, which may be a secret
        return f"Setting({self.name!r}, {self.location!r})"


class Service(Struct, frozen=True, dict=True):
    """A service of a start command.

    Attributes:
        name: The name of the service.
        definitions: The definitions in the order in which Docker Compose merges them.
        env_files: The assignments in its env files, by path.
    """

    name: str
    definitions: tuple[Definition, ...]
    env_files: Mapping[str, tuple[Assignment, ...]] = {}

    @property
    def own_definitions(self) -> tuple[Definition, ...]:
        """The definitions that it does not inherit by ``extends``."""
        return tuple(each for each in self.definitions if not each.inherited)

    @property
    def location(self) -> Location:
        """The location of its first definition, if possible of one that is its own."""
        first = (*self.own_definitions, *self.definitions)[0]
        return first.file.location_of("services", self.name)

    def default_scope(self, attribute: str) -> Scope:
        """Return the scope of a default path that belongs to *attribute*.

        Docker Compose adds defaults to the service that extends, not to the one that is extended,
        and to an included service before it merges others (observed: v5.6.1).
        """
        default = scope = self.definitions[-1].scope
        for definition in reversed(self.definitions):
            if not definition.inherited:
                scope = definition.scope
            if attribute in definition.entries:
                default = scope
        return default

    image = ServiceAttribute(read_text)
    pull_policy = ServiceAttribute(read_text)
    command = ServiceAttribute(read_words)
    entrypoint = ServiceAttribute(read_words)
    ports = ServiceAttribute(read_ports)
    expose = ServiceAttribute(read_texts)
    volumes = ServiceAttribute(read_volumes)
    tmpfs = ServiceAttribute(_read_names)
    environment = ServiceAttribute(read_environment)
    env_file = ServiceAttribute(read_env_files)
    label_file = ServiceAttribute(read_env_files)
    healthcheck = ServiceAttribute(read_healthcheck)
    depends_on = ServiceAttribute(read_dependencies)
    networks = ServiceAttribute(read_networks)
    network_mode = ServiceAttribute(read_text)
    hostname = ServiceAttribute(read_text)
    domainname = ServiceAttribute(read_text)
    links = ServiceAttribute(read_texts)
    external_links = ServiceAttribute(read_texts)
    volumes_from = ServiceAttribute(read_texts)
    extra_hosts = ServiceAttribute(read_hosts)
    deploy = ServiceAttribute(read_deploy)
    scale = ServiceAttribute(read_text)
    cpus = ServiceAttribute(read_number)
    mem_limit = ServiceAttribute(read_size)
    mem_reservation = ServiceAttribute(read_size)
    shm_size = ServiceAttribute(read_size)
    restart = ServiceAttribute(read_text)
    stop_grace_period = ServiceAttribute(read_text)
    profiles = ServiceAttribute(read_texts)
    labels = ServiceAttribute(read_pairs)
    container_name = ServiceAttribute(read_text)
    user = ServiceAttribute(read_text)
    tty = ServiceAttribute(read_flag)
    stdin_open = ServiceAttribute(read_flag)
    privileged = ServiceAttribute(read_flag)
    read_only = ServiceAttribute(read_flag)
    cap_add = ServiceAttribute(_read_names)
    cap_drop = ServiceAttribute(_read_names)
    security_opt = ServiceAttribute(read_texts)
    ipc = ServiceAttribute(read_text)
    pid = ServiceAttribute(read_text)
    cgroup = ServiceAttribute(read_text)
    userns_mode = ServiceAttribute(read_text)
    uts = ServiceAttribute(read_text)
    secrets = ServiceAttribute(read_grants)
    configs = ServiceAttribute(read_grants)
    logging = ServiceAttribute(read_logging)

    @cached_property
    def build(self) -> Value[Build] | None:
        """How the image is built; None if it is not built."""
        default_context = self.default_scope("build").path(".")
        return read_build(self.values("build"), default_context)

    @cached_property
    def build_arguments(self) -> Mapping[str, Value[str | None]]:
        """The arguments of the build, each with its place; None for values of the shell."""
        return read_pairs(values_below(self.values("build"), "args"))

    def values(self, attribute: str) -> list[LocatedNode]:
        """Return all effective values of *attribute* in merge order.

        ``!reset`` and ``!override`` discard the values before them.
        """
        defining = [d for d in self.definitions if attribute in d.entries]
        return effective(attribute, ((d.file, d.scope, d.body, d.entries) for d in defining))

    def value(self, attribute: str) -> LocatedNode | None:
        """Return the last value of *attribute*: the effective one if values replace each other."""
        values = self.values(attribute)
        return values[-1] if values else None

    def pairs(self, attribute: str) -> dict[str, Setting]:
        """Return the ``NAME=value`` pairs of *attribute*, a list or mapping; the last one wins."""
        pairs: dict[str, Setting] = {}
        for at in self.values(attribute):
            for name, node in at.entries.items():
                pairs[name] = Setting(name, node.written, node.location, node)
            for item in at.items:
                name, equals, value = (item.written or "").partition("=")
                pairs[name] = Setting(name, value if equals else None, item.location, item)
        return pairs

    @cached_property
    def settings(self) -> Mapping[str, Setting]:
        """The variables of the container: ``environment`` has precedence over env files."""
        from_env_files = {
            pair.name: Setting(pair.name, pair.value, Location(path, pair.line))
            for path, lines in self.env_files.items()
            for pair in lines
        }
        return {**from_env_files, **self.pairs("environment")}


class StartModel(Struct, frozen=True, dict=True):
    """The services that one start command starts.

    Attributes:
        entry: The start command.
        files: Its files in merge order, included files before the files that include them.
        extended_files: The other files, from which services inherit by ``extends``.
        services: The services by name.
        scopes: What relative paths and variables in a file refer to, by path of the file.
        variables: The variables of its own env files, for interpolation.
        foreign: The paths of those files that are not of the project, and stay as they are.
        catalog: The image catalog of the project.
    """

    entry: Invocation
    files: tuple[ComposeFile, ...]
    extended_files: tuple[ComposeFile, ...]
    services: Mapping[str, Service]
    scopes: Mapping[str, Scope]
    variables: Mapping[str, str] = {}
    foreign: frozenset[str] = frozenset()
    catalog: object = None

    def __repr__(self) -> str:  # without the values of variables
        return f"StartModel({self.entry!r}, {list(self.services)!r})"

    @cached_property
    def without_container(self) -> frozenset[str]:
        """The services that no container is started for.

        A provider runs in place of a container. A service with a profile that only
        ``additional_contexts`` of another build names is a step of that build. One with no replicas
        is there for its image, or for those who scale it. One with neither image nor build is part
        of a service of another file.
        """
        contexts = {
            context
            for service in self.services.values()
            if service.build is not None
            for context in service.build.value.contexts.values()
        }
        return frozenset(
            name
            for name, service in self.services.items()
            if service.value("provider") is not None
            or (service.image is None and service.build is None)
            or "0" in {text_of(service.scale), text_of(service.deploy.replicas)}
            or (f"service:{name}" in contexts and self._is_build_only(service))
        )

    @cached_property
    def runs_windows(self) -> bool:
        """Whether Windows containers run: an image or a platform says so.

        An engine runs Windows or Linux containers, never both. In Windows containers there are no
        capabilities, no setuid and no POSIX shell, and a port is published on all addresses:
        "Windows does not support host IP addresses in NAT settings" (docker/for-win issue 10552).
        """
        return any(
            (service.image is not None and re.search(_WINDOWS_IMAGE, service.image.value))
            or service.value("isolation") is not None
            or any((node.text or "").startswith("windows") for node in service.values("platform"))
            for service in self.services.values()
        )

    @cached_property
    def dependents(self) -> Mapping[str, Mapping[str, Value[Dependency]]]:
        """The dependencies on each service by the service that depends on it."""
        found: dict[str, dict[str, Value[Dependency]]] = {}
        for dependent, service in self.services.items():
            for name, dependency in service.depends_on.items():
                found.setdefault(name, {})[dependent] = dependency
        return found

    def _is_build_only(self, service: Service) -> bool:
        """Return whether *service* has a profile and a build, and nothing that a container uses."""
        used = ("ports", "command", "entrypoint", "healthcheck", "restart", "volumes")
        return bool(
            service.build is not None
            and service.profiles
            and service.name not in self.dependents
            and not any(service.values(attribute) for attribute in used)
        )

    def inline_files(self, service: Service) -> list[str]:
        """Return the secrets and configs of *service* whose content comes from no file.

        Docker Compose copies them into the container, which fails if its root file system is
        read-only: "`file` is the sole supported option" (docker/compose, pkg/compose/secrets.go).
        """
        return [
            grant.value.source
            for section, keys in (("secrets", ("environment",)), ("configs", _INLINE_KEYS))
            for grant in (service.secrets if section == "secrets" else service.configs)
            for node in self.declared(section).get(grant.value.source, ())
            if any(node.below(key) is not None for key in keys)
        ]

    def declares(self, section: str, name: str) -> bool:
        """Return whether one of the files declares the resource *name* in *section*."""
        return name in self.declared(section)

    def declared(self, section: str) -> Mapping[str, list[LocatedNode]]:
        """Return the declarations in *section* by name; {} if it is not a resource section."""
        return self._declarations.get(section, {})

    def resources(self, section: str) -> Mapping[str, Resource]:
        """Return what the files declare in *section*, by name; {} as for :meth:`declared`."""
        return self._resources.get(section, {})

    @cached_property
    def _declarations(self) -> Mapping[str, Mapping[str, list[LocatedNode]]]:
        found: dict[str, dict[str, list[LocatedNode]]] = {}
        for section in RESOURCE_SECTIONS:
            declarations = found.setdefault(section, {})
            for file in self.files:
                for name, body in file.entries(section).items():
                    at = LocatedNode(file, body, body.start, self.scopes[file.path])
                    declarations.setdefault(name, []).append(at)
        return found

    @cached_property
    def _resources(self) -> Mapping[str, Mapping[str, Resource]]:
        return {
            section: {name: read_resource(nodes) for name, nodes in declarations.items()}
            for section, declarations in self._declarations.items()
        }


def start_model(project: Project, entry: Invocation) -> StartModel:
    """Return the services that *entry* starts; it must be one of ``project.readable``.

    A start model is read once. Start commands that define a service in the same way share it.
    """
    model: StartModel | None = project.read_once.get(entry)
    if model is None:
        model = project.read_once[entry] = _read_model(project, entry)
    return model


def _read_model(project: Project, entry: Invocation) -> StartModel:
    merge = DefinitionMerge(project)
    readings = project.readings[entry]
    merged = merge.merged(readings)
    ordered = dict.fromkeys(name for file in merge.files.values() for name in file.services)
    services = {name: _read_service(project, name, tuple(merged[name])) for name in ordered}
    extended = tuple(f for path, f in merge.extended_files.items() if path not in merge.files)
    return StartModel(
        entry,
        tuple(merge.files.values()),
        extended,
        services,
        merge.scopes,
        readings[0].scope.variables,
        frozenset(path for path in merge.scopes if project.foreign_reason(path)),
        project.catalog,
    )


def _read_service(project: Project, name: str, definitions: tuple[Definition, ...]) -> Service:
    service: Service | None = project.read_once.get((name, definitions))
    if service is None:
        without_env_files = Service(name, definitions)
        env_files = {
            each.value.path: lines
            for each in without_env_files.env_file
            if (lines := assignments(project.text(each.value.path) or ""))
        }
        service = Service(name, definitions, env_files) if env_files else without_env_files
        project.read_once[name, definitions] = service
    return service


def start_models(project: Project) -> list[StartModel]:
    """Return the start model of every start command that can be read and is of use by itself.

    Docker Compose rejects a command with a service that has neither image nor build (Compose
    specification). Such a command is left out where another one completes it: in a base file that
    is only used with override files, what these add is not missing.
    """
    if start_models not in project.read_once:
        project.read_once[start_models] = list(_useful_models(project))
    models: list[StartModel] = project.read_once[start_models]
    return models


def _useful_models(project: Project) -> Iterator[StartModel]:
    models = [start_model(project, entry) for entry in project.readable]
    are_complete = list(map(_is_complete, models))
    complete = [set(model.entry.files) for model in compress(models, are_complete)]
    for model, is_complete in zip(models, are_complete, strict=True):
        if is_complete or not any(set(model.entry.files) < files for files in complete):
            yield model


def _is_complete(model: StartModel) -> bool:
    """Return whether all services that *model* starts without a profile have something to run."""
    return all(
        service.image or service.build or service.value("provider") or service.profiles
        for service in model.services.values()
    )


@lru_cache(maxsize=256)
def services_in(file: ComposeFile) -> Mapping[str, Service]:
    """Return the services as *file* alone defines them: variables have their defaults.

    What it includes, and what its services extend, is not in them.
    """
    scope = Scope(directory_of(file.path))
    return {
        name: Service(name, (Definition(file, body, scope),))
        for name, body in file.services.items()
    }
