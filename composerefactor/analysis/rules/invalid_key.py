"""A key or value that Docker Compose rejects.

Misspelt keys, keys that are written twice, numbers where text is needed. `composerefactor fix`
corrects what is obviously meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, planned, rule
from composerefactor.transforms.fix_schema import fix_schema


@rule(Severity.HIGH, "validity", transform="fix-schema")
def invalid_key(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield what the schema of the Compose specification rejects."""
    yield from planned(architecture, fix_schema, "Docker Compose rejects this: ")
