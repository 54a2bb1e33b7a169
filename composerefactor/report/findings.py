"""Findings as SARIF 2.1.0 for code scanning, as JUnit, and as GitHub annotations.

SARIF follows the OASIS standard; the properties that GitHub reads in addition
(``security-severity``, ``problem.severity``, ``precision``) are from its documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from composerefactor import __version__
from composerefactor.analysis.findings import Finding, Severity, fingerprints
from composerefactor.analysis.rule import RuleInfo
from composerefactor.compose.paths import path_from
from composerefactor.report.text import documentation_of, fix_command, xml_text

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
    rules: Mapping[str, RuleInfo],
    *,
    prefix: str = "",
    suppressed: Sequence[tuple[Finding, str]] = (),
) -> dict[str, Any]:
    """Return a SARIF log with one run.

    *rules* are by id and include those of all *findings*. *prefix* is the path of the project below
    the root of the repository; code scanning takes paths as relative to that root. *suppressed* are
    pairs of a suppressed finding and the reason.
    """
    everything = [*findings, *(finding for finding, _ in suppressed)]
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
                    _result(finding, fingerprint, index, prefix, reason)
                    for finding, fingerprint, reason in zip(
                        everything, fingerprints(everything), reasons, strict=True
                    )
                ],
            }
        ],
    }


def _rule(rule: RuleInfo) -> dict[str, Any]:
    level = _LEVELS[rule.severity]
    fix = f"\n\nFix: `{fix_command(rule.transform)}`." if rule.transform else ""
    text = rule.explanation + fix
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
        "helpUri": documentation_of(rule.id),
        "help": {"text": text.replace("`", "") or rule.summary, "markdown": text or rule.summary},
        "defaultConfiguration": {"level": level},
        "properties": properties,
    }


def _result(
    finding: Finding, fingerprint: str, index: Mapping[str, int], prefix: str, reason: str | None
) -> dict[str, Any]:
    remedy = f" Remedy: {finding.remedy}." if finding.remedy else ""
    skipped = f" {finding.skip_note}." if finding.skip_note else ""
    path = path_from(prefix, finding.location.path)
    place: dict[str, Any] = {
        "artifactLocation": {"uri": quote(path), "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": max(finding.location.line, 1)},
    }
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}.{remedy}{skipped}"},
        "locations": [{"physicalLocation": place, **_logical(finding)}],
        "partialFingerprints": {"composerefactor/v1": fingerprint},
    }
    if reason is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": reason}]
    return result


def _logical(finding: Finding) -> dict[str, Any]:
    if finding.service is None:
        return {}
    name = f"services.{finding.service}"
    return {"logicalLocations": [{"name": finding.service, "fullyQualifiedName": name}]}


def junit(findings: Sequence[Finding], rules: Mapping[str, RuleInfo], name: str) -> str:
    """Return a JUnit report of the project called *name*.

    A rule without findings is a test case that passes; each finding is a test case that fails.
    """
    by_rule: dict[str, list[Finding]] = {rule: [] for rule in rules}
    for finding in findings:
        by_rule[finding.rule].append(finding)
    total = sum(max(1, len(of_rule)) for of_rule in by_rule.values())
    counts = {"tests": total, "failures": len(findings), "errors": 0, "skipped": 0}
    suites = _element("testsuites", name="composerefactor", **counts)
    suite = _element("testsuite", name=name, **counts)
    suites.append(suite)
    for rule, of_rule in by_rule.items():
        suite.extend(map(_case, of_rule))
        if not of_rule:
            suite.append(_element("testcase", classname=rule, name=rule))
    ET.indent(suites)
    text = ET.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(finding: Finding) -> ET.Element:
    place = str(finding.location)
    name = f"{finding.service}: {place}" if finding.service else place
    line = {"line": finding.location.line} if finding.location.line else {}
    case = _element(
        "testcase", classname=finding.rule, name=name, file=finding.location.path, **line
    )
    failure = _element("failure", type=finding.severity.value, message=finding.message)
    failure.text = xml_text(f"{place}: {_text(finding)}")
    case.append(failure)
    return case


def _element(tag: str, **attributes: str | int) -> ET.Element:
    texts = {name: xml_text(str(value)).replace("\n", " ") for name, value in attributes.items()}
    return ET.Element(tag, texts)


_COMMANDS = {
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}


def workflow_commands(findings: Iterable[Finding], prefix: str = "") -> str:
    """Return one GitHub workflow command per finding, each on its line.

    *prefix* is the path of the project below the root of the repository.
    """
    return "".join(f"{_command(finding, prefix)}\n" for finding in findings)


def _command(finding: Finding, prefix: str) -> str:
    path = path_from(prefix, finding.location.path)
    properties = {
        "file": path,
        "line": str(max(finding.location.line, 1)),
        "title": finding.rule,
    }
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[finding.severity]} {listed}::{_data(_text(finding))}"


def _text(finding: Finding) -> str:
    """Return what *finding* reports, what to do, and why `fix` does not do it, a line each."""
    lines = [finding.message, finding.remedy, finding.skip_note]
    if finding.transform:
        lines.append(f"Fix: {fix_command(finding.transform, is_safe=finding.is_safe)}")
    return "\n".join(line for line in lines if line)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
