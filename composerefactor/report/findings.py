"""Findings as SARIF 2.1.0, for code scanning.

The format is that of the OASIS standard; the properties that GitHub reads beside it
(``security-severity``, ``problem.severity``, ``precision``) are from its documentation.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from composerefactor import __version__
from composerefactor.analysis.findings import Finding, RuleInfo, Severity, fingerprints
from composerefactor.planning.registry import transforms
from composerefactor.refactoring.contract import Refactoring


def command_for(transform: str) -> str:
    """Return the command line that runs *transform*."""
    if isinstance(transforms().get(transform), Refactoring):
        return f"composerefactor {transform}"
    return f"composerefactor fix --unsafe --select {transform}"


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


def _rule(rule: RuleInfo) -> dict[str, Any]:
    level = _LEVELS[rule.severity]
    fix_plan = f"\n\nMended by `{command_for(rule.transform)}`." if rule.transform else ""
    text = rule.explanation + fix_plan
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


_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(findings: Sequence[Finding], rules: Mapping[str, RuleInfo], name: str) -> str:
    """Return a report with a test case for each of *rules*; *name* is that of the project.

    A rule without findings passes; one with findings has a case for each of them, which fails.
    """
    by_rule: dict[str, list[Finding]] = {rule: [] for rule in rules}
    for each in findings:
        by_rule[each.rule].append(each)
    cases = [case for rule, found in by_rule.items() for case in _cases(rule, found)]
    counts = f'tests="{len(cases)}" failures="{len(findings)}" errors="0" skipped="0"'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="composerefactor" {counts}>\n'
        f"  <testsuite name={_attribute(name)} {counts}>\n"
        + "".join(f"    {case}\n" for case in cases)
        + "  </testsuite>\n</testsuites>\n"
    )


def _cases(rule: str, findings: list[Finding]) -> list[str]:
    if not findings:
        return [f"<testcase classname={_attribute(rule)} name={_attribute(rule)}/>"]
    return [_case(each) for each in findings]


def _case(finding: Finding) -> str:
    name = f"{finding.service}: {finding.location}" if finding.service else str(finding.location)
    fix_plan = f"\nmended by: {command_for(finding.transform)}" if finding.transform else ""
    remedy = f"\n{finding.remedy}" if finding.remedy else ""
    text = _clean(f"{finding.location}: {finding.message}{remedy}{fix_plan}")
    line = f' line="{finding.location.line}"' if finding.location.line else ""
    return (
        f"<testcase classname={_attribute(finding.rule)} name={_attribute(name)} "
        f"file={_attribute(finding.location.path)}{line}>"
        f"<failure type={_attribute(finding.severity.word)} "
        f"message={_attribute(finding.message)}>{escape(text)}</failure></testcase>"
    )


def _attribute(text: str) -> str:
    return quoteattr(_clean(text).replace("\n", " "))


def _clean(text: str) -> str:
    """Return *text* without the characters that no XML file may hold."""
    return _NO_XML.sub("\ufffd", text)


_COMMANDS = {
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}


def workflow_commands(findings: Iterable[Finding], prefix: str = "") -> str:
    """Return one workflow command a line; *prefix* is the path of the project in the repository."""
    return "".join(f"{_command(each, prefix)}\n" for each in findings)


def _command(finding: Finding, prefix: str) -> str:
    path = posixpath.normpath(posixpath.join(prefix, finding.location.path))
    properties = {
        "file": path,
        "line": str(max(finding.location.line, 1)),
        "title": finding.rule,
    }
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = finding.message + (f"\n{finding.remedy}" if finding.remedy else "")
    if finding.transform:
        text += f"\nmended by: {command_for(finding.transform)}"
    return f"::{_COMMANDS[finding.severity]} {listed}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
