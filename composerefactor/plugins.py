"""Finds what registers itself by being a module of a package, or by an entry point of a plug-in."""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from collections.abc import Callable
from importlib import metadata
from importlib.metadata import EntryPoints
from types import ModuleType
from typing import TypeGuard, TypeVar

from composerefactor.errors import ComposerefactorError, Location

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


def entry_points(group: str) -> EntryPoints:
    """Return what installed distributions name in *group*."""
    return metadata.entry_points(group=group)
