"""The session from the first screen to the last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from composerefactor.cli.wizard import screens
from composerefactor.cli.wizard.choices import (
    ADD,
    REPAIR,
    TIDY,
    choose_fixes,
    choose_layout,
    choose_options,
    goal_of,
)
from composerefactor.cli.wizard.deciding import carry_out_request
from composerefactor.cli.wizard.files import fix_sections, section_text, split_section
from composerefactor.cli.wizard.session import (
    Choose,
    Context,
    Flow,
    LeftError,
    Option,
    Outcome,
    Pick,
    needed,
    worked,
)
from composerefactor.cli.wizard.work import Examination, Examine, KeepSettings, Open, Request, Say
from composerefactor.cli.wizard.workshop import ENVIRONMENTS
from composerefactor.compose.invocation import Invocation
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.propose import rejection_error
from composerefactor.planning.requests import FixRequest, SplitRequest
from composerefactor.report.text import counted

SEPARATE, SPLIT = "environments", "split"
_LEAST_SERVICES = 3
"""With fewer services, modules are not worth it."""


def wizard(context: Context) -> Flow[int]:
    """Run a whole session: the project, the goals, each stage, and how to repeat it.

    Returns the exit code. Raises the error if the project cannot be opened, and EngineError if
    Docker Compose rejects it and no fixer can repair it.
    """
    opened: OpenProject = yield from needed(Open(context.where, 0))
    yield Say(screens.project(opened, context.style))
    context = yield from _choose_entries(context, opened)
    examination: Examination = yield from needed(Examine(context.where, 0))
    options = tuple(_goals(examination))
    body = screens.problems(examination, context.style)
    if not options:
        if examination.rejected and not examination.layout:
            refusals = (refusal for _, refusal in examination.fix_plan.refusals)
            raise rejection_error(examination.opened, examination.rejected, refusals)
        yield Say((*body, "nothing to do"))
        return 0
    goals = yield Pick("goals", "What would you like to do?", options, body, least=1)
    outcomes: list[Outcome] = []
    stages = list(_stages(goals))
    for number, (name, stage) in enumerate(stages, 1):
        if len(stages) > 1:
            title = f"Part {number} of {len(stages)}: {name}"
            yield Say(("", context.style(title, "bold")))
        if context.stage:
            examination = yield from needed(Examine(context.where, context.stage))
        try:
            outcome = yield from stage(context, examination, goals)
        except LeftError as left:
            outcome = Outcome("left", code=left.code)
        outcomes.append(outcome)
        if outcome.ended in {"left", "saved"}:
            break
        context = replace(context, stage=context.stage + 1)
    return (yield from _end(context, outcomes, len(stages)))


def _choose_entries(context: Context, opened: OpenProject) -> Flow[Context]:
    """Ask which start commands count, if there are several that ``--entry`` can name."""
    entries = opened.project.readable
    if len(entries) < 2 or context.where.entry or not all(map(_is_plain, entries)):  # noqa: PLR2004
        return context
    options = tuple(
        Option(",".join(entry.files), f"{entry.title}  ({entry.evidence[0]})", checked=True)
        if entry.evidence
        else Option(",".join(entry.files), entry.title, checked=True)
        for entry in entries
    )
    picked = yield Pick("entries", "Which start commands must keep working?", options, least=1)
    if len(picked) == len(entries):
        return context
    return replace(context, where=replace(context.where, path=opened.root, entry=tuple(picked)))


def _is_plain(entry: Invocation) -> bool:
    """Return whether ``--entry`` can name *entry*."""
    return entry.directory == "." and not (
        entry.project_directory or entry.env_files or entry.project_name or entry.profiles
    )


def _goals(examination: Examination) -> Iterator[Option]:
    fixes_by_name = screens.by_transform(examination.fix_plan.applied)
    for goal, title in (
        (REPAIR, "Fix what Docker Compose rejects"),
        (TIDY, "Tidy up; running containers are not affected"),
        (ADD, "Add missing settings; this changes containers"),
    ):
        names = [name for name, fixes in fixes_by_name.items() if goal_of(fixes) == goal]
        if names:
            count = counted(sum(len(fixes_by_name[name]) for name in names), "change")
            about = ", ".join(names)
            yield Option(goal, f"{title} ({count})", checked=goal != ADD, about=about)
    if examination.environments.applied:
        yield Option(SEPARATE, "Separate development-only settings from production")
    layout = examination.layout
    if layout is not None and not layout.changes.is_empty:
        created = counted(len(layout.changes.created), "file")
        yield Option(SPLIT, f"Split into modules ({created})", checked=True)
    elif layout is None and any(fix.change.repairs for fix in examination.fix_plan.applied):
        services = {s for f in examination.opened.project.files.values() for s in f.services}
        if len(services) >= _LEAST_SERVICES:
            yield Option(SPLIT, "Split into modules, once it is fixed", checked=True)


Stage = Callable[[Context, Examination, Sequence[str]], Flow[Outcome]]


def _stages(goals: Sequence[str]) -> Iterator[tuple[str, Stage]]:
    """Yield the stages in order, with their titles: fixes come before the split."""
    if {REPAIR, TIDY, ADD} & set(goals):
        yield "fixes", _fix
    if SEPARATE in goals:
        yield "development and production", _separate
    if SPLIT in goals:
        yield "modules", _split


def _fix(context: Context, examination: Examination, goals: Sequence[str]) -> Flow[Outcome]:
    settings = examination.opened.settings
    request = yield from choose_fixes(examination.fix_plan, goals, settings)
    if request is None:
        return Outcome("nothing")

    def adjust(request: Request, kind: str) -> Flow[Request]:
        if isinstance(request, FixRequest) and kind in (request.select or ()):
            return (yield from choose_options(request, settings, only=kind))
        chosen = yield from choose_fixes(examination.fix_plan, goals, settings)
        if chosen is None:
            raise LeftError(0)
        return chosen

    return (yield from carry_out_request(context, request, adjust))


def _separate(context: Context, examination: Examination, goals: Sequence[str]) -> Flow[Outcome]:  # noqa: ARG001
    settings = examination.opened.settings
    first = FixRequest(select=(ENVIRONMENTS,))

    def adjust(request: Request, kind: str) -> Flow[Request]:  # noqa: ARG001
        chosen = request if isinstance(request, FixRequest) else first
        return (yield from choose_options(chosen, settings))

    request = yield from adjust(first, "")
    return (yield from carry_out_request(context, request, adjust))


def _split(context: Context, examination: Examination, goals: Sequence[str]) -> Flow[Outcome]:  # noqa: ARG001
    def adjust(request: Request, kind: str) -> Flow[Request]:  # noqa: ARG001
        chosen = request if isinstance(request, SplitRequest) else SplitRequest()
        return (yield from choose_layout(context, examination.opened, chosen))

    layout = examination.layout
    if layout is not None and layout.changes.is_empty:
        yield Say((*screens.layout(layout, context.style), "there is nothing to split"))
        return Outcome("nothing")
    request = yield from adjust(SplitRequest(), "")
    return (yield from carry_out_request(context, request, adjust))


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
        yield Say(("(`composerefactor undo` reverts one of them at a time, the last one first)",))
    if len(outcomes) < stages:
        yield Say(("The next step needs these changes: apply them, then start the wizard again.",))
    if written:
        options = (Option("no", "No"), Option("yes", "Yes, so that CI uses them too"))
        text = "Save the decisions in .composerefactor.yml?"
        if (yield Choose("settings", text, options)) == "yes":
            yield from _save_settings(context, written)
    return outcomes[-1].code if outcomes else 0


def _save_settings(context: Context, written: Sequence[Outcome]) -> Flow[None]:
    requests = [outcome.request for outcome in written]
    fixes = [request for request in requests if isinstance(request, FixRequest)]
    excluded = [fix for outcome in written for fix in outcome.excluded]
    sections, others = fix_sections(fixes, excluded)
    for outcome in written:
        if isinstance(outcome.request, SplitRequest):
            section = split_section(outcome.request, outcome.unmoved)
            sections = {"split": section, **sections} if section else sections
    texts = tuple((name, section_text(name, section)) for name, section in sections.items())
    for fix in others:
        title = f"{fix.change.location}: {fix.change.title}"
        yield Say((f"the settings cannot exclude this change; CI needs --leave {fix.id}: {title}",))
    if not texts:
        yield Say(("nothing to save: these are the defaults",))
        return
    by_hand = yield from worked(context, KeepSettings(context.where, texts))
    if by_hand:
        yield Say(("the file already has these sections; add this by hand:", *by_hand.splitlines()))
    else:
        yield Say(("saved in .composerefactor.yml",))
