"""A service uses `host.docker.internal`, which Docker resolves on Docker Desktop only.

On Linux it needs `extra_hosts: ["host.docker.internal:host-gateway"]`, which is harmless elsewhere.
The name under which a server is known to its clients (`ADVERTISED_LISTENERS`) is for these to
resolve, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.hosts import name_words
from composerefactor.compose.services import Service, StartModel
from composerefactor.errors import Location

_HOST = "host.docker.internal"
_ADDRESS = re.compile(rf"{re.escape(_HOST)}:(?P<port>[0-9]+)")
_FOR_CLIENTS = r"ADVERTISED|PUBLIC|EXTERNAL"
"""Words of variables with the name of the service itself."""


@rule(Severity.LOW, "configuration")
def host_not_resolved(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services that name the host without an entry in ``extra_hosts``."""
    for entry in architecture.entries:
        if entry.model.runs_windows:
            continue
        for service in entry.model.services.values():
            is_set = any(host.value.startswith(f"{_HOST}=") for host in service.extra_hosts)
            at = next(_mentions(entry.model, service), None)
            if at is not None and not is_set and not service.network_mode:
                yield Occurrence(
                    f"{service.name} uses {_HOST}, which Linux does not resolve",
                    at,
                    service.name,
                    remedy=f'add extra_hosts: ["{_HOST}:host-gateway"]',
                )


def _mentions(model: StartModel, service: Service) -> Iterator[Location]:
    """Yield the locations at which variables and the command of *service* name the host."""
    for name, setting in service.settings.items():
        value = _without_own(service, setting.value or "")
        names_host = _HOST in value and not re.search(_FOR_CLIENTS, name.upper())
        if names_host and _is_for(model, service, name, setting.location.path):
            yield setting.location
    for words in (service.entrypoint, service.command):
        if words is not None and any(_HOST in word for word in words.value):
            yield words.location


def _is_for(model: StartModel, service: Service, variable: str, path: str) -> bool:
    """Return whether *variable*, which is set at *path*, is for *service*.

    In an env file that several services read, ``AUTH_SMTP_HOST`` is for the service ``auth``.
    """
    readers = [each.name for each in model.services.values() if path in each.env_files]
    words = set(name_words(variable))
    named = [reader for reader in readers if words.intersection(name_words(reader))]
    return len(readers) < 2 or not named or service.name in named  # noqa: PLR2004 - several


def _without_own(service: Service, value: str) -> str:
    """Return *value* without the addresses at which *service* itself is reached from outside."""
    own = {port.value.published for port in service.ports}
    return _ADDRESS.sub(lambda match: "" if match["port"] in own else match[0], value)
