"""Words know where they are written, and are the same words with and without offsets."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.discovery.command_files import makefile, reader_for
from composerefactor.discovery.script import (
    NO_OFFSET,
    Dialect,
    LocatedText,
    Script,
    joined,
    logical_lines,
    replaced,
)
from composerefactor.discovery.shell import calls, split_commands, written_words

FILE = "# x\nF='a b' docker compose -f \"$D/c.yml\" --file='d.yml' up\n"


def as_written(text: str, file: str) -> str:
    """Return what *file* has where the characters of *text* are written."""
    assert isinstance(text, LocatedText)
    return "".join(file[start] for start in text.starts if start != NO_OFFSET)


@pytest.mark.parametrize(
    ("part", "expected", "span"),
    [
        (LocatedText.of_file(" ab c ").strip(), "ab c", (1, 5)),
        (LocatedText.of_file("ab=c=d").partition("=")[2], "c=d", (3, 6)),
        (LocatedText.of_file("a b  a").split()[2], "a", (5, 6)),
        (LocatedText.of_file("a::a").split(":")[2], "a", (3, 4)),
        (LocatedText.of_file("\ufeffab")[2:], "b", (1, 2)),
        (LocatedText.of_file("xab").removeprefix("x").removesuffix("b"), "a", (1, 2)),
    ],
)
def test_parts_keep_their_offsets(part: str, expected: str, span: tuple[int, int]) -> None:
    assert isinstance(part, LocatedText)
    assert (part, (part.start, part.end)) == (expected, span)
    assert [*part.starts] == list(range(*span))


def test_replaced_text_ends_with_the_reference() -> None:
    value = LocatedText.of_file("value")[1:3]
    text = replaced(re.compile("X"), lambda _: value, LocatedText.of_file("0123X5"))
    assert isinstance(text, LocatedText)
    assert (text, text.starts, text.ends) == (
        "0123al5",
        [0, 1, 2, 3, 1, 2, 5],
        [1, 2, 3, 4, 5, 5, 6],
    )


def test_joined_text_has_offsets_where_its_parts_have_any() -> None:
    text = joined("-", ["a", LocatedText.of_file("b")])
    assert isinstance(text, LocatedText)
    assert (text, text.starts) == ("a-b", [NO_OFFSET, NO_OFFSET, 0])
    assert type(joined("-", ["a", "b"])) is str


def test_a_word_has_its_quotes_in_its_span() -> None:
    (command,), _ = split_commands(LocatedText.of_file(FILE))
    assert [FILE[word.start : word.end] for word in command.words] == [  # type: ignore[attr-defined]
        "F='a b'",
        "docker",
        "compose",
        "-f",
        '"$D/c.yml"',
        "--file='d.yml'",
        "up",
    ]


def test_a_call_knows_where_its_options_are() -> None:
    (call,) = calls(Script("run.sh", tuple(logical_lines(LocatedText.of_file(FILE)))))
    found = call.invocation
    assert found is not None
    assert (found.options_at, found.first_file_at) == (FILE.index(" -f"), FILE.index("-f"))
    assert [as_written(file[-5:], FILE) for file in found.files] == ["c.yml", "d.yml"]


def test_words_of_a_definition_have_the_name_of_the_variable() -> None:
    lines = tuple(logical_lines(LocatedText.of_file('A="-f a.yml"\nup $A ${B:-b.yml}\n')))
    variables = {"C": (LocatedText.of_file("-f c.yml"),)}
    found = {
        (word.name, word.text)
        for word in written_words(Script("x", lines, variables=variables, dialect=Dialect.MAKE))
    }
    assert {("A", "a.yml"), ("C", "c.yml"), ("", "b.yml")} <= found


_TOKENS = st.sampled_from(
    [
        *("docker compose ", "-f ", "a.yml", " up", "DC=", "$DC", "$(DC)", "DC += x\n", "{{DC}}"),
        *(
            "'",
            '"',
            "\\",
            "\n",
            "\n\t",
            "  ",
            "`",
            "$(",
            ")",
            "${X:-",
            "}",
            "$$",
            "sh -c ",
            "(",
            "#",
        ),
        *("cd x", " && ", "export ", "COMPOSE_FILE=", "run: |\n  ", "- ", "run: >-\n  ", "\r\n"),
        *(
            '{"scripts": {"up": "',
            '\\"',
            '"}}',
            "```sh\n",
            "```\n",
            "$ ",
            "\\\n",
            "é",
            "\ufeff",
            "^\n",
        ),
    ]
)
_PATHS = st.sampled_from(
    [
        *("run.sh", "run.bat", "Makefile", "justfile", "README.md", "Jenkinsfile", "package.json"),
        *(".github/workflows/x.yml", "Taskfile.yml", "x.service", "Procfile", ".env"),
        ".devcontainer/devcontainer.json",
    ]
)


@given(_PATHS, st.lists(_TOKENS, max_size=60).map("".join))
def test_offsets_change_no_call(path: str, text: str) -> None:
    reader = reader_for(path)
    assert reader is not None
    without, located = reader(path, text), reader(path, LocatedText.of_file(text))
    assert [call.words for script in located for call in calls(script)] == [
        call.words for script in without for call in calls(script)
    ]
    assert [call.invocation.files for s in located for call in calls(s) if call.invocation] == [
        call.invocation.files for s in without for call in calls(s) if call.invocation
    ]
    for script in located:
        for word in written_words(script):
            assert len(word.text) == len(word.text.starts) == len(word.text.ends)
            assert all(NO_OFFSET <= start < len(text) for start in word.text.starts)


def test_values_of_a_variable_do_not_double_with_each_append() -> None:
    (script,) = makefile("Makefile", "X = a\n" + "X += b\n" * 500 + "up:\n\tcompose $(X)\n")
    assert len(script.variables["X"]) < 100
