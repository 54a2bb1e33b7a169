"""What the wizard asks, as values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from composerefactor.errors import ComposerefactorError
from composerefactor.wording import some

Answer: TypeAlias = str | tuple[str, ...]
"""The value of one option, a text, or the values of several options."""

_MOST = 20
"""Values that an answer may have, named where it has none of them."""


class Option(Struct, frozen=True):
    """One answer to choose: *value* names it, *title* is what a person reads.

    *checked* is True where it is proposed, *group* the heading that it stands below. *about* says
    more while the cursor is on it.
    """

    value: str
    title: str
    checked: bool = False
    group: str = ""
    about: str = ""


class Choose(Struct, frozen=True):
    """Choose one of *options*; *default* is where the cursor begins.

    *id* names the question in saved answers, *body* is what is shown above it, of what does not fit
    the part with the line *at* first.
    """

    id: str
    text: str
    options: tuple[Option, ...]
    body: tuple[str, ...] = ()
    default: str = ""
    at: int = 0


class Pick(Struct, frozen=True):
    """Choose any number of *options*, but at least *least*."""

    id: str
    text: str
    options: tuple[Option, ...]
    body: tuple[str, ...] = ()
    least: int = 0


class Fill(Struct, frozen=True):
    """Write a text; *check* returns what is wrong with one, or ``""``."""

    id: str
    text: str
    default: str = ""
    body: tuple[str, ...] = ()
    check: Callable[[str], str] = lambda _: ""


class Failure(Choose, frozen=True):
    """Choose what to do after *error*, which going back may avoid."""

    error: ComposerefactorError | None = None


Question: TypeAlias = Choose | Pick | Fill


def objection(question: Question, answer: Answer) -> str:
    """Return why *answer* is none to *question*, or ``""``."""
    if isinstance(question, Fill):
        return question.check(answer) if isinstance(answer, str) else "a text is needed"
    values = [option.value for option in question.options]
    if isinstance(question, Choose):
        if isinstance(answer, str) and answer in values:
            return ""
        return f"one of {some(values, _MOST)} is needed"
    unknown = [one for one in answer if one not in values] if isinstance(answer, tuple) else ["?"]
    if unknown:
        return f"a list of some of {some(values, _MOST)} is needed"
    return "" if len(answer) >= question.least else f"at least {question.least} is needed"
