"""From a request to written files: preview, review of each change, verification, writing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

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
    Pick,
    worked,
)
from composerefactor.cli.wizard.work import (
    Item,
    ItemizedProposal,
    Lay,
    Propose,
    Request,
    SavePatch,
    Say,
    Write,
)
from composerefactor.confidence import CONFIDENCES
from composerefactor.planning.registry import transforms
from composerefactor.planning.requests import FixRequest, SplitRequest
from composerefactor.planning.selection import EXCLUDED_BY_LEAVE
from composerefactor.report.text import counted

Adjust: TypeAlias = "Callable[[Request, str], Flow[Request]]"
"""Asks for other options of a request; the text is the kind of changes that the user looked at."""

_CHANGE, _AGAIN, _GUESSES = "change", "again", "guesses"


class _AdjustError(Exception):
    """The user wants to change a decision: about a *kind* of changes, or about all."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def carry_out_request(context: Context, request: Request, adjust: Adjust) -> Flow[Outcome]:
    """Preview, review, verify and write *request*; *adjust* changes the request on the way."""
    decided: dict[str, bool] = {}
    while True:
        try:
            work, proposed = yield from _select_changes(context, request, decided)
            if proposed.proposal.changes.is_empty:
                yield Say(screens.plan(proposed, context.style))
                return Outcome("nothing", request, work.leave)
            return (yield from _finish(context, work, proposed))
        except _AdjustError as adjustment:
            if adjustment.kind in {_CHANGE, _AGAIN}:
                decided = {}
            if adjustment.kind != _AGAIN:
                request = yield from adjust(request, adjustment.kind)
        except LeftError as left:
            return Outcome("left", request, code=left.code)


def _select_changes(
    context: Context,
    request: Request,
    decided: dict[str, bool],
    skipped: frozenset[str] = frozenset(),
) -> Flow[tuple[Propose, ItemizedProposal]]:
    """Show the changes, ask which ones to take, and verify these; *skipped* ones are not shown.

    Without the skipped changes others can be planned: they are shown as well, until there are none.
    """
    work = Propose(context.where, context.stage, request, skipped)
    proposed: ItemizedProposal = yield from worked(context, work)
    if proposed.proposal.changes.is_empty and not proposed.uncertain:
        return work, proposed
    answer = yield from _preview(context, request, proposed)
    if answer == _GUESSES and isinstance(request, FixRequest):
        request, skipped = yield from _choose_guesses(request, proposed)
        return (yield from _select_changes(context, request, decided, skipped))
    if answer == "all":
        return work, proposed
    known = {item.id for item in proposed.items}
    taken: set[str] = set()
    while True:
        yield from _review(context, proposed, decided)
        leave = skipped | {id_ for id_, yes in decided.items() if not yes}
        if isinstance(request, SplitRequest):
            leave &= known
        if leave <= work.leave:
            return work, proposed
        taken |= {item.id for item in proposed.items if decided.get(item.id)}
        work = Propose(context.where, context.stage, request, leave)
        proposed = yield from worked(context, work)
        dependent = len(taken - {item.id for item in proposed.items})
        proposed = replace(proposed, dependent=dependent)
        if all(item.id in decided or not item.id for item in proposed.items):
            return work, proposed


def _preview(context: Context, request: Request, proposed: ItemizedProposal) -> Flow[str]:
    """Show the plan and whether it is verified, and return what the user wants to do next.

    Raises LeftError or _AdjustError if the user leaves or wants to change a decision.
    """
    body = screens.plan(proposed, context.style)
    if isinstance(request, SplitRequest):
        layout = yield from worked(context, Lay(context.where, context.stage, request))
        already_shown = set(screens.layout(layout, context.style))
        body = tuple(line for line in body if line not in already_shown)
    body = (*screens.proof(proposed, context.style), *body)
    options = [
        Option("each", "Review each change"),
        Option("all", "Take all changes"),
        Option(_GUESSES, f"Select guesses as well ({len(proposed.uncertain)})"),
        Option(_CHANGE, "Change an earlier decision"),
        Option("leave", "Quit without writing"),
    ]
    options = options if proposed.uncertain else [o for o in options if o.value != _GUESSES]
    options = options if proposed.items else options[2:]
    count = counted(len(proposed.items), "change")
    answer = yield Choose("preview", f"{count} planned.", tuple(options), body)
    if answer == "leave":
        raise LeftError(0)
    if answer == _CHANGE:
        raise _AdjustError(_CHANGE)
    return str(answer)


def _choose_guesses(
    request: FixRequest, proposed: ItemizedProposal
) -> Flow[tuple[FixRequest, frozenset[str]]]:
    """Ask which guesses to make; return the request for them, and the ids of the others."""
    masking = proposed.proposal.opened.masking
    options = tuple(
        Option(
            fix.id,
            masking.message(f"{fix.change.location}: {fix.change.title}"),
            group=fix.transform,
            about=masking.message(fix.change.evidence),
        )
        for fix in proposed.uncertain
    )
    picked = yield Pick(_GUESSES, "Which guesses?", options)
    others = frozenset(fix.id for fix in proposed.uncertain) - frozenset(picked)
    return replace(request, confidence=CONFIDENCES[-1]), others


def _review(context: Context, proposed: ItemizedProposal, decided: dict[str, bool]) -> Flow[None]:
    """Ask about each change that is not in *decided* yet, and add the answer there."""
    undecided = [item for item in proposed.items if item.id not in decided]
    total = len(proposed.items)
    masking = proposed.proposal.opened.masking
    for number, item in enumerate(proposed.items, 1):
        if item not in undecided or item.id in decided:
            continue
        while True:
            body = screens.change(item, number, total, context.style, masking)
            options = tuple(_choices(item, undecided, decided))
            name = f"change {item.id or item.path}"
            text = "Take this change?" if item.id else "This change follows from the others."
            answer = yield Choose(name, text, options, body)
            if answer == "file":
                body = screens.file(item.path, item.content, context.style, masking)
                back = (Option("return", "Back to the change"),)
                at = item.fix.change.location.line if item.fix is not None else 0
                yield Choose("file", "The new content of the file.", back, body, at=at)
                continue
            break
        if answer == "rest":
            decided |= {i.id: True for i in undecided if i.id and i.id not in decided}
            return
        if answer == "options":
            raise _AdjustError(item.kind)
        if item.id:
            is_whole_kind = answer in {"take kind", "skip kind"}
            for other in undecided if is_whole_kind else [item]:
                if other.kind == item.kind and other.id and other.id not in decided:
                    decided[other.id] = answer.startswith("take")


def _choices(item: Item, undecided: Iterable[Item], decided: dict[str, bool]) -> Iterable[Option]:
    if item.id:
        same = sum(i.kind == item.kind and bool(i.id) and i.id not in decided for i in undecided)
        yield Option("take", "Take")
        yield Option("skip", "Skip")
        if same > 1:
            yield Option("take kind", f"Take all {same}: {item.kind}")
            yield Option("skip kind", f"Skip all {same}")
    else:
        yield Option("take", "Continue")
    if sum(bool(i.id) and i.id not in decided for i in undecided) > int(bool(item.id)):
        yield Option("rest", "Take all remaining changes")
    yield Option("file", f"Show the new file: {item.path}")
    if item.fix is None:
        yield Option("options", "Change the layout")
    elif transforms()[item.kind].settings:
        yield Option("options", f"Change an option of {item.kind}")


def _finish(context: Context, work: Propose, proposed: ItemizedProposal) -> Flow[Outcome]:
    """Show whether the taken changes are verified, ask what to do with them, and do it."""
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
    files = counted(len(proposed.proposal.changes.changes), "file")
    others = proposed.dirty.keys() - proposed.own
    options = [
        Option("write", f"Write {files}{' anyway' if others else ''}"),
        Option("patch", "Save a patch instead"),
        Option(_AGAIN, "Review the changes again"),
        Option("leave", "Quit without writing"),
    ]
    if proposed.proposal.proof is None:
        del options[0]
    body = screens.files(proposed, context.style)
    if work.leave:
        body = (*screens.proof(proposed, context.style), *body)
    answer = yield Choose(
        "finish", "What would you like to do with the changes?", tuple(options), body
    )
    if answer == _AGAIN:
        raise _AdjustError(_AGAIN)
    if answer == "patch":
        name = f"composerefactor-{command[1]}.patch"
        path = yield Fill("patch", "File name of the patch:", name, check=_name_check)
        saved = yield from worked(context, SavePatch(work, path))
        yield Say((f"saved {saved}; apply it with `git apply`",))
        return replace(outcome, ended="saved")
    if answer == "write":
        count = yield from worked(context, Write(work))
        yield Say((f"wrote {counted(count, 'file')}; `composerefactor undo` reverts this",))
        return replace(outcome, ended="written")
    return outcome


def _name_check(text: str) -> str:
    return "" if text.strip() else "a name is needed"
