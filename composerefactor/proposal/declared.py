"""What the proof found, against what the changes declare."""

from __future__ import annotations

from collections.abc import Collection

from composerefactor.transform import Effect
from composerefactor.verify.verdict import Finding


def is_declared(finding: Finding, effects: Collection[Effect]) -> bool:
    """Return whether some effect allows for *finding*; a rejection by the engine never is."""
    if finding.rejects:
        return False
    if finding.kind == "hash":
        return finding.service in {effect.service for effect in effects}
    return any(_allows(effect, finding) for effect in effects)


def _allows(effect: Effect, finding: Finding) -> bool:
    if finding.kind != "raw" and not effect.resolved:
        return False
    common = min(len(effect.path), len(finding.path))
    if effect.path[:common] != finding.path[:common]:
        return False
    if finding.kind == "raw":
        # Short forms stand there unexpanded, so what differs may be shown further up.
        return len(finding.path) > 1
    if len(finding.path) < len(effect.path):
        # The mapping around the place came or went with it.
        return {"adds": not finding.was, "removes": not finding.now, "changes": False}[effect.verb]
    if effect.verb == "adds":
        return not finding.was
    return effect.verb == "changes" or not finding.now
