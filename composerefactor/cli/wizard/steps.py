"""The session from the first screen to the last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from composerefactor.cli.terminal import place_of
from composerefactor.cli.wizard import screens
from composerefactor.cli.wizard.files import (
    command_line,
    fix_sections,
    section_text,
    shell_text,
    split_section,
)
from composerefactor.cli.wizard.layout import choose_layout
from composerefactor.cli.wizard.review import (
    SettingsError,
    choose_settings,
    decide_all,
    decide_kinds,
    review,
)
from composerefactor.cli.wizard.session import (
    Choose,
    Context,
    Fill,
    Flow,
    LeftError,
    Option,
    Outcome,
    Pick,
    needed,
    worked,
)
from composerefactor.cli.wizard.work import (
    SAFE,
    Examination,
    Examine,
    FixChoices,
    ItemizedProposal,
    KeepSettings,
    Open,
    PlanFixes,
    Propose,
    SavePatch,
    Say,
    Write,
)
from composerefactor.cli.wizard.workshop import ENVIRONMENTS
from composerefactor.compose.invocation import Invocation
from composerefactor.confidence import CONFIDENCES
from composerefactor.planning.fix_request import FixRequest
from composerefactor.planning.fixes import PlannedFix
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.propose import rejection_error
from composerefactor.planning.selection import EXCLUDED_BY_LEAVE
from composerefactor.planning.split_request import SplitRequest
from composerefactor.report.plan_text import trees
from composerefactor.report.text import counted

SPLIT, FIX, BOTH, SEPARATE = "split", "fix", "both", "environments"
LOOK, ENTRIES = "look", "entries"
GOAL, SETTINGS = "Goal", "Settings"
CHOOSE_FIXES, WRITE_FIXES = "Choose fixes", "Write fixes"
LAYOUT, WRITE_MODULES = "Layout", "Write modules"
_STEPS = {FIX: (CHOOSE_FIXES, WRITE_FIXES), SPLIT: (LAYOUT, WRITE_MODULES)}
_LEAST_SERVICES = 3
"""With fewer services, modules are not worth it."""


def wizard(context: Context) -> Flow[int]:
    """Run a whole session: the project, the goal, each stage, and how to repeat it.

    Returns the exit code. Raises the error if the project cannot be opened, and EngineError if
    Docker Compose rejects it and no fixer can repair it.
    """
    opened: OpenProject = yield from needed(Open(context.where, 0))
    place = place_of(context.where, opened.root)
    yield Say(screens.project(opened, place, context.style))
    while True:
        examination: Examination = yield from needed(Examine(context.where, 0))
        options = tuple(_goals(examination))
        place = place_of(context.where, opened.root)  # with the start commands that are chosen
        body = screens.problems(examination, place, context.style)
        if not options:
            if examination.rejected and not examination.layout:
                refusals = (refusal for _, refusal in examination.fix_plan.refusals)
                raise rejection_error(examination.opened, examination.rejected, refusals)
            yield Say((*body, "nothing to do"))
            return 0
        others = tuple(_other_options(examination, opened))
        text = "What would you like to do?"
        goal = yield Choose("goal", text, (*options, *others), body)
        if goal == ENTRIES:
            context = yield from _choose_entries(context, opened)
        elif goal == LOOK:
            if (yield from _look(context, examination)) == "leave":
                return 0
        else:
            break
    stages = [FIX, SPLIT] if goal == BOTH else [FIX if goal == SEPARATE else goal]
    steps = (GOAL, *(step for stage in stages for step in _STEPS[stage]))
    return (yield from _run(replace(context, steps=steps), examination, goal, stages))


def _run(context: Context, examination: Examination, goal: str, stages: Sequence[str]) -> Flow[int]:
    """Carry out *stages*, and end the session."""
    outcomes: list[Outcome] = []
    for stage in stages:
        if context.stage:
            examination = yield from needed(Examine(context.where, context.stage))
        try:
            if stage == FIX:
                outcome = yield from _fix(context, examination, goal)
            else:
                outcome = yield from _split(context, examination)
        except LeftError as left:
            outcome = Outcome("left", code=left.code)
        outcomes.append(outcome)
        if outcome.ended in {"left", "saved"}:
            break
        context = replace(context, stage=context.stage + 1)
    return (yield from _end(context, outcomes, len(stages)))


def _choose_entries(context: Context, opened: OpenProject) -> Flow[Context]:
    """Ask which start commands count; return the context with them."""
    entries = opened.project.readable
    given = context.where.entry
    options = tuple(
        Option(
            ",".join(entry.files),
            entry.title,
            checked=not given or ",".join(entry.files) in given,
            about=f"found in {entry.evidence[0]}" if entry.evidence else "",
        )
        for entry in entries
    )
    picked = yield Pick("entries", "Which start commands must keep working?", options, least=1)
    if len(picked) == len(entries):
        return replace(context, where=replace(context.where, entry=()))
    return replace(context, where=replace(context.where, path=opened.root, entry=tuple(picked)))


def _is_plain(entry: Invocation) -> bool:
    """Return whether ``--entry`` can name *entry*."""
    return entry.directory == "." and not (
        entry.project_directory or entry.env_files or entry.project_name or entry.profiles
    )


def _goals(examination: Examination) -> Iterator[Option]:
    """Yield what can be done with the project, what Docker Compose rejects first."""
    fixes = examination.fix_plan.applied
    repairs = any(fix.change.repairs for fix in fixes)
    layout = examination.layout
    split = ""
    if layout is not None and not layout.changes.is_empty:
        split = f"Split into modules ({counted(len(layout.changes.created), 'file')})"
    elif layout is None and repairs:
        services = {s for f in examination.opened.project.files.values() for s in f.services}
        split = "Split into modules" if len(services) >= _LEAST_SERVICES else ""
    kinds = ", ".join(screens.by_transform(fixes))
    verb = "Fix what Docker Compose rejects" if repairs else "Fix findings"
    fix = Option(FIX, f"{verb} ({counted(len(fixes), 'change')})", key="f", about=kinds)
    if split and not repairs:
        yield Option(SPLIT, split, key="s", about="No container is affected")
    if fixes:
        yield fix
    if split and fixes:
        yield Option(BOTH, "Both: fix, then split", key="b", about="Written one after the other")
    if examination.environments.applied:
        title = "Separate development-only settings from production"
        yield Option(SEPARATE, title, key="e")


def _other_options(examination: Examination, opened: OpenProject) -> Iterator[Option]:
    yield Option(LOOK, "Only look; nothing is written", key="l")
    entries = opened.project.readable
    if len(entries) > 1 and all(map(_is_plain, entries)):
        number = len(examination.opened.project.readable)
        title = f"Change the start commands: {number} of {len(entries)} must keep working"
        yield Option(ENTRIES, title, key="c")


def _look(context: Context, examination: Examination) -> Flow[str]:
    """Show what could be done; return whether the user leaves."""
    place = place_of(context.where, examination.opened.root)
    body = screens.overview(examination, place, context.style)
    options = (Option("back", "Back to the goals", key="y"), Option("leave", "Leave", key="x"))
    answer: str = yield Choose("look", "Nothing is written.", options, body)
    if answer == "leave":
        yield Say(("nothing was written",))
    return answer


def _fix(context: Context, examination: Examination, goal: str) -> Flow[Outcome]:
    """Choose fixes, verify them, and write them."""
    settings = examination.opened.settings
    request = FixRequest(select=(ENVIRONMENTS,) if goal == SEPARATE else None, unsafe=True)
    decided: dict[str, bool] = {}
    is_new, each = True, False
    while True:
        planning = PlanFixes(context.where, context.stage, request)
        choices: FixChoices = yield from worked(context, planning)
        choosing = context.at(CHOOSE_FIXES)
        try:
            if each:
                yield from review(choosing, choices.items, decided, choices.opened.masking)
            elif is_new:
                yield from decide_all(choosing, choices, decided)
            yield from decide_kinds(choosing, choices, request, settings, decided)
            final = _request_for(request, choices, decided)
            if final is None:
                yield Say(("no fix was chosen",))
                return Outcome("nothing")
            work, proposed = yield from _verified(choosing, final, choices, decided)
            if proposed.proposal.changes.is_empty:
                yield Say(screens.plan(proposed, context.style))
                return Outcome("nothing", final, work.leave)
            return (yield from finish(context.at(WRITE_FIXES), work, proposed))
        except SettingsError as change:
            is_new = False
            request = yield from choose_settings(request, settings, change.kind)
        except AgainError as again:
            is_new, each = True, again.each
            taken = {id_ for id_, is_taken in decided.items() if is_taken}
            decided = {i: False for i in decided if each and i not in taken}


def _request_for(
    request: FixRequest, choices: FixChoices, decided: dict[str, bool]
) -> FixRequest | None:
    """Return the request for the changes that were taken; None without any."""
    taken = [item for item in choices.items if decided.get(item.id)]
    if not taken:
        return None
    select = tuple(dict.fromkeys(item.kind for item in taken))
    return replace(
        request,
        select=select,
        unsafe=any(item.risk != SAFE for item in taken),
        confidence="" if all(item.is_certain for item in taken) else CONFIDENCES[-1],
    )


def _verified(
    context: Context, request: FixRequest, choices: FixChoices, decided: dict[str, bool]
) -> Flow[tuple[Propose, Any]]:
    """Verify the changes that were taken, and return the work and its result.

    Without the skipped changes others can be planned: the user decides about these as well.
    """
    kinds = set(request.select or ())
    items = {item.id: item for item in choices.items}
    while True:
        leave = frozenset(
            id_
            for id_, is_taken in decided.items()
            if not is_taken
            and (id_ not in items or items[id_].kind in kinds)
            and (request.confidence or id_ not in items or items[id_].is_certain)
        )
        work = Propose(context.where, context.stage, request, leave)
        proposed = yield from worked(context, work)
        new = [item for item in proposed.items if item.id not in decided]
        if not new:
            taken = {i for i, yes in decided.items() if yes}
            dependent = len(taken - {item.id for item in proposed.items})
            return work, replace(proposed, dependent=dependent)
        yield from review(context, new, decided, choices.opened.masking)


def _split(context: Context, examination: Examination) -> Flow[Outcome]:
    """Choose the layout, verify it, and write it."""
    layout = examination.layout
    if layout is not None and layout.changes.is_empty:
        yield Say((*screens.layout(layout, context.style), "there is nothing to split"))
        return Outcome("nothing")
    request = SplitRequest()
    decided: dict[str, bool] = {}
    each = False
    while True:
        if not each:
            request = yield from choose_layout(context.at(LAYOUT), examination.opened, request)
            decided = {}
        leave = frozenset(id_ for id_, is_taken in decided.items() if not is_taken)
        work = Propose(context.where, context.stage, request, leave)
        proposed = yield from worked(context, work)
        if proposed.proposal.changes.is_empty:
            skipped = ("no change was taken",)
            yield Say(skipped if leave else screens.plan(proposed, context.style))
            return Outcome("nothing", request, leave)
        masking = proposed.proposal.opened.masking
        try:
            if each and any(item.id and item.id not in decided for item in proposed.items):
                yield from review(context.at(WRITE_MODULES), proposed.items, decided, masking)
                continue
            return (yield from finish(context.at(WRITE_MODULES), work, proposed))
        except AgainError as again:
            each = again.each
            decided = {}


def _end(context: Context, outcomes: Sequence[Outcome], stages: int) -> Flow[int]:
    """Show the commands that repeat the session, and offer to save the decisions."""
    commands = [outcome.command for outcome in outcomes if outcome.command]
    written = [outcome for outcome in outcomes if outcome.ended == "written"]
    if not written and not any(outcome.ended == "saved" for outcome in outcomes):
        yield Say(("nothing was written",))
    if commands:
        yield Say(("", "To repeat this without questions:"))
        lines = [line for command in commands for line in command.splitlines()]
        yield Say(tuple(f"  {line}" for line in lines), exact=True)
    if len(written) > 1:
        yield Say((f"(`{context.undo}` reverts one of them at a time, the last one first)",))
    if len(outcomes) < stages:
        yield Say(("The next step needs these changes: apply them, then start the wizard again.",))
    texts, others = _settings_of(written)
    if texts or others:
        options = (
            Option("no", "No", key="n"),
            Option("yes", "Yes, so that CI uses them too", key="y"),
        )
        text = "Save the decisions in .composerefactor.yml?"
        if (yield Choose("settings", text, options, step=SETTINGS)) == "yes":
            yield from _save_settings(context, texts, others)
    return outcomes[-1].code if outcomes else 0


def _settings_of(
    written: Sequence[Outcome],
) -> tuple[tuple[tuple[str, str], ...], list[PlannedFix]]:
    """Return the decisions that are no defaults: sections of settings by name, as YAML.

    Also returns the fixes that were skipped and that settings cannot exclude.
    """
    requests = [outcome.request for outcome in written]
    fixes = [request for request in requests if isinstance(request, FixRequest)]
    excluded = [fix for outcome in written for fix in outcome.excluded]
    sections, others = fix_sections(fixes, excluded)
    for outcome in written:
        if isinstance(outcome.request, SplitRequest):
            section = split_section(outcome.request, outcome.unmoved)
            sections = {"split": section, **sections} if section else sections
    return tuple((name, section_text(name, section)) for name, section in sections.items()), others


def _save_settings(
    context: Context, texts: tuple[tuple[str, str], ...], others: Sequence[PlannedFix]
) -> Flow[None]:
    for fix in others:
        title = f"{fix.change.location}: {fix.change.title}"
        yield Say((f"the settings cannot exclude this change; CI needs --leave {fix.id}: {title}",))
    if not texts:
        return
    by_hand = yield from worked(context, KeepSettings(context.where, texts))
    if by_hand:
        yield Say(("the file already has these sections; add this by hand:", *by_hand.splitlines()))
    else:
        yield Say(("saved in .composerefactor.yml",))


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
