"""Finding the transforms, and the names of the rules: built-in ones and those of plug-ins.

A module in ``composerefactor/transforms/`` is enough to add a transform. A plug-in names its own in
the Python entry point group ``composerefactor.transforms``, or ``composerefactor.rules`` for rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from typing import Any, Protocol, TypeGuard, runtime_checkable

import composerefactor.transforms as package
from composerefactor.plugins import discover
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
    return _discover(lambda _: True)


def _is_transform(value: object) -> TypeGuard[AnyTransform]:
    return isinstance(value, Refactoring | Fixer)


@cache
def fixers(names: frozenset[str] | None = None) -> dict[str, Fixer[Any]]:
    """Return the fixers by name, in the order in which they run: all, or those of *names*.

    ``analyze`` needs a few of them, and does not import the others.

    Raises:
        ComposerefactorError: Two of them have the same name.
    """

    def is_needed(module: str) -> bool:
        name = module.replace("_", "-")
        return name not in REFACTORINGS and (names is None or name in names)

    found = [each for each in _discover(is_needed).values() if isinstance(each, Fixer)]
    needed = found if names is None else [each for each in found if each.name in names]
    return {each.name: each for each in in_run_order(needed)}


def _discover(is_needed: Callable[[str], bool]) -> dict[str, AnyTransform]:
    return discover(package, GROUP, _is_transform, lambda each: each.name, "transform", is_needed)


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
"""The package of the built-in rules. It is above this layer, which asks for their names alone."""

RULE_GROUP = "composerefactor.rules"
"""The Python entry point group in which plug-ins name their rules."""


@runtime_checkable
class _Rule(Protocol):
    rule: Any
    find: Any


def _is_rule(value: object) -> TypeGuard[_Rule]:
    return isinstance(value, _Rule)


@cache
def rule_names() -> frozenset[str]:
    """Return the ids of all rules. This imports them."""
    rules = import_module(RULES_PACKAGE)
    return frozenset(discover(rules, RULE_GROUP, _is_rule, lambda each: each.rule.id, "rule"))
