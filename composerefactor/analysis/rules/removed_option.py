"""A server gets an option that its version no longer supports.

It exits at once, with an error such as ``unknown variable``. A tag such as ``latest`` gets there by
itself: MySQL knows ``--default-authentication-plugin`` up to 8.3 only.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.images.lookup import removed_options


@rule(Severity.HIGH, "reliability")
def removed_option(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the options with which the server of an image does not start."""
    for entry in architecture.entries:
        for service in entry.services:
            definition = entry.model.services[service.name]
            command = definition.command or definition.entrypoint
            for option, removed in removed_options(definition, entry.catalog):
                yield Occurrence(
                    f"{service.name} does not start: {service.image} does not know {option}",
                    command.location if command else service.location,
                    service.name,
                    option,
                    removed.remedy,
                )
