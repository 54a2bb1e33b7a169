"""The risk of a change that a fixer would make, in the words of ``diff``.

``diff`` compares two resolved states. A change is not made yet, so :func:`risk_of_change` reads its
declared effects: the attribute that an effect is about decides which kind of impact it has.
"""

from __future__ import annotations

from composerefactor.analysis.diff.change import (
    ACCEPTED,
    CAPABILITY_LOST,
    DEFINITION_CHANGED,
    DEPENDENCY_CHANGED,
    HEALTHCHECK_CHANGED,
    LIMIT_CHANGED,
    MOUNT_ADDED,
    NETWORK_LEFT,
    NETWORK_RECREATED,
    PORT_NARROWED,
    READ_ONLY_ROOT,
    RESTART_CHANGED,
    RIGHTS_REDUCED,
    SECRET_OUT_OF_TEXT,
    SERVICE_ADDED,
    SERVICE_REMOVED,
    SETTING_CHANGED,
    VOLUME_REPLACED,
    ImpactKind,
    Risk,
)
from composerefactor.refactoring.contract import Change, Effect

_BY_ATTRIBUTE: dict[str, ImpactKind] = {
    "read_only": READ_ONLY_ROOT,
    "cap_drop": CAPABILITY_LOST,
    "security_opt": RIGHTS_REDUCED,
    "healthcheck": HEALTHCHECK_CHANGED,
    "depends_on": DEPENDENCY_CHANGED,
    "deploy": LIMIT_CHANGED,
    "mem_limit": LIMIT_CHANGED,
    "cpus": LIMIT_CHANGED,
    "restart": RESTART_CHANGED,
    "ports": PORT_NARROWED,
    "volumes": MOUNT_ADDED,
    "environment": SECRET_OUT_OF_TEXT,
}
"""The kind of impact of a fix on an attribute of a service: fixers add and restrict, they take no
limit, check or right of use away. Other attributes are settings."""


def risk_of_change(change: Change) -> Risk:
    """Return the highest risk of the effects of *change*; ``none`` if nothing that runs differs."""
    if change.leaves_data:
        return VOLUME_REPLACED.risk
    if change.repairs:
        return ACCEPTED.risk
    effects = [effect for effect in change.effects if effect.matters]
    return max((_kind(effect).risk for effect in effects), default=Risk.NONE)


def _kind(effect: Effect) -> ImpactKind:
    section, *keys = effect.path
    if section != "services":
        is_network = section == "networks" and effect.verb != "adds"
        return NETWORK_RECREATED if is_network else DEFINITION_CHANGED
    if len(keys) < 2:  # noqa: PLR2004 - the whole service
        return SERVICE_REMOVED if effect.verb == "removes" else SERVICE_ADDED
    if keys[1] == "networks" and effect.verb != "adds":
        return NETWORK_LEFT
    return _BY_ATTRIBUTE.get(keys[1], SETTING_CHANGED)
