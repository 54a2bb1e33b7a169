"""The interpolation parser, tested with tables, random text and Docker Compose."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.compose.interpolation import (
    Expression,
    Variable,
    expand,
    expressions,
    variables,
)

CASES = [
    ("plain", []),
    ("$A", [("A", "", None, 0)]),
    ("${A}", [("A", "", None, 0)]),
    ("$A$B", [("A", "", None, 0), ("B", "", None, 0)]),
    ("${A:-d}", [("A", ":-", "d", 0)]),
    ("${A-}", [("A", "-", "", 0)]),
    ("${A:?say}", [("A", ":?", "say", 0)]),
    ("${A+x}", [("A", "+", "x", 0)]),
    ("${A-B:-c}", [("A", "-", "B:-c", 0)]),
    ("${A:-${B:-c}}x", [("A", ":-", "${B:-c}", 0), ("B", ":-", "c", 1)]),
    ("${A:-a}-${B:-b}", [("A", ":-", "a", 0), ("B", ":-", "b", 0)]),
    ("$${A}", []),
    ("$$$A", [("A", "", None, 0)]),
    ("${A:-$$B}", [("A", ":-", "$$B", 0)]),
    ("$(cmd) $1 $ x", []),
    ("${A:-$(date)}", [("A", ":-", "$(date)", 0)]),
    ("${A:-{}", [("A", ":-", "{", 0)]),
    ("${A:-{}}x}", [("A", ":-", "{}}x", 0)]),
    ('${A:-{"k":1}}', [("A", ":-", '{"k":1}', 0)]),
    ("${1} ${} ${A ${A!} ${A:=d} ${A/x/y} ${A.B}", []),
    ("${A:-x\ny} ${B}", [("B", "", None, 0)]),
    ("\\$A", [("A", "", None, 0)]),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_expressions(text: str, expected: list[tuple[str, str, str | None, int]]) -> None:
    found = [(e.name, e.operator, e.argument, e.depth) for e in expressions(text)]
    assert found == expected


def test_variables_are_distinct() -> None:
    assert variables("${A:-1} $A ${A:-1} ${B:?} ${C:+x}") == [
        Variable("A", "1"),
        Variable("A"),
        Variable("B", required=True),
        Variable("C"),
    ]


@given(st.text(st.sampled_from("${}AB:-?+.!x\n 1"), max_size=60))
def test_spans_contain_their_expressions(text: str) -> None:
    end_of_outer = 0
    for expression in expressions(text):
        written = text[expression.start : expression.end]
        operator, argument = expression.operator, expression.argument
        braced = f"${{{expression.name}{operator}{argument or ''}}}"
        assert written in {braced, f"${expression.name}"}
        if expression.depth == 0:
            assert expression.start >= end_of_outer
            end_of_outer = expression.end
        else:
            assert expression.end <= end_of_outer


@given(
    st.recursive(
        st.sampled_from(["", "a", "$$", "$A", "/x-y"]),
        lambda inner: st.builds(
            lambda name, operator, argument: f"${{{name}{operator}{argument}}}",
            st.sampled_from(["A", "B_1"]),
            st.sampled_from([":-", "-", ":?", "?", ":+", "+"]),
            inner,
        ),
    )
)
def test_generated_expressions_are_found(text: str) -> None:
    assert sum(e.depth == 0 for e in expressions(text)) == text.startswith(("${", "$A"))


def test_deep_nesting_terminates() -> None:
    text = "${A:-" * 3000 + "}" * 3000
    assert len(expressions(text)) <= 3000
    assert expand(text, {}).startswith("${A:-")
    assert expand(text, {"A": "x"}) == "x"


def test_docker_compose_agrees(engine: Path, tmp_path: Path) -> None:
    texts = [text for text, found in CASES if found or "${1}" not in text]
    version = subprocess.run([engine, "version", "--short"], capture_output=True, check=True)
    is_old = version.stdout.lstrip(b"v").startswith(b"2.2")  # reads braces in a default differently
    accepted = [text for text in texts if "\n" not in text and not (is_old and ":-{" in text)]
    environment = {f"V{n}": text for n, text in enumerate(accepted)}
    values = {"A": "one", "B": "two"}
    (tmp_path / "compose.yaml").write_text(
        json.dumps({"name": "p", "services": {"s": {"image": "i", "environment": environment}}})
    )
    result = subprocess.run(
        [engine, "config", "--format", "json"],
        cwd=tmp_path,
        env=values,
        capture_output=True,
        check=True,
    )
    printed = json.loads(result.stdout)["services"]["s"]["environment"]
    for name, text in environment.items():
        assert printed[name] == substituted(text, values).replace("$", "$$"), text


def substituted(text: str, values: dict[str, str]) -> str:
    """Return *text* as Docker Compose should resolve it if all variables have a value."""
    out, at = "", 0
    for expression in expressions(text):
        if expression.depth == 0:
            out += text[at : expression.start].replace("$$", "$")
            out += value_of(expression, values)
            at = expression.end
    return out + text[at:].replace("$$", "$")


def value_of(expression: Expression, values: dict[str, str]) -> str:
    if "+" in expression.operator:
        return substituted(expression.argument or "", values)
    return values[expression.name]
