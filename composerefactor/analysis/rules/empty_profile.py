"""A service has an empty profile.

It starts if no profile is chosen, and not with `--profile` of another one (observed: v5.6.1), which
is neither what a service without profiles does nor one with a profile.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule


@rule(Severity.LOW, "configuration")
def empty_profile(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the services with the profile ``""``."""
    for entry in architecture.entries:
        for service in entry.model.services.values():
            for profile in service.profiles:
                if not profile.value:
                    yield Occurrence(
                        f"{service.name} has an empty profile: it does not start with another one",
                        profile.location,
                        service.name,
                        remedy="remove it, or give the profile a name",
                    )
