"""Misspelt keys: what they obviously stand for, and what stands for nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.compose.attributes import SERVICE_KEYS
from composerefactor.transforms.fix_schema import distance, nearest

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
    assert nearest(word, SERVICE_KEYS) == meant


@pytest.mark.parametrize("word", ["purpose", "foo", "x", "owner", "dn", "cap"])
def test_nothing_is_near(word: str) -> None:
    assert nearest(word, SERVICE_KEYS) is None


def test_two_as_near_are_none() -> None:
    assert nearest("cap_dadd", {"cap_add", "cap_dad"}) is None


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_the_distance_is_one(a: str, b: str) -> None:
    assert distance(a, a) == 0
    assert distance(a, b) == distance(b, a) <= max(len(a), len(b))
    assert distance(a, f"{a}x") == 1
