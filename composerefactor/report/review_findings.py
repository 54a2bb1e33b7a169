"""What a change means, as findings: for code scanning and annotations beside the lines."""

from __future__ import annotations

from composerefactor.errors import Location
from composerefactor.findings.finding import Finding
from composerefactor.findings.rule import Area
from composerefactor.findings.rule import Rule as FindingRule
from composerefactor.findings.severity import Severity
from composerefactor.impact.change import Effect, Risk
from composerefactor.impact.rules import RULES
from composerefactor.report.review_words import about
from composerefactor.review.reviewed import Review, Reviewed

_SEVERITIES = {
    Risk.HIGH: Severity.HIGH,
    Risk.MEDIUM: Severity.MEDIUM,
    Risk.LOW: Severity.LOW,
    Risk.NONE: Severity.INFO,
}
_AREAS: tuple[tuple[Area, tuple[str, ...]], ...] = (
    ("data", ("volume", "mount", "bind", "data-store", "project-renamed", "image-base")),
    (
        "security",
        (
            *("port", "privileged", "host", "capability", "confinement", "runs-as", "device"),
            *("secret", "writable", "network-opened"),
        ),
    ),
    ("reliability", ("healthcheck", "dependency", "limit", "restart", "log", "no-longer")),
    ("validity", ("rejected", "not-compared", "accepted")),
)
"""What kinds of changes are about, by how their ids begin."""


def finding_rules() -> dict[str, FindingRule]:
    """Return the kinds of changes as rules of findings, by id."""
    return {
        rule.id: FindingRule(
            rule.id, _SEVERITIES[rule.risk], rule.title, rule.title, _area(rule.id)
        )
        for rule in RULES.values()
    }


def as_findings(found: Review) -> list[Finding]:
    """Return the changes that carry a risk; one that is gone is told where its service is now."""
    return [_finding(each) for each in found.changes if each.change.risk]


def _finding(each: Reviewed) -> Finding:
    change = each.change
    place = each.nearby or each.location or Location(each.entries[0].base)
    gone = f" (was at {each.location})" if change.was and each.location else ""
    effect = change.effect or Effect.UNKNOWN
    return Finding(
        change.rule.id,
        _SEVERITIES[change.risk],
        f"{about(each)}: {change.words}{gone} [{effect}]",
        place,
        service=change.service,
        subject=".".join((*change.path[2:], *change.marks)),
    )


def _area(rule: str) -> Area:
    return next((area for area, starts in _AREAS if rule.startswith(starts)), "configuration")
