"""The session from the first screen to the last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from composerefactor.cli.wizard import screens
from composerefactor.cli.wizard.choices import (
    ADD,
    MEND,
    TIDY,
    layout_chosen,
    nature,
    options_chosen,
    transforms_chosen,
)
from composerefactor.cli.wizard.deciding import carried_out
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
from composerefactor.cli.wizard.settings_file import fix_sections, section_text, split_section
from composerefactor.cli.wizard.work import Examination, Examine, KeepSettings, Open, Request, Say
from composerefactor.cli.wizard.workshop import ENVIRONMENTS
from composerefactor.compose.invocation import Invocation
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.propose import all_rejected
from composerefactor.planning.requests import FixRequest, SplitRequest
from composerefactor.report.text import counted

APART, SPLIT = "environments", "split"
_LEAST_SERVICES = 3
"""Fewer services do not call for modules."""


def wizard(context: Context) -> Flow[int]:
    """Go through everything: found, goals, stage by stage, and the way to repeat it.

    Raises what keeps the project from being opened, and EngineError where the engine rejects it
    and nothing mends it.
    """
    opened: OpenProject = yield from needed(Open(context.where, 0))
    yield Say(screens.found(opened, context.style))
    context = yield from _entries_chosen(context, opened)
    examined: Examination = yield from needed(Examine(context.where, 0))
    options = tuple(_goals(examined))
    body = screens.wrong(examined, context.style)
    if not options:
        if examined.rejected and not examined.division:
            refusals = (refusal for _, refusal in examined.fix_plan.refusals)
            raise all_rejected(examined.opened, examined.rejected, refusals)
        yield Say((*body, "there is nothing to do"))
        return 0
    goals = yield Pick("goals", "What is to be done?", options, body, least=1)
    outcomes: list[Outcome] = []
    stages = list(_stages(goals))
    for number, (name, stage) in enumerate(stages, 1):
        if len(stages) > 1:
            title = f"Part {number} of {len(stages)}: {name}"
            yield Say(("", context.style(title, "bold")))
        if context.stage:
            examined = yield from needed(Examine(context.where, context.stage))
        try:
            outcome = yield from stage(context, examined, goals)
        except LeftError as left:
            outcome = Outcome("left", code=left.code)
        outcomes.append(outcome)
        if outcome.ended in {"left", "saved"}:
            break
        context = replace(context, stage=context.stage + 1)
    return (yield from _ended(context, outcomes, len(stages)))


def _entries_chosen(context: Context, opened: OpenProject) -> Flow[Context]:
    """Ask which entry points count, where there are several that options can name."""
    entries = opened.project.readable
    if len(entries) < 2 or context.where.entry or not all(map(_is_plain, entries)):  # noqa: PLR2004
        return context
    options = tuple(
        Option(",".join(entry.files), f"{entry.title}  ({entry.evidence[0]})", checked=True)
        if entry.evidence
        else Option(",".join(entry.files), entry.title, checked=True)
        for entry in entries
    )
    picked = yield Pick("entries", "Which of these are to work as before?", options, least=1)
    if len(picked) == len(entries):
        return context
    return replace(context, where=replace(context.where, path=opened.root, entry=tuple(picked)))


def _is_plain(entry: Invocation) -> bool:
    """Return whether ``--entry`` says all that there is to *entry*."""
    return entry.directory == "." and not (
        entry.project_directory or entry.env_files or entry.project_name or entry.profiles
    )


def _goals(examined: Examination) -> Iterator[Option]:
    found = screens.by_transform(examined.fix_plan.taken)
    for goal, words in (
        (MEND, "Mend what the engine rejects"),
        (TIDY, "Tidy up, what runs stays the same"),
        (ADD, "Add what is missing, which changes what runs"),
    ):
        names = [name for name, fixes in found.items() if nature(fixes) == goal]
        if names:
            count = counted(sum(len(found[name]) for name in names), "change")
            about = ", ".join(names)
            yield Option(goal, f"{words} ({count})", checked=goal != ADD, about=about)
    if examined.environments.taken:
        yield Option(APART, "Tell what only development needs from production")
    if examined.division is not None and not examined.division.changes.is_empty:
        created = counted(len(examined.division.changes.created), "file")
        yield Option(SPLIT, f"Divide it into modules ({created})", checked=True)
    elif examined.division is None and any(each.change.repairs for each in examined.fix_plan.taken):
        services = {s for f in examined.opened.project.files.values() for s in f.services}
        if len(services) >= _LEAST_SERVICES:
            yield Option(SPLIT, "Divide it into modules, when it is mended", checked=True)


Stage = Callable[[Context, Examination, Sequence[str]], Flow[Outcome]]


def _stages(goals: Sequence[str]) -> Iterator[tuple[str, Stage]]:
    """Yield what is done one after the other: what is mended in place is divided afterwards."""
    if {MEND, TIDY, ADD} & set(goals):
        yield "what is mended in place", _mending
    if APART in goals:
        yield "development and production", _telling_apart
    if SPLIT in goals:
        yield "the modules", _dividing


def _mending(context: Context, examined: Examination, goals: Sequence[str]) -> Flow[Outcome]:
    settings = examined.opened.settings
    request = yield from transforms_chosen(examined.fix_plan, goals, settings)
    if request is None:
        return Outcome("nothing")

    def adjust(request: Request, kind: str) -> Flow[Request]:
        if isinstance(request, FixRequest) and kind in (request.select or ()):
            return (yield from options_chosen(request, settings, only=kind))
        chosen = yield from transforms_chosen(examined.fix_plan, goals, settings)
        if chosen is None:
            raise LeftError(0)
        return chosen

    return (yield from carried_out(context, request, adjust))


def _telling_apart(context: Context, examined: Examination, goals: Sequence[str]) -> Flow[Outcome]:  # noqa: ARG001
    settings = examined.opened.settings
    first = FixRequest(select=(ENVIRONMENTS,))

    def adjust(request: Request, kind: str) -> Flow[Request]:  # noqa: ARG001
        chosen = request if isinstance(request, FixRequest) else first
        return (yield from options_chosen(chosen, settings))

    request = yield from adjust(first, "")
    return (yield from carried_out(context, request, adjust))


def _dividing(context: Context, examined: Examination, goals: Sequence[str]) -> Flow[Outcome]:  # noqa: ARG001
    def adjust(request: Request, kind: str) -> Flow[Request]:  # noqa: ARG001
        chosen = request if isinstance(request, SplitRequest) else SplitRequest()
        return (yield from layout_chosen(context, examined.opened, chosen))

    if examined.division is not None and examined.division.changes.is_empty:
        yield Say((*screens.layout(examined.division, context.style), "there is nothing to divide"))
        return Outcome("nothing")
    request = yield from adjust(SplitRequest(), "")
    return (yield from carried_out(context, request, adjust))


def _ended(context: Context, outcomes: Sequence[Outcome], stages: int) -> Flow[int]:
    """Say how to repeat it, and offer to keep the decisions."""
    commands = [outcome.command for outcome in outcomes if outcome.command]
    written = [outcome for outcome in outcomes if outcome.ended == "written"]
    if not written and not any(outcome.ended == "saved" for outcome in outcomes):
        yield Say(("nothing was written",))
    if commands:
        yield Say(("", "The same without questions:"))
        lines = [line for command in commands for line in command.splitlines()]
        yield Say(tuple(f"  {line}" for line in lines), exact=True)
    if len(written) > 1:
        words = "one after the other; `composerefactor undo` takes back one of them, the last first"
        yield Say((f"({words})",))
    if len(outcomes) < stages:
        yield Say(("What was to come after this needs it first: start the wizard again then.",))
    if written:
        options = (Option("no", "No"), Option("yes", "Yes, so that CI repeats them"))
        text = "Keep the decisions in .composerefactor.yml?"
        if (yield Choose("settings", text, options)) == "yes":
            yield from _kept(context, written)
    return outcomes[-1].code if outcomes else 0


def _kept(context: Context, written: Sequence[Outcome]) -> Flow[None]:
    requests = [each.request for each in written]
    fixes = [request for request in requests if isinstance(request, FixRequest)]
    left = [fix for each in written for fix in each.left]
    found, others = fix_sections(fixes, left)
    for each in written:
        if isinstance(each.request, SplitRequest):
            section = split_section(each.request, each.stay)
            found = {"split": section, **found} if section else found
    sections = tuple((name, section_text(name, section)) for name, section in found.items())
    for fix in others:
        words = f"{fix.change.location}: {fix.change.title}"
        yield Say((f"the settings cannot leave this out; CI needs --leave {fix.id}: {words}",))
    if not sections:
        yield Say(("these are the defaults: there is nothing to keep",))
        return
    rest = yield from worked(context, KeepSettings(context.where, sections))
    if rest:
        yield Say(("the file has such sections already; add this by hand:", *rest.splitlines()))
    else:
        yield Say(("kept in .composerefactor.yml",))
