"""Scripts to the calls in them: working directory and variables are followed line by line."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from composerefactor.discovery.script import CLOSE, OPEN, Line, Script, Variables, unknown

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
_PROGRAM = re.compile(r"(?:docker-compose(?:-v[12])?|podman-compose)(?:\.exe)?")
_UNKNOWN_PROGRAM = re.compile(
    rf"{OPEN}(?:(?=\w{{0,40}}COMPOSE)(?!\w{{0,40}}(?:FILE|OPT|ARG|FLAG|DIR|PATH|ENV|PROFILE|PROJECT))\w{{1,40}}"
    rf"|D_?C){CLOSE}",
    re.IGNORECASE,
)
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,80}=")


class ComposeCall(Struct, frozen=True):
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


def compose_call(words: Sequence[str]) -> ComposeCall | None:
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
) -> ComposeCall:
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
    return ComposeCall(
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


Scope = tuple[int, ...]
"""The subshells around a command, outermost first."""

_MAX_LEVEL = 4
_MAX_SCOPE = 8
_OPERATORS = frozenset(";&|\n")


class Command(Struct, frozen=True):
    """One simple command: its words without quotes; *scope* numbers the subshells around it."""

    words: tuple[str, ...]
    scope: Scope = ()


def commands(text: str, scope: Scope = ()) -> tuple[list[Command], Scope]:
    """Split *text* into simple commands, in the order in which they are written.

    *scope* is that at the start of *text*; the one at its end is returned with the commands.

    What ``$(...)`` and backquotes hold comes as commands of its own, one level deeper; in place of
    its output stands an unknown value. Any text is accepted: a quote that is not closed ends with
    the text. Linear in the length of *text* for each level of substitution.
    """
    splitter = _Splitter(text, scope, 0)
    return list(splitter.split()), splitter.scope


class _Splitter:
    """Reads one text from left to right."""

    def __init__(self, text: str, scope: Scope, level: int) -> None:
        self.text = text
        self.at = 0
        self.scope = scope[:_MAX_SCOPE]
        self.level = level
        self.words: list[str] = []
        self.word: list[str] | None = None
        self.inner: list[tuple[str, Scope]] = []

    def split(self) -> Iterator[Command]:
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in _OPERATORS:
                yield from self.end_command()
                self.at += 1
            elif char in "()":
                if char == "(" and self.word and self.word[-1].endswith("="):
                    self.array()
                    continue
                yield from self.end_command()
                self.scope = self.opened() if char == "(" else self.scope[:-1]
                self.at += 1
            elif char.isspace():
                self.end_word()
                self.at += 1
            elif char == "#" and self.word is None:
                self.comment()
            else:
                self.character(char)
        yield from self.end_command()

    def opened(self) -> Scope:
        """Return a scope that no other subshell has: places grow along the text."""
        last = self.scope[-1] if self.scope else 0
        return (*self.scope, last + self.at + 1)[:_MAX_SCOPE]

    def character(self, char: str) -> None:
        text, at = self.text, self.at
        if char == "\\" and at + 1 < len(text):
            self.add(text[at + 1])
            self.at += 2
        elif char in "'\"":
            self.quoted(char)
        elif text.startswith("$(", at):
            self.substitution(at + 2, _closing(text, at + 2))
        elif char == "`":
            end = text.find("`", at + 1)
            self.substitution(at + 1, len(text) if end < 0 else end)
        else:
            self.add(char)
            self.at += 1

    def quoted(self, quote: str) -> None:
        text = self.text
        self.at += 1
        self.add("")
        while self.at < len(text) and text[self.at] != quote:
            char = text[self.at]
            if quote == '"' and char == "\\" and self.at + 1 < len(text):
                self.add(text[self.at + 1])
                self.at += 2
            elif quote == '"' and text.startswith("$(", self.at):
                self.substitution(self.at + 2, _closing(text, self.at + 2))
            else:
                self.add(char)
                self.at += 1
        self.at += 1

    def array(self) -> None:
        """Take ``NAME=(a b)`` as the one word ``NAME=a b``."""
        end = _closing(self.text, self.at + 1)
        self.add(self.text[self.at + 1 : end])
        self.at = end + 1

    def substitution(self, start: int, end: int) -> None:
        self.add(unknown("output"))
        self.inner.append((self.text[start:end], self.opened()))
        self.at = end + 1

    def comment(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def add(self, text: str) -> None:
        if self.word is None:
            self.word = []
        self.word.append(text)

    def end_word(self) -> None:
        if self.word is not None:
            self.words.append("".join(self.word))
            self.word = None

    def end_command(self) -> Iterator[Command]:
        self.end_word()
        for text, scope in self.inner:
            if self.level < _MAX_LEVEL:
                yield from _Splitter(text, scope, self.level + 1).split()
        if self.words:
            yield Command(tuple(self.words), self.scope)
        self.words, self.inner = [], []


def _closing(text: str, at: int) -> int:
    """Return the place of the parenthesis that closes the one before *at*, or the text's end."""
    depth = 1
    while at < len(text):
        if text[at] == "(":
            depth += 1
        elif text[at] == ")":
            depth -= 1
            if not depth:
                return at
        at += 1
    return at


_QUOTED_ARRAY = re.compile(r"\"(\$\{[A-Za-z_][A-Za-z0-9_]{0,80}\[[@*]\]\})\"")
_DECLARES = frozenset({"export", "declare", "local", "readonly", "typeset", "set", "env"})
_NESTED = re.compile(r"compose|stack\s+deploy|bake", re.IGNORECASE)
_OTHER = re.compile(r"(?:^|/)(?:docker|kompose|g?make)$|MAKE")
_APPEND = re.compile(r"^\s{0,80}([A-Za-z_][A-Za-z0-9_]{0,80})\+=")
_NESTING = 3
_MAX_CALLS = 2_000


class ShellCall(Struct, frozen=True):
    """A command that may read Compose files, or that goes where such a command is (make).

    *moves* are the arguments of ``cd`` before it. *invocation* is None where *words* are no call
    of Compose itself.
    """

    script: Script
    line: int
    words: tuple[str, ...]
    moves: tuple[str, ...]
    invocation: ComposeCall | None


def calls(script: Script) -> list[ShellCall]:
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
        self.found: list[ShellCall] = []
        self.kept: dict[str, int] = {}

    def run(self) -> list[ShellCall]:
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
        call = self.effective(compose_call(words))
        if call is not None or any(_OTHER.search(word) for word in words[:8]):
            moves = self.moved(command.scope)
            self.found.append(ShellCall(self.script, number, words, moves, call))
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

    def effective(self, call: ComposeCall | None) -> ComposeCall | None:
        """Return *call* with what the script exported to it."""
        if call is None:
            return None
        exported = {
            name: values[-1]
            for name in sorted(self.exported)
            if name.startswith("COMPOSE_") and (values := self.variables.values(name))
        }
        return ComposeCall(
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
