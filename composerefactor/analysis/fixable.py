"""Which findings `composerefactor fix` solves: the fixers themselves answer.

A rule knows which transform is for its findings, but not whether that transform refuses a place, or
only guesses. :func:`with_fixes` plans the fixers on the project as it is, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from composerefactor.analysis.findings import Finding
from composerefactor.planning.fixes import FixPlan, PlannedFix, first_changes
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.registry import fixers
from composerefactor.planning.requests import FixRequest


def with_fixes(findings: Iterable[Finding], opened: OpenProject) -> list[Finding]:
    """Return *findings*, each with its transform only if that solves it in the project."""
    listed = list(findings)
    known = {fixer.name for fixer in fixers()}
    named = sorted({each.transform for each in listed if each.transform} & known)
    if not named or not opened.project.readable:
        return listed
    chosen = FixRequest(select=tuple(named), unsafe=True).chosen(opened.settings)
    plan = first_changes(opened.project, chosen)
    return [_checked(each, plan) if each.transform in known else each for each in listed]


def _checked(finding: Finding, plan: FixPlan) -> Finding:
    made, guessed, suppressed = (
        [fix for fix in fixes if fix.transform == finding.transform and _is_about(fix, finding)]
        for fixes in (plan.applied, plan.uncertain, plan.suppressed)
    )
    refused = [
        refusal
        for name, refusal in plan.refusals
        if name == finding.transform and refusal.location == finding.location
    ]
    is_here = any(fix.change.location == finding.location for fix in (*made, *guessed))
    if refused and not is_here:
        remedy = finding.remedy or refused[0].remedy or refused[0].reason
        return replace(finding, transform=None, remedy=remedy)
    if made:
        return finding
    if guessed:
        return replace(finding, is_guess=True)
    remedy = finding.remedy or next((fix.reason for fix in suppressed), "")
    return replace(finding, transform=None, remedy=remedy)


def _is_about(fix: PlannedFix, finding: Finding) -> bool:
    change = fix.change
    names = {effect.path[1] for effect in change.effects if len(effect.path) > 1}
    if finding.service in names or finding.subject in names:
        return True
    if finding.service is None:
        return change.location.path == finding.location.path
    return change.location == finding.location
