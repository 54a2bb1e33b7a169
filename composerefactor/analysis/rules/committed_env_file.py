"""An env file with credentials is in git.

What git has once recorded stays in its history, and in every clone.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.dotenv import Assignment
from composerefactor.compose.env_files import assignments_in
from composerefactor.compose.project import Project
from composerefactor.compose.secrets import is_credential, is_placeholder
from composerefactor.errors import Location


@rule(Severity.HIGH, "security")
def committed_env_file(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the credentials in env files that git tracks."""
    seen: set[str] = set()
    for entry in architecture.entries:
        of_services = (path for s in entry.services for path in s.env_files)
        of_command = {facts.path for facts in entry.env_files}
        for path in dict.fromkeys([*of_command, *of_services]):
            if path in seen or not architecture.project.is_tracked(path):
                continue
            seen.add(path)
            for assignment in _credentials(architecture.project, path):
                yield Occurrence(
                    f"{path} is tracked by git and contains the credential {assignment.name}",
                    Location(path, assignment.line),
                    None,
                    assignment.name,
                    f"run git rm --cached {path}, ignore the file, and change the credential",
                )


def _credentials(project: Project, path: str) -> list[Assignment]:
    """Return the assignments of literal credentials in the env file *path*."""
    return [
        assignment
        for assignment in assignments_in(project, path)
        if "$" not in assignment.value
        and is_credential(assignment.name, assignment.value)
        and not is_placeholder(assignment.value)
    ]
