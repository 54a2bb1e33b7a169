from __future__ import annotations

import json
import math
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.errors import InputError
from composerefactor.yaml.nodes import MappingNode
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import resolve_plain, to_python


def load(text: str) -> Any:
    source = Source("compose.yaml", text)
    root = parse(source).root
    assert root is not None
    return to_python(root, source)


# What the engine makes of an unquoted scalar (compared with it below), and its Python value.
PLAIN: list[tuple[str, Any]] = [
    ("yes", "yes"),
    ("on", "on"),
    ("Off", "Off"),
    ("y", "y"),
    ("true", True),
    ("True", True),
    ("FALSE", False),
    ("tRue", "tRue"),
    ("null", None),
    ("~", None),
    ("Null", None),
    ("nULL", "nULL"),
    ("012", 10),
    ("017", 15),
    ("08", 8.0),
    ("0o17", 15),
    ("-0o17", -15),
    ("0x1F", 31),
    ("0X1f", 31),
    ("-0x1F", -31),
    ("0xG", "0xG"),
    ("0b11", 3),
    ("-0b11", -3),
    ("0b12", "0b12"),
    ("0", 0),
    ("-0", -0.0),
    ("00", 0),
    ("+1", 1),
    ("-1", -1),
    ("--1", "--1"),
    ("1_000", 1000),
    ("_1", "_1"),
    ("1_", 1),
    ("1_000.5", 1000.5),
    ("1e3", 1000.0),
    ("1E3", 1000.0),
    ("1e+3", 1000.0),
    ("1.0", 1.0),
    ("1.", 1.0),
    ("1.10", 1.1),
    (".5", 0.5),
    ("+.5", 0.5),
    ("-.5", -0.5),
    (".", "."),
    (".5_0", 0.5),
    ("._5", "._5"),
    (".0x1p4", ".0x1p4"),
    (".1e400", ".1e400"),
    ("-0.0", -0.0),
    ("1000000.0", 1e6),
    ("10000000.0", 1e7),
    ("1e400", "1e400"),
    ("9223372036854775807", 2**63 - 1),
    ("18446744073709551615", 2**64 - 1),
    ("18446744073709551616", 1.8446744073709552e19),
    ("-9223372036854775808", -(2**63)),
    ("12:30", "12:30"),
    ("22:22", "22:22"),
    ("1.2.3", "1.2.3"),
    ("1m30s", "1m30s"),
    ("512m", "512m"),
    ("2001-01-01", datetime(2001, 1, 1, tzinfo=UTC)),
    ("2001-1-1", datetime(2001, 1, 1, tzinfo=UTC)),
    ("2001-02-30", "2001-02-30"),
    ("2001-01-01 10:20:30", datetime(2001, 1, 1, 10, 20, 30, tzinfo=UTC)),
    ("2001-01-01T10:20:30Z", datetime(2001, 1, 1, 10, 20, 30, tzinfo=UTC)),
    ("2001-01-01t10:20:30.5Z", datetime(2001, 1, 1, 10, 20, 30, 500000, tzinfo=UTC)),
    ("2001-01-01T10:20:30", "2001-01-01T10:20:30"),
    ("2001-01-01 10:20:30Z", "2001-01-01 10:20:30Z"),
    ("2001-01-01T10:20", "2001-01-01T10:20"),
    ("20010-01-01", "20010-01-01"),
    ("<<", "<<"),
    ("=", "="),
    ("a b", "a b"),
]
# The engine prints these as floats, which JSON or an environment cannot tell from text.
NOT_FINITE = [(".inf", math.inf), ("+.Inf", math.inf), ("-.INF", -math.inf)]


@pytest.mark.parametrize(("text", "expected"), PLAIN + NOT_FINITE)
def test_plain_scalar(text: str, expected: object) -> None:
    value = resolve_plain(text)
    assert value == expected
    assert type(value) is type(expected)


def test_not_a_number() -> None:
    assert math.isnan(float(str(resolve_plain(".NaN"))))


def as_environment(value: object) -> str | None:
    """Return how Docker Compose prints *value* as the value of an environment variable."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        fraction = f".{value.microsecond:06}".rstrip("0") if value.microsecond else ""
        return f"{value:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"
    if isinstance(value, float) and value.is_integer():
        if abs(value) < 1e6:
            return f"{value:.0f}"
        mantissa, exponent = f"{value:.16e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{exponent}"
    return str(value)


def resolve_with(engine: Path, folder: Path, texts: list[str]) -> list[str | None]:
    """Return how Docker Compose resolves *texts* as unquoted values of environment variables."""
    lines = ["      ONE: 1", *(f"      V{i}: {text}" for i, text in enumerate(texts))]
    file = folder / "compose.yaml"
    head = "services:\n  a:\n    image: i\n    environment:\n"
    file.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    done = subprocess.run(
        [engine, "-f", file, "config", "--format", "json"],
        capture_output=True,
        check=True,
        env={"HOME": str(folder)},
    )
    environment = json.loads(done.stdout)["services"]["a"]["environment"]
    if environment["ONE"] == 1:
        pytest.skip("this engine prints the values before they become text")  # v2.24.7
    return [environment[f"V{i}"] for i in range(len(texts))]


def test_docker_compose_agrees_on_plain_scalars(engine: Path, tmp_path: Path) -> None:
    texts = [
        text
        for text, value in PLAIN
        if not isinstance(value, datetime)  # an error from v2.29 to v2.40
        and text not in {"-0", "<<"}  # "0" before v5; as a value << makes the variable vanish
    ]
    ours = [as_environment(resolve_plain(text)) for text in texts]
    assert dict(zip(texts, resolve_with(engine, tmp_path, texts), strict=True)) == dict(
        zip(texts, ours, strict=True)
    )


def test_docker_compose_agrees_on_timestamps(engine: Path, tmp_path: Path) -> None:
    texts = [text for text, value in PLAIN if isinstance(value, datetime)]
    try:
        theirs = resolve_with(engine, tmp_path, texts)
    except subprocess.CalledProcessError as error:
        if b"time.Time" not in error.stderr:
            raise
        pytest.skip("this engine takes no timestamps")
    assert theirs == [as_environment(resolve_plain(text)) for text in texts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("! 12", "12"),
        ("!!int '3'", 3),
        ("!!float 3", 3.0),
        ("!!bool 'true'", True),
        ("!!null ''", None),
        ("!!binary aGk=", "hi"),
        ("!reset 12", 12),
        ("!override [12]", [12]),
        ("!reset null", None),
        ("|\n  1\n", "1\n"),
        ("", None),
        ("{}", {}),
        ("[]", []),
    ],
)
def test_value_under_a_key(text: str, expected: object) -> None:
    value = load(f"k: {text}\n")["k"]
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{8080: 1, yes: 2, ~: 3}", {"8080": 1, "yes": 2, "~": 3}),
        ("{a: &a {k: 1, l: 2}, b: {<<: *a, l: 3}}", {"k": 1, "l": 3}),
        ("{a: &a {k: 1, l: 2}, b: {l: 3, <<: *a}}", {"k": 1, "l": 3}),
        ("{a: &a {k: 1}, c: &c {k: 2, l: 2}, b: {<<: [*a, *c]}}", {"k": 1, "l": 2}),
        ("{a: &a [{k: 1}, {k: 2, m: 4}], b: {<<: *a}}", {"k": 1, "m": 4}),
        ("{a: &a {k: 1}, c: &c {<<: *a, l: 2}, b: {<<: *c}}", {"k": 1, "l": 2}),
        ("{a: &a {k: {x: 1}}, b: {<<: *a, k: {y: 2}}}", {"k": {"y": 2}}),
        ("{b: {<<: {k: 1}}}", {"k": 1}),
        ("{b: {<<: []}}", {}),
        ("{b: {'<<': {k: 1}}}", {"<<": {"k": 1}}),
        ("{b: {&a k: 1, *a : 2}}", None),
    ],
)
def test_merge_and_keys(text: str, expected: object) -> None:
    if expected is None:
        with pytest.raises(InputError, match="written twice"):
            load(text)
        return
    value = load(text)
    assert value.get("b", value) == expected


def test_aliases_return_the_same_object() -> None:
    value = load("a: &a {k: [1, 2]}\nb: *a\n")
    assert value["a"] is value["b"]


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ("a: &a\n  b: *a\n", "contains itself", 2),
        ("a: &a [*a]\n", "contains itself", 1),
        ("a: &a\n  <<: *a\n", "contains itself", 2),
        ("a:\n  <<: 3\n", "takes a mapping", 2),
        ("a:\n  <<:\n", "takes a mapping", 2),
        ("a:\n  <<: [{}, null]\n", "takes a mapping", 2),
        ("a:\n  ? [x]\n  : 1\n", "not a scalar", 2),
        ("a: 1\nb: !!bool yes\n", "not a valid !!bool", 2),
        ("b: !!int 3.0\n", "not a valid !!int", 1),
        ("b: !!binary '*'\n", "!!binary", 1),
    ],
)
def test_an_error_has_a_line(text: str, problem: str, line: int) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        load(text)
    assert caught.value.location is not None
    assert (caught.value.location.path, caught.value.location.line) == ("compose.yaml", line)


def test_an_error_without_a_source_has_no_location() -> None:
    root = parse(Source("compose.yaml", "a: !!int x\n")).root
    assert root is not None
    with pytest.raises(InputError, match="not a valid !!int") as caught:
        to_python(root)
    assert caught.value.location is None


@pytest.mark.parametrize("form", ["[{}]", "{{<<: [{}]}}", "{{k: [{}]}}"])
def test_alias_bomb_is_an_error(form: str) -> None:
    lines = ["a0: &a0 {x: 1}"]
    for i in range(1, 60):
        body = form.format(", ".join([f"*a{i - 1}"] * 9))
        lines.append(f"a{i}: &a{i} {body}")
    text = "\n".join(lines) + "\n"
    with pytest.raises(InputError, match="more than 1,000,000 values"):
        load(text)


def test_merge_bomb_is_an_error() -> None:
    keys = "\n".join(f"  k{i}: 1" for i in range(2000))
    merges = "\n".join(f"s{i}: {{<<: *a}}" for i in range(1000))
    with pytest.raises(InputError, match="more than 1,000,000 values"):
        load(f"a: &a\n{keys}\n{merges}\n")


def test_deep_chain_of_aliases_is_an_error() -> None:
    chain = "\n".join(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 1000))
    source = Source("compose.yaml", f"a0: &a0 []\n{chain}\n")
    root = parse(source).root
    assert isinstance(root, MappingNode)
    for node in (root, root.entries[-1].value):
        with pytest.raises(InputError, match="deeper than 200"):
            to_python(node, source)


@given(st.text("0123456789_+-.eExXbBoOaftnulTZ: ", max_size=12))
def test_any_plain_text_has_a_value(text: str) -> None:
    resolve_plain(text)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_json_is_read_as_json(value: object) -> None:
    assert load(json.dumps({"k": value}, ensure_ascii=False)) == {"k": value}
