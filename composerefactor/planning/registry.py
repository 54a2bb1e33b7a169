"""Finds the transforms: every module of ``composerefactor.transforms``, and those of plug-ins.

A plug-in names its own in the entry point group ``composerefactor.transforms``.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from functools import cache
from graphlib import TopologicalSorter
from importlib.util import find_spec
from typing import Any, TypeGuard

import composerefactor.transforms as package
from composerefactor.plugins import discovered, entry_points
from composerefactor.refactoring.contract import AnyTransform, Fixer, Refactoring

GROUP = "composerefactor.transforms"


def transforms() -> dict[str, AnyTransform]:
    """Return the transforms by name, sorted; a file in ``transforms/`` is enough to be one.

    A plug-in that cannot be imported is passed over with a warning. Raises ComposerefactorError for
    two transforms of one name.
    """
    return discovered(package, GROUP, _is_transform, lambda each: each.name, "transform")


def _is_transform(value: object) -> TypeGuard[AnyTransform]:
    return isinstance(value, Refactoring | Fixer)


def fixers() -> list[Fixer[Any]]:
    """Return the transforms that work in place, each after those on whose result it builds."""
    found = {name: each for name, each in transforms().items() if isinstance(each, Fixer)}
    return in_order(found.values())


def in_order(found: Iterable[Fixer[Any]]) -> list[Fixer[Any]]:
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


RULES = "composerefactor.analysis.rules"
"""Where the rules are, a module each."""

RULE_GROUP = "composerefactor.rules"
"""The entry point group in which plug-ins name their rules."""


@cache
def rule_names() -> frozenset[str]:
    """Return the ids of all rules: the names of their modules, and of plug-ins' entry points."""
    spec = find_spec(RULES)
    places = spec.submodule_search_locations if spec else None
    modules = {module.name.replace("_", "-") for module in pkgutil.iter_modules(places)}
    return frozenset(modules | {point.name for point in entry_points(RULE_GROUP)})
