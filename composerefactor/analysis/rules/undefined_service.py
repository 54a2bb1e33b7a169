"""A service refers to an undefined service.

Docker Compose rejects the whole project. Where the image catalog knows the service,
`composerefactor fix` adds it with its image, data volume and health check.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.images.starters import missing_services


@rule(Severity.HIGH, "validity", transform="add-missing-services")
def undefined_service(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services that others refer to and nothing defines."""
    for entry in architecture.certain:
        for missing in missing_services(entry.model):
            first = missing.references[0]
            callers = dict.fromkeys(reference.caller for reference in missing.references)
            verb = "refers" if len(callers) == 1 else "refer"
            yield Occurrence(
                f'{", ".join(callers)} {verb} to undefined service "{missing.name}"',
                first.hint.location,
                first.caller,
                missing.name,
            )
