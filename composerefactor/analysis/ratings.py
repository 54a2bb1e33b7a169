"""The rating of each area of a project, and of the whole, from the findings of all rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from msgspec import Struct

from composerefactor.analysis.findings import Area, Finding, RuleInfo, Severity

MAX_SCORE = 10.0
AREAS: tuple[Area, ...] = get_args(Area)
WEIGHTS = {Severity.HIGH: 4.0, Severity.MEDIUM: 2.0, Severity.LOW: 0.8, Severity.INFO: 0.0}
"""Points that a rule takes off if it has findings in all services."""

_MIN_SHARE = 0.25
_RATING_WORDS = ((9.0, "excellent"), (7.0, "good"), (5.0, "fair"), (0.0, "poor"))

RATING_EXPLANATION = (
    "Each area starts with 10 points. A rule with findings takes off up to 4 points (high), 2 "
    "(medium) or 0.8 (low), in proportion to the affected services, and at least a quarter of "
    "that. The overall rating is halfway between the average and the lowest rating of the areas. "
    "A project that Docker Compose rejects is not rated."
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


def overall(area_ratings: Sequence[Rating]) -> Rating:
    """Return the rating of the whole project from those of its areas."""
    scores = [rating.score for rating in area_ratings]
    score = (sum(scores) / len(scores) + min(scores)) / 2
    return Rating("overall", round(score, 1))


def _points(findings: list[Finding], services: int) -> float:
    affected = {finding.service for finding in findings if finding.service}
    affects_project = any(finding.service is None for finding in findings)
    share = 1.0 if affects_project or not services else min(1.0, len(affected) / services)
    weight = max(WEIGHTS[finding.severity] for finding in findings)
    return round(weight * max(share, _MIN_SHARE), 2)
