"""Published ports."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.findings import Severity
from composerefactor.analysis.rule import Occurrence, fixer_occurrences, rule
from composerefactor.compose.hosts import HOST
from composerefactor.compose.ports import FOR_OUTSIDE
from composerefactor.compose.services import Service
from composerefactor.errors import Location
from composerefactor.images.lookup import DATA_CATEGORIES
from composerefactor.transforms.quote_ports import quote_ports


@rule(
    Severity.MEDIUM,
    "security",
    transform="bind-local-ports",
    strength="No data store can be reached from outside the machine.",
)
def open_data_port(architecture: Architecture) -> Iterator[Occurrence]:
    """A data store is published on all addresses of the machine.

    A port that is published without an address bypasses the rules of most firewalls. Other
    containers do not need it: they use the service's name. `127.0.0.1` limits it to the machine
    itself.
    """
    for entry in architecture.entries:
        for service in entry.services:
            if service.category not in DATA_CATEGORIES:
                continue
            for port in service.ports:
                is_for_outside = port.target in FOR_OUTSIDE
                if port.is_open and not is_for_outside and service.network_mode != "host":
                    yield Occurrence(
                        f"{service.name} publishes port {port.shown} on all addresses",
                        port.location,
                        service.name,
                        f"{port.target}/{port.protocol}",
                    )


_PAGES = ("swagger-ui", "swagger-editor")
"""Tools that only show a page, and give access to nothing."""


@rule(Severity.MEDIUM, "security")
def open_admin_port(architecture: Architecture) -> Iterator[Occurrence]:
    """An admin tool is published on all addresses of the machine.

    Admin pages of databases and queues are made for people inside.
    """
    for entry in architecture.entries:
        for service in entry.services:
            is_page = any(name in (service.image or service.name) for name in _PAGES)
            if service.category != "tools" or service.profiles or is_page:
                continue
            for port in service.ports:
                if port.is_open:
                    yield Occurrence(
                        f"{service.name} publishes port {port.shown} on all addresses",
                        port.location,
                        service.name,
                        f"{port.target}/{port.protocol}",
                        "publish it on 127.0.0.1, or require a login",
                    )


_COLLECTION = 8
"""With more conflicts, the services of a start command are a collection to choose from."""


@rule(
    Severity.HIGH,
    "configuration",
    strength="No two services of a start command publish the same port.",
)
def port_conflict(architecture: Architecture) -> Iterator[Occurrence]:
    """Two services of one start command publish the same port.

    The second one cannot start: the host port is already in use.
    """
    for entry in architecture.certain:
        if len(entry.conflicts) > _COLLECTION:
            one = entry.conflicts[0]
            yield Occurrence(
                f"{len(entry.conflicts)} pairs of services publish the same port, so they cannot "
                f"all run together ({one.first.service} and {one.second.service} on port "
                f"{one.number}, and others)",
                one.second.location,
                None,
                entry.invocation.title,
                "give alternatives a profile each, or start services by name",
                Severity.MEDIUM,
            )
            continue
        for conflict in entry.conflicts:
            first, second = conflict.first, conflict.second
            yield Occurrence(
                f"{second.service} and {first.service} both publish port {conflict.number}"
                f"{'' if conflict.protocol == 'tcp' else f'/{conflict.protocol}'}",
                second.location,
                second.service,
                f"{conflict.number}/{conflict.protocol} {first.service}",
                f"give one of them another port (the other is at {first.location})",
            )


@rule(Severity.LOW, "configuration")
def ports_ignored(architecture: Architecture) -> Iterator[Occurrence]:
    """A service publishes ports that have no effect.

    With `network_mode: host` the container uses the network of the host: Docker discards its
    published ports.
    """
    for entry in architecture.entries:
        for service in entry.services:
            if service.network_mode == "host" and service.ports:
                yield Occurrence(
                    f"{service.name} uses the host's network, so its published ports are ignored",
                    service.ports[0].location,
                    service.name,
                    remedy="remove the ports",
                )


_HOST_ENDINGS = ("HOST", "HOSTNAME", "SERVER", "ADDRESS", "ADDR")


@rule(Severity.HIGH, "configuration")
def published_port_inside(architecture: Architecture) -> Iterator[Occurrence]:
    """A service uses a published port of another one.

    A published port exists on the host. Between containers the port in the container counts: with
    `6337:6333`, another service connects to port 6333.
    """
    for entry in architecture.entries:
        for caller, callee, variable, number, location in _used_ports(entry):
            ports = [port for port in entry.ports if port.service == callee]
            service = entry.service(callee)
            inside = {port.target for port in ports} | set(service.exposed if service else ())
            target = next((port.target for port in ports if port.published == number), number)
            if target != number and number not in inside:
                yield Occurrence(
                    f"{caller} connects to port {number} of {callee} ({variable}), "
                    f"which is its port on the host; in the container it is {target}",
                    location,
                    caller,
                    f"{callee} {variable}",
                    f"use port {target}",
                )


def _used_ports(entry: InvocationFacts) -> Iterator[tuple[str, str, str, str, Location]]:
    """Yield (caller, callee, variable, port, location), also for pairs of a host and a port."""
    for mention in entry.mentions:
        callee = entry.hosts.service(mention.caller, mention.mention.host)
        service = entry.model.services[mention.caller]
        if callee is None or callee == mention.caller or _uses_the_host(service):
            continue
        if mention.mention.port:
            place = mention.hint.location
            yield mention.caller, callee, mention.variable, mention.mention.port, place
        ending = next((end for end in _HOST_ENDINGS if mention.variable.endswith(end)), "")
        port = service.environment.get(f"{mention.variable.removesuffix(ending)}PORT")
        if ending and port is not None and port.value:
            name = f"{mention.variable.removesuffix(ending)}PORT"
            yield mention.caller, callee, name, port.value, port.location


def _uses_the_host(service: Service) -> bool:
    """Return whether a variable of *service* names the host, so that published ports are meant."""
    return any(HOST in (setting.value or "") for setting in service.settings.values())


@rule(Severity.LOW, "configuration", transform="quote-ports")
def ambiguous_port(architecture: Architecture) -> Iterator[Occurrence]:
    """A port without quotes is a number to some YAML readers.

    A reader of YAML 1.1 takes an unquoted `22:22` for a number in base 60: 1342. Docker Compose
    reads it as text; editors, linters and scripts may not.
    """
    yield from fixer_occurrences(architecture, quote_ports)
