"""Several files define the same services, each in full.

What is changed in one is forgotten in the others. `composerefactor split` writes once what they
share, and what each environment changes beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.errors import Location

_WORTH = 20
"""Fewer repeated lines are no burden."""


@rule(Severity.LOW, "maintainability", transform="split")
def repeated_services(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield groups of files that repeat services."""
    for repetition in architecture.repetitions:
        if repetition.repeated < _WORTH:
            continue
        yield Occurrence(
            f"{len(repetition.services)} services are written {repetition.definitions} times in "
            f"{len(repetition.files)} files: {repetition.repeated} of {repetition.lines} lines "
            f"are repeated",
            Location(repetition.files[0]),
            subject=" ".join(sorted(repetition.files)),
            remedy=f"compare {', '.join(repetition.files)}; they differ in "
            f"{repetition.differences} settings",
        )
