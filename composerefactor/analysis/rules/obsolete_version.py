"""The top-level `version` is obsolete.

Docker Compose ignores it and prints a warning with every command.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, fixer_occurrences, rule
from composerefactor.transforms.drop_version import drop_version


@rule(Severity.INFO, "maintainability", transform="drop-version")
def obsolete_version(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the files with a `version`."""
    yield from fixer_occurrences(architecture, drop_version)
