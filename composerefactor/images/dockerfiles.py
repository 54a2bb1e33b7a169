"""Dockerfiles as instructions and stages, and ``.dockerignore`` as patterns.

The source of the rules is the Dockerfile reference of BuildKit. The library dockerfile-parse does
not support here-documents: it reads each of their lines as an instruction.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from composerefactor.compose.interpolation import expand
from composerefactor.compose.paths import path_from
from composerefactor.compose.project import Project
from composerefactor.compose.service_values import Build

_DIRECTIVE = r"#\s*([A-Za-z]+)\s*=\s*(\S+)\s*"
_INSTRUCTION = r"(?s)\s*([A-Za-z]+)(?:\s+(.*))?"
_FLAG = r"\s*--([a-z-]+)(?:=(\S*))?(?=\s|$)"
_HEREDOC = r"(?<![<\w])\d*<<(-?)(['\"]?)([A-Za-z_][A-Za-z0-9_.]*)\2(?![<\w])"
_PAIR = r"""([A-Za-z_][\w.]*)(?:=((?:"(?:\\.|[^"])*"|'[^']*'|\\.|[^\s"'\\])*))?"""
_TAKES_HEREDOC = frozenset({"RUN", "COPY", "ADD"})
_MAX_TEXT = 400_000


class Instruction(Struct, frozen=True):
    """One instruction of a Dockerfile.

    Attributes:
        name: The name in capitals.
        text: The text after the flags, with continued lines joined.
        line: The number of its first line.
        flags: The flags without ``--``, and their values.
        heredoc: The lines of its here-documents.
    """

    name: str
    text: str
    line: int
    flags: Mapping[str, str] = {}
    heredoc: str = ""

    @property
    def words(self) -> tuple[str, ...] | None:
        """The words of the exec form (a JSON array), or None for the shell form."""
        if not self.text.startswith("["):
            return None
        try:
            value: Any = json.loads(self.text)
        except (ValueError, RecursionError):
            return None
        return tuple(value) if all(isinstance(word, str) for word in value) else None

    @property
    def command(self) -> tuple[str, ...]:
        """The words of the command that runs: for the shell form, ``/bin/sh -c`` and the text."""
        if not self.text:
            return ()
        return self.words if self.words is not None else ("/bin/sh", "-c", self.text)

    def pairs(self) -> Iterator[tuple[str, str | None]]:
        """Yield the names and values of ENV or ARG, as written but without quotes."""
        name, _, rest = self.text.partition(" ")
        if self.name == "ENV" and "=" not in name:
            yield name, _unquoted(rest.strip())
            return
        for match in re.finditer(_PAIR, self.text):
            value = match[2]
            yield match[1], None if value is None else _unquoted(value)


WHOLE_CONTEXT = frozenset({".", "./", "/", "*"})
"""Sources of COPY that are all of the build context."""


def copied_paths(instruction: Instruction) -> tuple[str, ...]:
    """Return what COPY or ADD takes from the build context, and its target, as written.

    Empty for other instructions, and for what they take from another stage.
    """
    if instruction.name not in {"COPY", "ADD"} or "from" in instruction.flags:
        return ()
    return instruction.words or tuple(instruction.text.split())


def copied_sources(instruction: Instruction) -> tuple[str, ...]:
    """Return what COPY or ADD takes from the build context, as written; () for other stages."""
    return copied_paths(instruction)[:-1]


def _unquoted(value: str) -> str:
    """Return *value* as BuildKit reads it: without quotes and escapes, in both forms of ENV."""
    return re.sub(r"\\(.)|[\"']", r"\1", value)


class Stage(Struct, frozen=True):
    """One build stage.

    Attributes:
        base: The image or stage that FROM names, as written.
        name: The name of the stage, or ``""``.
        instructions: The instructions after FROM.
        line: The line of FROM.
    """

    base: str
    name: str
    instructions: tuple[Instruction, ...]
    line: int = 1


_PLATFORM = {
    **{f"{part}ARCH": "amd64" for part in ("BUILD", "TARGET")},
    **{f"{part}OS": "linux" for part in ("BUILD", "TARGET")},
    **{f"{part}PLATFORM": "linux/amd64" for part in ("BUILD", "TARGET")},
}
"""The arguments that BuildKit sets, on the most common platform: ``FROM build-$TARGETARCH``."""


class Dockerfile(Struct, frozen=True):
    """A Dockerfile.

    Attributes:
        arguments: The build arguments before the first FROM, and their defaults.
        stages: The build stages in order.
    """

    arguments: Mapping[str, str | None]
    stages: tuple[Stage, ...]

    def stage(self, target: str = "") -> int | None:
        """Return the index of the stage *target*, or of the last stage if *target* is ``""``.

        *target* is a name or a number. Returns None if there is no such stage.
        """
        if not target:
            return len(self.stages) - 1 if self.stages else None
        named = [i for i, s in enumerate(self.stages) if s.name.lower() == target.lower()]
        if named:
            return named[-1]
        is_index = target.isascii() and target.isdigit() and int(target) < len(self.stages)
        return int(target) if is_index else None

    def chain(self, target: str, arguments: Mapping[str, str | None]) -> Chain | None:
        """Return the base image and all instructions of the image of the stage *target*.

        *arguments* are the arguments of the build. Returns None if there is no such stage.
        """
        at = self.stage(target)
        if at is None:
            return None
        known = self.known_arguments(arguments)
        stages: list[Stage] = []
        while True:
            stage = self.stages[at]
            stages.insert(0, stage)
            base = expand(stage.base, known)
            before = [i for i in range(at) if self.stages[i].name.lower() == base.lower()]
            if not base or not before:
                return Chain(base, tuple(i for s in stages for i in s.instructions), stage.line)
            at = before[-1]

    def known_arguments(self, arguments: Mapping[str, str | None]) -> dict[str, str]:
        """Return the values that variables in a FROM have, with the *arguments* of the build."""
        known = {name: value or _PLATFORM.get(name, "") for name, value in self.arguments.items()}
        known.update({k: v for k, v in arguments.items() if k in known and v is not None})
        return _PLATFORM | known


class Chain(Struct, frozen=True):
    """The build of one image, with all stages that it is based on.

    Attributes:
        base: The base image of the first of these stages, with its variables replaced.
        instructions: The instructions of all these stages in order.
        line: The line of the FROM that names *base*.
    """

    base: str
    instructions: tuple[Instruction, ...]
    line: int = 1

    def last(self, name: str) -> Instruction | None:
        """Return the last instruction called *name*, which overrides earlier ones, or None."""
        return next((i for i in reversed(self.instructions) if i.name == name), None)

    def variables(self, arguments: Mapping[str, str | None]) -> dict[str, str]:
        """Return the values of ENV and ARG after the last instruction.

        *arguments* are the arguments of the build.
        """
        values: dict[str, str] = {}
        for instruction in self.instructions:
            if instruction.name not in {"ENV", "ARG"}:
                continue
            for name, value in instruction.pairs():
                given = arguments.get(name) if instruction.name == "ARG" else None
                text = value if given is None else given
                if text is not None and (instruction.name == "ENV" or name not in values):
                    values[name] = expand(text, values)
        return values

    def environment(self, arguments: Mapping[str, str | None]) -> dict[str, str]:
        """Return the environment that ENV sets for the container."""
        known = self.variables(arguments)
        names = {n for i in self.instructions if i.name == "ENV" for n, _ in i.pairs()}
        return {name: value for name, value in known.items() if name in names}


def context_reader(project: Project, build: Build) -> Callable[[str], str | None]:
    """Return a function that reads a text file of the build context, or None if it cannot."""

    def read(path: str) -> str | None:
        if build.directory is None:
            return None
        text = project.text(path_from(build.directory, path))
        return text if text is not None and len(text) <= _MAX_TEXT else None

    return read


def dockerfile_text(project: Project, build: Build) -> str | None:
    """Return the text of the Dockerfile of *build*, or None if it is not in the project."""
    if build.inline is not None:
        return build.inline
    return context_reader(project, build)(build.dockerfile)


def chain_of(project: Project, build: Build) -> Chain | None:
    """Return the build of the image of *build*; None if its Dockerfile or its stage is unknown."""
    text = dockerfile_text(project, build)
    return read_dockerfile(text).chain(build.target, build.arguments) if text else None


def read_dockerfile(text: str) -> Dockerfile:
    """Parse the Dockerfile *text*; lines that are not instructions are ignored."""
    arguments: dict[str, str | None] = {}
    stages: list[tuple[str, str, int, list[Instruction]]] = []
    for instruction in instructions(text):
        if instruction.name == "FROM":
            base, name = _parse_from(instruction.text)
            stages.append((base, name, instruction.line, []))
        elif stages:
            stages[-1][3].append(instruction)
        elif instruction.name == "ARG":
            arguments.update(instruction.pairs())
    return Dockerfile(
        arguments, tuple(Stage(base, name, tuple(body), line) for base, name, line, body in stages)
    )


def _parse_from(text: str) -> tuple[str, str]:
    """Return the image and the stage name of ``image [AS name]``."""
    match text.split():
        case [base, word, name, *_] if word.lower() == "as":
            return base, name
        case [base, *_]:
            return base, ""
        case _:
            return "", ""


def exposed_ports(chain: Chain, arguments: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the TCP ports of the EXPOSE instructions, in order and each once."""
    known = chain.variables(arguments)
    ports = [
        port
        for instruction in chain.instructions
        if instruction.name == "EXPOSE"
        for port in expand(instruction.text, known).split()
        if not port.lower().endswith("/udp")
    ]
    return tuple(dict.fromkeys(port.partition("/")[0] for port in ports))


def instructions(text: str) -> Iterator[Instruction]:
    """Yield the instructions of the Dockerfile *text*, in order."""
    lines = text.removeprefix("\ufeff").splitlines()
    continues = re.compile(re.escape(_escape_character(lines)) + r"[ \t]*$")
    at = 0
    while at < len(lines):
        start = at
        joined, at = _join_lines(lines, at, continues)
        instruction = re.fullmatch(_INSTRUCTION, joined)
        if instruction is None:
            continue
        name, body = instruction[1].upper(), instruction[2] or ""
        heredoc, at = _read_heredocs(lines, at, body if name in _TAKES_HEREDOC else "")
        flags: dict[str, str] = {}
        while flag := re.match(_FLAG, body):
            flags[flag[1]] = flag[2] or ""
            body = body[flag.end() :]
        yield Instruction(name, body.strip(), start + 1, flags, heredoc)


def _join_lines(lines: list[str], at: int, continues: re.Pattern[str]) -> tuple[str, int]:
    """Return the instruction that begins at line *at*, and the index of the following line.

    Continued lines are joined; comments and blank lines between them are dropped.
    """
    parts: list[str] = []
    while at < len(lines):
        line = lines[at]
        at += 1
        is_comment = line.lstrip().startswith("#")
        if parts and (is_comment or not line.strip()):
            continue
        continuation = None if is_comment else continues.search(line)
        parts.append("" if is_comment else line[: continuation.start()] if continuation else line)
        if not continuation:
            break
    return "".join(parts), at


def _read_heredocs(lines: list[str], at: int, body: str) -> tuple[str, int]:
    """Return the lines of the here-documents of *body*, and the index of the following line."""
    content: list[str] = []
    for dash, _, word in re.findall(_HEREDOC, body):
        while at < len(lines):
            line = lines[at].lstrip("\t") if dash else lines[at]
            at += 1
            if line == word:
                break
            content.append(line)
    return "\n".join(content), at


def _escape_character(lines: list[str]) -> str:
    """Return the character that continues a line: that of ``# escape=``, or a backslash."""
    for line in lines:
        directive = re.fullmatch(_DIRECTIVE, line.strip())
        if directive is None:
            break
        if directive[1].lower() == "escape":
            return directive[2]
    return "\\"


class IgnoreRules(Struct, frozen=True):
    """The rules of a ``.dockerignore``.

    Attributes:
        patterns: Regular expressions for paths relative to the context, in order, and whether
            each includes the paths again (``!`` in the file).
    """

    patterns: tuple[tuple[re.Pattern[str], bool], ...]

    def excludes(self, path: str) -> bool:
        """Return whether *path* is excluded from the context: the last match decides."""
        is_excluded = False
        for pattern, includes_again in self.patterns:
            if pattern.fullmatch(path):
                is_excluded = not includes_again
        return is_excluded


def read_dockerignore(text: str) -> IgnoreRules:
    """Parse the ``.dockerignore`` *text*; a pattern also matches everything below its path."""
    patterns = []
    for line in text.removeprefix("\ufeff").splitlines():
        rule = line.strip()
        if not rule or line.startswith("#"):
            continue
        includes_again = rule.startswith("!")
        pattern = rule.removeprefix("!").strip().strip("/").removeprefix("./")
        if pattern:
            patterns.append((re.compile(f"{_glob_to_regex(pattern)}(?:/.*)?"), includes_again))
    return IgnoreRules(tuple(patterns))


def _glob_to_regex(pattern: str) -> str:
    """Return *pattern* as a regular expression.

    The syntax is that of Go's ``filepath.Match``, and ``**`` for any directories.
    """
    parts = []
    for token in re.findall(r"\*\*/?|\*|\?|\[[^\]]*\]|\\.|.", pattern, re.DOTALL):
        match token:
            case "**/":
                parts.append("(?:.*/)?")
            case "**":
                parts.append(".*")
            case "*":
                parts.append("[^/]*")
            case "?":
                parts.append("[^/]")
            case _ if token.startswith("["):
                parts.append(token)
            case _:
                parts.append(re.escape(token.removeprefix("\\") if len(token) > 1 else token))
    return "".join(parts)
