from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.discovery.script import Line, Script
from composerefactor.discovery.shell import ComposeCall, calls, compose_call


def read(text: str) -> list[ComposeCall]:
    """Return the Compose calls in the shell text *text*."""
    lines = tuple(Line(n, line) for n, line in enumerate(text.split("\n"), start=1))
    found = calls(Script("run.sh", lines))
    return [call.invocation for call in found if call.invocation is not None]


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("docker compose up", ()),
        ("docker compose -f a.yml up -d", ("a.yml",)),
        ("docker compose --file a.yml --file=b.yml up", ("a.yml", "b.yml")),
        ("docker compose -fa.yml -f=b.yml up", ("a.yml", "b.yml")),
        ("docker-compose -f 'a b.yml' -f \"c.yml\" up", ("a b.yml", "c.yml")),
        ("/usr/bin/docker-compose -f a.yml ps", ("a.yml",)),
        ("docker --context remote compose -f a.yml up", ("a.yml",)),
        ("podman-compose -f a.yml up", ("a.yml",)),
        ("sudo -E env X=1 docker compose --ansi never -f a.yml up", ("a.yml",)),
        ("$(DOCKER_COMPOSE) -f a.yml up", ()),
        ("${COMPOSE} -f a.yml up", ("a.yml",)),
        ("$DC -f a.yml up", ("a.yml",)),
        ("docker compose up -f b.yml", ()),
        ("docker compose logs -f web", ()),
        ("if ! docker compose -f a.yml ps; then", ("a.yml",)),
        ("x=$(docker compose -f a.yml ps -q)", ("a.yml",)),
        ("x=`docker compose -f a.yml ps -q`", ("a.yml",)),
        ('ssh host "cd /srv && docker compose -f a.yml up"', ("a.yml",)),
        ("bash -c 'docker compose -f a.yml up'", ("a.yml",)),
        ("docker compose -f a.yml \\\n  -f b.yml up".replace("\\\n", ""), ("a.yml", "b.yml")),
    ],
)
def test_files(text: str, files: tuple[str, ...]) -> None:
    found = read(text)
    if text.startswith("$(DOCKER"):
        assert found == []  # a command substitution here; make reads it as a variable
    else:
        assert [one.files for one in found] == [files]


@pytest.mark.parametrize(
    "text",
    [
        "# docker compose -f a.yml up",
        "apt-get install docker-compose-plugin",
        "docker run compose",
        "docker build -f compose .",
        "echo done # docker compose up",
        "git clone https://example.org/docker-compose.git",
    ],
)
def test_no_call(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    "text", ["docker compose version", "docker-compose --help", "docker compose ls"]
)
def test_calls_that_read_no_project(text: str) -> None:
    assert [one.reads_project for one in read(text)] == [False]


def test_all_options() -> None:
    (found,) = read(
        "A=1 docker compose -p shop --project-directory .. --env-file .env.x --env-file=.env.y"
        " --profile a --profile=b -f a.yml run --rm web -f no.yml"
    )
    assert found == ComposeCall(
        program="docker compose",
        subcommand="run",
        files=("a.yml",),
        env_files=(".env.x", ".env.y"),
        project_name="shop",
        project_directory="..",
        profiles=("a", "b"),
        environment={"A": "1"},
    )


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("F='-f a.yml -f b.yml'\ndocker compose $F up", [("a.yml", "b.yml")]),
        ('F=(-f a.yml -f b.yml)\ndocker compose "${F[@]}" up', [("a.yml", "b.yml")]),
        (
            "F=(-f a.yml)\nF+=(-f b.yml)\ndocker compose ${F[@]} up",
            [("a.yml",), ("a.yml", "b.yml")],
        ),
        ('D="docker compose -f a.yml"\n$D up\n$D down', [("a.yml",), ("a.yml",)]),
        ('D="docker compose -f a.yml"', [("a.yml",)]),
        (
            'D="docker compose -f a.yml"\nif x; then\n  D="$D -f b.yml"\nfi\n$D up',
            [("a.yml",), ("a.yml", "b.yml")],
        ),
        ("if x; then F=a.yml; else F=b.yml; fi\ndocker compose -f $F up", [("a.yml",), ("b.yml",)]),
        ("local F=a.yml\ndocker compose -f $F up", [("a.yml",)]),
    ],
)
def test_variables(text: str, files: list[tuple[str, ...]]) -> None:
    assert sorted(one.files for one in read(text)) == files


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("COMPOSE_FILE=a.yml:b.yml docker compose up", "a.yml:b.yml"),
        ("export COMPOSE_FILE=a.yml\ndocker compose up", "a.yml"),
        ("COMPOSE_FILE=a.yml\nexport COMPOSE_FILE\ndocker compose up", "a.yml"),
        ("env COMPOSE_FILE=a.yml docker compose up", "a.yml"),
        ("COMPOSE_FILE=a.yml\ndocker compose up", None),
    ],
)
def test_compose_file(text: str, value: str | None) -> None:
    (found,) = read(text)
    assert found.environment.get("COMPOSE_FILE") == value


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        ("cd a && docker compose up", [("a",)]),
        ("cd a\ncd b\ndocker compose up", [("a", "b")]),
        ("cd a\ncd -\ndocker compose up", [()]),
        ("pushd a; docker compose up; popd; docker compose up", [("a",), ()]),
        ("(cd a && docker compose up)\ndocker compose up", [("a",), ()]),
        ("(cd a && docker compose up) && (cd b && docker compose up)", [("a",), ("b",)]),
        ("(\ncd a\ndocker compose up\n)\ndocker compose up", [("a",), ()]),
        ("sh -c 'cd a; docker compose up'\ndocker compose up", [("a",), ()]),
    ],
)
def test_directories(text: str, moves: list[tuple[str, ...]]) -> None:
    lines = tuple(Line(n, line) for n, line in enumerate(text.split("\n"), start=1))
    found = calls(Script("run.sh", lines))
    assert [call.moves for call in found if call.invocation] == moves


def test_no_words_are_no_call() -> None:
    assert compose_call(()) is None


_TOKENS = st.sampled_from(
    [
        *"$(){}[]'\"`\\;|&<>#=+-:?@*!~ \n\t",
        *("${", "$(", "$((", "${{", "}}", "docker", " compose ", "-f ", "a.yml", "X=", "cd ", "$X"),
        *(
            "export ",
            "${X:-",
            "$(dirname ",
            "$(cd $(dirname x)" + " " * 90,
            "X+=",
            "'''",
            "é",
            "\0",
            "\ue000",
            "\ue001",
            "\ue002",
        ),
    ]
)


@given(st.lists(_TOKENS, max_size=120).map("".join))
def test_any_text_ends_without_error(text: str) -> None:
    read(text)


@given(st.text(max_size=300))
def test_any_characters_end_without_error(text: str) -> None:
    read(f"docker compose -f {text}")


@pytest.mark.parametrize(
    "part",
    [
        "$(",
        "${X:-",
        "(",
        "'",
        "$X",
        "`",
        "{{",
        "$(dirname ",
        "$(cd $(dirname x)" + " " * 90,
        "A=",
    ],
)
def test_long_repetitions_end(part: str) -> None:
    read(part * 3_000)


def test_a_variable_that_doubles_itself_ends() -> None:
    read("X=$X$X\n" * 500)
