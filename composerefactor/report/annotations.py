"""Findings as workflow commands of GitHub Actions: annotations beside the lines.

The escapes are those of the Actions toolkit (``@actions/core``, ``command.ts``).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from composerefactor.findings.finding import Finding
from composerefactor.findings.severity import Severity
from composerefactor.report.remedies import command_for

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
