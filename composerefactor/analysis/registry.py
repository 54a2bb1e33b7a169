"""Finds the rules: every module of ``composerefactor.rules``, and those of plug-ins.

A plug-in names its own in the entry point group ``composerefactor.rules``.
"""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from functools import cache
from importlib import metadata

import composerefactor.rules as package
from composerefactor.check import Check
from composerefactor.errors import ComposerefactorError, Location
from composerefactor.findings.names import PACKAGE


@cache
def checks() -> dict[str, Check]:
    """Return the checks by the id of their rule, sorted; a file in ``rules/`` is enough to be one.

    A plug-in that cannot be imported is passed over with a warning. Raises ComposerefactorError for
    two rules of one id.
    """
    found: dict[str, Check] = {}
    for module in pkgutil.iter_modules(package.__path__):
        names = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
        there = [value for value in names.values() if isinstance(value, Check)]
        own = next(each for each in there if each.rule.id == module.name.replace("_", "-"))
        found[own.rule.id] = own
    for point in metadata.entry_points(group=PACKAGE):
        try:
            foreign = point.load()
        except Exception as error:  # noqa: BLE001 - whatever a plug-in does wrong, others still work
            warnings.warn(f"rule {point.name} is left out: {error}", stacklevel=2)
            continue
        if not isinstance(foreign, Check):
            warnings.warn(f"rule {point.name} is left out: it is none", stacklevel=2)
            continue
        if foreign.rule.id in found:
            raise ComposerefactorError(
                f"two rules are called {foreign.rule.id!r}",
                location=Location(point.dist.name if point.dist else point.value),
                remedy="uninstall one of the packages",
            )
        found[foreign.rule.id] = foreign
    return dict(sorted(found.items()))
