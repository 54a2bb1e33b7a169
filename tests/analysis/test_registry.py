from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from importlib.metadata import EntryPoint as Plugin
from unittest import mock

import pytest

from composerefactor.analysis.registry import checks
from composerefactor.errors import ComposerefactorError
from composerefactor.findings.names import PACKAGE


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    checks.cache_clear()
    yield
    checks.cache_clear()


def plugged(value: str) -> AbstractContextManager[object]:
    points = [Plugin("acme", value, PACKAGE)]
    return mock.patch("importlib.metadata.entry_points", return_value=points)


def test_rules_are_found_by_their_files() -> None:
    found = checks()
    assert list(found) == sorted(found)
    assert found["privileged"].rule.severity.word == "high"


@pytest.mark.parametrize(
    ("value", "words"),
    [("composerefactor.errors:Location", "it is none"), ("nowhere:rule", "left out")],
)
def test_a_plugin_that_is_none_is_left_out(value: str, words: str) -> None:
    with plugged(value), pytest.warns(UserWarning, match=words):
        assert "acme" not in checks()


def test_two_rules_cannot_have_one_name() -> None:
    value = "composerefactor.rules.privileged:privileged"
    with plugged(value), pytest.raises(ComposerefactorError, match="two rules"):
        checks()
