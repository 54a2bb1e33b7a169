"""A connection refers to a host that no service defines.

An address such as `redis://redis:6379` leads to the service `redis`. No service of the project has
this name: it is missing, belongs to another project, or the name is misspelt.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.images.starters import missing_hosts


@rule(Severity.LOW, "configuration", transform="add-missing-services")
def missing_host(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the hosts in addresses that the image catalog knows and no service defines."""
    others = list(architecture.project.files.values())
    for entry in architecture.entries:
        for missing in missing_hosts(entry.model, others, entry.mentions):
            if not missing.is_likely:
                continue
            first = missing.mentions[0]
            yield Occurrence(
                f"{first.caller} connects to {missing.host} ({first.variable}), "
                f"but no service has this name",
                first.hint.location,
                first.caller,
                missing.host,
                "add the service, or correct the name",
                is_fixable=missing.starter is not None and not missing.is_default,
            )
