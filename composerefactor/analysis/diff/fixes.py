"""The risk of a change that a fixer would make, in the words of ``diff``.

``diff`` compares two resolved states. A change is not made yet, so :func:`risk_of_change` reads its
declared effects: the attribute that an effect is about decides which kind of impact it has.
"""

from __future__ import annotations

from composerefactor.analysis.diff import kinds
from composerefactor.analysis.diff.kinds import ImpactKind, Risk
from composerefactor.refactoring.contract import Change, Effect

_BY_ATTRIBUTE: dict[str, ImpactKind] = {
    "read_only": kinds.READ_ONLY_ROOT,
    "cap_drop": kinds.CAPABILITY_LOST,
    "security_opt": kinds.RIGHTS_REDUCED,
    "healthcheck": kinds.HEALTHCHECK_CHANGED,
    "depends_on": kinds.DEPENDENCY_CHANGED,
    "deploy": kinds.LIMIT_CHANGED,
    "mem_limit": kinds.LIMIT_CHANGED,
    "cpus": kinds.LIMIT_CHANGED,
    "restart": kinds.RESTART_CHANGED,
    "ports": kinds.PORT_NARROWED,
    "volumes": kinds.MOUNT_ADDED,
    "environment": kinds.SECRET_OUT_OF_TEXT,
}
"""The kind of impact of a fix on an attribute of a service: fixers add and restrict, they take no
limit, check or right of use away. Other attributes are settings."""


def risk_of_change(change: Change) -> Risk:
    """Return the highest risk of the effects of *change*; ``none`` if nothing that runs differs."""
    if change.leaves_data:
        return kinds.VOLUME_REPLACED.risk
    if change.repairs:
        return kinds.ACCEPTED.risk
    effects = [effect for effect in change.effects if effect.matters]
    return max((_kind(effect).risk for effect in effects), default=Risk.NONE)


def _kind(effect: Effect) -> ImpactKind:
    section, *keys = effect.path
    if section != "services":
        is_network = section == "networks" and effect.verb != "adds"
        return kinds.NETWORK_RECREATED if is_network else kinds.DEFINITION_CHANGED
    if len(keys) < 2:  # noqa: PLR2004 - the whole service
        return kinds.SERVICE_REMOVED if effect.verb == "removes" else kinds.SERVICE_ADDED
    if keys[1] == "networks" and effect.verb != "adds":
        return kinds.NETWORK_LEFT
    return _BY_ATTRIBUTE.get(keys[1], kinds.SETTING_CHANGED)
