"""What really differs between files that define the same services, whichever way it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.merging import Path, meaning
from composerefactor.compose.project import Project
from composerefactor.errors import InputError
from composerefactor.refactoring.deduplicate.definitions import all_same, same
from composerefactor.refactoring.deduplicate.variants import merged
from composerefactor.yaml.values import to_python


class Absent:
    """The type of :data:`ABSENT`."""

    def __repr__(self) -> str:
        """Return the name of the value."""
        return "ABSENT"


ABSENT: Final = Absent()
"""Stands for a value that a file does not have; None is one that it has."""


class Difference(Struct, frozen=True):
    """A setting of a service that is not the same in all files which define the service.

    *path* leads to it below the service, as ``("environment", "PORT")``. *values* has what each
    file says, in the form of :func:`~composerefactor.compose.merging.meaning`; of lists, the items
    that not all files have.
    """

    service: str
    path: Path
    values: Mapping[str, Any]


class Comparison(Struct, frozen=True):
    """Files that have services in common: which of them has each service, and what differs."""

    files: tuple[str, ...]
    services: Mapping[str, tuple[str, ...]]
    differences: tuple[Difference, ...]

    @property
    def common(self) -> list[str]:
        """The services of more than one file."""
        return [name for name, of in self.services.items() if len(of) > 1]


def comparisons(project: Project) -> list[Comparison]:
    """Compare the base files of *project*: one comparison for those that have services in common.

    The text is compared, with its merge keys and aliases but without what ``extends`` and overrides
    add.
    """
    files = [project.files[path] for path in project.bases]
    owners: dict[str, set[str]] = {}
    for file in files:
        for name in file.services:
            owners.setdefault(name, set()).add(file.path)
    groups = merged(of for of in owners.values() if len(of) > 1)
    return [_comparison([f for f in files if f.path in group]) for group in groups]


def _comparison(files: Sequence[ComposeFile]) -> Comparison:
    services: dict[str, list[str]] = {}
    bodies: dict[str, dict[str, Any]] = {}
    for file in files:
        for name, node in file.services.items():
            services.setdefault(name, []).append(file.path)
            try:
                body = meaning(to_python(node, file.source), ())
            except InputError:  # such a file has its own message
                continue
            bodies.setdefault(name, {})[file.path] = body
    found = [d for name, values in bodies.items() for d in _differences(name, (), values)]
    known = {name: tuple(of) for name, of in services.items()}
    return Comparison(tuple(file.path for file in files), known, tuple(found))


def _differences(service: str, path: Path, values: Mapping[str, Any]) -> Iterator[Difference]:
    parts = list(values.values())
    if all_same(parts):
        return
    if all(isinstance(part, dict) for part in parts):
        for key in dict.fromkeys(key for part in parts for key in part):
            below = {file: part.get(key, ABSENT) for file, part in values.items()}
            yield from _differences(service, (*path, key), below)
        return
    if all(isinstance(part, list) for part in parts):
        shown = {
            file: [item for item in part if not all(_has(other, item) for other in parts)]
            for file, part in values.items()
        }
        if any(shown.values()):  # else they differ in the order
            values = shown
    yield Difference(service, path, values)


def _has(items: list[Any], item: Any) -> bool:
    return any(same(item, other) for other in items)
