"""The analysis of one project: its facts, the findings of all rules, and the ratings.

:func:`analyse_project` is the way in for the command line. It surveys the facts, lets each rule
look at them (:func:`all_rules`), adds what Docker Compose itself rejects (``rejections.py``), asks
the fixers which findings they solve (:func:`with_fixes`), separates suppressed and known findings,
and rates each area.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import PurePosixPath as Path
from typing import TypeGuard, get_args

from msgspec import Struct
from msgspec.structs import replace

import composerefactor.analysis.rules as package
from composerefactor.analysis.facts.architecture import Architecture, survey
from composerefactor.analysis.findings import Finding, Severity, split_known
from composerefactor.analysis.rule import Area, Rule, RuleInfo
from composerefactor.compose.ignore_comments import ignore_reason
from composerefactor.compose.project import Project
from composerefactor.errors import InputError, Location, did_you_mean
from composerefactor.planning.fix_request import FixRequest
from composerefactor.planning.fixes import (
    ChangeFilter,
    ChosenFixer,
    FixPlan,
    PlannedFix,
    first_changes,
    plan_fixes,
    project_with,
)
from composerefactor.planning.opening import OpenProject, ProjectSelection, open_project
from composerefactor.planning.registry import RULE_GROUP, fixers
from composerefactor.planning.settings import Settings
from composerefactor.plugins import discover
from composerefactor.refactoring.contract import Change, Refusal
from composerefactor.refactoring.reader import Outcome


@cache
def all_rules() -> dict[str, Rule]:
    """Return the rules by id, sorted; a decorated function in ``rules/`` is enough to be one.

    A plug-in that cannot be imported is passed over with a warning. Raises ComposerefactorError for
    two rules of one id.
    """
    return discover(package, RULE_GROUP, _is_rule, lambda each: each.rule.id, "rule")


def _is_rule(value: object) -> TypeGuard[Rule]:
    return isinstance(value, Rule)


REJECTED = RuleInfo(
    "rejected-by-engine",
    Severity.HIGH,
    "Docker Compose rejects a start command.",
    "Nothing starts with these files. `composerefactor fix` corrects the mistakes that it knows.",
    "validity",
)
"""The rule for what only Docker Compose itself can find."""

Ignored = Mapping[str, Mapping[str, str]]
"""By transform or rule: the services that it ignores, each with the reason."""


class SuppressedFinding(Struct, frozen=True):
    """A finding that a comment or the settings suppress, with the reason given there."""

    finding: Finding
    reason: str


class Analysis(Struct, frozen=True):
    """The analysis of a project.

    Attributes:
        architecture: The facts.
        findings: The new findings, sorted by severity, then by location.
        suppressed: The findings that a comment or the settings suppress.
        known: The findings that the baseline contains.
        rules: All rules that ran, by id.
        strengths: Sentences about what is well done.
        ratings: The rating of each area. Suppressed findings do not count, known ones do.
        rating: The overall rating. A project that Docker Compose rejects is not rated: None, and
            *ratings* is empty.
        readers: Other programs that read the files, and what becomes of them in a split.
        separations: The changes that give environments files of their own.
    """

    architecture: Architecture
    findings: tuple[Finding, ...]
    suppressed: tuple[SuppressedFinding, ...]
    known: tuple[Finding, ...]
    rules: Mapping[str, RuleInfo]
    strengths: tuple[str, ...]
    ratings: tuple[Rating, ...]
    rating: Rating | None
    readers: tuple[Outcome, ...] = ()
    separations: tuple[Change, ...] = ()

    @property
    def rejections(self) -> tuple[Finding, ...]:
        """The findings for which Docker Compose rejects a start command, also known ones."""
        reported = (*self.findings, *self.known)
        return tuple(each for each in reported if _is_rejection(each, self.rules))


def analyse(
    architecture: Architecture,
    settings: Settings | None = None,
    baseline: frozenset[str] = frozenset(),
    *,
    found_by_engine: Iterable[Finding] = (),
    other_readers: tuple[Outcome, ...] = (),
    separations: tuple[Change, ...] = (),
    check_fixes: Callable[[list[Finding]], list[Finding]] = list,
) -> Analysis:
    """Return the analysis of a project from its facts.

    Args:
        architecture: The facts.
        settings: Which findings are ignored, and which rules do not run.
        baseline: Fingerprints of known findings.
        found_by_engine: Findings for what Docker Compose itself rejects.
        other_readers: Other programs that read the files.
        separations: The changes that give environments files of their own.
        check_fixes: Returns the findings, with their transforms only where these solve them.

    Raises InputError if the settings skip an unknown rule.
    """
    settings = settings or Settings()
    skip = _skipped(settings)
    active = {name: rule for name, rule in all_rules().items() if name not in skip}
    findings = [each for rule in active.values() for each in rule.findings(architecture)]
    findings += found_by_engine
    reported: list[Finding] = []
    suppressed: list[SuppressedFinding] = []
    for finding in findings:
        reason = _suppression_reason(architecture, finding, settings.ignore)
        if reason is None:
            reported.append(finding)
        else:
            suppressed.append(SuppressedFinding(finding, architecture.masking.text(reason)))
    reported = sorted(check_fixes(reported), key=_order)
    new, known = split_known(reported, baseline)
    rules = {name: rule.rule for name, rule in active.items()} | {REJECTED.id: REJECTED}
    services = len(architecture.service_names)
    has_lasting = any(
        not architecture.is_short_lived(service.location.path)
        for entry in architecture.entries
        for service in entry.services
    )
    is_rejected = any(_is_rejection(each, rules) for each in reported)
    areas = () if is_rejected else ratings(reported, rules, services)
    without_findings = active.keys() - {finding.rule for finding in findings}
    return Analysis(
        architecture,
        tuple(new),
        tuple(suppressed),
        tuple(known),
        rules,
        tuple(_strengths(active.values(), without_findings)) if has_lasting else (),
        areas,
        overall(areas, reported) if areas else None,
        other_readers,
        separations,
    )


def _is_rejection(finding: Finding, rules: Mapping[str, RuleInfo]) -> bool:
    is_about_validity = rules[finding.rule].area == "validity"
    return is_about_validity and finding.severity == Severity.HIGH


def _order(finding: Finding) -> tuple[int, str, int, str, str]:
    at = finding.location
    return -finding.severity.rank, at.path, at.line, finding.rule, finding.message


def _suppression_reason(
    architecture: Architecture, finding: Finding, settings: Ignored
) -> str | None:
    """Return the reason for which the settings or a comment suppress *finding*, else None."""
    names = [finding.rule, *([finding.transform] if finding.transform else [])]
    for name in names:
        reason = settings.get(name, {}).get(finding.service or "")
        if reason is not None:
            return reason
    file = architecture.project.files.get(finding.location.path)
    return None if file is None else ignore_reason(file, finding.location.line, *names)


def _strengths(rules: Iterable[Rule], without_findings: set[str]) -> list[str]:
    """Return the strengths of which no rule has findings; several rules may share one."""
    are_true: dict[str, bool] = {}
    for rule in rules:
        has_none = rule.rule.id in without_findings
        are_true[rule.strength] = are_true.get(rule.strength, True) and has_none
    return [strength for strength, is_true in are_true.items() if strength and is_true]


def open_for_analysis(choice: ProjectSelection) -> OpenProject:
    """Open the project that *choice* selects, even if Docker Compose rejects it.

    Raises InputError if there is no Compose file.
    """
    return open_project(choice, repairable=True, partial=True)


def analyse_project(
    opened: OpenProject,
    baseline: frozenset[str] = frozenset(),
    found_by_engine: Iterable[Finding] = (),
    other_readers: tuple[Outcome, ...] = (),
    separations: tuple[Change, ...] = (),
) -> Analysis:
    """Return the analysis of the open project.

    *baseline* contains the fingerprints of known findings. *found_by_engine* are those of
    :func:`~composerefactor.analysis.rejections.rejections`. A report that lists them has the
    *other_readers* of :func:`~composerefactor.planning.readers.inventory` and the *separations* of
    :func:`separations_of`. Raises InputError if the settings skip an unknown rule.
    """
    return analyse(
        survey(opened.project, opened.root.name),
        opened.settings,
        baseline,
        found_by_engine=found_by_engine,
        other_readers=other_readers,
        separations=separations,
        check_fixes=lambda findings: with_fixes(findings, opened),
    )


def separations_of(opened: OpenProject) -> tuple[Change, ...]:
    """Return the changes, except guesses, that separate the environments of the open project."""
    if not opened.project.readable:
        return ()
    chosen = FixRequest(select=(_SEPARATES,)).chosen(opened.settings)
    return tuple(fix.change for fix in first_changes(opened.project, chosen).applied)


_SEPARATES = "add-environments"


def high_without_fix(
    opened: OpenProject, planned: Mapping[str, bytes | None] | None = None
) -> list[Finding]:
    """Return the high findings in the open project that no fix solves.

    Plans the fixes for high findings only. A fix may also solve what it is not for: a setting is
    found as soon as its misspelt key is corrected. *planned* is the content of files after fixes,
    None for a deleted file; what is no longer found in it is not returned. Raises InputError if the
    settings skip an unknown rule.
    """

    def high_in(project: Project) -> list[Finding]:
        analysis = analyse(survey(project, opened.root.name), opened.settings)
        return [each for each in analysis.findings if each.severity is Severity.HIGH]

    high = with_fixes(high_in(opened.project), opened)
    left = [each for each in high if each.transform is None]
    if not (left and planned):
        return left
    after = project_with(opened.project, opened.library, planned, opened.environ)
    keys = {each.key for each in high_in(after)}
    return [each for each in left if each.key in keys]


def _skipped(settings: Settings) -> frozenset[str]:
    """Return the rules that *settings* skip.

    Raises InputError for an unknown one.
    """
    for name in settings.analyze.skip:
        if name not in all_rules():
            raise InputError(
                f"unknown rule {name!r}",
                location=settings.location("analyze", "skip"),
                remedy=did_you_mean(name, all_rules(), "available rules:"),
            )
    return frozenset(settings.analyze.skip)


MAX_SCORE = 10.0
AREAS: tuple[Area, ...] = get_args(Area)
WEIGHTS = {Severity.HIGH: 4.0, Severity.MEDIUM: 2.0, Severity.LOW: 0.8, Severity.INFO: 0.0}
"""Points that a rule takes off if it has findings in all services."""

_MIN_SHARE = 0.25
_BEST_WITH_HIGH = 6.9
"""The best rating of a project that has a high finding: fair."""

_RATING_WORDS = ((9.0, "excellent"), (7.0, "good"), (5.0, "fair"), (0.0, "poor"))

RATING_EXPLANATION = (
    "Each area starts with 10 points. A rule with findings takes off up to 4 (high), 2 (medium) or "
    "0.8 (low), by the share of services, at least a quarter. Overall is halfway between average "
    "and lowest, and with a high finding at most fair."
)


class Deduction(Struct, frozen=True):
    """What one rule takes off the rating of its area.

    Attributes:
        rule: The id of the rule.
        findings: How many findings it has.
        points: The points that it takes off.
    """

    rule: str
    findings: int
    points: float


class Rating(Struct, frozen=True):
    """The rating of an area.

    Attributes:
        area: The area, or ``overall``.
        score: From 0 (worst) to 10 (best).
        deductions: The points that each rule takes off, the most first.
    """

    area: str
    score: float
    deductions: tuple[Deduction, ...] = ()

    @property
    def word(self) -> str:
        """The score as a word: ``excellent``, ``good``, ``fair`` or ``poor``."""
        return next(word for minimum, word in _RATING_WORDS if self.score >= minimum)


def ratings(
    findings: Iterable[Finding], rules: Mapping[str, RuleInfo], services: int
) -> tuple[Rating, ...]:
    """Return the rating of each area, in the order of :data:`AREAS`.

    *rules* has the rule of each finding by its id. *services* is the number of services in the
    project: what a rule takes off depends on the share of services with findings.
    """
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    area_ratings = []
    for area in AREAS:
        deductions = [
            Deduction(name, len(of_rule), points)
            for name, of_rule in by_rule.items()
            if rules[name].area == area and (points := _points(of_rule, services))
        ]
        deductions.sort(key=lambda deduction: -deduction.points)
        score = max(0.0, MAX_SCORE - sum(deduction.points for deduction in deductions))
        area_ratings.append(Rating(area, round(score, 1), tuple(deductions)))
    return tuple(area_ratings)


def overall(area_ratings: Sequence[Rating], findings: Iterable[Finding]) -> Rating:
    """Return the rating of the whole project from those of its areas, and from its *findings*."""
    scores = [rating.score for rating in area_ratings]
    score = (sum(scores) / len(scores) + min(scores)) / 2
    if any(finding.severity == Severity.HIGH for finding in findings):
        score = min(score, _BEST_WITH_HIGH)
    return Rating("overall", round(score, 1))


def _points(findings: list[Finding], services: int) -> float:
    affected = {finding.service for finding in findings if finding.service}
    affects_project = any(finding.service is None for finding in findings)
    share = 1.0 if affects_project or not services else min(1.0, len(affected) / services)
    weight = max(WEIGHTS[finding.severity] for finding in findings)
    return round(weight * max(share, _MIN_SHARE), 2)


def with_fixes(findings: Iterable[Finding], opened: OpenProject) -> list[Finding]:
    """Return *findings*, each with its transform only if that solves it in the project."""
    listed = list(findings)
    known = fixers(frozenset(each.transform for each in listed if each.transform)).keys()
    if not known or not opened.project.readable:
        return listed
    chosen = FixRequest(select=tuple(known), unsafe=True).chosen(opened.settings)
    plan = first_changes(opened.project, chosen)
    if any(fix.change.repairs for fix in plan.applied):
        plan = _with_later_changes(plan, opened, chosen)
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


def _with_later_changes(
    plan: FixPlan, opened: OpenProject, chosen: Sequence[ChosenFixer]
) -> FixPlan:
    """Return *plan* with what the *chosen* fixers change only once the project is repaired.

    A service can join a network once a fixer before has declared it.
    """
    names = {name for name, _ in plan.refusals}
    fixes = plan_fixes(opened.project, opened.library, chosen, ChangeFilter(), opened.environ)
    later = [fix for fix in fixes.applied if fix.transform in names]
    refused = {(name, refusal.location) for name, refusal in fixes.refusals}
    left = [each for each in plan.refusals if (each[0], each[1].location) in refused]
    known = plan.ids
    plan.applied += [fix for fix in later if fix.id not in known]
    plan.refusals = left
    return plan


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
