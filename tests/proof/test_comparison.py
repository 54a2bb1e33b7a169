"""Comparing outputs of Docker Compose, and describing differences without secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.compose.masking import GENERAL
from composerefactor.proof.comparison import Difference, compare, describe, hashes, parse_config
from composerefactor.proof.config_output import sections

KEYS = st.sampled_from(["a", "b", "image", "x-y", "command", "deploy"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "1", "true", "text"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def printed(value: dict[str, Any]) -> bytes:
    return "".join(f"{json.dumps(k)}: {json.dumps(v)}\n" for k, v in value.items()).encode()


def words(before: str, after: str) -> list[str]:
    return [describe(each) for each in compare(before.encode(), after.encode())]


@given(st.dictionaries(KEYS, VALUES, max_size=3), st.dictionaries(KEYS, VALUES, max_size=3))
def test_equal_is_equal_and_nothing_else_is(before: dict[str, Any], after: dict[str, Any]) -> None:
    def text(value: dict[str, Any]) -> str:
        kept = {k: v for k, v in value.items() if k in before or not k.startswith("x-")}
        return json.dumps(kept, sort_keys=True)

    assert bool(compare(printed(before), printed(after))) == (text(before) != text(after))


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 3)))
def test_lists_are_compared_in_order(before: list[int], after: list[int]) -> None:
    found = compare(printed({"a": before}), printed({"a": after}))
    assert bool(found) == (before != after)


def test_either_form_of_a_key_value_attribute() -> None:
    before = 'services:\n  a:\n    environment:\n      A: "1"\n      B: null\n'
    after = "services:\n  a:\n    environment:\n      - B\n      - A=1\n"
    assert words(before, after) == []
    assert words(before, after.replace("A=1", "A=2")) == [
        'service a: environment.A was "1", is "2"'
    ]


def test_a_list_that_is_none_stays_one() -> None:
    before = "services:\n  a:\n    provider:\n      options:\n        args: [a=1, b=2]\n"
    assert words(before, before.replace("a=1, b=2", "b=2, a=1"))


def test_either_form_of_a_port() -> None:
    short = "services:\n  x:\n    ports:\n    - 127.0.0.1:9091:9001\n"
    port = '{mode: ingress, host_ip: 127.0.0.1, target: %d, published: "9091", protocol: tcp}'
    long = f"services:\n  x:\n    ports:\n    - {port}\n"
    assert words(short, long % 9001) == []
    assert len(words(short, long % 9002)) == 1


def test_types_count() -> None:
    assert words("a: {b: true}\n", "a: {b: 1}\n") == ["a b was true, is 1"]
    assert words("a: {b: '1'}\n", "a: {b: 1}\n") == ['a b was "1", is 1']


def test_words() -> None:
    before = "services: {a: {image: x, ports: [1, 2]}, b: {}}\nvolumes: {v: {}}\n"
    after = "services: {a: {image: y, ports: [2], tty: true}}\nnetworks: {n: {}}\n"
    assert words(before, after) == [
        'service a: image was "x", is "y"',
        "service a: ports.0 was removed (it was 1)",
        "service a: tty was added: true",
        "service b was removed",
        "volume v was removed",
        "network n was added",
    ]


def test_text_before_the_output_is_dropped() -> None:
    warning = b'time="2024-01-01T00:00:00Z" level=warning msg="the: variable"\n'
    text = warning + b"name: p\nservices:\n  a: 1\n"
    assert list(sections(text)) == ["name", "services"]
    assert parse_config(text) == {"name": "p", "services": {"a": 1}}


def test_output_that_is_no_yaml_is_a_difference() -> None:
    assert compare(b"a: [1\n", b"a: 1\n") == [Difference(("a",), None, None)]


def test_hashes() -> None:
    assert hashes(b"a 12\nb.c 34\n\n") == {"a": "12", "b.c": "34"}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DB_PASSWORD", "hunter2", "***"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2", "***"),
        ("API_KEY", 12345, "***"),
        ("POSTGRES_PASSWORD_FILE", "/run/secrets/x", "/run/secrets/x"),
        ("DB_PASSWORD", "${DB_PASSWORD:?set it}", "${DB_PASSWORD:?set it}"),
        ("DB_PASSWORD", "${DB_PASSWORD:-hunter2}", "***"),
        ("URL", "amqp://me:hunter2@host/x", "amqp://***@host/x"),
        ("LEVEL", "info", "info"),
        ("command", ["x", "--requirepass", "hunter2", "-v"], ["x", "--requirepass", "***", "-v"]),
        ("command", "x --password=hunter2 -v", "x --password=*** -v"),
        ("command", "x --password hunter2 -v", "x --password *** -v"),
        ("environment", {"TOKEN": "t", "A": "b"}, {"TOKEN": "***", "A": "b"}),
        ("environment", ["TOKEN=t", "A=b"], ["TOKEN=***", "A=b"]),
        ("x", "ghp_" + "a" * 30, "***"),
    ],
)
def test_masking(name: str, value: Any, expected: Any) -> None:
    assert GENERAL.value(value, name) == expected


@given(st.text(max_size=200))
def test_masking_never_fails(text: str) -> None:
    GENERAL.text(text)


def test_a_word_of_a_command_is_masked_by_the_word_before() -> None:
    before = "services: {a: {command: [x, --password, hunter2]}}\n"
    [found] = words(before, before.replace("hunter2", "hunter3"))
    assert found == "service a: command.2 has a different value"
