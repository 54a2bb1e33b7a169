"""Discover rules and transforms in modules and entry points, and the files of distributions."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TypeGuard, TypeVar

from msgspec import Struct

from composerefactor.errors import ComposerefactorError, Location

T = TypeVar("T")


def discover(
    package: ModuleType,
    group: str,
    is_one: Callable[[object], TypeGuard[T]],
    name_of: Callable[[T], str],
    noun: str,
) -> dict[str, T]:
    """Return the objects in the modules of *package* and the entry points of *group*, by name.

    Each module contains one object with the name of the module; modules that begin with ``_`` are
    skipped. *is_one* recognises such an object, *name_of* returns its name, and *noun* is the word
    for it in messages. A plug-in that cannot be imported is skipped with a warning. Raises
    ComposerefactorError for two objects of the same name. The result is sorted by name.
    """
    by_name: dict[str, T] = {}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith("_"):
            continue  # a helper of several modules
        names = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
        candidates = [value for value in names.values() if is_one(value)]
        own = next(c for c in candidates if name_of(c) == module.name.replace("_", "-"))
        by_name[name_of(own)] = own
    for point in entry_points(group):
        try:
            from_plugin = point.load()
        except Exception as error:  # noqa: BLE001 - a broken plug-in must not affect others
            warnings.warn(f"{noun} {point.name} is skipped: {error}", stacklevel=3)
            continue
        if not is_one(from_plugin):
            warnings.warn(f"{noun} {point.name} is skipped: it is not a {noun}", stacklevel=3)
            continue
        if name_of(from_plugin) in by_name:
            raise ComposerefactorError(
                f"there are two {noun}s called {name_of(from_plugin)!r}",
                location=Location(point.distribution),
                remedy="uninstall one of the packages",
            )
        by_name[name_of(from_plugin)] = from_plugin
    return dict(sorted(by_name.items()))


class EntryPoint(Struct, frozen=True):
    """An object that an installed distribution offers.

    Attributes:
        name: Its name in the group.
        value: Where it is, ``package.module:attribute``.
        distribution: The directory with the metadata of the distribution.
    """

    name: str
    value: str
    distribution: str

    def load(self) -> object:
        """Import the object; raises what the import raises, and AttributeError."""
        module, _, attributes = self.value.partition(":")
        found: object = importlib.import_module(module.strip())
        for attribute in filter(None, attributes.strip().split(".")):
            found = getattr(found, attribute)
        return found


def entry_points(group: str) -> list[EntryPoint]:
    """Return the entry points of installed distributions in *group*, the first one of a name.

    They are in ``entry_points.txt`` (specification: packaging.python.org, entry points).
    """
    found: dict[str, EntryPoint] = {}
    for path in _metadata("*-info/entry_points.txt"):
        section = ""
        for line in path.read_text("utf-8", "replace").splitlines():
            name, equals, value = (part.strip() for part in line.partition("="))
            if name.startswith("[") and not equals:
                section = name.strip("[]").strip()
            elif section == group and equals and not name.startswith("#"):
                found.setdefault(name, EntryPoint(name, value, path.parent.stem))
    return list(found.values())


def installed_files(distribution: str) -> Iterator[Path]:
    """Yield the files of an installed distribution, which has a ``RECORD`` of them.

    In the name of the directory, ``_`` stands for ``-`` (specification: packaging.python.org,
    recording installed projects).
    """
    for record in _metadata(f"{distribution.replace('-', '_')}-*.dist-info/RECORD"):
        for line in record.read_text("utf-8", "replace").splitlines():
            yield record.parent.parent / line.rsplit(",", 2)[0].strip('"')


def _metadata(pattern: str) -> Iterator[Path]:
    """Yield the files of that *pattern* in the directories from which Python imports.

    ``importlib.metadata`` can do more, and its import takes a tenth of the time of a command.
    """
    for directory in dict.fromkeys(sys.path):
        yield from sorted(Path(directory or ".").glob(pattern))
