"""An env file sets a variable that no Compose file uses.

It may be meant for the programs themselves, which only see it where `env_file` or `environment`
hands it on.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.errors import Location


@rule(Severity.INFO, "maintainability")
def unused_env_variable(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the variables of env files that no entry point uses."""
    unused: dict[tuple[str, str], Location] = {}
    used: set[tuple[str, str]] = set()
    for entry in architecture.entries:
        for facts in entry.env_files:
            names = dict(facts.unused)
            unused.update({(facts.path, name): at for name, at in names.items()})
            used.update((facts.path, name) for name in facts.names if name not in names)
    for (path, name), at in unused.items():
        if (path, name) not in used:
            yield Occurrence(f"{name} in {path} is used by no Compose file", at, None, name)
