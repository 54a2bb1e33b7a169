"""A Compose file cannot be read.

It is missing, is no YAML, or names a file that does not exist. Docker Compose starts nothing from
this entry point; the others are analysed all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.errors import Location


@rule(Severity.HIGH, "validity")
def unreadable_file(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield why each unreadable entry point cannot be read."""
    for entry, error in architecture.unread.items():
        location = error.location or Location(entry.base)
        yield Occurrence(
            f"{entry.title} cannot be read: {architecture.redaction.text(error.message)}",
            location,
            subject=error.message,
            remedy=error.remedy,
        )
