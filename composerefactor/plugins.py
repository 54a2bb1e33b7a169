"""Discover rules and transforms in the modules of a package and in plug-ins' entry points."""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from collections.abc import Callable, Collection
from functools import cache
from importlib import metadata
from importlib.metadata import EntryPoints
from types import ModuleType
from typing import TypeGuard, TypeVar

from composerefactor.errors import ComposerefactorError, Location

T = TypeVar("T")


def discover(
    package: ModuleType,
    group: str,
    is_one: Callable[[object], TypeGuard[T]],
    name_of: Callable[[T], str],
    noun: str,
    skip: Collection[str] = (),
) -> dict[str, T]:
    """Return the objects in the modules of *package* and the entry points of *group*, by name.

    Each module contains one object with the name of the module; modules that begin with ``_`` are
    skipped, and so are those in *skip*. *is_one* recognises such an object, *name_of* returns its
    name, and *noun* is the word for it in messages. A plug-in that cannot be imported is skipped
    with a warning. Raises ComposerefactorError for two objects of the same name. The result is
    sorted by name.
    """
    by_name: dict[str, T] = {}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith("_") or module.name in skip:
            continue  # the first: a helper of several modules
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
                location=Location(point.dist.name if point.dist else point.value),
                remedy="uninstall one of the packages",
            )
        by_name[name_of(from_plugin)] = from_plugin
    return dict(sorted(by_name.items()))


installed_entry_points = cache(metadata.entry_points)
"""The entry points of all installed distributions, read once."""


def entry_points(group: str) -> EntryPoints:
    """Return the entry points of installed distributions in *group*."""
    return installed_entry_points().select(group=group)
