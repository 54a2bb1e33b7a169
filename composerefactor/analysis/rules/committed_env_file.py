"""An env file with credentials is in git.

What git has once had is in its history for ever, and in every clone.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.dotenv import Assignment, assignments
from composerefactor.compose.project import Project
from composerefactor.compose.secrets import is_credential
from composerefactor.errors import Location


@rule(Severity.HIGH, "security")
def committed_env_file(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield env files with secret values that git tracks."""
    seen: set[str] = set()
    for entry in architecture.entries:
        services = (path for s in entry.services for path in s.env_files)
        known = {each.path for each in entry.env_files}
        for path in dict.fromkeys([*known, *services]):
            if path in seen or not architecture.project.is_tracked(path):
                continue
            seen.add(path)
            for line in _credentials(architecture.project, path):
                yield Occurrence(
                    f"git has {path}, which holds the credential {line.name}",
                    Location(path, line.line),
                    None,
                    line.name,
                    f"git rm --cached {path}, ignore it, and change the credential",
                )


def _credentials(project: Project, path: str) -> list[Assignment]:
    text = project.read(path).decode("utf-8", "replace") if project.read else ""
    return [
        each
        for each in assignments(text)
        if "$" not in each.value and is_credential(each.name, each.value)
    ]
