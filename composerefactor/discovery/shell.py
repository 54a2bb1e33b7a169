"""From a script to its calls of Compose.

The three parts in order: the words of one call (:func:`compose_call`), the simple commands in a
text (:func:`split_commands`), and a pass over a script that follows the working directory and the
variables line by line (:func:`calls`).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.discovery.script import (
    CLOSE,
    NO_OFFSET,
    OPEN,
    Line,
    LocatedText,
    Script,
    Variables,
    joined,
    replaced,
    unknown,
)

_PROJECT_SUBCOMMANDS = (
    "attach build bridge commit config convert cp create down events exec export images kill "
    "logs pause port ps publish pull push restart rm run scale start stats stop top unpause up "
    "volumes wait watch"
)
SUBCOMMANDS = frozenset(_PROJECT_SUBCOMMANDS.split())
"""Subcommands that read the Compose files (Docker documentation, ``docker compose``)."""

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
_CONTAINER_CLIS = frozenset({"docker", "podman", "nerdctl", "docker.exe"})
_PROGRAM = r"(?:docker-compose(?:-v[12])?|podman-compose)(?:\.exe)?"
_UNKNOWN_PROGRAM = (
    rf"(?i){OPEN}(?:(?=\w{{0,40}}COMPOSE)(?!\w{{0,40}}(?:FILE|OPT|ARG|FLAG|DIR|PATH|ENV|PROFILE|PROJECT))\w{{1,40}}"
    rf"|D_?C){CLOSE}"
)
_ASSIGNMENT = r"[A-Za-z_][A-Za-z0-9_]{0,80}="


class ComposeCall(Struct, frozen=True):
    """One call of Compose, as written: paths are relative to the working directory.

    In a script that is read with offsets, the words are :class:`LocatedText`.

    Attributes:
        program: The program, such as ``docker compose``.
        subcommand: The subcommand, or ``""`` if it is unknown.
        files: The files of ``-f``, empty if there are none.
        env_files: The files of ``--env-file``.
        project_name: The name of ``-p``, or None.
        project_directory: The directory of ``--project-directory``, or None.
        profiles: The profiles of ``--profile``.
        environment: The variables that are set for this call.
        options_at: The offset after the program, where its options begin; None without offsets.
        first_file_at: The offset of the first option ``-f``; None without one or without offsets.
    """

    program: str
    subcommand: str = ""
    files: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    project_name: str | None = None
    project_directory: str | None = None
    profiles: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    options_at: int | None = None
    first_file_at: int | None = None

    @property
    def reads_project(self) -> bool:
        """Whether the subcommand reads the Compose files."""
        return self.subcommand in SUBCOMMANDS


def assignments(words: Sequence[str]) -> tuple[dict[str, str], int]:
    """Return the leading ``NAME=value`` words as a mapping, and their number."""
    variables: dict[str, str] = {}
    for count, word in enumerate(words):
        if not re.match(_ASSIGNMENT, word):
            return variables, count
        name, _, value = word.partition("=")
        variables[name] = value
    return variables, len(words)


def compose_call(words: Sequence[str]) -> ComposeCall | None:
    """Parse *words* as a call of Compose; None if they are none.

    Known forms are ``docker compose`` (with options between), ``docker-compose``,
    ``podman-compose``, ``podman compose``, and an unknown variable that is named after Compose:
    ``$(DOCKER_COMPOSE)``. Words before the program (``sudo``, ``env A=b``, ``exec``, ``time``)
    are skipped.
    """
    environment: dict[str, str] = {}
    for index, word in enumerate(words):
        if re.match(_ASSIGNMENT, word):
            name, _, value = word.partition("=")
            environment[name] = value
            continue
        program_and_start = _program(words, index)
        if program_and_start is not None:
            program, start = program_and_start
            return _options(program, words, start, environment)
    return None


def _program(words: Sequence[str], index: int) -> tuple[str, int] | None:
    """Return the Compose program at *index* and the index of its first argument, or None."""
    word = words[index].lstrip("@-+")
    name = posixpath.basename(word)
    if re.fullmatch(_PROGRAM, name) or re.fullmatch(_UNKNOWN_PROGRAM, word):
        known = "podman-compose" if name.startswith("podman") else "docker-compose"
        return (known if name == word or "/" in word else "docker compose"), index + 1
    if name not in _CONTAINER_CLIS:
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
    first_file_at: int | None = None
    # A quoted "$OPTIONS", by mistake or for eval, is several words.
    rest = [part for word in words[start:] for part in _split_quoted_options(word)]
    subcommand = ""
    at = 0
    while at < len(rest):
        word = rest[at]
        at += 1
        if not word.startswith("-"):
            if word.startswith(OPEN) and word.endswith(CLOSE):
                continue  # Unknown options, or an unknown subcommand.
            subcommand = word
            break
        option, value = split_option(word)
        if option in _IGNORED_WITH_VALUE and value is None:
            at += 1
        if option not in _WITH_VALUE:
            continue
        if value is None:
            value = rest[at] if at < len(rest) else ""
            at += 1
        if value:
            given[_WITH_VALUE[option]].append(value)
        if first_file_at is None and _WITH_VALUE[option] == "file":
            first_file_at = _start(word)
    return ComposeCall(
        program=program,
        subcommand=subcommand,
        files=tuple(given["file"]),
        env_files=tuple(given["env"]),
        project_name=_last(given["name"]),
        project_directory=_last(given["directory"]),
        profiles=tuple(given["profile"]),
        environment=environment,
        options_at=_end(words[start - 1]),
        first_file_at=first_file_at,
    )


def _start(word: str) -> int | None:
    return word.start if isinstance(word, LocatedText) and word.start != NO_OFFSET else None


def _end(word: str) -> int | None:
    return word.end if isinstance(word, LocatedText) and word.end != NO_OFFSET else None


def split_option(word: str) -> tuple[str, str | None]:
    """Split ``--name=value``, ``-f=value`` and ``-fvalue``; the value is None if it is missing."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, value if equals else None
    if word[:2] in {"-f", "-p"} and len(word) > 2:  # noqa: PLR2004
        return word[:2], word[2:].removeprefix("=")
    return word, None


def _split_quoted_options(word: str) -> list[str]:
    return word.split() if word.startswith("-") and " " in word else [word]


def _last(values: Sequence[str]) -> str | None:
    return values[-1] if values else None


Scope = tuple[int, ...]
"""The subshells around a command, outermost first."""

_MAX_LEVEL = 4
_MAX_SCOPE = 8
_OPERATORS = frozenset(";&|\n")


class Command(Struct, frozen=True):
    """One simple command.

    Attributes:
        words: Its words without quotes; located where the text is, with the quotes in their span.
        scope: The subshells around it.
    """

    words: tuple[str, ...]
    scope: Scope = ()


def split_commands(text: str, scope: Scope = ()) -> tuple[list[Command], Scope]:
    """Split *text* into simple commands, in the order in which they are written.

    *scope* is the scope at the start of *text*; the scope at its end is returned with the commands.

    The text in ``$(...)`` and backquotes becomes commands of its own, one level deeper, and its
    output is an unknown value. Any text is accepted: an open quote ends with the text. The time is
    linear in the length of *text* for each level of substitution.
    """
    splitter = _Splitter(text, scope, 0)
    return list(splitter.split()), splitter.scope


class _Splitter:
    """Reads one text from left to right."""

    def __init__(self, text: str, scope: Scope, level: int) -> None:
        self.source = text
        self.is_located = isinstance(text, LocatedText)
        self.text = str(text)  # Without offsets, a single character is found faster.
        self.at = 0
        self.scope = scope[:_MAX_SCOPE]
        self.level = level
        self.words: list[str] = []
        self.word: list[str] | None = None
        self.word_start = 0
        self.spans: list[tuple[int, int]] = []
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
        """Return a new scope; it is unique, since offsets grow along the text."""
        last = self.scope[-1] if self.scope else 0
        return (*self.scope, last + self.at + 1)[:_MAX_SCOPE]

    def character(self, char: str) -> None:
        text, at = self.text, self.at
        if char == "\\" and at + 1 < len(text):
            self.add(text[at + 1], at, at + 2)
            self.at += 2
        elif char in "'\"":
            self.quoted(char)
        elif text.startswith("$(", at):
            self.substitution(at + 2, _closing_parenthesis(text, at + 2))
        elif char == "`":
            end = text.find("`", at + 1)
            self.substitution(at + 1, len(text) if end < 0 else end)
        else:
            self.add(char, at, at + 1)
            self.at += 1

    def quoted(self, quote: str) -> None:
        text = self.text
        self.add("", self.at, self.at)
        self.at += 1
        while self.at < len(text) and text[self.at] != quote:
            char = text[self.at]
            if quote == '"' and char == "\\" and self.at + 1 < len(text):
                self.add(text[self.at + 1], self.at, self.at + 2)
                self.at += 2
            elif quote == '"' and text.startswith("$(", self.at):
                self.substitution(self.at + 2, _closing_parenthesis(text, self.at + 2))
            else:
                self.add(char, self.at, self.at + 1)
                self.at += 1
        self.at += 1

    def array(self) -> None:
        """Read ``NAME=(a b)`` as the single word ``NAME=a b``."""
        end = _closing_parenthesis(self.text, self.at + 1)
        for at in range(self.at + 1, end):
            self.add(self.text[at], at, at + 1)
        self.at = end + 1

    def substitution(self, start: int, end: int) -> None:
        self.add(unknown("output"), self.at, end + 1)
        self.inner.append((self.source[start:end], self.opened()))
        self.at = end + 1

    def comment(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def add(self, text: str, start: int, end: int) -> None:
        """Add *text*, which is written at ``start:end``, to the word."""
        if self.word is None:
            self.word, self.word_start, self.spans = [], start, []
        self.word.append(text)
        if self.is_located:
            self.spans += [(start, end)] * len(text)

    def end_word(self) -> None:
        if self.word is None:
            return
        word, source, last = "".join(self.word), self.source, len(self.text) - 1
        if isinstance(source, LocatedText):
            starts = [source.starts[start] for start, _ in self.spans]
            ends = [source.ends[min(end - 1, last)] for _, end in self.spans]
            whole = source.starts[self.word_start], source.ends[min(self.at - 1, last)]
            word = LocatedText(word, starts, ends, whole)
        self.words.append(word)
        self.word = None

    def end_command(self) -> Iterator[Command]:
        self.end_word()
        for text, scope in self.inner:
            if self.level < _MAX_LEVEL:
                yield from _Splitter(text, scope, self.level + 1).split()
        if self.words:
            yield Command(tuple(self.words), self.scope)
        self.words, self.inner = [], []


def _closing_parenthesis(text: str, at: int) -> int:
    """Return the offset of the parenthesis that closes the one before *at*, or the text's end."""
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


_QUOTED_ARRAY = r"\"(\$\{[A-Za-z_][A-Za-z0-9_]{0,80}\[[@*]\]\})\""
_DECLARATIONS = frozenset({"export", "declare", "local", "readonly", "typeset", "set", "env"})
_COMPOSE_TEXT = r"(?i)compose|stack\s+deploy|bake"
_RELATED_PROGRAM = re.compile(r"(?:^|/)(?:docker|envsubst|kompose|g?make)$|MAKE")
_APPEND = r"^\s{0,80}([A-Za-z_][A-Za-z0-9_]{0,80})\+="
_MAX_NESTING = 3
_MAX_CALLS = 2_000
_KEYWORDS = frozenset({"if", "then", "else", "elif", "do", "while", "until", "!", "{", "}", "time"})


class ShellCall(Struct, frozen=True):
    """A command that may read Compose files, or may run such a command (``make -C``).

    Attributes:
        script: The script that contains it.
        line: The number of its line.
        words: Its words with variables replaced.
        moves: The arguments of ``cd`` before it.
        invocation: The call of Compose, or None if *words* are another program.
    """

    script: Script
    line: int
    words: tuple[str, ...]
    moves: tuple[str, ...]
    invocation: ComposeCall | None


def calls(script: Script, related: re.Pattern[str] = _RELATED_PROGRAM) -> list[ShellCall]:
    """Return the commands of *script* that may read Compose files, with variables replaced.

    Calls of Compose are among them, and commands with a program that *related* finds.
    """
    return _ScriptReader(script, related).run()


class _ScriptReader:
    """The state of one pass over a script."""

    def __init__(self, script: Script, related: re.Pattern[str]) -> None:
        self.script = script
        self.related = related
        self.variables = Variables(script.path.rpartition("/")[0] or ".", script.dialect)
        self.exported: set[str] = set(script.environment)
        for name, value in script.environment.items():
            self.variables.define(name, value)
        for name, values in script.variables.items():
            self.variables.assign(name, values)
        self.moves: dict[Scope, tuple[str, ...]] = {(): ()}
        self.scope: Scope = ()
        self.calls: list[ShellCall] = []
        self.kept: dict[str, int] = {}

    def run(self) -> list[ShellCall]:
        for line in self.script.lines:
            self.line(line)
            if len(self.calls) >= _MAX_CALLS:
                break
        for name, number in self.kept.items():
            # A command in a variable counts only if the variable is never used.
            if name not in self.variables.used:
                for value in self.variables.values(name):
                    self.text(value, number, _MAX_NESTING - 1)
        return self.calls

    def line(self, line: Line) -> None:
        text = replaced(_QUOTED_ARRAY, lambda match: match.group(1), line.text)
        scope = self.scope
        if match := re.match(_APPEND, text):
            for value in self.variables.expand(text[match.end() :]):
                for command in split_commands(value)[0][:1]:
                    self.variables.append(match.group(1), joined(" ", command.words))
            return
        for index, expanded in enumerate(self.variables.expand(text)):
            moves_before = dict(self.moves)
            simple_commands, end_scope = split_commands(expanded, scope)
            for command in simple_commands:
                self.command(command, line.number, 0)
            if index:
                self.moves = moves_before
            else:
                self.scope = end_scope

    def text(self, text: str, number: int, level: int) -> None:
        for command in split_commands(text, self.scope)[0]:
            self.command(command, number, level)

    def command(self, command: Command, number: int, level: int) -> None:
        words = _without_keywords(command.words)
        if not words:
            return
        given, count = assignments(words)
        if count == len(words):
            self.assign(given, number)
            return
        if words[0] in _DECLARATIONS and self.declare(words, number):
            return
        if words[count] in {"cd", "pushd", "popd", "Set-Location"}:
            self.move(command.scope, words[count:])
            return
        call = self.effective(compose_call(words))
        if call is not None or any(self.related.search(word) for word in words[:8]):
            moves = self.moved(command.scope)
            self.calls.append(ShellCall(self.script, number, words, moves, call))
        if level < _MAX_NESTING:
            for word in words:
                if " " in word and re.search(_COMPOSE_TEXT, word):
                    self.nested(word, command.scope, number, level + 1)

    def nested(self, text: str, scope: Scope, number: int, level: int) -> None:
        """Read a quoted argument as commands: ``sh -c "..."``, ``ssh host "..."``."""
        moves, inside = dict(self.moves), (*scope, -level)
        for command in split_commands(text, inside)[0]:
            self.command(command, number, level)
        self.moves = moves

    def assign(self, given: dict[str, str], number: int) -> None:
        for name, value in given.items():
            self.variables.assign(name, [value])
            if re.search(_COMPOSE_TEXT, value) and " " in value:
                self.kept.setdefault(name, number)

    def declare(self, words: Sequence[str], number: int) -> bool:
        """Read ``export NAME=value`` and the like; return False if a command follows."""
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
        """Return *call* with the ``COMPOSE_*`` variables that the script has exported."""
        if call is None:
            return None
        exported = {
            name: values[-1]
            for name in sorted(self.exported)
            if name.startswith("COMPOSE_") and (values := self.variables.values(name))
        }
        return replace(call, environment={**exported, **call.environment})

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


def _without_keywords(words: tuple[str, ...]) -> tuple[str, ...]:
    start = 0
    while start < len(words) and words[start].lstrip("@-+") in _KEYWORDS:
        start += 1
    kept = words[start:]
    if kept and kept[0][0:1] in {"@", "-", "+"}:
        kept = (kept[0].lstrip("@-+"), *kept[1:])
    return tuple(word for word in kept if word)


class WrittenWord(Struct, frozen=True):
    """A word as it is written: variables in it are marks, with the offsets of their references.

    Attributes:
        text: The word without quotes.
        name: The variable whose definition contains it, or ``""``.
    """

    text: LocatedText
    name: str


def written_words(script: Script) -> Iterator[WrittenWord]:
    """Yield the words of *script*, which is read with offsets, and of the values of its variables.

    A word in a word (``sh -c "..."``) comes before the one around it.
    """
    values = [
        *((name, value) for name, value in script.environment.items()),
        *((name, value) for name, each in script.variables.items() for value in each),
        *(("", line.text) for line in script.lines),
    ]
    nothing_known = Variables(dialect=script.dialect)
    for name, text in values:
        for expanded in nothing_known.expand(text):
            for command in split_commands(expanded)[0]:
                for word in command.words:
                    given, _ = assignments([word])
                    for variable, value in (given or {"": word}).items():
                        for each in _with_inner_words(value, _MAX_NESTING):
                            yield WrittenWord(each, name or variable)


def _with_inner_words(word: str, levels: int) -> Iterator[LocatedText]:
    if " " in word and levels:
        for command in split_commands(word)[0]:
            for inner in command.words:
                yield from _with_inner_words(inner, levels - 1)
    if isinstance(word, LocatedText):
        yield word
