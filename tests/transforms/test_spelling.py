"""Misspelt keys: those with one obvious meaning, and those without."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.transforms.fix_schema import edit_distance, nearest_key

MEANT = {
    "depends": "depends_on",
    "dependsOn": "depends_on",
    "environments": "environment",
    "env": "environment",
    "env-file": "env_file",
    "port": "ports",
    "Image": "image",
    "netwroks": "networks",
    "healtcheck": "healthcheck",
    "containername": "container_name",
    "restrat": "restart",
    "comand": "command",
}


@pytest.mark.parametrize(("word", "meant"), MEANT.items())
def test_meant(word: str, meant: str) -> None:
    assert nearest_key(word, SERVICE_ORDER) == meant


@pytest.mark.parametrize("word", ["purpose", "foo", "x", "owner", "dn", "cap"])
def test_nothing_is_near(word: str) -> None:
    assert nearest_key(word, SERVICE_ORDER) is None


def test_two_as_near_are_none() -> None:
    assert nearest_key("cap_dadd", {"cap_add", "cap_dad"}) is None


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_the_distance_is_one(a: str, b: str) -> None:
    assert edit_distance(a, a) == 0
    assert edit_distance(a, b) == edit_distance(b, a) <= max(len(a), len(b))
    assert edit_distance(a, f"{a}x") == 1
