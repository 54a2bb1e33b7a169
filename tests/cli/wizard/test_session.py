"""A session: answers, the way back, work that is done once, and what is behind a write."""

from __future__ import annotations

from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from composerefactor.cli.wizard.layout import TEXTS
from composerefactor.cli.wizard.session import (
    Choose,
    Context,
    Failure,
    Fill,
    Flow,
    Option,
    Pick,
    Session,
    worked,
)
from composerefactor.cli.wizard.work import Lay, Propose, Say, Work, WorkError, Write
from composerefactor.errors import RefusedError
from composerefactor.planning.opening import ProjectSelection
from composerefactor.planning.split_request import SplitRequest
from composerefactor.refactoring.modules.naming import LayoutOptions
from composerefactor.report.text import Style

HERE = ProjectSelection(Path("shop"))
PROPOSE = Propose(HERE, 0, SplitRequest())
YES_NO = (Option("yes", "Yes"), Option("no", "No"))


class Hands:
    """Notes what it is asked to do; what is in *failing* fails."""

    def __init__(self) -> None:
        self.done: list[Work] = []
        self.failing: set[Work] = set()

    def __call__(self, work: Work) -> object:
        self.done.append(work)
        return WorkError(RefusedError("no")) if work in self.failing else f"result {len(self.done)}"


@pytest.mark.parametrize("name", TEXTS)
def test_the_wizard_offers_every_value_of_an_option(name: str) -> None:
    kind = get_type_hints(LayoutOptions)[name]
    assert [option.value for option in TEXTS[name][1]] == list(get_args(kind))


def flow() -> Flow[int]:
    yield Say(("hello",))
    first = yield Choose("first", "?", YES_NO)
    found = yield PROPOSE
    yield Say((f"{first} {found}",))
    some = yield Pick("some", "?", YES_NO, least=1)
    yield Write(PROPOSE)
    text = yield Fill("text", "?", check=lambda text: "" if text else "empty")
    return len(some) + len(text)


def begin(hands: Hands, steps: object = flow) -> tuple[Session, list[str]]:
    said: list[str] = []
    return Session(steps, hands, lambda each: said.extend(each.lines)), said  # type: ignore[arg-type]


def test_answers_lead_from_question_to_question_and_to_the_end() -> None:
    hands = Hands()
    session, said = begin(hands)
    for name, answer in (("first", "no"), ("some", ("yes", "no")), ("text", "abc")):
        assert session.question is not None
        assert session.question.id == name
        session.answer(answer)
    assert session.question is None
    assert session.result == 5
    assert session.given == [("first", "no"), ("some", ("yes", "no")), ("text", "abc")]
    assert said == ["hello", "no result 1"]


def test_back_asks_again_without_working_or_speaking_again() -> None:
    hands = Hands()
    session, said = begin(hands)
    session.answer("no")
    session.back()
    assert session.question is not None
    assert session.question.id == "first"
    assert not session.can_go_back
    session.answer("yes")
    assert hands.done == [PROPOSE]
    assert said == ["hello", "no result 1", "yes result 1"]


def test_what_was_written_is_behind_and_is_not_written_twice() -> None:
    hands = Hands()
    session, _ = begin(hands)
    session.answer("no")
    session.answer(("yes",))
    assert not session.can_go_back
    with pytest.raises(ValueError, match="no way back"):
        session.back()
    session.answer("x")
    assert hands.done == [PROPOSE, Write(PROPOSE)]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (["maybe"], "one of yes, no"),
        (["no", ("maybe",)], "some of yes, no"),
        (["no", ()], "at least 1"),
        (["no", "yes"], "some of yes, no"),
        (["no", ("yes",), ""], "empty"),
    ],
)
def test_what_is_no_answer_is_refused(answers: list[str], words: str) -> None:
    session, _ = begin(Hands())
    for answer in answers[:-1]:
        session.answer(answer)
    with pytest.raises(ValueError, match=words):
        session.answer(answers[-1])
    assert session.question is not None


def test_work_that_fails_is_tried_again_after_going_back() -> None:
    hands = Hands()
    lay = Lay(HERE, 0, SplitRequest())
    hands.failing.add(lay)

    def steps() -> Flow[int]:
        yield Choose("first", "?", YES_NO)
        yield from worked(Context(HERE, Style()), lay)
        yield Choose("second", "?", YES_NO)
        return 0

    session, _ = begin(hands, steps)
    session.answer("yes")
    assert isinstance(session.question, Failure)
    session.back()
    hands.failing.clear()
    session.answer("yes")
    assert session.question is not None
    assert session.question.id == "second"
    assert hands.done == [lay, lay]
