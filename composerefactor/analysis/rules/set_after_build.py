"""A variable of the built pages is set only when the container starts.

The values of `VITE_`, `NEXT_PUBLIC_` and `REACT_APP_` variables become part of the pages when these
are built. An image whose last stage is a web server that serves them does not read the variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.facts.builds import BROWSER_PREFIXES
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service
from composerefactor.images.catalog import load_catalog
from composerefactor.images.dockerfiles import dockerfile_text

_FILLED_IN = re.compile(
    r"envsubst|docker-entrypoint\.d|nginx/templates|^\s*ENTRYPOINT|env[-_.\w]*\.(?:sh|js|tmpl|template)",
    re.IGNORECASE | re.MULTILINE,
)
"""In a Dockerfile: the image may write the variables into its pages when it starts."""


@rule(Severity.MEDIUM, "configuration")
def set_after_build(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the variables of pages that the image contains in their built form."""
    for entry in architecture.entries:
        for service in entry.services:
            definition = entry.model.services[service.name]
            if not _serves_built_pages(architecture.project, service, definition):
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


def _serves_built_pages(project: Project, service: ServiceFacts, definition: Service) -> bool:
    """Return whether a web server serves what an earlier stage of the Dockerfile has built."""
    build = service.build
    if build is None or definition.build is None or not build.is_multi_stage:
        return False
    if definition.command or definition.entrypoint:
        return False
    is_web_server = load_catalog().category(build.base) == "proxy"
    text = dockerfile_text(project, definition.build.value) or ""
    return is_web_server and not _FILLED_IN.search(text)
