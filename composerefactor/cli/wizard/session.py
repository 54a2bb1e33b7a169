"""A session: the answers so far, the question that is open, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Literal, TypeAlias, TypeVar

from msgspec import Struct

from composerefactor.cli.wizard import screens
from composerefactor.cli.wizard.work import ProjectOptions, Request, Say, Work, WorkError, Write
from composerefactor.errors import ComposerefactorError, first_of
from composerefactor.planning.fixes import PlannedFix
from composerefactor.report.text import Style

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
        return f"one of {first_of(values, _MOST)} is needed"
    unknown = [one for one in answer if one not in values] if isinstance(answer, tuple) else ["?"]
    if unknown:
        return f"a list of some of {first_of(values, _MOST)} is needed"
    return "" if len(answer) >= question.least else f"at least {question.least} is needed"


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
        if isinstance(result, WorkError):
            return result  # another try may do better
        self._results[work] = result
        if isinstance(work, Write):
            self.has_written = True
            self.floor = len(self.given)
        return result


LEAVE = "leave"


class Context(Struct, frozen=True):
    """Where the project is, how lines are painted, and which engine was asked for."""

    where: ProjectOptions
    style: Style
    engine: str = "auto"
    stage: int = 0


class Outcome(Struct, frozen=True):
    """How a stage ended, and the *request* without *leave* that it came to.

    *ended* is ``nothing`` where there was nothing to do or nothing was taken, ``left`` where the
    user went away. *left* are changes that were left out, *stay* services that stay in place.
    """

    ended: Literal["written", "saved", "left", "nothing"]
    request: Request | None = None
    leave: frozenset[str] = frozenset()
    command: str = ""
    left: tuple[PlannedFix, ...] = ()
    stay: tuple[str, ...] = ()
    code: int = 0


class LeftError(Exception):
    """The user leaves; *code* is the exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def worked(context: Context, work: Work) -> Flow[Any]:
    """Yield *work* and return its result; what fails is shown, and the user goes back or leaves."""
    result = yield work
    if isinstance(result, WorkError):
        body = screens.error(result.error, context.style)
        options = (Option(LEAVE, "Leave; nothing more is written"),)
        yield Failure("failed", "What now?", options, body, error=result.error)
        raise LeftError(result.error.exit_code)
    return result


def needed(work: Work) -> Flow[Any]:
    """Yield *work* and return its result; raises what it fails with."""
    result = yield work
    if isinstance(result, WorkError):
        raise result.error
    return result
