"""Which findings `composerefactor fix` solves: the fixers themselves answer.

A rule knows which transform is for its findings, but not whether that transform refuses a place, or
only guesses. :func:`with_fixes` plans the fixers on the project as it is, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath as Path

from msgspec.structs import replace

from composerefactor.analysis.findings import Finding
from composerefactor.errors import Location
from composerefactor.planning.fix_request import FixRequest
from composerefactor.planning.fixes import PlannedFix, first_changes
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.registry import fixers
from composerefactor.refactoring.contract import Refusal


def with_fixes(findings: Iterable[Finding], opened: OpenProject) -> list[Finding]:
    """Return *findings*, each with its transform only if that solves it in the project."""
    listed = list(findings)
    known = fixers().keys()
    named = sorted({each.transform for each in listed if each.transform} & known)
    if not named or not opened.project.readable:
        return listed
    chosen = FixRequest(select=tuple(named), unsafe=True).chosen(opened.settings)
    plan = first_changes(opened.project, chosen)
    states = [_Fixes(fixes) for fixes in (plan.applied, plan.uncertain, plan.suppressed)]
    refusals: dict[tuple[str, Location], list[Refusal]] = {}
    for name, refusal in plan.refusals:
        refusals.setdefault((name, refusal.location), []).append(refusal)

    def checked(finding: Finding) -> Finding:
        if finding.transform not in known:
            return finding
        refused = refusals.get((finding.transform, finding.location), [])
        made, guessed, suppressed = (state.about(finding) for state in states)
        return _checked(finding, made, guessed, suppressed, refused)

    return [checked(each) for each in listed]


_ATTRIBUTES = frozenset({"command", "entrypoint", "healthcheck"})
"""Subjects of findings that a fix solves only if it changes this attribute of the service."""


class _Fixes:
    """The fixes of one state, by what they are about."""

    def __init__(self, fixes: Iterable[PlannedFix]) -> None:
        self._about: dict[tuple[str, object], list[PlannedFix]] = {}
        for fix in fixes:
            change = fix.change
            keys: set[object] = {effect.path[1] for effect in change.effects if effect.path[1:]}
            for key in (*keys, change.location, Path(change.location.path)):
                self._about.setdefault((fix.transform, key), []).append(fix)

    def about(self, finding: Finding) -> list[PlannedFix]:
        """Return the fixes by the transform of *finding* for its service, subject or place."""
        place = finding.location
        keys = (finding.service, finding.subject, place if finding.service else Path(place.path))
        found = (self._about.get((finding.transform or "", key), ()) for key in keys)
        fixes = [fix for fixes in found for fix in fixes]
        if finding.subject not in _ATTRIBUTES:
            return fixes
        where = (finding.service, finding.subject)
        return [fix for fix in fixes if any(e.path[1:3] == where for e in fix.change.effects)]


def _checked(
    finding: Finding,
    made: list[PlannedFix],
    guessed: list[PlannedFix],
    suppressed: list[PlannedFix],
    refused: list[Refusal],
) -> Finding:
    is_here = any(fix.change.location == finding.location for fix in (*made, *guessed))
    if refused and not is_here:
        first = refused[0]
        remedy = finding.remedy or first.remedy
        return replace(finding, transform=None, remedy=remedy, skipped=first.reason)
    if made or guessed:
        is_safe = all(fix.change.is_safe for fix in made or guessed)
        return replace(finding, is_guess=not made, is_safe=is_safe)
    skipped = next((fix.reason for fix in suppressed), "")
    return replace(finding, transform=None, skipped=skipped)
