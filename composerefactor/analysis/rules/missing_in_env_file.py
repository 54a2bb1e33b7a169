"""An env file lacks variables that its example lists.

The Compose files use these variables; without a value they are empty.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.errors import Location


@rule(Severity.LOW, "configuration")
def missing_in_env_file(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the variables of the example that the files use and the env file lacks."""
    for entry in architecture.entries:
        for facts in entry.env_files:
            for name in facts.missing:
                yield Occurrence(
                    f"{facts.path} does not set {name}, which {facts.example} lists",
                    Location(facts.path),
                    None,
                    name,
                    f"add it to {facts.path}",
                )
