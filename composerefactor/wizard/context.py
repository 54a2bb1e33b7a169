"""What all steps share."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from composerefactor.proposal.mended import Mend
from composerefactor.report.style import Style
from composerefactor.wizard import screens
from composerefactor.wizard.questions import Failure, Option
from composerefactor.wizard.session import Flow
from composerefactor.wizard.work import Failed, Request, Where, Work

LEAVE = "leave"


class Context(Struct, frozen=True):
    """Where the project is, how lines are painted, and which engine was asked for."""

    where: Where
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
    left: tuple[Mend, ...] = ()
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
    if isinstance(result, Failed):
        body = screens.error(result.error, context.style)
        options = (Option(LEAVE, "Leave; nothing more is written"),)
        yield Failure("failed", "What now?", options, body, error=result.error)
        raise LeftError(result.error.exit_code)
    return result


def needed(work: Work) -> Flow[Any]:
    """Yield *work* and return its result; raises what it fails with."""
    result = yield work
    if isinstance(result, Failed):
        raise result.error
    return result
