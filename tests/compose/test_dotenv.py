"""Read env files; Docker Compose reads exactly the values that were written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composerefactor.compose.dotenv import assignment, assignments, descriptions
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


WORD = st.text(st.sampled_from("aZ0-_./:@%+,=^~!*?&;<>()[]{}|"), min_size=1, max_size=6)
LINE = st.text(st.sampled_from("aZ0-_./:@%+,^~!*?&;<>()[]{}|"), min_size=1, max_size=6)
WORDS = st.lists(st.one_of(WORD, st.sampled_from(["#", "#x", "'", '"'])), min_size=1, max_size=4)
FORMS = st.one_of(
    WORDS.map(" ".join).filter(lambda text: text[0] not in "\"'#"),
    WORD.map(lambda text: f"{text}#{text}").filter(lambda text: text[0] != "#"),
    WORD.map(lambda text: f"{text} # a note"),
    st.lists(LINE, max_size=3).map(lambda lines: "'" + "\n".join(lines) + "'"),
    st.lists(LINE, max_size=3).map(lambda lines: '"' + "\n".join(lines) + '" # a note'),
    st.lists(WORD, max_size=3).map(lambda words: '"' + '\\"'.join(words) + '"'),
    st.lists(LINE, max_size=3).map(lambda lines: '"' + "\\n".join(lines) + '"'),
    st.just(""),
)
LINES = st.tuples(
    st.sampled_from(["", "", "export ", "  ", "\n", "# a comment\n"]),
    st.sampled_from(["=", "=", " = ", ": "]),
    FORMS,
)


@pytest.mark.engine
@settings(
    max_examples=examples(6, 40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(lines=st.lists(LINES, min_size=20, max_size=40))
def test_values_are_read_as_docker_compose_reads_them(
    engine: Path, tmp_path: Path, lines: list[tuple[str, str, str]]
) -> None:
    text = "".join(f"{a}V{n}{sign}{value}\n" for n, (a, sign, value) in enumerate(lines))
    (tmp_path / ".env").write_text(text, encoding="utf-8", newline="")
    (tmp_path / "compose.yaml").write_text("services:\n  a:\n    image: a\n")
    run = config(engine, tmp_path, "--environment")
    assert run.returncode == 0, run.stderr
    printed = re.split(r"\n(?=\w+=)", "\n" + run.stdout.removesuffix("\n"))
    expected = dict(pair.split("=", 1) for pair in printed if "=" in pair)
    assert {a.name: a.value for a in assignments(text)} == {
        name: value for name, value in expected.items() if re.fullmatch(r"V\d+", name)
    }


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
    assert all(TEXT[a.start :].startswith(a.value) for a in assignments(TEXT))


DESCRIBED = """
# Settings of the shop

# ==== Server ====
# =================
# Port on which the shop
# listens. Docker publishes it.
PORT=80

# Mail
HOST=shop
USER=shop
# Development: http://localhost
# OLD=1
URL=https://shop.example

# Secrets
# DO NOT SHARE
# Signs the tokens
# of users. Keep it.
JWT_SECRET=a

LOG=info # Level: info
# Database name
DB_NAME=shop
DB_USER=shop

# Used by db
# Not random, since db keeps it
DB_PASSWORD='a # b'  # Of the server
"""


def test_comments_describe_the_variable_below_them() -> None:
    assert descriptions("") == {}
    assert descriptions(DESCRIBED) == {
        "PORT": "Port on which the shop listens",
        "JWT_SECRET": "Signs the tokens of users",
        "LOG": "Level: info",
        "DB_NAME": "Database name",
        "DB_PASSWORD": "Of the server",
    }


def test_signs_in_values_end_no_assignment() -> None:
    text = "# The colour of the page\nCOLOR=foo#bar\n\n# DB_PASSWORD=don't-tell\nDB_HOST=db\n"
    assert descriptions(text) == {"COLOR": "The colour of the page"}


def test_a_sentence_above_two_variables_describes_both() -> None:
    sentence = "Signs the tokens of users"
    assert descriptions(f"# {sentence}\nKEY=a\nOLD=b\n# Mail\n") == {
        "KEY": sentence,
        "OLD": sentence,
    }
    assert descriptions(f"# {sentence}\nKEY=a\nOLD=b\nNEXT=c\n") == {}
