"""The words of one command to the Compose invocation that they are."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from composerefactor.entrypoints.variables import CLOSE, OPEN
from composerefactor.patterns import regex

_READING = (
    "attach build bridge commit config convert cp create down events exec export images kill "
    "logs pause port ps publish pull push restart rm run scale start stats stop top unpause up "
    "volumes wait watch"
)
SUBCOMMANDS = frozenset(_READING.split())
"""Subcommands that read the project's files (Docker documentation, ``docker compose``)."""

_WITH_VALUE = {
    "-f": "file",
    "--file": "file",
    "-p": "name",
    "--project-name": "name",
    "--env-file": "env",
    "--profile": "profile",
    "--project-directory": "directory",
    "--workdir": "directory",
}
_IGNORED = (
    "--ansi --progress --parallel -c --context -H --host --log-level -l --config --tlscacert "
    "--tlscert --tlskey --podman-args --podman-path --url --connection"
)
_IGNORED_WITH_VALUE = frozenset(_IGNORED.split())
_FRONTS = frozenset({"docker", "podman", "nerdctl", "docker.exe"})
_PROGRAM = regex(r"(?:docker-compose(?:-v[12])?|podman-compose)(?:\.exe)?")
_UNKNOWN_PROGRAM = regex(
    rf"{OPEN}(?:(?=\w{{0,40}}COMPOSE)(?!\w{{0,40}}(?:FILE|OPT|ARG|FLAG|DIR|PATH|ENV|PROFILE|PROJECT))\w{{1,40}}"
    rf"|D_?C){CLOSE}",
    re.IGNORECASE,
)
_ASSIGNMENT = regex(r"[A-Za-z_][A-Za-z0-9_]{0,80}=")


class Invocation(Struct, frozen=True):
    """One call of Compose, as written: paths are relative to where it runs.

    *files* is empty where no ``-f`` is given. *environment* holds the variables set for this call.
    """

    program: str
    subcommand: str = ""
    files: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    project_name: str | None = None
    project_directory: str | None = None
    profiles: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}

    @property
    def reads_project(self) -> bool:
        """True where the subcommand is one that reads the project's files."""
        return self.subcommand in SUBCOMMANDS


def assignments(words: Sequence[str]) -> tuple[dict[str, str], int]:
    """Return the leading ``NAME=value`` words, and how many words they are."""
    found: dict[str, str] = {}
    for count, word in enumerate(words):
        if not _ASSIGNMENT.match(word):
            return found, count
        name, _, value = word.partition("=")
        found[name] = value
    return found, len(words)


def invocation(words: Sequence[str]) -> Invocation | None:
    """Return the Compose call that *words* are, or None.

    Known forms: ``docker compose`` (with options between), ``docker-compose``, ``podman-compose``,
    ``podman compose``, and an unknown variable whose name says Compose: ``$(DOCKER_COMPOSE)``.
    Words before it (``sudo``, ``env A=b``, ``exec``, ``time``) are passed over.
    """
    environment: dict[str, str] = {}
    for index, word in enumerate(words):
        if _ASSIGNMENT.match(word):
            name, _, value = word.partition("=")
            environment[name] = value
            continue
        found = _program(words, index)
        if found is not None:
            program, start = found
            return _options(program, words, start, environment)
    return None


def _program(words: Sequence[str], index: int) -> tuple[str, int] | None:
    """Return the program at *index* and the index of its first argument."""
    word = words[index].lstrip("@-+")
    name = posixpath.basename(word)
    if _PROGRAM.fullmatch(name) or _UNKNOWN_PROGRAM.fullmatch(word):
        known = "podman-compose" if name.startswith("podman") else "docker-compose"
        return (known if name == word or "/" in word else "docker compose"), index + 1
    if name not in _FRONTS:
        return None
    at = index + 1
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in _IGNORED_WITH_VALUE else 1
    if at < len(words) and words[at] == "compose":
        return f"{name.removesuffix('.exe')} compose", at + 1
    return None


def _options(
    program: str, words: Sequence[str], start: int, environment: Mapping[str, str]
) -> Invocation:
    given: dict[str, list[str]] = {kind: [] for kind in _WITH_VALUE.values()}
    # "$OPTIONS" in quotes, as scripts have it by mistake or in eval, is several words.
    rest = [part for word in words[start:] for part in _parts(word)]
    subcommand = ""
    at = 0
    while at < len(rest):
        word = rest[at]
        at += 1
        if not word.startswith("-"):
            if word.startswith(OPEN) and word.endswith(CLOSE):
                continue  # unknown options, or an unknown subcommand
            subcommand = word
            break
        option, value = _option(word)
        if option in _IGNORED_WITH_VALUE and value is None:
            at += 1
        if option not in _WITH_VALUE:
            continue
        if value is None:
            value = rest[at] if at < len(rest) else ""
            at += 1
        if value:
            given[_WITH_VALUE[option]].append(value)
    return Invocation(
        program=program,
        subcommand=subcommand,
        files=tuple(given["file"]),
        env_files=tuple(given["env"]),
        project_name=_last(given["name"]),
        project_directory=_last(given["directory"]),
        profiles=tuple(given["profile"]),
        environment=environment,
    )


def _option(word: str) -> tuple[str, str | None]:
    """Split ``--name=value``, ``-f=value`` and ``-fvalue``; None where the value is not in it."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, value if equals else None
    if word[:2] in {"-f", "-p"} and len(word) > 2:  # noqa: PLR2004
        return word[:2], word[2:].removeprefix("=")
    return word, None


def _parts(word: str) -> list[str]:
    return word.split() if word.startswith("-") and " " in word else [word]


def _last(values: Sequence[str]) -> str | None:
    return values[-1] if values else None
