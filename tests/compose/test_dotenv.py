"""The engine reads back exactly what was written to an env file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composerefactor.compose.dotenv import assignment
from support.engine import config

VALUES = st.text(
    st.one_of(
        st.sampled_from("aZ0$'\"\\ #{}=\n\t:;`!%&~n@/"),
        st.characters(min_codepoint=0x20, exclude_categories=("Cs", "Cc")),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.engine
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.lists(VALUES, min_size=40, max_size=80))
def test_the_engine_reads_what_was_written(engine: Path, tmp_path: Path, values: list[str]) -> None:
    lines = [assignment(f"V{n}", value) for n, value in enumerate(values)]
    assert None not in lines
    (tmp_path / ".env").write_text("\n".join(map(str, lines)) + "\n", encoding="utf-8", newline="")
    pairs = "".join(f"      V{n}: ${{V{n}:?missing}}\n" for n in range(len(values)))
    (tmp_path / "compose.yaml").write_text(
        f"services:\n  a:\n    image: a\n    environment:\n{pairs}", encoding="utf-8"
    )
    run = config(engine, tmp_path, "--format", "json")
    assert run.returncode == 0, run.stderr
    environment = json.loads(run.stdout)["services"]["a"]["environment"]
    found = [environment[f"V{n}"].replace("$$", "$") for n in range(len(values))]
    assert found == values


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("s3cret/+=@x", "A=s3cret/+=@x"),
        ("two words", "A='two words'"),
        ("a$b", "A='a$b'"),
        ("it's", 'A="it\'s"'),
        ("end\\", 'A="end\\\\"'),
        ("a # b", "A='a # b'"),
    ],
)
def test_quotes_only_where_they_are_needed(value: str, line: str) -> None:
    assert assignment("A", value) == line


def test_control_characters_cannot_be_written() -> None:
    assert assignment("A", "a\rb") is None
    assert assignment("A", "a\x00b") is None
