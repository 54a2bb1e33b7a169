"""A proposal for a terminal: start commands, plan, and whether it is verified."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

from composerefactor.analysis.diff.kinds import Risk
from composerefactor.compose.invocation import Invocation
from composerefactor.confidence import CONFIDENCES
from composerefactor.edit.operations import AddLines, WriteFile
from composerefactor.edit.planned_files import Changeset, PlannedFile, Slice, line_count
from composerefactor.errors import first_of
from composerefactor.images.catalog import find_placement
from composerefactor.planning.fixes import FixPlan, PlannedFix
from composerefactor.planning.propose import Proposal, oldest_engine
from composerefactor.planning.selection import selectable
from composerefactor.proof.comparison import ProofResult
from composerefactor.refactoring.contract import Plan, Refusal, Unmoved, Unneeded
from composerefactor.refactoring.deduplicate.variants import comparisons
from composerefactor.refactoring.reader import Outcome
from composerefactor.report.differences import sentences as difference_sentences
from composerefactor.report.fix_groups import (
    FixSentence,
    by_reason,
    counts,
    counts_by_transform,
    grouped,
    sentences,
)
from composerefactor.report.text import (
    MOST_PLACES,
    Place,
    Style,
    assumptions,
    command_text,
    counted,
    evidence_of,
    kinds_text,
    limited,
    not_covered,
    row,
    rows,
    usage_text,
)
from composerefactor.yaml.comments import count_comment_lines
from composerefactor.yaml.values import text_below

if TYPE_CHECKING:
    from composerefactor.analysis.findings import Finding

RISK_COLOURS = {Risk.HIGH: "red", Risk.MEDIUM: "yellow", Risk.LOW: "cyan", Risk.NONE: "dim"}

_RISK_WIDTH = len("medium risk")

_WIDEST_COMMAND = 34
"""Longer start commands move the evidence beside them to the right."""

_MOST_SERVICES = 4
"""More services of one fix are counted, not named."""

_MOST_COPIED = 15
"""A split that copies more percent of the text comes with advice."""

_MOST_REASONS = 3
"""More reasons for changes that are not made are counted, not listed."""


def _fix_plan(
    proposal: Proposal, fix_plan: FixPlan, style: Style, most: int, *, with_ids: bool
) -> Iterator[str]:
    """Yield the planned fixes by transform and risk, and those that are not made.

    With *most* above :data:`MOST_SHOWN`, each change has a line with its reason, and *with_ids*
    with its id.
    """
    if not fix_plan.applied:
        yield style("nothing to do", "green")
    yield from file_lines(proposal.changes, style)
    for note in proposal.plan.notes:
        yield style(note, "yellow")
    kinds = list(grouped(fix_plan.applied))
    width = max((len(kind.transform) for kind in kinds), default=0)
    are_listed = most > MOST_SHOWN
    for purpose, groups in groupby(kinds, key=lambda kind: kind.purpose):
        yield style(purpose.capitalize(), "bold")
        for kind in groups:
            risk = f"{kind.risk.word if kind.risk else 'no'} risk"
            text = f"{style(f'{risk:<{_RISK_WIDTH}}', RISK_COLOURS[kind.risk])}  "
            text += style(f"{kind.transform:<{width}}", "bold")
            yield f"  {text}  {_changes_text(kind.fixes, are_listed=are_listed)}"
            if kind.cause:
                yield f"{'':{_RISK_WIDTH + 4}}{style(kind.cause, 'dim')}"
            for sentence in sentences(kind.fixes) if are_listed else ():
                ids = f"{style(' '.join(sentence.ids), 'dim')}  " if with_ids else ""
                yield f"    {ids}{_sentence(sentence, style)}"
            details = [line for fix in kind.fixes for line in fix.change.details]
            for line in details if are_listed else ():
                yield f"      {line}"
    yield from _not_made(fix_plan, style, most)
    if kinds and most <= MOST_SHOWN:
        hint = "-v lists each change with its id, for --take and --leave"
        yield style(hint, "dim")


def file_lines(changes: Changeset, style: Style) -> Iterator[str]:
    """Yield the files of *changes*, each with its number of lines."""
    for change in changes.changes:
        before, after = change.lines
        lines = counted(after, "line")
        size = f"{before} -> {lines}" if change.before is not None else f"new, {lines}"
        yield f"{style(change.path, 'bold')}  {size}"


def _changes_text(fixes: Sequence[PlannedFix], *, are_listed: bool) -> str:
    """Return what *fixes*, all of one transform, do.

    The only one by its title, unless they *are_listed* below.
    """
    first = fixes[0].change
    if len(fixes) == 1 and not are_listed:
        return f"{first.title} ({first.location})"
    services = [e.service for fix in fixes for e in fix.change.effects if e.service]
    names = list(dict.fromkeys(services or [path for fix in fixes for path in _paths(fix)]))
    pronoun = "it" if len(fixes) == 1 else "them"
    note = f"; Docker Compose rejects the project without {pronoun}" if first.repairs else ""
    return f"{counted(len(fixes), 'change')}: {first_of(names, _MOST_SERVICES)}{note}"


def _paths(fix: PlannedFix) -> list[str]:
    """Return the files that *fix* writes, else the one that it edits."""
    written = [e.file for e in fix.change.edits if isinstance(e, WriteFile | AddLines)]
    return written or [fix.change.location.path]


def data_loss_line(proposal: Proposal, style: Style) -> Iterator[str]:
    """Yield the warning for changes after which containers do not find their data."""
    if text := data_loss_text(proposal):
        yield row("", style(f"! {text}", "red", "bold"), style)


def data_loss_text(proposal: Proposal) -> str:
    """Return which changes leave the data of containers behind, ``""`` if none does."""
    applied = proposal.fix_plan.applied if proposal.fix_plan is not None else []
    fixes = [fix for fix in applied if fix.change.leaves_data]
    if not fixes:
        return ""
    services = dict.fromkeys(e.service for fix in fixes for e in fix.change.effects if e.service)
    names = first_of(list(services), MOST_NAMED)
    transforms = ", ".join(dict.fromkeys(fix.transform for fix in fixes))
    verb = "leaves" if len(fixes) == 1 else "leave"
    return f"{counted(len(fixes), 'change')} {verb} data behind: {names} ({transforms})"


def by_hand_line(findings: Sequence[Finding], place: Place, style: Style) -> Iterator[str]:
    """Yield *findings*, which no fix solves, as one line; no line if there are none."""
    if not findings:
        return
    first = findings[0]
    more = f"; {len(findings) - 1} more: {place.command('analyze')}" if len(findings) > 1 else ""
    text = f"{counted(len(findings), 'high finding')} to fix by hand: "
    yield row("", style(f"{text}{first.location}: {first.message}{more}", "yellow"), style)


def _not_made(fix_plan: FixPlan, style: Style, most: int) -> Iterator[str]:
    """Yield the available, uncertain, excluded, suppressed and skipped fixes.

    Unless the user wants all, long lists of them are only counted; also short ones if other
    changes are made. Of those that the project itself suppresses, the first reasons are listed.
    """
    are_listed = most > MOST_SHOWN
    longest = most if are_listed else 1 if fix_plan.applied else _MOST_REASONS
    hint = "" if are_listed or fix_plan.applied else " (-v shows why)"
    if fix_plan.available:
        yield style(f"available with --unsafe: {available_text(fix_plan)}", "cyan")
    if fix_plan.uncertain:
        count = f"{counted(len(fix_plan.uncertain), 'change')}: "
        count += counts_by_transform(fix_plan.uncertain)
        text = f"not certain enough: {count}; --confidence guess makes them"
        yield style(text, "cyan")
    lines = [
        f"{' '.join(each.ids)}  {_sentence(each, style)}"
        for kind in grouped(fix_plan.uncertain)
        for each in sentences(kind.fixes)
    ]
    for line in limited([] if fix_plan.applied and not are_listed else lines, most):
        yield f"  {line}"
    for state, fixes in (("excluded", fix_plan.excluded), ("suppressed", fix_plan.suppressed)):
        lines = [f"{state}: {line}" for line in _lines_by_reason(fixes, style)]
        for line in limited(lines, most if are_listed else _MOST_REASONS):
            yield style(line, "yellow")
    unneeded = [(n, each) for n, each in fix_plan.refusals if isinstance(each, Unneeded)]
    for line in limited([_refusal_text(*each) for each in unneeded], most):
        yield line
    refusals = [(n, each) for n, each in fix_plan.refusals if not isinstance(each, Unneeded)]
    skipped = [f"skipped: {_refusal_text(*each)}" for each in refusals]
    if len(skipped) > longest:
        count = counted(len(skipped), "change")
        names = counts(name for name, _ in refusals)
        skipped = [f"skipped: {count} that cannot be made safely: {names}{hint}"]
    for line in limited(skipped, most):
        yield style(line, "yellow")


def _refusal_text(transform: str, refusal: Refusal) -> str:
    remedy = f" -> {refusal.remedy}" if refusal.remedy else ""
    place = f"{refusal.location}: " if refusal.location.path != "." else ""
    return f"{transform}: {place}{refusal.reason}{remedy}"


def available_text(fix_plan: FixPlan) -> str:
    """Return how many changes ``--unsafe`` would make, by transform, and how many are guesses."""
    certain = [f for f in fix_plan.available if f.change.confidence != CONFIDENCES[-1]]
    text = counted(len(certain), "change")
    if certain:
        text += f": {counts_by_transform(certain)}"
    guesses = len(fix_plan.available) - len(certain)
    return text + (f"; and {counted(guesses, 'guess')}" if guesses else "")


def _lines_by_reason(fixes: Sequence[PlannedFix], style: Style) -> Iterator[str]:
    """Yield a line for each of *fixes*; one line for all that have the same reason.

    That is also one that differs only in the name of the service.
    """
    for reason, members in by_reason(fixes):
        if len(members) == 1:
            change = members[0].change
            yield f"{style(f'{change.location}:', 'dim')} {change.title} ({reason})"
        else:
            yield f"{counted(len(members), 'change')}: {counts_by_transform(members)} ({reason})"


def consequence(fixes: Sequence[PlannedFix], style: Style) -> str:
    """Return how *fixes*, all of one transform, affect the configuration."""
    if any(fix.change.repairs for fix in fixes):
        return style("Docker Compose rejects the project without it", "green")
    if all(fix.change.is_safe for fix in fixes):
        return style("same configuration", "green")
    if not any(effect.resolved for fix in fixes for effect in fix.change.effects):
        return style("same configuration, with values from files that are not in git", "yellow")
    return style("changes containers", "yellow")


def _sentence(sentence: FixSentence, style: Style) -> str:
    why = f" ({sentence.why})" if sentence.why else ""
    return f"{style(f'{sentence.place}:', 'dim')} {sentence.text}{why}"


def _fix_proof_lines(
    proposal: Proposal, fix_plan: FixPlan, proof: ProofResult, most: int
) -> Iterator[str]:
    """Yield what the successful *proof* of fixes shows; at most *most* names of containers."""
    recreated = proof.recreated_names
    containers = len(proposal.project.containers)
    compared = len(proposal.project.readable) - len(proposal.rejected)
    places = sum(effect.matters for effect in fix_plan.effects)
    line = f"{_proved(proposal)}: {counted(compared, 'start command')} "
    if places:
        verb = "changes" if compared == 1 else "change"
        line += f"{verb} in {counted(places, 'setting')}, as planned, and nowhere else"
    else:
        line += "equal"
    line += f", {len(recreated)} of {counted(containers, 'container')} recreated"
    names = recreated if len(recreated) < containers else []
    if compared:
        yield line + (f": {first_of(names, most)}" if names else "")
    if proposal.repaired:
        titles = ", ".join(entry.title for entry in proposal.repaired)
        yield f"Docker Compose no longer rejects: {titles}"


MOST_DIFFERENCES = 3
"""More differences between environments are counted, not listed."""

MOST_NAMED = 20
"""More services of a change, and templates, are counted, not named."""

MOST_RECREATED = 8
"""More containers that the next `up` recreates are counted, not named."""

MOST_SHOWN = 12
"""More entries of one kind are counted, not listed."""

MOST_EXPLAINED = 15
"""Of more modules, it is not said what their services have in common."""

MOST_SERVICES_NAMED = 5
"""More services of one file are counted, not named."""


def summary(
    proposal: Proposal,
    place: Place,
    style: Style,
    *,
    verbose: bool = False,
    by_hand: Sequence[Finding] = (),
) -> list[str]:
    """Return the lines on the project, the plan and the proof, the result last.

    Args:
        proposal: The proposal.
        place: Where the user and the project are.
        style: The colours.
        verbose: Whether to shorten no list, and to add technical figures.
        by_hand: Findings that no fix solves.
    """
    most = 10_000 if verbose else MOST_SHOWN
    lines = [*place_line(place, style), *found_lines(proposal, style, most)]
    lines += plan_lines(proposal, style, most, with_ids=verbose)
    lines += reader_lines(proposal.plan, style, most)
    if proposal.plan.saved_lines.services:
        lines += difference_lines(proposal, style, verbose=verbose)
    lines += by_hand_line(by_hand, place, style)
    if not proposal.changes.is_empty:
        lines += proof_lines(proposal, style, most)
    lines += data_loss_line(proposal, style)
    return lines


def place_line(place: Place, style: Style) -> Iterator[str]:
    """Yield where the project is, if it is not in the current directory."""
    if place.found_below:
        text = f"no Compose file here; the project is in {place.found_below}/"
        yield row("Project", style(text, "yellow") + "; paths are relative to it", style)
    elif place.prefix:
        yield row("Project", f"{place.prefix}; paths are relative to it", style)


def found_lines(proposal: Proposal, style: Style, most: int = MOST_SHOWN) -> Iterator[str]:
    """Yield the start commands, at most *most*, and the number of services."""
    return rows("Found", _found(proposal, style, most), style)


def _found(proposal: Proposal, style: Style, most: int) -> Iterator[str]:
    entries = proposal.opened.project.entries
    yield counted(len(entries), "start command")
    listed = list(entries)[:most]
    width = min(max((len(entry.command) for entry in listed), default=0), _WIDEST_COMMAND)
    for entry in listed:
        evidence = _evidence(entry, is_listed=most > MOST_SHOWN)
        state = _state(proposal, entry)
        note = f"  {style(state, 'yellow')}" if state else ""
        yield f"  {entry.command:<{width}}  {style(evidence, 'dim')}{note}"
    if len(entries) > len(listed):
        yield f"  and {len(entries) - len(listed)} more"
    not_read = [f"not read: {error}" for error in proposal.opened.project.not_read.values()]
    for line in limited(not_read, most):
        yield style(line, "yellow")
    yield _services(proposal)


def _evidence(entry: Invocation, *, is_listed: bool) -> str:
    """Return why *entry* is one; of the places that name it only their number, unless listed."""
    found = list(dict.fromkeys(entry.evidence))
    if is_listed or len(found) <= 1:
        return evidence_of(entry)
    first, *others = found
    if first.path:
        return f"{first} and {counted(len(others), 'more place')}"
    return f"{first}, named in {counted(len(others), 'place')}"


def _state(proposal: Proposal, entry: Invocation) -> str:
    if entry in proposal.opened.project.errors:
        return f"cannot be read: {proposal.opened.project.errors[entry]}"
    if entry in proposal.rejected:
        return f"rejected by Docker Compose: {proposal.rejected[entry]}"
    return ""


def _services(proposal: Proposal) -> str:
    project, catalog = proposal.opened.project, proposal.opened.settings.catalog
    services = project.services
    parts = kinds_text(
        find_placement(name, text_below(body, "image"), catalog).counts_as
        for name, body in services.items()
    )
    if not services:
        return "no services"
    notes = []
    extended = {path: names for path, names in project.only_extended.items() if names}
    if extended:
        number = counted(sum(map(len, extended.values())), "service")
        where = next(iter(extended)) if len(extended) == 1 else f"{len(extended)} files"
        notes.append(f"; {number} in {where} that others only extend")
    if project.templates:
        notes.insert(0, f"; without a container: {first_of(sorted(project.templates), MOST_NAMED)}")
    return f"{counted(len(services), 'service')}: {parts}{''.join(notes)}"


def plan_lines(
    proposal: Proposal, style: Style, most: int = MOST_SHOWN, *, with_ids: bool = False
) -> Iterator[str]:
    """Yield the planned files and the services that do not move; at most *most* of each kind.

    With *most* above :data:`MOST_SHOWN`, each new file has what its services have in common, and
    *with_ids* fixes and the files that can be selected have the id for ``--take``.
    """
    return rows("Plan", _plan(proposal, style, most, with_ids=with_ids), style)


def _plan(proposal: Proposal, style: Style, most: int, *, with_ids: bool) -> Iterator[str]:
    if proposal.fix_plan is not None:
        yield from _fix_plan(proposal, proposal.fix_plan, style, most, with_ids=with_ids)
        return
    plan = proposal.plan
    if proposal.changes.is_empty:
        yield style("nothing to do", "green")
        yield from _unmoved(plan.unmoved, style, most)
        return
    before = {c.path: c.before for c in proposal.changes.changes}
    ids = selectable(proposal.opened, plan) if with_ids else {}
    verbose = most > MOST_SHOWN
    created: dict[str, list[PlannedFile]] = {}
    old_paths = {new: old for old, new in plan.relocated.items()}
    for planned_file in (d for d in plan.planned_files if not d.deleted):
        if planned_file.path in old_paths:
            yield _relocated(old_paths[planned_file.path], planned_file, before, style)
            continue
        old = before.get(planned_file.path)
        if old is None:
            created.setdefault(planned_file.path.rpartition("/")[0], []).append(planned_file)
            continue
        size = f"{line_count(old)} -> {counted(len(planned_file.text().splitlines()), 'line')}"
        yield f"{style(planned_file.path, 'bold')}  {size}"
    for directory, planned_files in created.items():
        services = {d.path: plan.services.get(d.path, ()) for d in planned_files}
        total = len({name for names in services.values() for name in names})
        size = counted(len(planned_files), "file")
        size += f", {counted(total, 'service')}" if total else ""
        yield f"{style(directory + '/', 'bold')}  {size}"
        yield from _created(plan, planned_files, style, most, ids)
    yield from _deleted([d for d in plan.planned_files if d.path not in plan.relocated], style)
    yield from _unmoved(plan.unmoved, style, most)
    yield from _commands(plan, most)
    yield from plan.notes if verbose else ()
    yield moved_text(proposal, verbose=verbose)
    if not verbose and len(plan.reasons) > MOST_EXPLAINED:
        hint = "-v says what the services of each file have in common"
        yield style(hint, "dim")
    yield from _advice(proposal, style)


def _created(
    plan: Plan,
    planned_files: Sequence[PlannedFile],
    style: Style,
    most: int,
    ids: Mapping[str, str],
) -> Iterator[str]:
    """Yield the new files of one directory, each with its services, and with its id in *ids*."""
    width = min(max(len(d.path.rpartition("/")[2]) for d in planned_files), 48)
    content_of = _full_content if most > MOST_SHOWN else _content
    for planned_file in planned_files[:most]:
        name = planned_file.path.rpartition("/")[2]
        content = content_of(plan, planned_file.path)
        id_ = ids.get(planned_file.path)
        name = f"{style(id_, 'dim')}  {name:<{width}}" if id_ else f"{name:<{width}}"
        yield f"  {name}  {style(content, 'dim')}"
    if len(planned_files) > most:
        yield f"  and {len(planned_files) - most} more"


def _advice(proposal: Proposal, style: Style) -> Iterator[str]:
    """Yield how to copy less if a split copies much of the text; stubs and headers do not count."""
    before, _ = proposal.own_changes.text_lines()
    percent = 100 * proposal.plan.copied_lines // max(before, 1)
    if percent > _MOST_COPIED:
        text = f"{percent} % of the text is copied: larger modules (--granularity category) or "
        text += "shared blocks (--anchors extends) copy less"
        yield style(text, "yellow")


def reader_lines(plan: Plan, style: Style, most: int = MOST_SHOWN) -> Iterator[str]:
    """Yield which other readers of the files follow the plan, and which do not, with places.

    Readers that are fine as they are, and edits, are listed if *most* is more than usual.
    """
    return rows("Readers", _readers(plan, style, most), style)


def _readers(plan: Plan, style: Style, most: int) -> Iterator[str]:
    by_state: dict[str, list[Outcome]] = {}
    for outcome in plan.readers:
        by_state.setdefault(outcome.state, []).append(outcome)
    followed, named = by_state.get("followed", []), by_state.get("named", [])
    if followed:
        yield f"edited to follow: {_readers_and_files(followed)}"
    if named:
        places = counted(len(named), "place")
        text = f"{places} to change by hand: {', '.join(dict.fromkeys(o.title for o in named))}"
        yield style(text, "yellow")
    for line in limited([_reader_line(outcome) for outcome in named], most):
        yield style(f"  {line}", "yellow")
    if most > MOST_SHOWN:
        for outcome in (*followed, *by_state.get("fine", ()), *by_state.get("whole", ())):
            yield f"  {_reader_line(outcome)}"


def _readers_and_files(outcomes: Sequence[Outcome]) -> str:
    """Return the titles of readers, each with its files: ``Renovate (renovate.json)``."""
    paths: dict[str, dict[str, None]] = {}
    for outcome in outcomes:
        paths.setdefault(outcome.title, {})[outcome.location.path] = None
    return ", ".join(f"{title} ({first_of(list(of), 2)})" for title, of in paths.items())


def _reader_line(outcome: Outcome) -> str:
    action = f" -> {outcome.action}" if outcome.action else ""
    mark = " (fine)" if outcome.state == "fine" else ""
    return f"{outcome.location}: {outcome.statement}{action}{mark}"


def _relocated(
    old: str, planned_file: PlannedFile, before: Mapping[str, bytes | None], style: Style
) -> str:
    after = counted(len(planned_file.text().splitlines()), "line")
    size = f"{line_count(before[old])} -> {after}"
    return f"{old} -> {style(planned_file.path, 'bold')}  {size}"


def _commands(plan: Plan, most: int) -> Iterator[str]:
    """Yield the new start commands, and the places that still name the old paths."""
    if plan.entries:
        yield "New start commands:"
    commands = [
        f"  {command_text(old)}  ->  {command_text(new)}" for old, new in plan.entries.items()
    ]
    yield from limited(commands, most)
    places: dict[str, list[str]] = {}
    for mention in plan.mentions:
        places.setdefault(mention.path, []).append(str(mention.line))
    mentions = [f"  {path}:{', '.join(lines)}" for path, lines in places.items()]
    if mentions:
        yield "Not changed, though they name the old paths:"
    yield from limited(mentions, most)


def difference_lines(proposal: Proposal, style: Style, *, verbose: bool = False) -> Iterator[str]:
    """Yield the differences between files that define the same services."""
    for comparison in comparisons(proposal.opened.project):
        number, files = len(comparison.differences), len(comparison.files)
        services = counted(len(comparison.common), "service")
        if number:
            text = f"{counted(number, 'setting')} of {services} in {files} files"
        else:
            verb = "has" if len(comparison.common) == 1 else "have"
            text = f"nothing: {services} {verb} the same settings in {files} files"
        yield row("Differ", text, style)
        most = 10_000 if verbose else MOST_DIFFERENCES
        for sentence in limited(difference_sentences(comparison, verbose=verbose), most):
            yield row("", f"  {sentence}", style)


def _deleted(planned_files: Sequence[PlannedFile], style: Style) -> Iterator[str]:
    """Yield how many files are deleted, by directory."""
    by_directory = Counter(
        planned_file.path.rpartition("/")[0]
        for planned_file in planned_files
        if planned_file.deleted
    )
    for directory, count in sorted(by_directory.items()):
        name = style(f"{directory or '.'}/", "bold")
        yield f"{name}  {counted(count, 'file')} deleted, no longer used"


def _unmoved(unmoved: Sequence[Unmoved], style: Style, most: int) -> Iterator[str]:
    """Yield one line per reason, with the services that do not move and their files."""
    names_by_reason: dict[tuple[str, str], list[str]] = {}
    for entry in unmoved:
        names_by_reason.setdefault((entry.location.path, entry.reason), []).append(entry.name)
    paths_by_line: dict[tuple[str, ...], list[str]] = {}
    for (path, reason), names in names_by_reason.items():
        paths_by_line.setdefault((reason, *names), []).append(path)
    lines = []
    places = MOST_PLACES if most <= MOST_SHOWN else most
    for (reason, *names), paths in paths_by_line.items():
        listed = ", ".join(names[:most]) + (" ..." if len(names) > most else "")
        label = style("unmoved", "yellow")
        lines.append(f"{label} in {first_of(paths, places)}: {listed} ({reason})")
    yield from limited(lines, most)


def _content(plan: Plan, path: str) -> str:
    """Return the first services of a new file, and what they have in common."""
    services = plan.services.get(path, ())
    is_explained = len(services) > 1 and len(plan.reasons) <= MOST_EXPLAINED
    why = plan.reasons.get(path, "") if is_explained else ""
    names = first_of(services, MOST_SERVICES_NAMED) or _without_services(path)
    return f"{names} ({why.removeprefix('are ')})" if why else names


def _full_content(plan: Plan, path: str) -> str:
    """Return how many services a new file has, what they have in common, and their names."""
    services = plan.services.get(path, ())
    why = plan.reasons.get(path, "")
    names = ", ".join(services) or _without_services(path)
    how = why.removeprefix("are ") if why.startswith("are of ") else f"that {why}"
    return f"{counted(len(services), 'service')} {how}: {names}" if why else names


def _without_services(path: str) -> str:
    """Return what a new file is for that has no service of its own."""
    if path.endswith((".yml", ".yaml")):
        return "services that others extend"
    return "without variables: included files take them from the command, as before"


def moved_text(proposal: Proposal, *, verbose: bool = True) -> str:
    """Return how many services, lines and comments move, as a sentence.

    Only the services, and the lines of text before and after, unless *verbose*.
    """
    planned_files = proposal.plan.planned_files
    lines_moved = sum(d.moved_lines for d in planned_files)
    comments = sum(
        count_comment_lines(piece.text)
        for d in planned_files
        for piece in d.pieces
        if isinstance(piece, Slice) and not piece.copy
    )
    services = {p for p in proposal.plan.moved if p[1] == "services"}
    total = len(services) + sum(s.element[1] == "services" for s in proposal.plan.unmoved)
    rewritten = sum(d.lines_rewritten() for d in planned_files)
    defined = len(proposal.project.services)
    noun = "service" if total <= defined else "service definition"
    text = f"{len(services)} of {counted(total, noun)} move"
    if verbose:
        text += f": {counted(lines_moved, 'line')} unchanged, {rewritten} rewritten, "
        text += f"{counted(comments, 'comment')} kept"
    changes = proposal.own_changes
    before = sum(change.lines[0] for change in changes.changes)
    after = sum(change.lines[1] for change in changes.changes)
    old = len(changes.changed) + len(changes.deleted)
    new = len(changes.changed) + len(changes.created)
    copied = proposal.plan.copied_lines
    sizes = (
        f"{before} lines in {counted(old, 'file')} before, {after} in {counted(new, 'file')} after"
    )
    return f"{text}; {sizes}, {copied or 'none'} of them copied"


def proof_lines(proposal: Proposal, style: Style, most: int = MOST_SHOWN) -> Iterator[str]:
    """Yield whether the proposal is verified, the result last, with at most *most* of each limit.

    With *most* above :data:`MOST_SHOWN`, the assumptions and the figures come before it.
    """
    return rows("Proof", _proof(proposal, style, most), style)


def _proof(proposal: Proposal, style: Style, most: int) -> Iterator[str]:
    engine, proof = proposal.engine, proposal.proof
    if engine is None or proof is None:
        yield style("none: Docker Compose was not run (--engine none)", "red")
        return
    if most > MOST_SHOWN:
        runs = f"{counted(proof.covered, 'comparison')}, {usage_text(engine)}"
        yield f"{engine.origin}: {runs}"
        yield from assumptions(proof, style, most)
        yield from not_covered(proof, style, most)
    elif proof.not_covered:
        count = counted(len(proof.not_covered), "scenario")
        yield style(f"{count} could not be compared (-v shows which)", "yellow")
    for line in limited(list(sensitivity_lines(proposal)), most):
        yield style(line, "yellow")
    oldest = oldest_engine(proposal) if proposal.fix_plan is None else ""
    if oldest:
        yield f"the new files need Docker Compose v{oldest} or later"
    colour = "yellow" if proof.recreated_names else "green"
    for line in proof_line(proposal, proof, most if most > MOST_SHOWN else MOST_RECREATED):
        yield style(line, colour, "bold")


def proof_line(proposal: Proposal, proof: ProofResult, most: int = MOST_RECREATED) -> list[str]:
    """Return what the successful *proof* shows: one line, or two if a project was repaired.

    More than *most* containers are counted, not named.
    """
    if proposal.fix_plan is None:
        return [_split_proof_line(proposal, proof)]
    return [*_fix_proof_lines(proposal, proposal.fix_plan, proof, most)]


def _proved(proposal: Proposal) -> str:
    engine = proposal.engine
    return f"proved for Docker Compose v{engine.version}" if engine else "proved"


def _split_proof_line(proposal: Proposal, proof: ProofResult) -> str:
    entries = len(proposal.project.entries)
    recreated = len(proof.recreated_names)
    containers = len(proposal.project.containers)
    return (
        f"{_proved(proposal)}: {counted(entries, 'start command')} equal, "
        f"{recreated} of {counted(containers, 'container')} recreated"
    )


def sensitivity_lines(proposal: Proposal) -> Iterator[str]:
    """Yield what override files that are not in the repository may do differently."""
    by_message: dict[str, list[str]] = {}
    for sensitivity in proposal.sensitivities:
        service = sensitivity.service or "all services"
        by_message.setdefault(sensitivity.message, []).append(service)
    for message, services in by_message.items():
        names = first_of([*dict.fromkeys(services)], _MOST_SERVICES)
        subject = "override files outside of the repository may behave differently"
        yield f"{subject}: {message} ({names})"


def trees(proposal: Proposal, style: Style) -> tuple[str, ...]:
    """Return the Compose files before and after side by side, each with its number of lines."""
    after = proposal.changes.as_mapping()
    old = {
        path: len(file.source.text.splitlines()) for path, file in proposal.project.files.items()
    }
    new = {path: old.get(path, 0) for path in old if after.get(path, b"") is not None}
    new |= {path: len(text.splitlines()) for path, text in after.items() if text is not None}
    columns = [list(_tree(files)) for files in (old, new)]
    width = max(30, *(len(line) + 3 for line in columns[0]))
    lines = [style(f"{'Before (lines)':<{width}}After (lines)", "cyan")]
    for left, right in zip_longest(*columns, fillvalue=""):
        lines.append(f"{left:<{width}}{right}")
    return tuple(lines)


def _tree(files: Mapping[str, int]) -> Iterator[str]:
    """Yield *files* as a tree, with their numbers of lines."""
    shown: set[str] = set()
    for path in sorted(files, key=lambda path: ("/" in path, path)):
        *parents, name = path.split("/")
        for depth in range(len(parents)):
            directory = "/".join(parents[: depth + 1])
            if directory not in shown:
                shown.add(directory)
                yield f"{'  ' * depth}{parents[depth]}/"
        yield f"{'  ' * len(parents)}{name}  {files[path]}"
