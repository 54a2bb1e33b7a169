"""One file defines many services.

One module per service is easier to review and to own. `composerefactor split` moves the text
without changing a character of it, and verifies that the resolved configuration stays equal.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.errors import Location

_SERVICES = 8
_LINES = 200
_VERY_LONG = 500
"""From so many lines on, nobody overlooks the file any more."""


@rule(Severity.LOW, "maintainability", transform="split")
def monolithic_file(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the large files that define many services."""
    for path, file in architecture.project.files.items():
        services, lines = len(file.services), len(file.source.line_starts)
        if (
            services >= _SERVICES
            and lines >= _LINES
            and path not in architecture.project.protected_files
            and not architecture.project.foreign_reason(path)
        ):
            yield Occurrence(
                f"{path} defines {services} services in {lines} lines",
                Location(path, 1),
                remedy="split it: composerefactor split",
                severity=Severity.MEDIUM if lines >= _VERY_LONG else None,
            )
