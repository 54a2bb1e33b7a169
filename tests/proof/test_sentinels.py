"""Sentinels: of the default's kind, never the default, never each other's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.compose.interpolation import Variable
from composerefactor.proof.scenarios import (
    adjusted_values,
    merge_variables,
    sentinel,
    sentinel_sets,
)


@pytest.mark.parametrize(
    ("default", "expected"),
    [
        (None, "20007"),
        ("", "20007"),
        ("${OTHER}", "20007"),
        ("8080", "20007"),
        ("0.5", "20007.5"),
        ("true", "false"),
        ("False", "true"),
        ("512m", "20007m"),
        ("2GB", "20007GB"),
        ("30s", "20007s"),
        ("1m30s", "20007s"),
        ("127.0.0.1", "10.77.80.7"),
        ("./data", "./data/20007"),
        (".", "./20007"),
        ("/", "/20007"),
        ("../x/", "../x/20007"),
        ("info", "info-20007"),
    ],
)
def test_kinds(default: str | None, expected: str) -> None:
    assert sentinel(Variable("X", default), 20007) == expected


def test_a_name_can_say_that_it_is_a_path() -> None:
    assert sentinel(Variable("DATA_DIR"), 20007) == "/20007"


@given(st.lists(st.text(max_size=8), unique=True, min_size=1, max_size=8))
def test_none_is_the_default_or_another_s(defaults: list[str]) -> None:
    variables = {f"V{n}": Variable(f"V{n}", default) for n, default in enumerate(defaults)}
    [typed, *_] = sentinel_sets(variables)
    assert all(typed[name] != variables[name].default for name in variables)
    numbered = [value for value in typed.values() if value not in {"true", "false"}]
    words = {"yes", "no", "on", "off", "true", "false"}
    assert len(set(numbered) - words) == len([value for value in numbered if value not in words])


def test_one_variable_a_name_and_none_of_the_engine_s() -> None:
    found = merge_variables(
        [
            Variable("A"),
            Variable("A", "x"),
            Variable("A", required=True),
            Variable("COMPOSE_PROJECT_NAME"),
            Variable("PWD"),
        ]
    )
    assert found == {"A": Variable("A", "x", required=True)}


def test_values_that_an_error_shows_become_another_kind() -> None:
    values = {"A": "20001", "B": "20002"}
    assert adjusted_values(values, "undefined volume 20001") == {"A": "/20001", "B": "20002"}
    assert adjusted_values(values, "invalid boolean: 20002") == {"A": "20001", "B": "true"}
    assert adjusted_values({"A": "/20001"}, "invalid port /20001") == {"A": "true"}
    assert adjusted_values(values, "something else") is None
