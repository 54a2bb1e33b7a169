"""A service depends on one that nothing defines.

Docker Compose rejects the whole project. Where the catalogue knows what is meant, `composerefactor
fix` adds the service with its image, data volume and health check.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.images.starters import missing_services


@rule(Severity.HIGH, "validity", transform="add-missing-services")
def undefined_service(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services that others name and nothing defines."""
    for entry in architecture.certain:
        for missing in missing_services(entry.model):
            first = missing.references[0]
            callers = dict.fromkeys(each.caller for each in missing.references)
            yield Occurrence(
                f"{', '.join(callers)} needs the service {missing.name}, which nothing defines",
                first.hint.location,
                first.caller,
                missing.name,
            )
