"""Dockerfiles as instructions and stages (Dockerfile reference of BuildKit).

There is a library for it, dockerfile-parse, but it knows no here-documents: each of their lines
would pass for an instruction.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from composerefactor.compose.interpolation import expand

_DIRECTIVE = re.compile(r"#\s*([A-Za-z]+)\s*=\s*(\S+)\s*")
_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)(?:\s+(.*))?", re.DOTALL)
_FLAG = re.compile(r"\s*--([a-z-]+)(?:=(\S*))?(?=\s|$)")
_HEREDOC = re.compile(r"(?<![<\w])\d*<<(-?)(['\"]?)([A-Za-z_][A-Za-z0-9_.]*)\2(?![<\w])")
_PAIR = re.compile(r"""([A-Za-z_][\w.]*)(?:=((?:"(?:\\.|[^"])*"|'[^']*'|\\.|[^\s"'\\])*))?""")
_TAKES_HEREDOC = frozenset({"RUN", "COPY", "ADD"})


class Instruction(Struct, frozen=True):
    """One instruction: *name* in capitals, its *flags*, and the text after them, lines joined.

    *heredoc* holds the lines of its here-documents.
    """

    name: str
    text: str
    line: int
    flags: Mapping[str, str] = {}
    heredoc: str = ""

    @property
    def words(self) -> tuple[str, ...] | None:
        """The words of the JSON form, or None for the shell form."""
        if not self.text.startswith("["):
            return None
        try:
            value: Any = json.loads(self.text)
        except ValueError:
            return None
        return tuple(value) if all(isinstance(word, str) for word in value) else None

    @property
    def command(self) -> tuple[str, ...]:
        """The words that are run; the shell form is run by ``/bin/sh -c``."""
        if not self.text:
            return ()
        return self.words if self.words is not None else ("/bin/sh", "-c", self.text)

    def pairs(self) -> Iterator[tuple[str, str | None]]:
        """Yield the names and values of ENV or ARG, as written but for quotes."""
        name, _, rest = self.text.partition(" ")
        if self.name == "ENV" and "=" not in name:
            yield name, rest.strip()
            return
        for match in _PAIR.finditer(self.text):
            value = match[2]
            yield match[1], None if value is None else re.sub(r"\\(.)|[\"']", r"\1", value)


class Stage(Struct, frozen=True):
    """One stage: *base* is the image or stage that FROM names, as written."""

    base: str
    name: str
    instructions: tuple[Instruction, ...]


class Dockerfile(Struct, frozen=True):
    """The *arguments* before the first FROM, with their defaults, and the stages."""

    arguments: Mapping[str, str | None]
    stages: tuple[Stage, ...]

    def stage(self, target: str = "") -> int | None:
        """Return the index of the stage *target*, the last one without; None if there is none."""
        if not target:
            return len(self.stages) - 1 if self.stages else None
        named = [i for i, s in enumerate(self.stages) if s.name.lower() == target.lower()]
        if named:
            return named[-1]
        is_index = target.isascii() and target.isdigit() and int(target) < len(self.stages)
        return int(target) if is_index else None

    def chain(self, target: str, arguments: Mapping[str, str | None]) -> Chain | None:
        """Return what the image of *target* is made of; *arguments* are given to the build.

        None where there is no such stage.
        """
        at = self.stage(target)
        if at is None:
            return None
        known = {name: value or "" for name, value in self.arguments.items()}
        known.update({k: v for k, v in arguments.items() if k in known and v is not None})
        stages: list[Stage] = []
        while True:
            stage = self.stages[at]
            stages.insert(0, stage)
            base = expand(stage.base, known)
            before = [i for i in range(at) if self.stages[i].name.lower() == base.lower()]
            if not base or not before:
                return Chain(base, tuple(i for s in stages for i in s.instructions))
            at = before[-1]


class Chain(Struct, frozen=True):
    """An image: *base* is the one it starts from, *instructions* are all that come after."""

    base: str
    instructions: tuple[Instruction, ...]

    def last(self, name: str) -> Instruction | None:
        """Return the last instruction *name*: the one that holds."""
        return next((i for i in reversed(self.instructions) if i.name == name), None)

    def variables(self, arguments: Mapping[str, str | None]) -> dict[str, str]:
        """Return the values of ENV and ARG at the end; *arguments* are given to the build."""
        found: dict[str, str] = {}
        for each in self.instructions:
            if each.name not in {"ENV", "ARG"}:
                continue
            for name, value in each.pairs():
                given = arguments.get(name) if each.name == "ARG" else None
                text = value if given is None else given
                if text is not None and (each.name == "ENV" or name not in found):
                    found[name] = expand(text, found)
        return found

    def environment(self, arguments: Mapping[str, str | None]) -> dict[str, str]:
        """Return what ENV sets for the container."""
        known = self.variables(arguments)
        names = {n for i in self.instructions if i.name == "ENV" for n, _ in i.pairs()}
        return {name: value for name, value in known.items() if name in names}


def read_dockerfile(text: str) -> Dockerfile:
    """Return what the Dockerfile *text* says; lines that are no instruction are left out."""
    arguments: dict[str, str | None] = {}
    stages: list[tuple[str, str, list[Instruction]]] = []
    for each in instructions(text):
        if each.name == "FROM":
            base, name = _from(each.text)
            stages.append((base, name, []))
        elif stages:
            stages[-1][2].append(each)
        elif each.name == "ARG":
            arguments.update(each.pairs())
    return Dockerfile(arguments, tuple(Stage(b, name, tuple(body)) for b, name, body in stages))


def _from(text: str) -> tuple[str, str]:
    """Return image and stage name of ``image [AS name]``."""
    match text.split():
        case [base, word, name, *_] if word.lower() == "as":
            return base, name
        case [base, *_]:
            return base, ""
        case _:
            return "", ""


def exposed(chain: Chain, arguments: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the TCP ports that EXPOSE names, in order."""
    known = chain.variables(arguments)
    ports = [
        port
        for each in chain.instructions
        if each.name == "EXPOSE"
        for port in expand(each.text, known).split()
        if not port.lower().endswith("/udp")
    ]
    return tuple(dict.fromkeys(port.partition("/")[0] for port in ports))


def instructions(text: str) -> Iterator[Instruction]:
    """Yield the instructions of the Dockerfile *text*, in order."""
    lines = text.removeprefix("\ufeff").splitlines()
    continues = re.compile(re.escape(_escape(lines)) + r"[ \t]*$")
    at = 0
    while at < len(lines):
        start = at
        joined, at = _joined(lines, at, continues)
        found = _INSTRUCTION.fullmatch(joined)
        if found is None:
            continue
        name, body = found[1].upper(), found[2] or ""
        heredoc, at = _heredocs(lines, at, body if name in _TAKES_HEREDOC else "")
        flags: dict[str, str] = {}
        while flag := _FLAG.match(body):
            flags[flag[1]] = flag[2] or ""
            body = body[flag.end() :]
        yield Instruction(name, body.strip(), start + 1, flags, heredoc)


def _joined(lines: list[str], at: int, continues: re.Pattern[str]) -> tuple[str, int]:
    """Return the instruction that begins at line *at*, lines joined, and where to go on.

    Comments and blank lines between continued lines are left out.
    """
    parts: list[str] = []
    while at < len(lines):
        line = lines[at]
        at += 1
        is_comment = line.lstrip().startswith("#")
        if parts and (is_comment or not line.strip()):
            continue
        goes_on = None if is_comment else continues.search(line)
        parts.append("" if is_comment else line[: goes_on.start()] if goes_on else line)
        if not goes_on:
            break
    return "".join(parts), at


def _heredocs(lines: list[str], at: int, body: str) -> tuple[str, int]:
    """Return the lines of the here-documents that *body* begins, and where to go on."""
    found: list[str] = []
    for dash, _, word in _HEREDOC.findall(body):
        while at < len(lines):
            line = lines[at].lstrip("\t") if dash else lines[at]
            at += 1
            if line == word:
                break
            found.append(line)
    return "\n".join(found), at


def _escape(lines: list[str]) -> str:
    """Return the character that continues a line: that of ``# escape=``, else a backslash."""
    for line in lines:
        found = _DIRECTIVE.fullmatch(line.strip())
        if found is None:
            break
        if found[1].lower() == "escape":
            return found[2]
    return "\\"


class IgnoreRules(Struct, frozen=True):
    """*patterns* are expressions for paths relative to the context; True takes a path back in."""

    patterns: tuple[tuple[re.Pattern[str], bool], ...]

    def leaves_out(self, path: str) -> bool:
        """Return whether *path* stays out of the build: the last pattern that fits decides."""
        out = False
        for pattern, takes_back in self.patterns:
            if pattern.fullmatch(path):
                out = not takes_back
        return out


def read_ignored(text: str) -> IgnoreRules:
    """Return what the ``.dockerignore`` *text* says; a pattern also stands for what is below it."""
    found = []
    for line in text.removeprefix("\ufeff").splitlines():
        written = line.strip()
        if not written or line.startswith("#"):
            continue
        takes_back = written.startswith("!")
        pattern = written.removeprefix("!").strip().strip("/").removeprefix("./")
        if pattern:
            found.append((re.compile(f"{_expression(pattern)}(?:/.*)?"), takes_back))
    return IgnoreRules(tuple(found))


def _expression(pattern: str) -> str:
    """Return *pattern*, Go's ``filepath.Match`` with ``**``, as a regular expression."""
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
