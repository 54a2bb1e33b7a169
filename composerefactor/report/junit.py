"""Findings as JUnit XML, for the test reports of CI systems.

Each rule is a test suite's case for each file: it fails where the rule found something there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from composerefactor.findings.finding import Finding
from composerefactor.findings.rule import Rule
from composerefactor.patterns import regex
from composerefactor.report.remedies import command_for

_NO_XML = regex("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(findings: Sequence[Finding], rules: Mapping[str, Rule], name: str) -> str:
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
    mended = f"\nmended by: {command_for(finding.transform)}" if finding.transform else ""
    remedy = f"\n{finding.remedy}" if finding.remedy else ""
    text = _clean(f"{finding.location}: {finding.message}{remedy}{mended}")
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
