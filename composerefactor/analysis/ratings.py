"""A rating for each area, computed from the findings in a way that anybody can follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from composerefactor.findings.finding import Finding
from composerefactor.findings.rule import Area, Rule
from composerefactor.findings.severity import Severity

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
    findings: Iterable[Finding], rules: Mapping[str, Rule], services: int
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
