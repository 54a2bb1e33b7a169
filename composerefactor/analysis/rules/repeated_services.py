"""Several files define the same services in full.

A change in one file is easily forgotten in the others. `composerefactor split` defines the shared
parts once, and keeps what each environment changes beside them.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.errors import Location

_LEAST_LINES = 20
"""Fewer repeated lines are not reported."""
_MANY_LINES = 100


@rule(Severity.LOW, "maintainability", transform="split")
def repeated_services(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the groups of files that repeat services."""
    for repetition in architecture.repetitions:
        if repetition.repeated < _LEAST_LINES:
            continue
        yield Occurrence(
            f"{len(repetition.services)} services are defined {repetition.definitions} times in "
            f"{len(repetition.files)} files: {repetition.repeated} of {repetition.lines} lines "
            f"are repeated",
            Location(repetition.files[0]),
            subject=" ".join(sorted(repetition.files)),
            remedy=f"compare {', '.join(repetition.files)}; they differ in "
            f"{repetition.differences} settings",
            severity=Severity.MEDIUM if repetition.repeated >= _MANY_LINES else None,
        )
