"""Remove the obsolete top-level `version`.

Docker Compose ignores it and prints a warning each time it reads the file. It stays in a file that
a program reads which still needs it, as docker-compose 1.x and `docker stack deploy` do. Comments
around it stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.compose.project import Project
from composerefactor.edit.operations import Remove
from composerefactor.refactoring.contract import Change, NoOptions, Refusal, fixer


@fixer(NoOptions)
def drop_version(project: Project, options: NoOptions) -> Iterator[Change | Refusal]:  # noqa: ARG001
    """Yield a removal for each file that has a version."""
    for path, file in project.files.items():
        if file.root.entry("version") is None or path.startswith("../"):
            continue
        location = file.location_of("version")
        if path in project.whole:
            yield Refusal(f"version stays in {path}: {project.whole[path].reason}", location)
        else:
            yield Change("version is obsolete", location, [Remove(path, ("version",))])
