"""The facts of a project, for every way in which it is started."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from msgspec import Struct

from composerefactor.analysis.facts.builds import BuildFacts, build_facts
from composerefactor.analysis.facts.networks import (
    Edge,
    NetworkFacts,
    PortConflict,
    PublishedPort,
    conflicts,
    edges,
    networks,
    published_ports,
)
from composerefactor.analysis.facts.resources import (
    HealthFacts,
    ResourceFacts,
    ResourceTotals,
    health_facts,
    resource_facts,
    totals,
)
from composerefactor.analysis.facts.services import ServiceFacts, service_facts
from composerefactor.analysis.facts.variables import (
    EnvFileFacts,
    Redaction,
    VariableFacts,
    variable_facts,
)
from composerefactor.analysis.facts.volumes import StoredData, mounts, stored
from composerefactor.compose.connections import cycles, dependencies, start_order
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project, project_directory
from composerefactor.compose.services import StartModel, start_model
from composerefactor.errors import InputError, first_of
from composerefactor.images.catalog import Catalog
from composerefactor.images.connections import HostMention, host_mentions
from composerefactor.images.credentials import LiteralCredential, literals
from composerefactor.images.health.usage import usage
from composerefactor.refactoring.deduplicate.differences import Comparison, comparisons


class Dependencies(Struct, frozen=True):
    """*needs* has, by service, what the engine starts before it.

    *steps* are the services in start order: those of one step start side by side. *cycles* are
    paths from a service to itself; services of one are in no step.
    """

    needs: Mapping[str, tuple[str, ...]]
    steps: tuple[tuple[str, ...], ...]
    cycles: tuple[tuple[str, ...], ...]

    @property
    def leaves(self) -> tuple[str, ...]:
        """The services that no other needs."""
        needed = {name for names in self.needs.values() for name in names}
        return tuple(name for name in self.needs if name not in needed)

    def step_of(self, service: str) -> int | None:
        """Return the step, from 1, in which *service* starts; None for one in a cycle."""
        found = (n for n, step in enumerate(self.steps, 1) if service in step)
        return next(found, None)

    def tree(self) -> Iterator[tuple[int, str, bool]]:
        """Yield (depth, service, is repeated) as a tree, from those that nothing needs.

        What a service needs is below it; a branch that was shown before is not shown again.
        """
        shown: set[str] = set()
        for name in (*self.leaves, *(c[0] for c in self.cycles)):
            if name not in shown or name in self.leaves:
                yield from self._below(name, 0, shown, ())

    def _below(
        self, name: str, depth: int, shown: set[str], trail: tuple[str, ...]
    ) -> Iterator[tuple[int, str, bool]]:
        is_repeated = name in shown and bool(self.needs.get(name))
        yield depth, name, is_repeated or name in trail
        if is_repeated or name in trail:
            return
        shown.add(name)
        for each in self.needs.get(name, ()):
            yield from self._below(each, depth + 1, shown, (*trail, name))


def dependencies_of(model: StartModel) -> Dependencies:
    """Return who waits for whom in *model*."""
    needs = dependencies(model)
    return Dependencies(
        {name: tuple(needed) for name, needed in needs.items()},
        tuple(map(tuple, start_order(needs))),
        tuple(map(tuple, cycles(needs))),
    )


class Repetition(Struct, frozen=True):
    """*services* that each of several *files* defines whole.

    Their *definitions* have *lines*, of which *repeated* stand in an earlier file in the same
    service already. *differences* are the settings that are not the same in all files.
    """

    files: tuple[str, ...]
    services: tuple[str, ...]
    definitions: int
    lines: int
    repeated: int
    differences: int


def repetitions(project: Project) -> Iterator[Repetition]:
    """Yield what base files of *project* with services in common repeat."""
    for comparison in comparisons(project):
        definitions = lines = repeated = 0
        for name in comparison.common:
            seen: Counter[str] = Counter()
            for path in comparison.services[name]:
                own = Counter(_lines(project.files[path], name))
                definitions += 1
                lines += own.total()
                repeated += (own & seen).total()
                seen |= own
        differences = sum(d.service in comparison.common for d in comparison.differences)
        common = tuple(comparison.common)
        yield Repetition(comparison.files, common, definitions, lines, repeated, differences)


def _lines(file: ComposeFile, service: str) -> list[str]:
    """Return the lines of *service* in *file*, without comments and blank ones."""
    region = file.regions_in("services").get(service)
    if region is None:
        return []
    text = file.source.text[region.key : region.end]
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


_MOST = 8
"""More variables are counted."""


@dataclass(frozen=True)
class EntryArchitecture:
    """What one entry point starts; the facts are read from *model* and its *mentions* of hosts."""

    entry: Invocation
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
    model: StartModel = field(repr=False, compare=False)
    mentions: tuple[HostMention, ...] = field(repr=False, compare=False)

    @property
    def title(self) -> str:
        """The files of the entry point as shown to a person."""
        return self.entry.title

    def service(self, name: str) -> ServiceFacts | None:
        """Return the service *name*, or None."""
        return next((each for each in self.services if each.name == name), None)

    def health_of(self, name: str) -> HealthFacts | None:
        """Return the health check of the service *name*, or None."""
        return next((each for each in self.health if each.service == name), None)


@dataclass(frozen=True)
class Architecture:
    """A project: *name* is that of its directory, *entries* are the entry points that can be read.

    *unread* has, for each of the others, why not. *comparisons* say what differs between files that
    define the same services, *repetitions* how much is written several times. *unresolved* are
    sentences on what the text alone does not tell. *project* and *redaction* are what the facts are
    read from, and what keeps secrets out of them; *literals* are the credentials in its files.
    """

    name: str
    entries: tuple[EntryArchitecture, ...]
    unread: Mapping[Invocation, InputError]
    comparisons: tuple[Comparison, ...]
    repetitions: tuple[Repetition, ...]
    unresolved: tuple[str, ...]
    project: Project = field(repr=False, compare=False)
    redaction: Redaction = field(repr=False, compare=False)
    literals: tuple[LiteralCredential, ...] = field(repr=False, compare=False)

    @property
    def main(self) -> EntryArchitecture | None:
        """The entry point to show first: what runs without ``-f``, else most applications.

        None where no entry point can be read.
        """
        implicit = [each for each in self.entries if each.entry.implicit]
        return next(iter(implicit or sorted(self.entries, key=_weight)), None)

    @property
    def certain(self) -> tuple[EntryArchitecture, ...]:
        """The entry points that are known to be used; others are assumed from names alone.

        What goes wrong between files that may never be used together is no finding.
        """
        return tuple(each for each in self.entries if not each.entry.assumed)

    @property
    def service_names(self) -> tuple[str, ...]:
        """The names of all services, each once."""
        return tuple(dict.fromkeys(s.name for entry in self.entries for s in entry.services))


def survey(project: Project, name: str, catalog: Catalog) -> Architecture:
    """Return the facts of *project*, read from its text alone."""
    models = [start_model(project, entry) for entry in project.readable]
    known = tuple(literals(models))
    redaction = Redaction(models, known)
    entries = tuple(_entry(project, each, catalog, redaction) for each in models)
    return Architecture(
        name,
        entries,
        dict(project.errors),
        tuple(comparisons(project)),
        tuple(repetitions(project)),
        tuple(dict.fromkeys(words for each in entries for words in _unresolved(each))),
        project,
        redaction,
        known,
    )


def _entry(
    project: Project, of: StartModel, catalog: Catalog, redaction: Redaction
) -> EntryArchitecture:
    directory = project_directory(of.entry)
    services: list[ServiceFacts] = []
    health: list[HealthFacts] = []
    resources: list[ResourceFacts] = []
    for service in of.services.values():
        use = usage(project, of, service)
        found_build = service.value("build")
        build = None
        if use.build is not None and found_build is not None:
            build = build_facts(project, service.name, use.build, found_build.location)
        found = service_facts(
            of,
            service,
            use,
            build,
            published_ports(of, service),
            mounts(of, service, directory),
            catalog,
            redaction,
        )
        services.append(found)
        health.append(health_facts(project, of, service, use, catalog, redaction))
        resources.append(resource_facts(of, service, found.location))
    ports = tuple(port for service in services for port in service.ports)
    variables, env_files = variable_facts(project, of, redaction)
    mentions = tuple(host_mentions(of))
    return EntryArchitecture(
        of.entry,
        tuple(services),
        networks(of),
        edges(of, mentions),
        dependencies_of(of),
        tuple(health),
        stored(of, tuple(mount for service in services for mount in service.mounts), catalog),
        ports,
        tuple(conflicts(ports, _together(services))),
        variables,
        env_files,
        tuple(resources),
        totals(each for each in resources if not _is_optional(services, each.service)),
        tuple(service.build for service in services if service.build is not None),
        of,
        mentions,
    )


def _weight(entry: EntryArchitecture) -> tuple[bool, int, int]:
    applications = sum(each.counts_as == "applications" for each in entry.services)
    return entry.entry.assumed, -applications, -len(entry.services)


def _is_optional(services: list[ServiceFacts], name: str) -> bool:
    """Return whether the service *name* starts only where a profile is asked for."""
    return any(each.profiles for each in services if each.name == name)


def _together(services: list[ServiceFacts]) -> list[tuple[str, str]]:
    """Return the pairs of services that run at the same time.

    Two that have profiles and share none may be alternatives, and so may one with a profile and
    one without: who asks for the profile knows what it is for.
    """
    return [
        (a.name, b.name)
        for a, b in combinations(services, 2)
        if (not a.profiles and not b.profiles) or set(a.profiles) & set(b.profiles)
    ]


def _unresolved(entry: EntryArchitecture) -> list[str]:
    found = []
    for service in entry.services:
        found += [
            f"{service.name}: env_file {path} is not here; what it sets is not known"
            for path in service.missing_env_files
        ]
        if service.build is not None and not service.build.is_there:
            if service.build.context is None:
                found.append(f"{service.name}: its build context is not in this project")
            elif service.build.context_is_there:
                found.append(f"{service.name}: {service.build.dockerfile} is not here")
            else:
                found.append(f"{service.name}: build context {service.build.context} is not here")
    unset = [v.name for v in entry.variables if v.source in {"unset", "required"}]
    if unset:
        found.append(f"without a value here, taken as empty: {first_of(unset, _MOST)}")
    return found
