"""A session: the answers so far, the open question, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Literal, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.cli.terminal import error_lines, place_of
from composerefactor.cli.wizard.work import Request, Say, Work, WorkError, Write
from composerefactor.errors import ComposerefactorError, first_of
from composerefactor.planning.fixes import PlannedFix
from composerefactor.planning.opening import ProjectSelection
from composerefactor.report.text import Style

Answer: TypeAlias = str | tuple[str, ...]
"""The value of one option, a text, or the values of several options."""

_MOST = 20
"""This many possible values are listed if an answer is not one of them."""


class Option(Struct, frozen=True):
    """One answer that can be chosen.

    Attributes:
        value: The name of the answer, as a file of answers has it.
        title: What the user reads.
        checked: True if it is selected at first.
        group: The heading above it.
        about: A description, shown while the cursor is on it.
        key: The letter that chooses it, ``""`` for none.
        is_risky: True if it can lose data; it is marked, and must not be the default.
    """

    value: str
    title: str
    checked: bool = False
    group: str = ""
    about: str = ""
    key: str = ""
    is_risky: bool = False


class Choose(Struct, frozen=True):
    """Choose one of several options.

    Attributes:
        id: The name of the question, as a file of answers has it.
        text: The question.
        options: The possible answers.
        body: The lines above the question.
        default: The value of the option on which the cursor starts.
        at: If *body* does not fit on the screen, the part with this line is shown first.
        step: The step of the session, such as ``2/5 Fixes``.
    """

    id: str
    text: str
    options: tuple[Option, ...]
    body: tuple[str, ...] = ()
    default: str = ""
    at: int = 0
    step: str = ""


class Pick(Struct, frozen=True):
    """Choose any number of *options*, but at least *least*; see :class:`Choose`."""

    id: str
    text: str
    options: tuple[Option, ...]
    body: tuple[str, ...] = ()
    least: int = 0
    step: str = ""


class Fill(Struct, frozen=True):
    """Type a text; *check* returns what is wrong with it, or ``""``."""

    id: str
    text: str
    default: str = ""
    check: Callable[[str], str] = lambda _: ""


class Failure(Choose, frozen=True):
    """Choose what to do after *error*; going back may avoid it."""

    error: ComposerefactorError | None = None


Question: TypeAlias = Choose | Pick | Fill


def objection(question: Question, answer: Answer) -> str:
    """Return why *answer* is not valid for *question*, or ``""``."""
    if isinstance(question, Fill):
        return question.check(answer) if isinstance(answer, str) else "a text is needed"
    values = [option.value for option in question.options]
    if isinstance(question, Choose):
        if isinstance(answer, str) and answer in values:
            return ""
        return f"one of {first_of(values, _MOST)} is needed"
    unknown = (
        [value for value in answer if value not in values] if isinstance(answer, tuple) else ["?"]
    )
    if unknown:
        return f"a list of some of {first_of(values, _MOST)} is needed"
    return "" if len(answer) >= question.least else f"at least {question.least} is needed"


T = TypeVar("T")

Flow: TypeAlias = Generator["Question | Work | Say", Any, T]
"""A generator that yields questions and work, and receives answers and results; returns a T."""

Given: TypeAlias = tuple[str, Answer]
"""The id of a question, and its answer."""


class Session:
    """Runs a flow: calls *perform* for its work and *say* for its messages.

    To go back, the session drops the last answer and runs the flow again with the others. Results
    of work are kept, so no work is done twice. There is no way back behind a write.

    Attributes:
        given: The answers so far.
        floor: So many of them cannot be taken back, since files were written after them.
        question: The open question, None at the end.
        result: The exit code, once the flow has ended.
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
        self._steps = flow()
        self._follow(None, quiet=False)

    @property
    def can_go_back(self) -> bool:
        """True if there is an answer that can be taken back."""
        return len(self.given) > self.floor

    def answer(self, value: Answer) -> None:
        """Answer the open question; raises ValueError if *value* is not valid."""
        if self.question is None:
            raise ValueError("there is no open question")
        reason = objection(self.question, value)
        if reason:
            raise ValueError(reason)
        self.given.append((self.question.id, value))
        self._follow(value, quiet=False)

    def back(self) -> None:
        """Take back the last answer and ask again; raises ValueError if there is none."""
        if not self.can_go_back:
            raise ValueError("there is no way back from here")
        self.given.pop()
        given, self.given = self.given, []
        self._steps = self._flow()
        self._follow(None, quiet=True)
        for question, answer in given:
            self.given.append((question, answer))
            self._follow(answer, quiet=True)

    def _follow(self, value: Any, *, quiet: bool) -> None:
        """Send *value* into the flow and do its work until it asks something or ends."""
        try:
            step = self._steps.send(value)
            while not isinstance(step, Choose | Pick | Fill):
                if isinstance(step, Say):
                    if not quiet:
                        self._say(step)
                    step = self._steps.send(None)
                else:
                    step = self._steps.send(self._result_of(step))
        except StopIteration as end:
            self.question, self.result = None, end.value
        else:
            self.question = step

    def _result_of(self, work: Work) -> Any:
        if work in self._results:
            return self._results[work]
        result = self._perform(work)
        if isinstance(result, WorkError):
            return result  # not kept: another try may succeed
        self._results[work] = result
        if isinstance(work, Write):
            self.floor = len(self.given)
        return result


LEAVE = "leave"


class Context(Struct, frozen=True):
    """What all steps of a session share.

    Attributes:
        where: The project, as the command line names it.
        style: How text is coloured.
        engine: The value of ``--engine``.
        stage: The number of stages that are finished.
        steps: The titles of the steps of the session.
        number: The number of the current step, from 1.
    """

    where: ProjectSelection
    style: Style
    engine: str = "auto"
    stage: int = 0
    steps: tuple[str, ...] = ()
    number: int = 1

    @property
    def step(self) -> str:
        """The current step, such as ``2/5 Fixes``."""
        if not self.steps:
            return ""
        return f"{self.number}/{len(self.steps)} {self.steps[self.number - 1]}"

    @property
    def undo(self) -> str:
        """The command line that reverts the last run."""
        return place_of(self.where, self.where.path.resolve()).undo

    def at(self, title: str) -> Context:
        """Return the context at the step *title*."""
        return replace(self, number=self.steps.index(title) + 1)


class Outcome(Struct, frozen=True):
    """How a stage ended.

    Attributes:
        ended: ``written``, ``saved`` (as a patch), ``left`` if the user left, or ``nothing`` if
            there was nothing to do or every change was skipped.
        request: What was requested in the end.
        leave: The ids of the changes that the user skipped.
        command: The command line that does the same.
        excluded: The changes that the user skipped, and those that build on them.
        unmoved: The services that stay in their file because the user skipped their module.
        code: The exit code.
    """

    ended: Literal["written", "saved", "left", "nothing"]
    request: Request | None = None
    leave: frozenset[str] = frozenset()
    command: str = ""
    excluded: tuple[PlannedFix, ...] = ()
    unmoved: tuple[str, ...] = ()
    code: int = 0


class LeftError(Exception):
    """The user leaves the wizard; *code* is the exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def worked(context: Context, work: Work) -> Flow[Any]:
    """Yield *work* and return its result; show an error, after which the user can go back."""
    result = yield work
    if isinstance(result, WorkError):
        body = tuple(error_lines(result.error, context.style))
        options = (Option(LEAVE, "Quit; nothing more is written"),)
        yield Failure("failed", "What now?", options, body, error=result.error)
        raise LeftError(result.error.exit_code)
    return result


def needed(work: Work) -> Flow[Any]:
    """Yield *work* and return its result; raises the error if it fails."""
    result = yield work
    if isinstance(result, WorkError):
        raise result.error
    return result
