"""Docker Compose rejects a key or value.

Misspelt keys, keys that are written twice, numbers where text is required. `composerefactor fix`
corrects those with one obvious meaning.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, fixer_occurrences, rule
from composerefactor.transforms.fix_schema import fix_schema


@rule(Severity.HIGH, "validity", transform="fix-schema")
def invalid_key(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the keys and values that the schema of the Compose specification rejects."""
    yield from fixer_occurrences(architecture, fix_schema, prefix="rejected by Docker Compose: ")
