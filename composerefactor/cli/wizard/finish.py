"""The end of a stage: the verified changes, to write, to save as a patch, or to leave."""

from __future__ import annotations

from msgspec.structs import replace

from composerefactor.cli.wizard import screens
from composerefactor.cli.wizard.files import command_line, shell_text
from composerefactor.cli.wizard.session import (
    Choose,
    Context,
    Fill,
    Flow,
    LeftError,
    Option,
    Outcome,
    worked,
)
from composerefactor.cli.wizard.work import ItemizedProposal, Propose, SavePatch, Say, Write
from composerefactor.planning.selection import EXCLUDED_BY_LEAVE
from composerefactor.planning.split_request import SplitRequest
from composerefactor.report.plan_text import trees
from composerefactor.report.text import counted


class AgainError(Exception):
    """The user wants to decide again: about the single changes if *each*, else from the start."""

    def __init__(self, *, each: bool) -> None:
        super().__init__(each)
        self.each = each


def finish(context: Context, work: Propose, proposed: ItemizedProposal) -> Flow[Outcome]:
    """Show whether the changes are verified, ask what to do with them, and do it.

    Raises AgainError if the user wants to change a decision.
    """
    request = work.request
    command = command_line(
        context.where,
        request,
        proposed.leave,
        allow_dirty=bool(proposed.dirty),
        engine=context.engine,
    )
    outcome = Outcome(
        "left",
        request,
        proposed.leave,
        shell_text(command),
        proposed.excluded,
        tuple(
            unmoved.element[2]
            for unmoved in proposed.proposal.plan.unmoved
            if unmoved.element[1] == "services" and unmoved.reason == EXCLUDED_BY_LEAVE
        ),
    )
    is_split = isinstance(request, SplitRequest)
    body = (
        *screens.proof(proposed, context.style),
        *((*trees(proposed.proposal, context.style), "") if is_split else ()),
        *(() if is_split else screens.plan(proposed, context.style)),
        *screens.files(proposed, context.style),
    )
    files = counted(len(proposed.proposal.changes.changes), "file")
    others = proposed.dirty.keys() - proposed.own
    is_risky = any(item.is_data_risk for item in proposed.items)
    options = [
        Option(
            "write",
            f"Write {files}{' anyway' if others else ''}",
            key="w",
            is_risky=is_risky,
        ),
        Option("patch", "Save a patch instead", key="p"),
        Option("each", "Look at each file" if is_split else "Look at each change", key="l"),
        Option("again", "Change the layout" if is_split else "Choose the fixes again", key="c"),
        Option("leave", "Leave without writing", key="x"),
    ]
    if proposed.proposal.proof is None:
        del options[0]
    answer = yield Choose(
        "finish",
        "What would you like to do with the changes?",
        tuple(options),
        body,
        default="leave" if is_risky else "write",
        step=context.step,
    )
    if answer in {"each", "again"}:
        raise AgainError(each=answer == "each")
    if answer == "leave":
        raise LeftError(0)
    if answer == "patch":
        name = f"composerefactor-{command[1]}.patch"
        path = yield Fill("patch", "File name of the patch:", name, check=_name_check)
        saved = yield from worked(context, SavePatch(work, path))
        yield Say((f"saved {saved}; apply it with `git apply`",))
        return replace(outcome, ended="saved")
    count = yield from worked(context, Write(work))
    yield Say((f"wrote {counted(count, 'file')}; `{context.undo}` reverts this",))
    return replace(outcome, ended="written")


def _name_check(text: str) -> str:
    return "" if text.strip() else "a name is needed"
