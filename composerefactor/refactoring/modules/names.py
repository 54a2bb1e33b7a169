"""What new files are called: the directory for modules, and the environment of a root file."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from composerefactor.compose.project import Project
from composerefactor.images.environments import Kind, kind_of, word_in
from composerefactor.refactoring.modules.grouping import INFRASTRUCTURE, SERVICES, kebab

UNNAMED = "base"
"""The environment of a file if nothing says which one it is."""

_FAMILY = re.compile(r"(?:^|[._-])(?:docker[._-]?)?compose(?=$|[._-])", re.IGNORECASE)

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


def environment_name(project: Project, path: str) -> str:
    """Return the name of the environment of the root file *path*, in kebab-case.

    ``docker-compose.dev.yml``, ``dev.docker-compose.yml`` and ``dev.yml`` give ``dev``. A plain
    ``docker-compose.yml`` is called what its content says. It is ``base`` if that says nothing, or
    if another file of the directory is called so: Compose's documentation calls the file that is
    read without ``-f`` the base configuration, and a guess, such as ``development`` beside
    ``docker-compose.prod.yml``, would be wrong where it is what everybody runs.
    """
    named = name_in_path(path)
    if named:
        return named
    directory = posixpath.dirname(path)
    others = {name_in_path(p) for p in project.files if posixpath.dirname(p) == directory}
    word = word_in(project.files[path])
    is_taken = any(kind_of(name) == kind_of(word) for name in others)
    return UNNAMED if not word or is_taken else word


def are_environments(project: Project, paths: Sequence[str]) -> bool:
    """Return whether the root files *paths* are environments of a project, not variants of it.

    Variants have other parts: ``docker-compose-mysql.yml``, ``docker-compose-postgres.yml``. Files
    are environments if each is of a known kind by its name or its content, and these are not the
    same for all. A plain ``docker-compose.yml`` may belong to either.
    """
    kinds = {path: _kind_in(name_in_path(path)) for path in paths if name_in_path(path)}
    said = {path: kind_of(word_in(project.files[path])) for path in paths}
    if not all(kind or said[path] for path, kind in kinds.items()):
        return False
    return any(kinds.values()) or len(set(said.values())) > 1


def _kind_in(name: str) -> Kind | None:
    return next((kind for word in name.split("-") if (kind := kind_of(word))), None)


def name_in_path(path: str) -> str:
    """Return what the file name of *path* says besides ``docker-compose``, maybe ``""``."""
    stem = posixpath.basename(path).rsplit(".", 1)[0]
    rest = _FAMILY.sub("", stem).strip("._-")
    return kebab(rest) if rest else ""
