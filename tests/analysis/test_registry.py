from __future__ import annotations

from pathlib import Path

import pytest

from composerefactor.analysis.analysis import all_rules
from composerefactor.errors import ComposerefactorError
from composerefactor.planning.registry import RULE_GROUP
from support.plugins import distribution

pytestmark = pytest.mark.usefixtures("new_plugins")


def test_rules_are_found_in_their_package() -> None:
    found = all_rules()
    assert list(found) == sorted(found)
    assert found["privileged"].rule.severity.value == "high"


@pytest.mark.parametrize(
    ("value", "words"),
    [("composerefactor.errors:Location", "not a rule"), ("nowhere:rule", "skipped")],
)
def test_an_invalid_plugin_is_skipped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str, words: str
) -> None:
    distribution(tmp_path, RULE_GROUP, "acme", value)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.warns(UserWarning, match=words):
        assert "acme" not in all_rules()


def test_two_rules_cannot_have_one_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    distribution(
        tmp_path, RULE_GROUP, "acme", "composerefactor.analysis.rules.privileges:privileged"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ComposerefactorError, match="two rules"):
        all_rules()
