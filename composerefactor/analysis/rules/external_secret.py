"""A service uses a secret or config that only Docker Swarm has.

With `external: true`, a secret or config is one that a Swarm keeps. Docker Compose has none of
these: `docker compose up` stops (v5.6.1: "unsupported external secret"), although `docker compose
config` accepts it.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.files import SECTION_NOUNS
from composerefactor.compose.references import referenced_resources
from composerefactor.discovery.readers import STACK_DEPLOY

_REMEDIES = {
    "secrets": "take the value from a file (file:) or a variable (environment:)",
    "configs": "take it from a file (file:), or write it here (content:)",
}
"""What to do instead, by the section of what only a Swarm has."""


@rule(Severity.HIGH, "validity")
def external_secret(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services of projects without Swarm that use an external secret or config."""
    protected = architecture.project.protected_files.values()
    if any(each.reader == STACK_DEPLOY for each in protected):
        return
    for entry in architecture.certain:
        for service in entry.model.services.values():
            used = {
                reference for d in service.definitions for reference in referenced_resources(d.body)
            }
            for section, name in sorted(used):
                resource = entry.model.resources(section).get(name)
                if section in _REMEDIES and resource is not None and resource.external:
                    noun = SECTION_NOUNS[section]
                    yield Occurrence(
                        f"{service.name} uses the external {noun} {name}, which Docker Compose "
                        "does not support: it does not start",
                        resource.location,
                        service.name,
                        f"{section}.{name}",
                        _REMEDIES[section],
                    )
