"""Variables of a script, a Makefile or a CI file: where their values stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from composerefactor.moving.lines import Span, logical_end
from composerefactor.moving.words import (
    VARIABLE,
    Options,
    invocations,
    options,
    variable_name,
)
from composerefactor.patterns import regex

_DEFINITION = regex(
    r"(?:^[ \t]*(?:-[ \t]+)?|[;&|({][ \t]*|\b(?:then|else|do)[ \t]+)"
    r"(?:(?:export|local|readonly|override|declare(?:[ \t]+-\w+)?)[ \t]+)?"
    r"[\"']?([A-Za-z_]\w{0,80})[\"']?[ \t]{0,40}(?:\+=|\?=|:{0,2}=|:(?=[ \t]))[ \t]*",
    re.MULTILINE,
)
_NAMES_COMPOSE = regex(r"D_?C|\w*COMPOSE\w*", re.IGNORECASE)


class Definitions:
    """The values that *text* gives to variables; *appended* are those that add to another one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.appended: set[Span] = set()
        self._values: dict[str, list[Span]] = {}
        for match in _DEFINITION.finditer(text):
            value = Span(match.end(), logical_end(text, match.end()))
            self._values.setdefault(match.group(1), []).append(value)
            if "+=" in match.group():
                self.appended.add(value)

    def values(self, name: str) -> Sequence[Span]:
        """Return where the values of *name* stand."""
        return self._values.get(name, ())

    def reached(self, names: Iterable[str]) -> Iterator[Span]:
        """Yield the values of *names*, and of the variables in them, each once."""
        pending, seen = list(names), set[str]()
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            for value in self.values(name):
                yield value
                pending += names_in(self.text, value)

    def groups(self, value: Span) -> Iterator[Options]:
        """Yield the calls in a definition, and the options that it is."""
        line = self.text.rfind("\n", 0, value.start) + 1
        calls = invocations(self.text, value.start, value.end, self.is_program)
        yield from (call for call in calls if call.files)
        start = value.start
        while start < value.end and self.text[start] in "\"'( \t":
            start += 1
        if self.text.startswith("-", start):
            found = options(self.text, line, start, value.end, None)
            if found.files:
                yield found

    def is_program(self, name: str) -> bool:
        """Return whether the variable *name* holds a call of Compose, or is called as if.

        The call may begin with another such variable, as in ``PROD = $(COMPOSE) -f prod.yml``.
        """
        return self._is_program(name, frozenset())

    def _is_program(self, name: str, trail: frozenset[str]) -> bool:
        values, seen = self.values(name), trail | {name}

        def begins(other: str) -> bool:
            return other not in seen and self._is_program(other, seen)

        if any(invocations(self.text, v.start, v.end, begins) for v in values):
            return True
        return not values and _NAMES_COMPOSE.fullmatch(name) is not None

    def names_files(self, call: Options) -> bool:
        """Return whether the variables in *call* bring files."""
        names = [*call.variables, *([call.program] if call.program else [])]
        return any(any(self.groups(value)) for value in self.reached(names))


def names_in(text: str, span: Span) -> list[str]:
    """Return the variables that ``text[span]`` refers to."""
    return [variable_name(match) for match in VARIABLE.finditer(text, span.start, span.end)]
