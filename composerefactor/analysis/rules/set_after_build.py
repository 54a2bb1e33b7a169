"""A variable of the built pages is set only when the container starts.

The values of `VITE_`, `NEXT_PUBLIC_` and `REACT_APP_` variables become part of the pages when these
are built. An image whose last stage is a web server that serves them does not read the variables.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.facts.builds import BROWSER_PREFIXES
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.services import Service
from composerefactor.images.catalog import Catalog


@rule(Severity.MEDIUM, "configuration")
def set_after_build(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the variables of pages that the image contains in their built form."""
    for entry in architecture.entries:
        for service in entry.services:
            definition = entry.model.services[service.name]
            if not _serves_built_pages(service, definition, entry.catalog):
                continue
            for name, variable in definition.environment.items():
                given = service.build.arguments if service.build else ()
                if name.startswith(BROWSER_PREFIXES) and name not in given:
                    yield Occurrence(
                        f"{name} of {service.name} has no effect: its pages are built before",
                        variable.location,
                        service.name,
                        name,
                        "pass it in build.args, to an ARG of the Dockerfile",
                    )


def _serves_built_pages(service: ServiceFacts, definition: Service, catalog: Catalog) -> bool:
    """Return whether a web server serves what an earlier stage of the Dockerfile has built."""
    build = service.build
    if build is None or not build.is_multi_stage or build.renders_at_start:
        return False
    if definition.command or definition.entrypoint:
        return False
    return catalog.category(build.base) == "proxy"
