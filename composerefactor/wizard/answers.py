"""Answers as a file: a list of questions, by id, with what was answered.

::

    - goals: [split]
    - layout: accept
    - preview: all
    - finish: write

``- back`` takes the answer before it away.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from composerefactor.errors import InputError, Location, UsageError
from composerefactor.source import Source
from composerefactor.wizard.questions import Answer, Failure, Fill, Question
from composerefactor.wizard.session import Given, Session
from composerefactor.yamltree import nodes as yaml
from composerefactor.yamltree.build import parse
from composerefactor.yamltree.values import to_python

BACK = "back"
_LAST_SHORT = 0xFFFF  # what four digits can say


class Written(Struct, frozen=True):
    """An answer as it is written at *location*; *question* is ``back`` for a step back."""

    question: str
    answer: Answer
    location: Location


def read_answers(path: str, data: bytes) -> list[Written]:
    """Return the answers in *data*, YAML or JSON.

    Raises InputError, with the line, for anything but a list of single questions and answers.
    """
    source = Source.decode(path, data)
    tree = parse(source)
    root = None if tree.root is None else yaml.resolve(tree.root)
    if not isinstance(root, yaml.Sequence):
        raise InputError(
            "a list of answers is needed",
            location=Location(path),
            remedy="write one a line, as `- goals: [split]`",
        )
    return [_read(item, source) for item in root.items]


def _read(item: yaml.Node, source: Source) -> Written:
    location = source.location(item.outer_start)
    value = to_python(yaml.resolve(item), source)
    if value == BACK:
        return Written(BACK, "", location)
    if isinstance(value, dict) and len(value) == 1:
        ((question, answer),) = value.items()
        if isinstance(answer, list):
            return Written(str(question), tuple(map(_text, answer)), location)
        if not isinstance(answer, dict):
            return Written(str(question), _text(answer), location)
    raise InputError(
        "one question and its answer are needed",
        location=location,
        remedy="write them as `- goals: [split]`",
    )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def answers_text(given: Sequence[Given]) -> str:
    """Return *given* as a file that :func:`read_answers` reads."""
    return "".join(f"- {_quoted(question)}: {_shown(answer)}\n" for question, answer in given)


def _shown(answer: Answer) -> str:
    return _quoted(answer) if isinstance(answer, str) else f"[{', '.join(map(_quoted, answer))}]"


def _quoted(text: str) -> str:
    """Return *text* in double quotes, in ASCII: any reader takes it for what it is."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character.isascii() and character.isprintable() and character not in '"\\':
        return character
    number = ord(character)
    return f"\\u{number:04x}" if number <= _LAST_SHORT else f"\\U{number:08x}"


def replay(session: Session, answers: Sequence[Written]) -> int:
    """Answer the questions of *session* in order, and return its exit code.

    Raises InputError for an answer that does not fit, UsageError where one is missing, and what the
    work between the questions fails with.
    """
    for each in answers:
        question = session.question
        if isinstance(question, Failure) and question.error and each.question != BACK:
            raise question.error
        if each.question == BACK and session.can_go_back:
            session.back()
            continue
        asked = question.id if question is not None else "nothing"
        if question is None or each.question != asked:
            raise InputError(
                f"an answer to {each.question!r}, where the wizard asks {asked!r}",
                location=each.location,
                remedy=_remedy(question),
            )
        try:
            session.answer(each.answer)
        except ValueError as error:
            raise InputError(f"{asked}: {error}", location=each.location) from None
    question = session.question
    if isinstance(question, Failure) and question.error:
        raise question.error
    if question is not None:
        raise UsageError(
            f"the answers end where the wizard asks {question.id!r}: {question.text}",
            remedy=_remedy(question),
        )
    return session.result


def _remedy(question: Question | None) -> str:
    if question is None:
        return "leave it out"
    if isinstance(question, Fill):
        return f"add `- {question.id}: {question.default}`"
    values = ", ".join(option.value for option in question.options)
    return f"add `- {question.id}:` with {values}"
