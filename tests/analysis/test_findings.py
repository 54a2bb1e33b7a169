from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.analysis.findings import (
    Finding,
    Severity,
    baseline_text,
    fingerprints,
    read_baseline,
    split_known,
)
from composerefactor.errors import InputError, Location


def finding(rule: str = "r", line: int = 1, subject: str = "", message: str = "m") -> Finding:
    return Finding(
        rule, Severity.LOW, message, Location("compose.yaml", line), None, "web", subject
    )


FINDINGS = st.lists(
    st.builds(
        finding,
        rule=st.sampled_from(["a", "b"]),
        line=st.integers(1, 50),
        subject=st.sampled_from(["", "80", "PORT"]),
        message=st.text(max_size=5),
    ),
    max_size=12,
)


def test_severities_are_ordered() -> None:
    assert Severity("high") > Severity("medium") > Severity.LOW > Severity.INFO
    assert Severity.HIGH.value == "high"


@given(FINDINGS, st.integers(0, 1000))
def test_a_fingerprint_knows_no_line(findings: list[Finding], shift: int) -> None:
    moved = [finding(f.rule, f.location.line + shift, f.subject, "other") for f in findings]
    assert fingerprints(moved) == fingerprints(findings)


@given(FINDINGS)
def test_fingerprints_are_unique(findings: list[Finding]) -> None:
    marks = fingerprints(findings)
    assert len(set(marks)) == len(findings)


@given(FINDINGS)
def test_a_baseline_knows_all_that_it_was_written_from(findings: list[Finding]) -> None:
    text = baseline_text(findings)
    assert split_known(findings, read_baseline(text, "b.json"))[0] == []
    assert len(json.loads(text)["findings"]) == len(findings)


def test_a_second_finding_of_a_kind_is_new() -> None:
    known = read_baseline(baseline_text([finding(line=3)]), "b.json")
    first, second = finding(line=5), finding(line=9)
    assert split_known([first, second], known)[0] == [second]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "JSON"),
        ("[" * 100_000, "JSON"),
        ("[]", "version 1"),
        ('{"version": 2, "findings": []}', "version 1"),
        ('{"version": 1}', "list of findings"),
    ],
)
def test_what_is_no_baseline_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        read_baseline(text, "b.json")
    assert error.value.remedy
