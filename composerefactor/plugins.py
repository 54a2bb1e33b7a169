"""Discover rules, transforms and readers in a package and in the entry points of plug-ins."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeGuard, TypeVar

from composerefactor.errors import ComposerefactorError, Location

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


def discover(
    package: ModuleType,
    group: str,
    is_one: Callable[[object], TypeGuard[T]],
    name_of: Callable[[T], str],
    noun: str,
    is_needed: Callable[[str], bool] = lambda _: True,
) -> dict[str, T]:
    """Return the objects in the modules of *package* and the entry points of *group*, by name.

    A module contains one or more of them; modules that begin with ``_`` are skipped, and so are
    those that *is_needed* denies. *is_one* recognises such an object, *name_of* returns its name,
    and *noun* is the word for it in messages. A plug-in that cannot be imported is skipped with a
    warning. Raises ComposerefactorError for two objects of the same name. The result is sorted by
    name.
    """
    by_name: dict[str, T] = {}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith("_") or not is_needed(module.name):
            continue  # the first: a helper of several modules
        names = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
        for value in filter(is_one, names.values()):
            name = name_of(value)
            if by_name.setdefault(name, value) is not value:  # the same one may be imported
                raise _duplicate(noun, name, module.name)
    for point in entry_points(group):
        try:
            from_plugin = point.load()
        except Exception as error:  # noqa: BLE001 - a broken plug-in must not affect others
            warnings.warn(f"{noun} {point.name} is skipped: {error}", stacklevel=3)
            continue
        if not is_one(from_plugin):
            warnings.warn(f"{noun} {point.name} is skipped: it is not a {noun}", stacklevel=3)
            continue
        name = name_of(from_plugin)
        if name in by_name:
            raise _duplicate(noun, name, point.dist.name if point.dist else point.value)
        by_name[name] = from_plugin
    return dict(sorted(by_name.items()))


def _duplicate(noun: str, name: str, place: str) -> ComposerefactorError:
    """Return the error for a second *noun* called *name*, in the module or distribution *place*."""
    return ComposerefactorError(
        f"there are two {noun}s called {name!r}",
        location=Location(place),
        remedy="rename one of them, or uninstall one of the packages",
    )


def entry_points(group: str) -> Iterable[EntryPoint]:
    """Return the entry points of installed distributions in *group*."""
    if f"[{group}]" not in installed_lists() and not any(map(os.path.isfile, sys.path)):
        return ()  # and no archive is searched for packages
    from importlib.metadata import entry_points as installed  # noqa: PLC0415 - imports much

    return installed(group=group)


@cache
def installed_lists() -> str:
    """Return the text of all lists of entry points that distributions in directories have."""
    lists = (found for place in sys.path for found in Path(place).glob("*-info/entry_points.txt"))
    return "\n".join(found.read_text("utf-8", "replace") for found in lists)
