"""A project's facts with what the rules find in them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cache
from typing import TypeGuard

from msgspec import Struct

import composerefactor.analysis.rules as package
from composerefactor.analysis.facts.architecture import Architecture, survey
from composerefactor.analysis.findings import Area, Finding, Rule, RuleInfo, Severity, without_known
from composerefactor.compose.files import ignored
from composerefactor.compose.secrets import mask_text
from composerefactor.errors import InputError
from composerefactor.planning.opening import OpenProject, ProjectSelection, open_project
from composerefactor.planning.registry import RULE_GROUP
from composerefactor.planning.settings import Settings
from composerefactor.planning.settle import blamed_place, prover_of
from composerefactor.plugins import discovered
from composerefactor.proof.engine import Engine

BEST = 10.0
AREAS: tuple[Area, ...] = (
    "validity",
    "security",
    "reliability",
    "data",
    "configuration",
    "builds",
    "maintainability",
)
WEIGHTS = {Severity.HIGH: 4.0, Severity.MEDIUM: 2.0, Severity.LOW: 0.8, Severity.INFO: 0.0}
"""Points that a rule costs where all services are concerned."""

_LEAST_SHARE = 0.25
_INVALID = 4.0
_WORDS = ((9.0, "excellent"), (7.0, "good"), (5.0, "fair"), (0.0, "poor"))

HOW = (
    "Each area begins with 10 points. A rule with findings takes off up to 4 points (high), 2 "
    "(medium) or 0.8 (low), in proportion to the services concerned, at least a quarter of that. "
    "The overall rating lies halfway between the mean of the areas and the worst of them, and is "
    "at most 4 where Docker Compose would reject the project."
)


class Deduction(Struct, frozen=True):
    """The *points* that a rule costs, with the number of its findings."""

    rule: str
    findings: int
    points: float


class Rating(Struct, frozen=True):
    """*score* is from 0 to 10, *word* says it in one; *deductions* are how it came about."""

    area: str
    score: float
    deductions: tuple[Deduction, ...] = ()

    @property
    def word(self) -> str:
        """``excellent``, ``good``, ``fair`` or ``poor``."""
        return next(word for least, word in _WORDS if self.score >= least)


def ratings(
    findings: Iterable[Finding], rules: Mapping[str, RuleInfo], services: int
) -> tuple[Rating, ...]:
    """Return a rating of each area; *services* is how many services the project has."""
    by_rule: dict[str, list[Finding]] = {}
    for each in findings:
        by_rule.setdefault(each.rule, []).append(each)
    found = []
    for area in AREAS:
        deductions = [
            Deduction(name, len(those), points)
            for name, those in by_rule.items()
            if rules[name].area == area and (points := _points(those, services))
        ]
        deductions.sort(key=lambda each: -each.points)
        score = max(0.0, BEST - sum(each.points for each in deductions))
        found.append(Rating(area, round(score, 1), tuple(deductions)))
    return tuple(found)


def overall(found: Sequence[Rating], *, is_rejected: bool) -> Rating:
    """Return the rating of the whole; *is_rejected* says that the engine rejects the project."""
    scores = [each.score for each in found]
    score = (sum(scores) / len(scores) + min(scores)) / 2
    return Rating("overall", round(min(score, _INVALID) if is_rejected else score, 1))


def _points(findings: list[Finding], services: int) -> float:
    concerned = {each.service for each in findings if each.service}
    whole = any(each.service is None for each in findings)
    share = 1.0 if whole or not services else min(1.0, len(concerned) / services)
    weight = max(WEIGHTS[each.severity] for each in findings)
    return round(weight * max(share, _LEAST_SHARE), 2)


@cache
def all_rules() -> dict[str, Rule]:
    """Return the checks by the id of their rule, sorted; a file in ``rules/`` is enough to be one.

    A plug-in that cannot be imported is passed over with a warning. Raises ComposerefactorError for
    two rules of one id.
    """
    return discovered(package, RULE_GROUP, _is_check, lambda each: each.rule.id, "rule")


def _is_check(value: object) -> TypeGuard[Rule]:
    return isinstance(value, Rule)


REJECTED = RuleInfo(
    "rejected-by-engine",
    Severity.HIGH,
    "Docker Compose rejects an entry point.",
    "Nothing starts with these files as they stand. `composerefactor fix` mends what it knows.",
    "validity",
)
"""What only Docker Compose itself can find."""

Ignored = Mapping[str, Mapping[str, str]]
"""By transform or rule: the services that are left alone, with the reason."""


class SuppressedFinding(Struct, frozen=True):
    """A finding that a comment or the settings keep out, and why."""

    finding: Finding
    reason: str


class Analysis(Struct, frozen=True):
    """What there is to say of a project.

    *findings* are sorted by severity, then by place; *suppressed* are those that are kept out,
    *known* those of a baseline. *strengths* are sentences on what is well. *ratings* are by area,
    *rating* is that of the whole: both count what is suppressed as mended, and what is known not.
    """

    architecture: Architecture
    findings: tuple[Finding, ...]
    suppressed: tuple[SuppressedFinding, ...]
    known: tuple[Finding, ...]
    rules: Mapping[str, RuleInfo]
    strengths: tuple[str, ...]
    ratings: tuple[Rating, ...]
    rating: Rating


def analyse(
    architecture: Architecture,
    settings_ignore: Ignored | None = None,
    baseline: frozenset[str] = frozenset(),
    *,
    skip: Container[str] = (),
    found_by_engine: Iterable[Finding] = (),
) -> Analysis:
    """Return the analysis of the project with the facts *architecture*.

    *settings_ignore* is what the settings leave alone, *baseline* has fingerprints of findings that
    are known, *skip* the ids of rules that are left out; *found_by_engine* is what Docker Compose
    itself rejects.
    """
    every = {name: one for name, one in all_rules().items() if name not in skip}
    found = [each for one in every.values() for each in one.findings(architecture)]
    found += found_by_engine
    kept: list[Finding] = []
    suppressed: list[SuppressedFinding] = []
    for each in found:
        reason = _suppressed(architecture, each, settings_ignore or {})
        if reason is None:
            kept.append(each)
        else:
            suppressed.append(SuppressedFinding(each, architecture.redaction.text(reason)))
    kept.sort(key=_order)
    new = without_known(kept, baseline)
    known = tuple(each for each in kept if each not in new)
    rules = {name: one.rule for name, one in every.items()} | {REJECTED.id: REJECTED}
    services = len(architecture.service_names)
    areas = ratings(kept, rules, services)
    silent = every.keys() - {each.rule for each in found}
    return Analysis(
        architecture,
        tuple(new),
        tuple(suppressed),
        known,
        rules,
        tuple(_strengths(every.values(), silent)) if services else (),
        areas,
        overall(areas, is_rejected=any(_rejects(each, rules) for each in kept)),
    )


def _rejects(finding: Finding, rules: Mapping[str, RuleInfo]) -> bool:
    is_about = rules[finding.rule].area == "validity"
    return is_about and finding.severity == Severity.HIGH


def _order(finding: Finding) -> tuple[int, str, int, str, str]:
    at = finding.location
    return -finding.severity, at.path, at.line, finding.rule, finding.message


def _suppressed(architecture: Architecture, finding: Finding, settings: Ignored) -> str | None:
    names = [finding.rule, *([finding.transform] if finding.transform else [])]
    for name in names:
        reason = settings.get(name, {}).get(finding.service or "")
        if reason is not None:
            return reason
    file = architecture.project.files.get(finding.location.path)
    return None if file is None else ignored(file, finding.location.line, *names)


def _strengths(every: Iterable[Rule], silent: set[str]) -> Iterable[str]:
    return (one.strength for one in every if one.strength and one.rule.id in silent)


def open_for_analysis(choice: ProjectSelection) -> OpenProject:
    """Open the project that *choice* names, also one that Docker Compose rejects.

    Raises InputError where there is no Compose file.
    """
    return open_project(choice, repairable=True, partial=True)


def analyse_project(
    opened: OpenProject, baseline: frozenset[str] = frozenset(), engine: Engine | None = None
) -> Analysis:
    """Return the analysis of what is *opened*, with what *engine* rejects where one is given.

    *baseline* has the fingerprints of findings that are known. Raises InputError for settings that
    name a rule that there is not.
    """
    settings = opened.settings
    _check_rules(settings, settings.analyze.skip)
    rejected: list[Finding] = []
    if engine is not None:
        rejected = rejections(opened, engine)
    return analyse(
        survey(opened.project, opened.root.name, settings.catalog),
        settings.ignore,
        baseline,
        skip=frozenset(settings.analyze.skip),
        found_by_engine=rejected,
    )


def _check_rules(settings: Settings, names: Iterable[str]) -> None:
    for name in names:
        if name not in all_rules():
            raise InputError(
                f"no rule is called {name!r}",
                location=settings.location("analyze", "skip"),
                remedy="there are: " + ", ".join(all_rules()),
            )


def rejections(opened: OpenProject, engine: Engine) -> list[Finding]:
    """Return a finding for each readable entry point of *opened* that *engine* rejects."""
    if not opened.project.readable:
        return []
    with prover_of(opened, engine) as prover:
        rejected = {} if prover.accepts_all() else prover.rejected()
    return [
        Finding(
            REJECTED.id,
            REJECTED.severity,
            mask_text(f"Docker Compose v{engine.version} rejects {entry.title}: {words}"),
            blamed_place(opened.project, entry, words),
            subject=entry.title,
        )
        for entry, words in rejected.items()
    ]
