from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.images.dockerfiles import exposed_ports, instructions, read_dockerfile

STAGES = """\
# syntax=docker/dockerfile:1
ARG NODE=20
ARG FLAVOUR
FROM node:${NODE}${FLAVOUR:+-$FLAVOUR} AS build
WORKDIR /app
ENV PORT=3000 NAME="a b" \\
    # a comment between
    OTHER='c'
RUN apt-get update && \\

    apt-get install -y curl
FROM scratch
COPY --from=build /app /app
EXPOSE 9000
from build as Final
ARG LEVEL=info
ENV PORT=$PORT LEVEL=${LEVEL}
EXPOSE ${PORT}/tcp 53/udp 9229
HEALTHCHECK --interval=5s --timeout=3s CMD ["curl", "-f", "http://localhost"]
CMD npm start
"""


def test_stages() -> None:
    file = read_dockerfile(STAGES)
    assert [(stage.base, stage.name) for stage in file.stages] == [
        ("node:${NODE}${FLAVOUR:+-$FLAVOUR}", "build"),
        ("scratch", ""),
        ("build", "Final"),
    ]
    assert file.arguments == {"NODE": "20", "FLAVOUR": None}


def test_chain_follows_stages() -> None:
    chain = read_dockerfile(STAGES).chain("", {"NODE": "22", "FLAVOUR": "alpine", "LEVEL": "warn"})
    assert chain is not None
    assert chain.base == "node:22-alpine"
    given = {"LEVEL": "warn"}
    assert chain.environment(given) == {
        "PORT": "3000",
        "NAME": "a b",
        "OTHER": "c",
        "LEVEL": "warn",
    }
    assert exposed_ports(chain, given) == ("3000", "9229")
    check = chain.last("HEALTHCHECK")
    assert check is not None
    assert check.flags == {"interval": "5s", "timeout": "3s"}
    assert check.text == 'CMD ["curl", "-f", "http://localhost"]'
    command = chain.last("CMD")
    assert command is not None
    assert command.command == ("/bin/sh", "-c", "npm start")
    assert any("apt-get install -y curl" in i.text for i in chain.instructions)


@pytest.mark.parametrize(
    ("target", "base"),
    [
        ("", "node:20"),
        ("final", "node:20"),
        ("BUILD", "node:20"),
        ("1", "scratch"),
        ("0", "node:20"),
    ],
)
def test_target(target: str, base: str) -> None:
    chain = read_dockerfile(STAGES).chain(target, {})
    assert chain is not None
    assert chain.base == base


@pytest.mark.parametrize("target", ["nothing", "3", "-1"])
def test_no_such_target(target: str) -> None:
    assert read_dockerfile(STAGES).chain(target, {}) is None


def test_heredocs_hold_no_instructions() -> None:
    text = (
        "FROM alpine\n"
        "RUN <<EOF\napk add curl\nFROM nothing\nEOF\n"
        "COPY <<-'A' <<\"B\" /etc/\nHEALTHCHECK NONE\n\tA\nEXPOSE 1\nB\n"
        "RUN cat <<< here\n"
        "EXPOSE 80\n"
    )
    names = [each.name for each in instructions(text)]
    assert names == ["FROM", "RUN", "COPY", "RUN", "EXPOSE"]
    run = next(each for each in instructions(text) if each.name == "RUN")
    assert run.heredoc == "apk add curl\nFROM nothing"
    assert [each.line for each in instructions(text)] == [1, 2, 6, 11, 12]


def test_escape_directive() -> None:
    text = "# escape=`\nFROM mcr.microsoft.com/windows `\n  AS base\nRUN dir c:\\\nEXPOSE 80\n"
    assert [(each.name, each.text) for each in instructions(text)] == [
        ("FROM", "mcr.microsoft.com/windows   AS base"),
        ("RUN", "dir c:\\"),
        ("EXPOSE", "80"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('CMD ["a", "b c"]', ("a", "b c")),
        ("CMD a b", ("/bin/sh", "-c", "a b")),
        ('CMD ["a", ]', ("/bin/sh", "-c", '["a", ]')),
        ("CMD [1]", ("/bin/sh", "-c", "[1]")),
        ("CMD []", ()),
        ("CMD", ()),
    ],
)
def test_command(text: str, words: tuple[str, ...]) -> None:
    assert next(instructions(text)).command == words


def test_old_env_form_and_crlf() -> None:
    chain = read_dockerfile('FROM a\r\nENV KEY "some value"\r\nCMD x\r\n').chain("", {})
    assert chain is not None
    assert chain.environment({}) == {"KEY": "some value"}


@given(st.text(alphabet="FROMRUN AScmd<E\\\n#=$\"'[]`\t-x1:", max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    file = read_dockerfile(text)
    for name in ("", "0", "x"):
        chain = file.chain(name, {})
        assert chain is None or exposed_ports(chain, {}) is not None
        if chain is not None:
            chain.environment({})
            assert all(each.command is not None for each in chain.instructions)
