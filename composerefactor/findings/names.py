"""The ids of the rules, without importing one: settings may name them where none runs."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib.util import find_spec

from composerefactor.plugins import entry_points

PACKAGE = "composerefactor.rules"
"""Where the rules are, a module each; also the entry point group of those of plug-ins."""


@cache
def rule_names() -> frozenset[str]:
    """Return the ids of all rules: the names of their modules, and of plug-ins' entry points."""
    spec = find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec else None
    modules = {module.name.replace("_", "-") for module in pkgutil.iter_modules(places)}
    return frozenset(modules | {point.name for point in entry_points(PACKAGE)})
