"""Read env files; Docker Compose reads exactly the values that were written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composerefactor.compose.dotenv import assignment, assignments
from support.engine import config
from support.examples import examples

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
    max_examples=examples(6, 40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(values=st.lists(VALUES, min_size=40, max_size=80))
def test_docker_compose_reads_the_written_values(
    engine: Path, tmp_path: Path, values: list[str]
) -> None:
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
def test_quotes_only_if_necessary(value: str, line: str) -> None:
    assert assignment("A", value) == line


def test_control_characters_cannot_be_written() -> None:
    assert assignment("A", "a\rb") is None
    assert assignment("A", "a\x00b") is None


TEXT = """
# comment
A=1
export B = two words # comment
C="quoted # no comment" # comment
D='single'
E=a#b
F=
G: yaml
not an assignment
H="unclosed
"""


def test_assignments_of_a_text() -> None:
    assert [(a.name, a.value, a.line) for a in assignments(TEXT)] == [
        ("A", "1", 3),
        ("B", "two words", 4),
        ("C", "quoted # no comment", 5),
        ("D", "single", 6),
        ("E", "a#b", 7),
        ("F", "", 8),
        ("G", "yaml", 9),
        ("H", "unclosed", 11),
    ]
