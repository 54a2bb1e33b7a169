"""A project's facts with what the rules find in them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from msgspec import Struct

from composerefactor.analysis.ratings import Rating, overall, ratings
from composerefactor.analysis.registry import checks
from composerefactor.architecture.architecture import Architecture
from composerefactor.check import Check
from composerefactor.compose.suppression import ignored
from composerefactor.findings.baseline import without_known
from composerefactor.findings.finding import Finding
from composerefactor.findings.rule import Rule
from composerefactor.findings.severity import Severity

REJECTED = Rule(
    "rejected-by-engine",
    Severity.HIGH,
    "Docker Compose rejects an entry point.",
    "Nothing starts with these files as they stand. `composerefactor fix` mends what it knows.",
    "validity",
)
"""What only Docker Compose itself can find."""

Ignored = Mapping[str, Mapping[str, str]]
"""By transform or rule: the services that are left alone, with the reason."""


class Suppressed(Struct, frozen=True):
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
    suppressed: tuple[Suppressed, ...]
    known: tuple[Finding, ...]
    rules: Mapping[str, Rule]
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
    every = {name: one for name, one in checks().items() if name not in skip}
    found = [each for one in every.values() for each in one.findings(architecture)]
    found += found_by_engine
    kept: list[Finding] = []
    suppressed: list[Suppressed] = []
    for each in found:
        reason = _suppressed(architecture, each, settings_ignore or {})
        if reason is None:
            kept.append(each)
        else:
            suppressed.append(Suppressed(each, architecture.redaction.text(reason)))
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


def _rejects(finding: Finding, rules: Mapping[str, Rule]) -> bool:
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


def _strengths(every: Iterable[Check], silent: set[str]) -> Iterable[str]:
    return (one.strength for one in every if one.strength and one.rule.id in silent)
