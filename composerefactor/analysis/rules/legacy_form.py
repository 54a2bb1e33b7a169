"""A file uses an old form of the Compose format.

`links`, `volumes_from`, `external: {name}` and the first format are supported for old files only.
The current forms can express more, and all tools read them.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, fixer_occurrences, rule
from composerefactor.transforms.modernize import modernize


@rule(Severity.INFO, "maintainability", transform="modernize")
def legacy_form(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the old forms that have a current form."""
    yield from fixer_occurrences(architecture, modernize)
