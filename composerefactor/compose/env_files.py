"""The env files that give variables to a project, and what has to stand beside them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from composerefactor.compose.dotenv import assignments
from composerefactor.compose.interpolation import expand
from composerefactor.compose.merge_keys import item_nodes, merged_get, scalar_text
from composerefactor.compose.project import Project, project_directory
from composerefactor.compose.services import Service, StartModel
from composerefactor.yaml.nodes import MappingNode

EXAMPLES = ("{}.example", "{}.sample", "{}.template", "{}.dist", "example{}", "{}-example")


def env_files(project: Project, files: set[str]) -> list[str]:
    """Return the env files in which a variable has to stand that *files* name.

    Each entry point that reads one of them needs it: the last ``--env-file`` of the command, else
    ``.env`` in the project directory.
    """
    found: dict[str, None] = {}
    for entry in project.readable:
        if files & project.files_of[entry]:
            named = entry.env_files[-1:] or (posixpath.join(project_directory(entry), ".env"),)
            found.update(dict.fromkeys(posixpath.normpath(path) for path in named))
    return list(found)


def values_in(project: Project, paths: Iterable[str]) -> dict[str, str]:
    """Return what the env files at *paths* assign, the last of each name."""
    found: dict[str, str] = {}
    for path in paths:
        for each in assignments(text_of(project, path)):
            found[each.name] = expand(each.value, found)
    return found


def readers(
    project: Project, every: Iterable[StartModel], path: str
) -> Iterator[tuple[str, Service]]:
    """Yield the services whose containers get all of *path*, since they name it as ``env_file``."""
    for model in every:
        for name, service in model.services.items():
            if path in _named(project, model, service):
                yield name, service


def _named(project: Project, model: StartModel, service: Service) -> set[str]:
    found: set[str] = set()
    for definition in service.definitions:
        own = posixpath.dirname(definition.file.path) or "."
        for item in item_nodes(merged_get(definition.body, "env_file")):
            node = merged_get(item, "path") if isinstance(item, MappingNode) else item
            text = expand(scalar_text(node) or "", model.variables)
            for directory in project.directories.get(definition.file.path) or {own}:
                found.add(posixpath.normpath(posixpath.join(directory, text)))
    return found


def example(project: Project, path: str, every: Iterable[StartModel]) -> str | None:
    """Return the file that shows which variables *path* needs; None where there can be none.

    One that exists is used; that of ``.env`` is made. A file that a service reads is none.
    """
    directory, name = posixpath.split(path)
    places = [posixpath.join(directory, form.format(name)) for form in EXAMPLES]
    known = [place for place in places if project.exists(place)]
    if not known and name != ".env":
        return None
    found = (known or places)[0]
    if project.is_ignored(found) or any(readers(project, every, found)):
        return None
    return found


def names_in(project: Project, path: str) -> set[str]:
    """Return the variables that the env file at *path* names."""
    return {each.name for each in assignments(text_of(project, path))}


def text_of(project: Project, path: str) -> str:
    """Return the text of the file at *path*, or ``""`` where there is none."""
    if project.read is None or not project.exists(path):
        return ""
    return project.read(path).decode("utf-8", "replace")
