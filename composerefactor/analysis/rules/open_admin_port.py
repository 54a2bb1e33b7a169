"""An admin tool is published on all addresses of the machine.

Admin pages of databases and queues are made for people inside.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule

_PAGES = ("swagger-ui", "swagger-editor")
"""Tools that only show a page, and give access to nothing."""


@rule(Severity.MEDIUM, "security")
def open_admin_port(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the ports of admin tools that are published on all addresses."""
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
