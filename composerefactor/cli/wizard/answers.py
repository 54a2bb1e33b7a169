"""Answers as a file: a list of questions, by id, with what was answered.

::

    - goals: [split]
    - layout: accept
    - preview: all
    - finish: write

``- back`` takes the answer before it away.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from composerefactor.cli.wizard.session import Answer, Failure, Fill, Given, Question, Session
from composerefactor.errors import ComposerefactorError, InputError, Location, UsageError
from composerefactor.workspace.state import project_directory
from composerefactor.yaml import nodes as yaml
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

BACK = "back"
_LAST_SHORT = 0xFFFF  # what four digits can say


class SavedAnswer(Struct, frozen=True):
    """An answer as it is written at *location*; *question* is ``back`` for a step back."""

    question: str
    answer: Answer
    location: Location


def read_answers(path: str, data: bytes) -> list[SavedAnswer]:
    """Return the answers in *data*, YAML or JSON.

    Raises InputError, with the line, for anything but a list of single questions and answers.
    """
    source = Source.decode(path, data)
    tree = parse(source)
    root = None if tree.root is None else yaml.resolve(tree.root)
    if not isinstance(root, yaml.SequenceNode):
        raise InputError(
            "a list of answers is needed",
            location=Location(path),
            remedy="write one a line, as `- goals: [split]`",
        )
    return [_read(item, source) for item in root.items]


def _read(item: yaml.Node, source: Source) -> SavedAnswer:
    location = source.location(item.outer_start)
    value = to_python(yaml.resolve(item), source)
    if value == BACK:
        return SavedAnswer(BACK, "", location)
    if isinstance(value, dict) and len(value) == 1:
        ((question, answer),) = value.items()
        if isinstance(answer, list):
            return SavedAnswer(str(question), tuple(map(_text, answer)), location)
        if not isinstance(answer, dict):
            return SavedAnswer(str(question), _text(answer), location)
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


def replay(session: Session, answers: Sequence[SavedAnswer]) -> int:
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


_NAME = "wizard.yml"


class SavedAnswers:
    """The file of answers for the project at the resolved path *root*.

    It is a convenience: where it cannot be written or understood, there is none.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self) -> list[SavedAnswer]:
        """Return the answers that were kept, none if there are none."""
        with suppress(OSError, ComposerefactorError):
            return read_answers(_NAME, self._path.read_bytes())
        return []

    def keep(self, given: Sequence[Given]) -> None:
        """Keep *given*; nothing is kept of none."""
        with suppress(OSError, ComposerefactorError):
            if not given:
                self._path.unlink(missing_ok=True)
                return
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            with os.fdopen(os.open(self._path, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(answers_text(given))

    @property
    def _path(self) -> Path:
        return project_directory(self._root) / _NAME


def resume(session: Session, answers: Sequence[SavedAnswer]) -> int:
    """Answer what *session* asks as far as *answers* fit; return how many did."""
    for number, each in enumerate(answers):
        if (
            each.question == BACK
            or session.question is None
            or session.question.id != each.question
        ):
            return number
        try:
            session.answer(each.answer)
        except ValueError:
            return number
    return len(answers)
