"""Finds what registers itself by being a module of a package, or by an entry point of a plug-in."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeGuard, TypeVar

from composerefactor.errors import ComposerefactorError, Location

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


def discovered(
    package: ModuleType,
    group: str,
    is_one: Callable[[object], TypeGuard[T]],
    name_of: Callable[[T], str],
    noun: str,
) -> dict[str, T]:
    """Return what the modules of *package* and the entry points of *group* hold, sorted by name.

    Each module holds the one that is called like it. *noun* says what they are. A plug-in that
    cannot be imported is passed over with a warning. Raises ComposerefactorError for two of one
    name.
    """
    found: dict[str, T] = {}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith("_"):
            continue  # what several modules share
        names = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
        there = [value for value in names.values() if is_one(value)]
        own = next(each for each in there if name_of(each) == module.name.replace("_", "-"))
        found[name_of(own)] = own
    for point in entry_points(group):
        try:
            foreign = point.load()
        except Exception as error:  # noqa: BLE001 - whatever a plug-in does wrong, others still work
            warnings.warn(f"{noun} {point.name} is left out: {error}", stacklevel=3)
            continue
        if not is_one(foreign):
            warnings.warn(f"{noun} {point.name} is left out: it is none", stacklevel=3)
            continue
        if name_of(foreign) in found:
            raise ComposerefactorError(
                f"two {noun}s are called {name_of(foreign)!r}",
                location=Location(point.dist.name if point.dist else point.value),
                remedy="uninstall one of the packages",
            )
        found[name_of(foreign)] = foreign
    return dict(sorted(found.items()))


def entry_points(group: str) -> Iterator[EntryPoint]:
    """Yield what installed distributions name in *group*.

    Nearly nobody has a plug-in, and ``importlib.metadata`` takes as long to import as a project
    to parse: it is asked only where some text may hold the group.
    """
    if _may_be_named(group):
        from importlib import metadata  # noqa: PLC0415 - see above

        yield from metadata.entry_points(group=group)


def _may_be_named(group: str) -> bool:
    """Return whether a distribution may name *group*: True for what is no plain directory."""
    finders = [each for each in sys.meta_path if each is not PathFinder]
    if any(hasattr(each, "find_distributions") for each in finders):
        return True
    for directory in sys.path:
        try:
            if any(group in text for text in _listed_in(directory or ".")):
                return True
        except NotADirectoryError:
            return True
        except OSError:
            continue
    return False


def _listed_in(directory: str) -> Iterator[str]:
    """Yield the entry points, as text, of each distribution that is installed in *directory*."""
    with os.scandir(directory) as inside:
        found = [e.path for e in inside if e.name.lower().endswith(("dist-info", "egg-info"))]
    for path in found:
        listed = Path(path, "entry_points.txt")
        if listed.is_file():
            yield listed.read_text(encoding="utf-8", errors="replace")
