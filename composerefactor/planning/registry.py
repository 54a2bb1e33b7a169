"""Finding the transforms, and the names of the rules: built-in ones and those of plug-ins.

A module in ``composerefactor/transforms/`` is enough to add a transform. A plug-in names its own in
the Python entry point group ``composerefactor.transforms``, or ``composerefactor.rules`` for rules.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Collection, Iterable
from functools import cache
from graphlib import TopologicalSorter
from importlib.util import find_spec
from typing import Any, TypeGuard

import composerefactor.transforms as package
from composerefactor.plugins import discover, entry_points
from composerefactor.refactoring.contract import AnyTransform, Fixer, Refactoring

GROUP = "composerefactor.transforms"

REFACTORINGS = frozenset({"join", "split"})
"""The transforms that are commands of their own. Only these commands need what they are made of."""


@cache
def transforms() -> dict[str, AnyTransform]:
    """Return all transforms by name, sorted by name.

    A plug-in that cannot be imported is skipped with a warning.

    Raises:
        ComposerefactorError: Two transforms have the same name.
    """
    return _discover()


def _is_transform(value: object) -> TypeGuard[AnyTransform]:
    return isinstance(value, Refactoring | Fixer)


@cache
def fixers() -> dict[str, Fixer[Any]]:
    """Return all fixers by name, in the order in which they run.

    Raises:
        ComposerefactorError: Two of them have the same name.
    """
    found = _discover(REFACTORINGS).values()
    return {each.name: each for each in in_run_order(e for e in found if isinstance(e, Fixer))}


def _discover(skip: Collection[str] = ()) -> dict[str, AnyTransform]:
    return discover(package, GROUP, _is_transform, lambda each: each.name, "transform", skip)


def in_run_order(unordered: Iterable[Fixer[Any]]) -> list[Fixer[Any]]:
    """Return *unordered* sorted so that each runs after those in its ``after``, otherwise by name.

    Fixers with ``first`` run before all others.
    """
    by_name = {each.name: each for each in sorted(unordered, key=lambda each: each.name)}
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


RULES_PACKAGE = "composerefactor.analysis.rules"
"""The package of the built-in rules, one module per rule."""

RULE_GROUP = "composerefactor.rules"
"""The Python entry point group in which plug-ins name their rules."""


@cache
def rule_names() -> frozenset[str]:
    """Return the ids of all rules: names of rule modules, and of plug-ins' entry points."""
    spec = find_spec(RULES_PACKAGE)
    places = spec.submodule_search_locations if spec else None
    modules = {module.name.replace("_", "-") for module in pkgutil.iter_modules(places)}
    return frozenset(modules | {point.name for point in entry_points(RULE_GROUP)})
