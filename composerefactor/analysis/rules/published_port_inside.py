"""A service uses a published port of another one.

A published port exists on the host. Between containers the port in the container counts: with
`6337:6333`, another service connects to port 6333.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.services import Service
from composerefactor.errors import Location

_HOST_ENDINGS = ("HOST", "HOSTNAME", "SERVER", "ADDRESS", "ADDR")
_HOST = "host.docker.internal"
"""The name of the host in containers (Docker Desktop, or ``host-gateway`` in ``extra_hosts``)."""


@rule(Severity.HIGH, "configuration")
def published_port_inside(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the ports in variables and commands that only the host has."""
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
    return any(_HOST in (setting.value or "") for setting in service.settings.values())
