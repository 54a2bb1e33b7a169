"""Each rule reports its problem, and nothing in a project without the problem.

``NAME.toml`` contains a *bad* project for the rule NAME, the findings in it (*found*, as
``FILE:LINE severity: message``), and a *good* project. A project is the text *compose* of
``compose.yaml``, and optionally *files* (texts by path), *entries* (the ``-f`` files of each start
command) and *tracked* (what git tracks).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from composerefactor.analysis.analysis import all_rules
from composerefactor.planning.registry import transforms
from support.analyses import MAIN, analysed

CASES: dict[str, dict[str, Any]] = {
    path.stem: tomllib.loads(path.read_text("utf-8"))
    for path in sorted(Path(__file__).parent.glob("*.toml"))
}


def found(case: dict[str, Any], rule: str) -> list[str]:
    files = dict(case.get("files", {}))
    entries = tuple(tuple(each) for each in case.get("entries", [[MAIN]]))
    analysis = analysed(
        case["compose"], files, entries=entries, tracked=tuple(case.get("tracked", ()))
    )
    return [
        f"{each.location} {each.severity.value}: {each.message}"
        for each in analysis.findings
        if each.rule == rule
    ]


def test_every_rule_has_a_case() -> None:
    rules = set(all_rules())
    assert rules - set(CASES) == set(), "write tests/analysis/rules/RULE.toml"
    assert set(CASES) - rules == set(), "there is no rule of this name"


@pytest.mark.parametrize("rule", sorted(CASES))
def test_a_rule_finds_what_it_is_for(rule: str) -> None:
    assert found(CASES[rule]["bad"], rule) == CASES[rule]["found"]


@pytest.mark.parametrize("rule", sorted(CASES))
def test_a_rule_is_silent_where_all_is_well(rule: str) -> None:
    assert found(CASES[rule]["good"], rule) == []


@pytest.mark.parametrize("check", all_rules().values(), ids=lambda each: each.rule.id)
def test_a_rule_explains_itself(check: Any) -> None:
    rule = check.rule
    assert rule.summary.endswith("."), "the first line of the docstring is one sentence"
    assert rule.transform is None or rule.transform in transforms()
    assert not check.strength or check.strength.endswith(".")
