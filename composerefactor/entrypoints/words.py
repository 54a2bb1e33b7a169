"""Shell text to simple commands: quotes, operators and substitutions, without running anything."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from composerefactor.entrypoints.variables import unknown

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
