"""A Compose file cannot be read.

It is missing, is not valid YAML, contains several YAML documents, or refers to a file that does not
exist. Docker Compose accepts several documents, but composerefactor reads files with one. The other
start commands are analyzed.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.errors import Location


@rule(Severity.HIGH, "validity")
def unreadable_file(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the error of each start command whose files cannot be read."""
    for entry, error in architecture.unread.items():
        location = error.location or Location(entry.root_file)
        # With a value for its variables, the path may lead to a file.
        severity = Severity.MEDIUM if "$" in error.message else None
        yield Occurrence(
            f"{entry.title} cannot be read: {architecture.masking.text(error.message)}",
            location,
            subject=error.message,
            remedy=error.remedy,
            severity=severity,
        )
