"""The key `version` means nothing any more.

Docker Compose ignores it and warns with every command.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, planned, rule
from composerefactor.transforms.drop_version import drop_version


@rule(Severity.INFO, "maintainability", transform="drop-version")
def obsolete_version(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the obsolete versions."""
    yield from planned(architecture, drop_version)
