"""The directory for the modules of a root file: that of the project, if it has one."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator

from composerefactor.compose.project import Project
from composerefactor.refactoring.modules.grouping import INFRASTRUCTURE, SERVICES

_NAMES = ("compose", "docker-compose", "compose.d", "docker-compose.d", "compose-files")
"""Names of directories for Compose files."""

_PARENTS = ("", "docker", ".docker", "deploy", "deployment", "infra", "infrastructure", "ops")
"""Directories in which projects keep such a directory."""

_FEWEST_INCLUDED = 2
"""Included files that show where a project keeps its modules."""


def modules_directory(project: Project, root_file: str, prefix: str) -> str:
    """Return the directory for new modules, relative to the directory of *root_file*.

    A project that keeps Compose files apart from its root files keeps them together: in the
    directory from which the root file includes several, or in one with a usual name, such as
    ``compose`` or ``docker/compose``. A directory of that name without Compose files, as for
    Dockerfiles, does not count. Without such a directory it is *prefix*.

    Args:
        project: The project.
        root_file: The path of the root file.
        prefix: The name of the directory that a split creates by default, ``docker-compose``.
    """
    directory = posixpath.dirname(root_file)
    candidates = [prefix, *_included_from(project, root_file)]
    candidates += [posixpath.join(parent, name) for parent in _PARENTS for name in _NAMES]
    return next(
        (each for each in candidates if _has_modules(project, posixpath.join(directory, each))),
        prefix,
    )


def _included_from(project: Project, root_file: str) -> Iterator[str]:
    """Yield the directories below that of *root_file* from which it includes several files."""
    start = posixpath.dirname(root_file) or "."
    included = [path for path, by in project.included_by.items() if root_file in by]
    counts = Counter(posixpath.relpath(posixpath.dirname(path) or ".", start) for path in included)
    for directory, count in counts.most_common():
        is_below = directory != "." and not directory.startswith("..")
        if is_below and count >= _FEWEST_INCLUDED:
            parent, _, last = directory.rpartition("/")
            yield parent if parent and last in {SERVICES, INFRASTRUCTURE} else directory


def _has_modules(project: Project, directory: str) -> bool:
    """Return whether *directory* has Compose files, itself or in a directory below it."""
    is_known = any(path.startswith(f"{directory}/") for path in project.files)
    return is_known or bool(project.compose_files_in(directory))
