"""From a request to what is written: preview, change by change, proof, and the end of a stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from msgspec.structs import replace

from composerefactor.cli.wizard import screens
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
from composerefactor.cli.wizard.settings_file import command_line, shown
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
from composerefactor.planning.registry import transforms
from composerefactor.planning.requests import SplitRequest
from composerefactor.planning.selection import LEFT_BY_LEAVE
from composerefactor.report.text import counted

Adjust: TypeAlias = "Callable[[Request, str], Flow[Request]]"
"""Asks for other options of a request; the text names the kind of changes that they are about."""

_CHANGE, _AGAIN = "change", "again"


class _AdjustError(Exception):
    """The user wants to decide anew, about a kind of changes or about all."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def carried_out(context: Context, request: Request, adjust: Adjust) -> Flow[Outcome]:
    """Preview, review, prove and write *request*; *adjust* changes it on the way."""
    decided: dict[str, bool] = {}
    while True:
        try:
            work, proposed = yield from _selected(context, request, decided)
            if proposed.proposal.changes.is_empty:
                yield Say(screens.plan(proposed, context.style))
                return Outcome("nothing", request, work.leave)
            return (yield from _finished(context, request, work, proposed))
        except _AdjustError as wanted:
            if wanted.kind in {_CHANGE, _AGAIN}:
                decided = {}
            if wanted.kind != _AGAIN:
                request = yield from adjust(request, wanted.kind)
        except LeftError as left:
            return Outcome("left", request, code=left.code)


def _selected(
    context: Context, request: Request, decided: dict[str, bool]
) -> Flow[tuple[Propose, ItemizedProposal]]:
    """Show what would be done, ask what is taken, and prove that until nothing new is in it."""
    work = Propose(context.where, context.stage, request)
    proposed: ItemizedProposal = yield from worked(context, work)
    if proposed.proposal.changes.is_empty or not (yield from _looks(context, request, proposed)):
        return work, proposed
    known = {item.id for item in proposed.items}
    while True:
        yield from _reviewed(context, proposed, decided)
        leave = frozenset(id_ for id_, yes in decided.items() if not yes)
        if isinstance(request, SplitRequest):
            leave &= known
        if leave <= work.leave:
            return work, proposed
        expected = frozenset(item.id for item in proposed.items if decided.get(item.id))
        work = Propose(context.where, context.stage, request, leave, expected)
        proposed = yield from worked(context, work)
        if all(item.id in decided or not item.id for item in proposed.items):
            return work, proposed


def _looks(context: Context, request: Request, proposed: ItemizedProposal) -> Flow[bool]:
    """Show the plan and what is proved of it, and ask whether to look at each change."""
    body = screens.plan(proposed, context.style)
    if isinstance(request, SplitRequest):
        laid = yield from worked(context, Lay(context.where, context.stage, request))
        known = set(screens.layout(laid, context.style))
        body = tuple(line for line in body if line not in known)  # they have just been shown
    body = (*screens.proved(proposed, context.style), *body)
    options = (
        Option("each", "Look at each and choose"),
        Option("all", "Take everything"),
        Option(_CHANGE, "Change the decisions before this"),
        Option("leave", "Leave without writing"),
    )
    count = counted(len(proposed.items), "change")
    answer = yield Choose("preview", f"This would be done: {count}.", options, body)
    if answer == "leave":
        raise LeftError(0)
    if answer == _CHANGE:
        raise _AdjustError(_CHANGE)
    return bool(answer == "each")


def _reviewed(context: Context, proposed: ItemizedProposal, decided: dict[str, bool]) -> Flow[None]:
    """Ask about each change that is not *decided* yet, and note there what is taken."""
    items = [item for item in proposed.items if item.id not in decided]
    total = len(proposed.items)
    for number, item in enumerate(proposed.items, 1):
        if item not in items or item.id in decided:
            continue
        while True:
            body = screens.change(item, number, total, context.style)
            options = tuple(_choices(item, items, decided))
            name = f"change {item.id or item.path}"
            text = "Take this change?" if item.id else "This follows from the others."
            answer = yield Choose(name, text, options, body)
            if answer == "file":
                body = screens.file(item.path, item.content, context.style)
                back = (Option("return", "Return to the change"),)
                at = item.fix.change.location.line if item.fix is not None else 0
                yield Choose("file", "As it would be.", back, body, at=at)
                continue
            break
        if answer == "rest":
            decided |= {i.id: True for i in items if i.id and i.id not in decided}
            return
        if answer == "options":
            raise _AdjustError(item.kind)
        if item.id:
            same = answer in {"take kind", "skip kind"}
            for each in items if same else [item]:
                if each.kind == item.kind and each.id and each.id not in decided:
                    decided[each.id] = answer.startswith("take")


def _choices(item: Item, items: Iterable[Item], decided: dict[str, bool]) -> Iterable[Option]:
    if item.id:
        same = sum(i.kind == item.kind and bool(i.id) and i.id not in decided for i in items)
        yield Option("take", "Take it")
        yield Option("skip", "Skip it")
        if same > 1:
            yield Option("take kind", f"Take all {same} of this kind: {item.kind}")
            yield Option("skip kind", f"Skip all {same} of this kind")
    else:
        yield Option("take", "Go on")
    if sum(bool(i.id) and i.id not in decided for i in items) > int(bool(item.id)):
        yield Option("rest", "Take all the rest")
    yield Option("file", f"Show the whole file as it would be: {item.path}")
    if item.fix is None:
        yield Option("options", "Change the layout")
    elif transforms()[item.kind].settings:
        yield Option("options", f"Change an option of {item.kind}")


def _finished(
    context: Context, request: Request, work: Propose, proposed: ItemizedProposal
) -> Flow[Outcome]:
    """Show what is proved of what was taken, and ask what becomes of it."""
    words = command_line(
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
        shown(words),
        proposed.left,
        tuple(
            stay.part[2]
            for stay in proposed.proposal.plan.unmoved
            if stay.part[1] == "services" and stay.reason == LEFT_BY_LEAVE
        ),
    )
    files = counted(len(proposed.proposal.changes.changes), "file")
    others = proposed.dirty.keys() - proposed.own
    options = [
        Option("write", f"Write {files}{' all the same' if others else ''}"),
        Option("patch", "Save the patch, and write nothing else"),
        Option(_AGAIN, "Choose again among the changes"),
        Option("leave", "Leave without writing"),
    ]
    if proposed.proposal.proof is None:
        del options[0]
    body = screens.files(proposed, context.style)
    if work.leave:
        body = (*screens.proved(proposed, context.style), *body)
    answer = yield Choose("finish", "What is to be done with it?", tuple(options), body)
    if answer == _AGAIN:
        raise _AdjustError(_AGAIN)
    if answer == "patch":
        name = f"composerefactor-{words[1]}.patch"
        path = yield Fill("patch", "Name of the patch:", name, check=_named)
        where = yield from worked(context, SavePatch(work, path))
        yield Say((f"saved {where}: `git apply` makes the changes",))
        return replace(outcome, ended="saved")
    if answer == "write":
        count = yield from worked(context, Write(work))
        them = "it" if count == 1 else "them"
        yield Say((f"wrote {counted(count, 'file')}; `composerefactor undo` takes {them} back",))
        return replace(outcome, ended="written")
    return outcome


def _named(text: str) -> str:
    return "" if text.strip() else "a name is needed"
