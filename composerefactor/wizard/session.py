"""A session: the answers so far, the question that is open, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeAlias, TypeVar

from composerefactor.wizard.questions import Answer, Choose, Fill, Pick, Question, objection
from composerefactor.wizard.work import Failed, Say, Work, Write

T = TypeVar("T")

Flow: TypeAlias = Generator["Question | Work | Say", Any, T]
"""Steps: questions and work go out, answers and results come in, at the end there is a value."""

Given: TypeAlias = tuple[str, Answer]
"""The id of a question, and its answer."""


class Session:
    """Drives a flow; *perform* does its work, *say* shows what it says.

    Going back means to take the last answer away and to follow the flow again with those that are
    left: what has been worked out is not worked out again. What was written is behind it.
    """

    def __init__(
        self,
        flow: Callable[[], Flow[int]],
        perform: Callable[[Work], Any],
        say: Callable[[Say], None],
    ) -> None:
        self._flow, self._perform, self._say = flow, perform, say
        self._results: dict[Work, Any] = {}
        self.given: list[Given] = []
        self.floor = 0
        self.question: Question | None = None
        self.result = 0
        self.has_written = False
        self._steps = flow()
        self._follow(None, quiet=False)

    @property
    def can_go_back(self) -> bool:
        """True where there is an answer to take away."""
        return len(self.given) > self.floor

    def answer(self, value: Answer) -> None:
        """Answer the open question; raises ValueError for what is no answer to it."""
        if self.question is None:
            raise ValueError("nothing is asked")
        wrong = objection(self.question, value)
        if wrong:
            raise ValueError(wrong)
        self.given.append((self.question.id, value))
        self._follow(value, quiet=False)

    def back(self) -> None:
        """Take the last answer away; its question is open again."""
        if not self.can_go_back:
            raise ValueError("there is no way back from here")
        self.given.pop()
        given, self.given = self.given, []
        self._steps = self._flow()
        self._follow(None, quiet=True)
        for entry in given:
            self.given.append(entry)
            self._follow(entry[1], quiet=True)

    def _follow(self, value: Any, *, quiet: bool) -> None:
        """Send *value* into the flow and work until it asks something or ends."""
        try:
            step = self._steps.send(value)
            while not isinstance(step, Choose | Pick | Fill):
                if isinstance(step, Say):
                    if not quiet:
                        self._say(step)
                    step = self._steps.send(None)
                else:
                    step = self._steps.send(self._done(step))
        except StopIteration as end:
            self.question, self.result = None, end.value
        else:
            self.question = step

    def _done(self, work: Work) -> Any:
        if work in self._results:
            return self._results[work]
        result = self._perform(work)
        if isinstance(result, Failed):
            return result  # another try may do better
        self._results[work] = result
        if isinstance(work, Write):
            self.has_written = True
            self.floor = len(self.given)
        return result
