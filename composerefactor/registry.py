"""Finds the transforms: every module of ``composerefactor.transforms`` that has one."""

from __future__ import annotations

import importlib
import pkgutil

import composerefactor.transforms as package
from composerefactor.transform import AnyTransform, Transform


def transforms() -> dict[str, AnyTransform]:
    """Return the transforms by name, sorted; a file in ``transforms/`` is enough to be one."""
    found: dict[str, AnyTransform] = {}
    for module in pkgutil.iter_modules(package.__path__):
        names = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
        own = next(v for v in names.values() if isinstance(v, Transform))
        found[own.name] = own
    return dict(sorted(found.items()))
