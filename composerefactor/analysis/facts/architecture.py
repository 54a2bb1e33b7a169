"""The facts of a project: :func:`survey` collects them for every start command.

:class:`Architecture` describes the project, :class:`InvocationFacts` one of its start commands.
Start order and cycles are :class:`Dependencies`; definitions that several files repeat are
:class:`Repetition`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from msgspec import Struct

from composerefactor.analysis.facts.builds import BuildFacts, build_facts
from composerefactor.analysis.facts.resources import (
    HealthFacts,
    ResourceFacts,
    ResourceTotals,
    health_facts,
    resource_facts,
    totals,
)
from composerefactor.analysis.facts.services import (
    Edge,
    NetworkFacts,
    ServiceFacts,
    edges,
    networks,
    service_facts,
)
from composerefactor.analysis.facts.variables import EnvFileFacts, VariableFacts, variable_facts
from composerefactor.analysis.facts.volumes import StoredData, mounts, stored
from composerefactor.compose.dependencies import cycles, dependencies, start_order
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.masking import Masking
from composerefactor.compose.ports import (
    PortConflict,
    PublishedPort,
    port_conflicts,
    published_ports,
)
from composerefactor.compose.project import Project
from composerefactor.compose.services import StartModel, start_models
from composerefactor.discovery.readers import STACK_DEPLOY
from composerefactor.errors import InputError, first_of
from composerefactor.images.catalog import Catalog, catalog_of
from composerefactor.images.connections import HostMention, HostNames, host_mentions
from composerefactor.images.credentials import LiteralCredential, literal_credentials
from composerefactor.images.environments import FileEnvironment, environment_of, short_lived_reason
from composerefactor.images.health.usage import usage
from composerefactor.refactoring.deduplicate.variants import Comparison, comparisons


class Dependencies(Struct, frozen=True):
    """The start order of the services of one start command.

    Attributes:
        needs: By service, the services that Docker Compose starts before it.
        steps: The services in start order; those of one step start in parallel.
        cycles: Paths from a service to itself. Services in a cycle are in no step.
    """

    needs: Mapping[str, tuple[str, ...]]
    steps: tuple[tuple[str, ...], ...]
    cycles: tuple[tuple[str, ...], ...]

    @property
    def leaves(self) -> tuple[str, ...]:
        """The services that no other service depends on."""
        needed = {name for names in self.needs.values() for name in names}
        return tuple(name for name in self.needs if name not in needed)

    def step_of(self, service: str) -> int | None:
        """Return the number, from 1, of the step in which *service* starts; None in a cycle."""
        numbers = (n for n, step in enumerate(self.steps, 1) if service in step)
        return next(numbers, None)

    def tree(self) -> Iterator[tuple[int, str, bool]]:
        """Yield (depth, service, is repeated) as a tree, from the services that nothing needs.

        The dependencies of a service are below it. A branch is yielded only once: where it appears
        again, *is repeated* is True and its dependencies are omitted.
        """
        shown: set[str] = set()
        for root in (*self.leaves, *(cycle[0] for cycle in self.cycles)):
            if root in shown and root not in self.leaves:
                continue
            branches = [(0, root)]
            while branches:  # not recursive: a chain of services may be long
                depth, name = branches.pop()
                needed = self.needs.get(name, ())
                is_repeated = name in shown and bool(needed)
                yield depth, name, is_repeated
                if not is_repeated:
                    shown.add(name)
                    branches += [(depth + 1, each) for each in reversed(needed)]


def dependencies_of(model: StartModel) -> Dependencies:
    """Return the start order of the services of *model*."""
    needs = dependencies(model)
    return Dependencies(
        {name: tuple(needed) for name, needed in needs.items()},
        tuple(map(tuple, start_order(needs))),
        tuple(map(tuple, cycles(needs))),
    )


class Repetition(Struct, frozen=True):
    """Services that several files define completely.

    Attributes:
        files: The files.
        services: The services that the files have in common.
        definitions: The number of definitions of these services.
        lines: The lines of all these definitions.
        repeated: The lines among them that an earlier file has in the same service.
        differences: The number of settings that are not the same in all files.
    """

    files: tuple[str, ...]
    services: tuple[str, ...]
    definitions: int
    lines: int
    repeated: int
    differences: int


def repetitions(project: Project) -> Iterator[Repetition]:
    """Yield what root files of *project* with services in common repeat."""
    for comparison in comparisons(project):
        definitions = lines = repeated = 0
        for name in comparison.common:
            seen: Counter[str] = Counter()
            for path in comparison.services[name]:
                own = Counter(_service_lines(project.files[path], name))
                definitions += 1
                lines += own.total()
                repeated += (own & seen).total()
                seen |= own
        differences = sum(d.service in comparison.common for d in comparison.differences)
        common = tuple(comparison.common)
        yield Repetition(comparison.files, common, definitions, lines, repeated, differences)


def _service_lines(file: ComposeFile, service: str) -> list[str]:
    """Return the lines of *service* in *file* without comments and blank lines."""
    region = file.regions_in("services").get(service)
    if region is None:
        return []
    text = file.source.text[region.key : region.end]
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


_MAX_NAMED = 8
"""How many variables a sentence names; further ones are only counted."""


class StartCommandFacts(Struct, frozen=True):
    """The facts of one start command.

    Attributes:
        invocation: The start command.
        services: Its services.
        networks: Its networks with their members.
        edges: Which service needs which, and how that is known.
        dependencies: The start order.
        health: The health check of each service.
        volumes: Named volumes, and mounted directories of the host.
        ports: The published ports of all services.
        conflicts: Pairs of ports that cannot both be published.
        variables: The variables of the Compose files.
        env_files: The env files that set them.
        resources: Limits and reservations of each service.
        totals: Their sums, without services that need a profile.
        builds: How images are built.
    """

    invocation: Invocation
    services: tuple[ServiceFacts, ...]
    networks: tuple[NetworkFacts, ...]
    edges: tuple[Edge, ...]
    dependencies: Dependencies
    health: tuple[HealthFacts, ...]
    volumes: tuple[StoredData, ...]
    ports: tuple[PublishedPort, ...]
    conflicts: tuple[PortConflict, ...]
    variables: tuple[VariableFacts, ...]
    env_files: tuple[EnvFileFacts, ...]
    resources: tuple[ResourceFacts, ...]
    totals: ResourceTotals
    builds: tuple[BuildFacts, ...]


class InvocationFacts(StartCommandFacts, frozen=True, dict=True):
    """The facts of one start command, and what further facts are read from.

    Attributes:
        model: The start model from which the facts are read.
        mentions: The mentions of host names in that model.
        hosts: The services to which these names lead.
    """

    model: StartModel
    mentions: tuple[HostMention, ...]
    hosts: HostNames

    @property
    def catalog(self) -> Catalog:
        """The image catalog, with the entries of the settings."""
        return catalog_of(self.model)

    @property
    def title(self) -> str:
        """The files of the start command, as users see it."""
        return self.invocation.title

    def service(self, name: str) -> ServiceFacts | None:
        """Return the service *name*, or None."""
        return self._service_by_name.get(name)

    @cached_property
    def _service_by_name(self) -> Mapping[str, ServiceFacts]:
        return {each.name: each for each in self.services}

    @cached_property
    def running(self) -> tuple[ServiceFacts, ...]:
        """The services that keep running, also those that need a profile."""
        return tuple(
            each
            for each in self.services
            if not each.one_off and each.name not in self.model.without_container
        )

    def health_of(self, name: str) -> HealthFacts | None:
        """Return the health check of the service *name*, or None."""
        return self._health_by_service.get(name)

    @cached_property
    def _health_by_service(self) -> Mapping[str, HealthFacts]:
        return {each.service: each for each in self.health}

    def may_reach(self, first: str, second: str) -> bool:
        """Return whether two services share a network, or one is on no network of the project."""
        networks = [self._networks_of(name) for name in (first, second)]
        return None in networks or not set(networks[0] or ()).isdisjoint(networks[1] or ())

    def _networks_of(self, name: str) -> set[str] | None:
        """Return the real names of the networks of the service *name*; None if it is on none."""
        service = self.service(name)
        if service is None or service.networks is None:
            return None
        full_names = {each.name: each.full_name or each.name for each in self.networks}
        # ${COMPOSE_PROJECT_NAME}_backend is the name that Docker Compose gives `backend`.
        own = {f"_{each.name}": each.name for each in self.networks if not each.full_name}
        full_names |= {
            name: key
            for name, full_name in full_names.items()
            for end, key in own.items()
            if full_name.endswith(end)
        }
        return {full_names.get(network, network) for network in service.networks}


@dataclass(frozen=True)
class Architecture:
    """The facts of a project.

    Attributes:
        name: The name of its directory.
        entries: The start commands that can be read.
        unread: The error for each start command that cannot be read.
        comparisons: What differs between files that define the same services.
        repetitions: How much these files repeat.
        file_environments: What each Compose file is for, where that is known.
        unresolved: Sentences about what the text alone does not show.
        project: The project from which the facts are read.
        all_entries: All start commands, also if *entries* are only a part of them.
        masking: Masks the secrets of the project in texts.
        literals: The credentials that the files contain as plain text.
    """

    name: str
    entries: tuple[InvocationFacts, ...]
    unread: Mapping[Invocation, InputError]
    comparisons: tuple[Comparison, ...]
    repetitions: tuple[Repetition, ...]
    file_environments: Mapping[str, FileEnvironment]
    unresolved: tuple[str, ...]
    project: Project = field(repr=False, compare=False)
    all_entries: tuple[InvocationFacts, ...] = field(repr=False, compare=False)
    masking: Masking = field(repr=False, compare=False)
    literals: tuple[LiteralCredential, ...] = field(repr=False, compare=False)

    @property
    def main(self) -> InvocationFacts | None:
        """The start command to show first: the one without ``-f``, else the largest.

        The largest has the most applications. None if no start command can be read.
        """
        implicit = [each for each in self.entries if each.invocation.implicit]
        return next(iter(implicit or sorted(self.entries, key=_weight)), None)

    @property
    def certain(self) -> tuple[InvocationFacts, ...]:
        """The start commands that are known to be used, not only assumed from file names.

        A problem between files that may never be used together is not a finding.
        """
        return tuple(each for each in self.entries if not each.invocation.assumed)

    @cached_property
    def known_part(self) -> Architecture:
        """The project with only the start commands that are known to be used."""
        return replace(self, entries=self.certain)

    @cached_property
    def assumed_part(self) -> Architecture:
        """The project with only assumed start commands, those with services of their own."""
        known = set(self.known_part.service_names)
        own = (e for e in self.entries if not known.issuperset(s.name for s in e.services))
        return replace(self, entries=tuple(each for each in own if each.invocation.assumed))

    @property
    def service_names(self) -> tuple[str, ...]:
        """The names of all services, each listed once."""
        return tuple(dict.fromkeys(s.name for entry in self.entries for s in entry.services))

    def is_for_swarm(self, entry: InvocationFacts) -> bool:
        """Return whether `docker stack deploy` reads a file of *entry*."""
        protected = map(self.project.protected_files.get, entry.invocation.files)
        return any(each is not None and each.reader == STACK_DEPLOY for each in protected)

    def is_short_lived(self, path: str) -> bool:
        """Return whether the Compose file at *path* is known to be for development or tests."""
        return short_lived_reason(self.project, path) is not None


def survey(project: Project, name: str) -> Architecture:
    """Return the facts of *project*, called *name*, read from its text and the image catalog."""
    models = start_models(project)
    credentials = tuple(literal_credentials(models))
    masking = Masking.of(project) | Masking(each.value for each in credentials)
    entries = tuple(_entry(project, model, masking) for model in models)
    return Architecture(
        name,
        entries,
        dict(project.errors),
        tuple(comparisons(project)),
        tuple(repetitions(project)),
        {
            path: environment
            for path in sorted(project.files)
            if (environment := environment_of(project, path)) is not None
        },
        tuple(
            dict.fromkeys(
                [
                    *(sentence for each in entries for sentence in _unresolved(each)),
                    *(f"not read: {masking.text(str(e))}" for e in project.not_read.values()),
                ]
            )
        ),
        project,
        entries,
        masking,
        credentials,
    )


def _entry(project: Project, model: StartModel, masking: Masking) -> InvocationFacts:
    catalog = catalog_of(project)
    services: list[ServiceFacts] = []
    health: list[HealthFacts] = []
    resources: list[ResourceFacts] = []
    for service in model.services.values():
        use = usage(project, model, service)
        build = None
        if service.build is not None:
            build = build_facts(project, service.name, service.build.value, service.build.location)
        facts = service_facts(
            model,
            service,
            use,
            build,
            published_ports(service),
            mounts(service),
            catalog,
            masking,
        )
        services.append(facts)
        health.append(health_facts(project, model, service, use, catalog, masking))
        resources.append(resource_facts(model, service, facts.location))
    ports = tuple(port for service in services for port in service.ports)
    optional = {each.name for each in services if each.profiles}
    variables, env_files = variable_facts(project, model, masking)
    mentions = tuple(host_mentions(model))
    hosts = HostNames(model)
    return InvocationFacts(
        model.entry,
        tuple(services),
        networks(model),
        edges(model, mentions, hosts),
        dependencies_of(model),
        tuple(health),
        stored(model, tuple(mount for service in services for mount in service.mounts), catalog),
        ports,
        tuple(port_conflicts(model.services.values())),
        variables,
        env_files,
        tuple(resources),
        totals(each for each in resources if each.service not in optional),
        tuple(service.build for service in services if service.build is not None),
        model,
        mentions,
        hosts,
    )


def _weight(entry: InvocationFacts) -> tuple[bool, int, int]:
    applications = sum(each.counts_as == "applications" for each in entry.services)
    return entry.invocation.assumed, -applications, -len(entry.services)


def _unresolved(entry: InvocationFacts) -> list[str]:
    sentences = []
    for service in entry.services:
        sentences += [
            f"{service.name}: env_file {path} does not exist; its variables are unknown"
            for path in service.missing_env_files
        ]
        if service.build is not None and service.build.context is None:
            sentences.append(f"{service.name}: the build context is outside this project")
    unset = [v.name for v in entry.variables if v.source in {"unset", "required"}]
    if unset:
        names = first_of(unset, _MAX_NAMED)
        sentences.append(f"not set, read as empty: {names}")
    return sentences
