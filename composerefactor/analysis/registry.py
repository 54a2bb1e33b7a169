"""Finds the rules: every module of ``composerefactor.rules``, and those of plug-ins.

A plug-in names its own in the entry point group ``composerefactor.rules``.
"""

from __future__ import annotations

from functools import cache
from typing import TypeGuard

import composerefactor.rules as package
from composerefactor.check import Check
from composerefactor.findings.names import PACKAGE
from composerefactor.plugins import discovered


@cache
def checks() -> dict[str, Check]:
    """Return the checks by the id of their rule, sorted; a file in ``rules/`` is enough to be one.

    A plug-in that cannot be imported is passed over with a warning. Raises ComposerefactorError for
    two rules of one id.
    """
    return discovered(package, PACKAGE, _is_check, lambda each: each.rule.id, "rule")


def _is_check(value: object) -> TypeGuard[Check]:
    return isinstance(value, Check)
