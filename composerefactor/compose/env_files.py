"""The env files that provide the variables of a project, and their example files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping

from composerefactor.compose.dotenv import Assignment, assignments
from composerefactor.compose.interpolation import expand
from composerefactor.compose.project import Project, Scope, env_files_of
from composerefactor.compose.services import Service, StartModel
from composerefactor.errors import Location

_EXAMPLES = ("{}.example", "{}.sample", "{}.template", "{}.dist", "example{}", "{}-example")


def example_paths(path: str) -> list[str]:
    """Return the usual paths of the example file for the env file *path*, most usual first.

    For ``.env``, names without the leading dot are usual as well (``env.example``).
    """
    directory, name = posixpath.split(path)
    names = dict.fromkeys((name, name.removeprefix(".")))
    return [posixpath.join(directory, form.format(each)) for each in names for form in _EXAMPLES]


def existing_example(project: Project, path: str) -> str:
    """Return the path of the existing example file for the env file *path*, or ``""``."""
    return next(filter(project.exists, example_paths(path)), "")


def env_files(project: Project, files: set[str]) -> list[str]:
    """Return the env files that must define a variable used in the Compose files *files*.

    For each start command that reads one of *files*, this is its last ``--env-file``, else the
    ``.env`` in the project directory.
    """
    paths: dict[str, None] = {}
    for entry in project.readable:
        if files & project.files_of[entry]:
            paths[env_files_of(entry)[-1]] = None
    return list(paths)


def assignments_in(project: Project, path: str) -> tuple[Assignment, ...]:
    """Return the assignments in the env file at *path*; none if it does not exist."""
    return assignments(project.text(path) or "")


def values_in_env_files(project: Project, paths: Iterable[str]) -> dict[str, str]:
    """Return the values that the env files at *paths* assign; the last one of a name wins."""
    values: dict[str, str] = {}
    for path in paths:
        for pair in assignments_in(project, path):
            values[pair.name] = expand(pair.value, values)
    return values


def assignment_places(project: Project, paths: Iterable[str]) -> dict[str, dict[str, Location]]:
    """Return the line of each variable in the env files at *paths*, by path and name."""
    return {
        path: {pair.name: Location(path, pair.line) for pair in assignments_in(project, path)}
        for path in paths
    }


def assignment_place(
    name: str, scope: Scope, places: Mapping[str, Mapping[str, Location]]
) -> Location | None:
    """Return the line of an env file that decides the value of *name* in *scope*.

    *places* are those of :func:`assignment_places` for the env files of the scope.
    """
    return next(
        (places[path][name] for path in reversed(scope.env_files) if name in places[path]), None
    )


def services_reading(models: Iterable[StartModel], path: str) -> Iterator[tuple[str, Service]]:
    """Yield (name, service) for services of *models* that name the file *path* as ``env_file``."""
    for model in models:
        for name, service in model.services.items():
            if any(each.value.path == path for each in service.env_file):
                yield name, service


def example_file(project: Project, path: str, models: Iterable[StartModel]) -> str | None:
    """Return the path of the example file, which lists the variables of the env file *path*.

    Returns an existing example file, else a new path next to a ``.env``. Returns None if there is
    neither, if git ignores the example file, or if a service reads it.
    """
    places = example_paths(path)
    existing = [place for place in places if project.exists(place)]
    if not existing and posixpath.basename(path) != ".env":
        return None
    chosen = (existing or places)[0]
    if project.is_ignored(chosen) or any(services_reading(models, chosen)):
        return None
    return chosen


def variable_names_in(project: Project, path: str) -> set[str]:
    """Return the names of the variables that the env file at *path* assigns."""
    return {pair.name for pair in assignments_in(project, path)}
