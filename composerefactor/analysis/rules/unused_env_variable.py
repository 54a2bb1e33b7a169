"""An env file sets a variable that no Compose file uses.

It may be meant for the programs themselves, which see it only where `env_file` or `environment`
passes it on.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.errors import Location


@rule(Severity.INFO, "maintainability")
def unused_env_variable(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the variables of env files that no start command uses."""
    unused: dict[tuple[str, str], Location] = {}
    used: set[tuple[str, str]] = set()
    for entry in architecture.all_entries:
        for facts in entry.env_files:
            names = dict(facts.unused)
            unused.update({(facts.path, name): location for name, location in names.items()})
            used.update((facts.path, name) for name in facts.names if name not in names)
    for (path, name), location in unused.items():
        if (path, name) not in used:
            yield Occurrence(f"no Compose file uses {name} of {path}", location, None, name)
