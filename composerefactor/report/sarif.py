"""Findings as SARIF 2.1.0, for code scanning.

The format is that of the OASIS standard; the properties that GitHub reads beside it
(``security-severity``, ``problem.severity``, ``precision``) are from its documentation.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from composerefactor import __version__
from composerefactor.findings.finding import Finding, fingerprints
from composerefactor.findings.rule import Rule
from composerefactor.findings.severity import Severity
from composerefactor.report.remedies import command_for

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_PROBLEM = {"error": "error", "warning": "warning", "note": "recommendation"}
_SECURITY = {
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
    Severity.INFO: "1.0",
}


def sarif(
    findings: Sequence[Finding],
    rules: Mapping[str, Rule],
    *,
    prefix: str = "",
    suppressed: Sequence[tuple[Finding, str]] = (),
) -> dict[str, Any]:
    """Return a SARIF log with one run.

    *rules* are by id and hold those of all *findings*. *prefix* is the path of the project below
    the root of the repository, to which code scanning takes paths. *suppressed* are findings that
    somebody keeps out, each with the reason.
    """
    everything = [*findings, *(each for each, _ in suppressed)]
    listed = [*rules]
    index = {name: number for number, name in enumerate(listed)}
    reasons: list[str | None] = [None] * len(findings) + [reason for _, reason in suppressed]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "composerefactor",
                        "version": __version__,
                        "semanticVersion": __version__,
                        "rules": [_rule(rules[name]) for name in listed],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {
                    "%SRCROOT%": {"description": {"text": "The root of the repository."}}
                },
                "results": [
                    _result(each, mark, index, prefix, reason)
                    for each, mark, reason in zip(
                        everything, fingerprints(everything), reasons, strict=True
                    )
                ],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    level = _LEVELS[rule.severity]
    mended = f"\n\nMended by `{command_for(rule.transform)}`." if rule.transform else ""
    text = rule.explanation + mended
    properties: dict[str, Any] = {
        "tags": [rule.area],
        "precision": "high",
        "problem.severity": _PROBLEM[level],
    }
    if rule.area == "security":
        properties["security-severity"] = _SECURITY[rule.severity]
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.explanation or rule.summary},
        "help": {"text": text.replace("`", "") or rule.summary, "markdown": text or rule.summary},
        "defaultConfiguration": {"level": level},
        "properties": properties,
    }


def _result(
    finding: Finding, mark: str, index: Mapping[str, int], prefix: str, reason: str | None
) -> dict[str, Any]:
    remedy = f" Remedy: {finding.remedy}." if finding.remedy else ""
    path = posixpath.normpath(posixpath.join(prefix, finding.location.path))
    place: dict[str, Any] = {
        "artifactLocation": {"uri": quote(path), "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": max(finding.location.line, 1)},
    }
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}.{remedy}"},
        "locations": [{"physicalLocation": place, **_logical(finding)}],
        "partialFingerprints": {"composerefactor/v1": mark},
    }
    if reason is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": reason}]
    return result


def _logical(finding: Finding) -> dict[str, Any]:
    if finding.service is None:
        return {}
    name = f"services.{finding.service}"
    return {"logicalLocations": [{"name": finding.service, "fullyQualifiedName": name}]}
