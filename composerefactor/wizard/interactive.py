"""A session with a person at the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from composerefactor.report.rows import counted
from composerefactor.wizard.answers import Written
from composerefactor.wizard.prompts import Back, Reply
from composerefactor.wizard.questions import Choose, Option, Question
from composerefactor.wizard.saved import SavedAnswers, resume
from composerefactor.wizard.session import Session
from composerefactor.wizard.work import Say

_AGAIN = "again"


class Asks(Protocol):
    """Whoever answers questions."""

    def ask(self, question: Question, *, can_go_back: bool) -> Reply:
        """Return the answer to *question*, or BACK."""
        ...

    def say(self, said: Say) -> None:
        """Show what *said* holds."""
        ...


def converse(session: Session, prompts: Asks, saved: SavedAnswers) -> int:
    """Ask until *session* ends, and return its exit code; answers are kept until then.

    What an earlier session has left is offered first. Raises KeyboardInterrupt for Ctrl-C.
    """
    earlier = saved.read()
    if earlier:
        _resumed(session, prompts, earlier)
    while session.question is not None:
        reply = prompts.ask(session.question, can_go_back=session.can_go_back)
        if isinstance(reply, Back):
            session.back()
        else:
            session.answer(reply)
        saved.keep([] if session.has_written else session.given)
    saved.keep([])
    return session.result


def _resumed(session: Session, prompts: Asks, earlier: Sequence[Written]) -> None:
    options = (
        Option("on", f"Go on there: {counted(len(earlier), 'answer')}, {_listed(earlier)}"),
        Option(_AGAIN, "Start again"),
    )
    question = Choose("resume", "The last session of this project was left open.", options)
    if prompts.ask(question, can_go_back=False) == "on":
        count = resume(session, earlier)
        if count < len(earlier):
            words = "the project is another one since: some answers are asked for again"
            prompts.say(Say((words,)))


def _listed(earlier: Sequence[Written]) -> str:
    most = 4
    names = [each.question for each in earlier[-most:]]
    return f"... {', '.join(names)}" if len(earlier) > most else ", ".join(names)
