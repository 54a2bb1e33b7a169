"""Scripts to the calls in them: working directory and variables are followed line by line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from composerefactor.entrypoints.commands import Invocation, assignments, invocation
from composerefactor.entrypoints.script import Line, Script
from composerefactor.entrypoints.variables import Variables
from composerefactor.entrypoints.words import Command, Scope, commands
from composerefactor.patterns import regex

_QUOTED_ARRAY = regex(r"\"(\$\{[A-Za-z_][A-Za-z0-9_]{0,80}\[[@*]\]\})\"")
_DECLARES = frozenset({"export", "declare", "local", "readonly", "typeset", "set", "env"})
_NESTED = regex(r"compose|stack\s+deploy|bake", re.IGNORECASE)
_OTHER = regex(r"(?:^|/)(?:docker|kompose|g?make)$|MAKE")
_APPEND = regex(r"^\s{0,80}([A-Za-z_][A-Za-z0-9_]{0,80})\+=")
_NESTING = 3
_MAX_CALLS = 2_000


class Call(Struct, frozen=True):
    """A command that may read Compose files, or that goes where such a command is (make).

    *moves* are the arguments of ``cd`` before it. *invocation* is None where *words* are no call
    of Compose itself.
    """

    script: Script
    line: int
    words: tuple[str, ...]
    moves: tuple[str, ...]
    invocation: Invocation | None


def calls(script: Script) -> list[Call]:
    """Return the commands of *script* that matter here, with variables replaced."""
    return _Shell(script).run()


class _Shell:
    """The state of one pass over a script."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.variables = Variables(script.path.rpartition("/")[0] or ".", script.dialect)
        self.exported: set[str] = set(script.environment)
        for name, value in script.environment.items():
            self.variables.define(name, value)
        for name, values in script.variables.items():
            self.variables.assign(name, values)
        self.moves: dict[Scope, tuple[str, ...]] = {(): ()}
        self.scope: Scope = ()
        self.found: list[Call] = []
        self.kept: dict[str, int] = {}

    def run(self) -> list[Call]:
        for line in self.script.lines:
            self.line(line)
            if len(self.found) >= _MAX_CALLS:
                break
        for name, number in self.kept.items():
            # A command that is kept in a variable counts by itself only where nothing uses it.
            if name not in self.variables.used:
                for value in self.variables.values(name):
                    self.text(value, number, _NESTING - 1)
        return self.found

    def line(self, line: Line) -> None:
        text = _QUOTED_ARRAY.sub(r"\1", line.text)
        scope = self.scope
        if match := _APPEND.match(text):
            for value in self.variables.expand(text[match.end() :]):
                for command in commands(value)[0][:1]:
                    self.variables.append(match.group(1), " ".join(command.words))
            return
        for index, expanded in enumerate(self.variables.expand(text)):
            before = dict(self.moves)
            found, end = commands(expanded, scope)
            for command in found:
                self.command(command, line.number, 0)
            if index:
                self.moves = before
            else:
                self.scope = end

    def text(self, text: str, number: int, level: int) -> None:
        for command in commands(text, self.scope)[0]:
            self.command(command, number, level)

    def command(self, command: Command, number: int, level: int) -> None:
        words = _without_keywords(command.words)
        if not words:
            return
        given, count = assignments(words)
        if count == len(words):
            self.assign(given, number)
            return
        if words[0] in _DECLARES and self.declare(words, number):
            return
        if words[count] in {"cd", "pushd", "popd", "Set-Location"}:
            self.move(command.scope, words[count:])
            return
        call = self.effective(invocation(words))
        if call is not None or any(_OTHER.search(word) for word in words[:8]):
            moves = self.moved(command.scope)
            self.found.append(Call(self.script, number, words, moves, call))
        if level < _NESTING:
            for word in words:
                if " " in word and _NESTED.search(word):
                    self.nested(word, command.scope, number, level + 1)

    def nested(self, text: str, scope: Scope, number: int, level: int) -> None:
        """Read a quoted argument as commands of its own: ``sh -c "..."``, ``ssh host "..."``."""
        moves, inside = dict(self.moves), (*scope, -level)
        for command in commands(text, inside)[0]:
            self.command(command, number, level)
        self.moves = moves

    def assign(self, given: dict[str, str], number: int) -> None:
        for name, value in given.items():
            self.variables.assign(name, [value])
            if _NESTED.search(value) and " " in value:
                self.kept.setdefault(name, number)

    def declare(self, words: Sequence[str], number: int) -> bool:
        """Take ``export NAME=value`` and its like; return False where a command follows."""
        rest = [word for word in words[1:] if not word.startswith("-")]
        given, count = assignments(rest)
        if words[0] == "env" and count < len(rest):
            return False
        self.assign(given, number)
        if words[0] == "export":
            self.exported.update(given)
            self.exported.update(rest[count:])
        return True

    def effective(self, call: Invocation | None) -> Invocation | None:
        """Return *call* with what the script exported to it."""
        if call is None:
            return None
        exported = {
            name: values[-1]
            for name in sorted(self.exported)
            if name.startswith("COMPOSE_") and (values := self.variables.values(name))
        }
        return Invocation(
            call.program,
            call.subcommand,
            call.files,
            call.env_files,
            call.project_name,
            call.project_directory,
            call.profiles,
            {**exported, **call.environment},
        )

    def move(self, scope: Scope, words: Sequence[str]) -> None:
        moves = self.moved(scope)
        targets = [word for word in words[1:] if not word.startswith("-")]
        if words[0] == "popd" or "-" in words[1:]:
            self.moves[scope] = moves[:-1]
        elif targets:
            self.moves[scope] = (*moves, targets[0])

    def moved(self, scope: Scope) -> tuple[str, ...]:
        while scope and scope not in self.moves:
            scope = scope[:-1]
        return self.moves.get(scope, ())


_KEYWORDS = frozenset({"if", "then", "else", "elif", "do", "while", "until", "!", "{", "}", "time"})


def _without_keywords(words: tuple[str, ...]) -> tuple[str, ...]:
    start = 0
    while start < len(words) and words[start].lstrip("@-+") in _KEYWORDS:
        start += 1
    kept = words[start:]
    if kept and kept[0][0:1] in {"@", "-", "+"}:
        kept = (kept[0].lstrip("@-+"), *kept[1:])
    return tuple(word for word in kept if word)
