"""A form of Compose files that is kept for old ones only.

`links`, `volumes_from`, `external: {name}`, the first format. Today's forms say more, and all tools
read them.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, planned, rule
from composerefactor.transforms.modernize import modernize


@rule(Severity.INFO, "maintainability", transform="modernize")
def legacy_form(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the old forms that have a form of today."""
    yield from planned(architecture, modernize)
