"""Finds the transforms: every module of ``composerefactor.transforms``, and those of plug-ins.

A plug-in names its own in the entry point group ``composerefactor.transforms``.
"""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from collections.abc import Iterable
from graphlib import TopologicalSorter
from importlib import metadata
from typing import Any

import composerefactor.transforms as package
from composerefactor.errors import ComposerefactorError, Location
from composerefactor.transform import AnyTransform, Mending, Restructuring

GROUP = "composerefactor.transforms"


def transforms() -> dict[str, AnyTransform]:
    """Return the transforms by name, sorted; a file in ``transforms/`` is enough to be one.

    A plug-in that cannot be imported is passed over with a warning. Raises ComposerefactorError for
    two transforms of one name.
    """
    found: dict[str, AnyTransform] = {}
    for module in pkgutil.iter_modules(package.__path__):
        names = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
        there = [v for v in names.values() if isinstance(v, Restructuring | Mending)]
        own = next(v for v in there if v.name == module.name.replace("_", "-"))
        found[own.name] = own
    for point in metadata.entry_points(group=GROUP):
        try:
            foreign = point.load()
        except Exception as error:  # noqa: BLE001 - whatever a plug-in does wrong, others still work
            warnings.warn(f"transform {point.name} is left out: {error}", stacklevel=2)
            continue
        if not isinstance(foreign, Restructuring | Mending):
            warnings.warn(f"transform {point.name} is left out: it is none", stacklevel=2)
            continue
        if foreign.name in found:
            raise ComposerefactorError(
                f"two transforms are called {foreign.name!r}",
                location=Location(point.dist.name if point.dist else point.value),
                remedy="uninstall one of the packages",
            )
        found[foreign.name] = foreign
    return dict(sorted(found.items()))


def mendings() -> list[Mending[Any]]:
    """Return the transforms that work in place, each after those on whose result it builds."""
    found = {name: each for name, each in transforms().items() if isinstance(each, Mending)}
    return in_order(found.values())


def in_order(found: Iterable[Mending[Any]]) -> list[Mending[Any]]:
    """Return *found* in an order in which each comes after those that it names, else by name."""
    by_name = {each.name: each for each in sorted(found, key=lambda each: each.name)}
    first = [name for name, each in by_name.items() if each.first]
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, each in by_name.items():
        before = [*each.after, *(() if each.first else first)]
        sorter.add(name, *(other for other in before if other in by_name))
    sorter.prepare()
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return [by_name[name] for name in order]
