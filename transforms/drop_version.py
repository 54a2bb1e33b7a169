"""Remove the obsolete top-level `version`.

Docker Compose ignores it and prints a warning each time it reads the file. The key stays in a file
that is read by a program that still needs it, such as docker-compose 1.x and `docker stack deploy`.
A comment behind it goes with it, those around it stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.compose.paths import is_outside
from composerefactor.compose.project import Project
from composerefactor.edit.operations import Remove
from composerefactor.refactoring.contract import Change, NoOptions, Refusal, fixer


@fixer(
    NoOptions,
    purpose="maintenance",
    cause="Docker Compose ignores the version, and warns",
)
def drop_version(project: Project, options: NoOptions) -> Iterator[Change | Refusal]:  # noqa: ARG001
    """Yield a removal for each file with a version."""
    for path, file in project.files.items():
        if file.root.entry("version") is None or is_outside(path):
            continue
        location = file.location_of("version")
        if path in project.protected_files:
            yield Refusal(
                f"version is kept in {path}: {project.protected_files[path].reason}", location
            )
        else:
            yield Change(
                "Remove the obsolete version",
                location,
                [Remove(path, ("version",), with_comments=True)],
                evidence="the top-level version is obsolete",
            )
