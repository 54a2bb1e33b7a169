"""What a run found, would do and has proved, as a person reads it in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from composerefactor.compose.invocation import Invocation
from composerefactor.compose.merge_keys import merged_get, scalar_text
from composerefactor.compose.project import Project
from composerefactor.edit.planned_files import PlannedFile, Slice
from composerefactor.errors import first_of
from composerefactor.images.placement import place
from composerefactor.planning.fixes import FixPlan, PlannedFix
from composerefactor.planning.propose import Proposal, oldest_engine
from composerefactor.proof.comparison import ProofResult
from composerefactor.refactoring.contract import Plan, Unmoved
from composerefactor.refactoring.deduplicate.differences import comparisons
from composerefactor.report.plan_json import sentences
from composerefactor.report.text import (
    MOST_PLACES,
    Style,
    counted,
    evidence_of,
    limited,
    reservations,
    row,
    written,
)
from composerefactor.yaml.comments import comment_lines


def planned(proposal: Proposal, fix_plan: FixPlan, style: Style, most: int) -> Iterator[str]:
    """Yield the lines on what would be done, and what is left with its reason."""
    if not fix_plan.taken:
        yield row("Plan", style("nothing to do", "green"), style)
    label = "Plan"
    for change in proposal.changes.changes:
        before, after = _lines(change.before), _lines(change.after)
        lines = counted(after, "line")
        words = f"{before} -> {lines}" if change.before is not None else f"new, {lines}"
        yield row(label, f"{style(change.path, 'bold')}  {words}", style)
        label = ""
    for name, group in groupby(fix_plan.taken, key=lambda each: each.transform):
        fixes = list(group)
        yield row("", f"{style(name, 'bold')}  {consequence(fixes, style)}", style)
        for line in limited([_shown(each, style) for each in fixes], most):
            yield row("", f"  {line}", style)
        for line in limited([line for each in fixes for line in each.change.details], most):
            yield row("", f"    {line}", style)
    yield from _others(fix_plan, style, most)


def _others(fix_plan: FixPlan, style: Style, most: int) -> Iterator[str]:
    for word, found in (("left", fix_plan.left), ("suppressed", fix_plan.suppressed)):
        lines = [f"{word}: {_shown(each, style)} ({each.reason})" for each in found]
        for line in limited(lines, most):
            yield row("", style(line, "yellow"), style)
    refused = [
        f"{name}: {refusal.location}: {refusal.reason}"
        + (f" -> {refusal.remedy}" if refusal.remedy else "")
        for name, refusal in fix_plan.refusals
    ]
    for line in limited(refused, most):
        yield row("", style(line, "yellow"), style)
    if fix_plan.offered:
        counts: dict[str, int] = {}
        for each in fix_plan.offered:
            counts[each.transform] = counts.get(each.transform, 0) + 1
        words = ", ".join(f"{name} {n}" for name, n in counts.items())
        more = f"--unsafe makes {counted(len(fix_plan.offered), 'more change')}: {words}"
        yield row("", style(more, "cyan"), style)


def consequence(fixes: Sequence[PlannedFix], style: Style) -> str:
    """Return in words what *fixes* of one transform do to what runs."""
    if any(each.change.repairs for each in fixes):
        return style("the engine rejected the project without", "green")
    if all(each.change.is_safe for each in fixes):
        return style("same model", "green")
    if not any(effect.resolved for each in fixes for effect in each.change.effects):
        return style("same model, with values from files that are not in git", "yellow")
    return style("changes what runs", "yellow")


def _shown(found: PlannedFix, style: Style) -> str:
    evidence = f" ({found.change.evidence})" if found.change.evidence else ""
    where = style(f"{found.change.location}:", "dim")
    return f"{where} {found.change.title}{evidence}"


def proved(proposal: Proposal, fix_plan: FixPlan, proof: ProofResult, most: int) -> Iterator[str]:
    """Yield the lines on what *proof*, which is ok, has shown; at most *most* names."""
    recreated = sorted({name for names in proof.recreated.values() for name in names})
    containers = len(proposal.project.services)
    compared = len(proposal.project.readable) - len(proposal.rejected)
    places = sum(effect.matters for effect in fix_plan.effects)
    words = f"proved: {counted(compared, 'entry point')} "
    if places:
        verb = "differs" if compared == 1 else "differ"
        words += f"{verb} in {counted(places, 'declared place')} and nowhere else"
    else:
        words += "equal"
    words += f", {len(recreated)} of {counted(containers, 'container')} recreated"
    if compared:
        yield words + (f": {first_of(recreated, most)}" if recreated else "")
    if proposal.repaired:
        yield f"the engine accepts now: {', '.join(e.title for e in proposal.repaired)}"


def _lines(content: bytes | None) -> int:
    return len((content or b"").splitlines())


MOST_DIFFERENCES = 8

MOST_NAMED = 20
"""More containers are counted, not named."""

MOST_SHOWN = 12
"""More entries of one kind are counted, not listed."""


def summary(proposal: Proposal, style: Style, *, verbose: bool = False) -> list[str]:
    """Return the lines of the summary: found, plan, proof; *verbose* shortens nothing."""
    most = 10_000 if verbose else MOST_SHOWN
    lines = [*found_lines(proposal, style, most), *plan_lines(proposal, style, most)]
    if proposal.plan.saved_lines.services:
        lines += difference_lines(proposal, style, verbose=verbose)
    if not proposal.changes.is_empty:
        lines += proof_lines(proposal, style, most)
    return lines


def found_lines(proposal: Proposal, style: Style, most: int = MOST_SHOWN) -> Iterator[str]:
    """Yield the lines on how the project is started, and its services; at most *most* a kind."""
    entries = proposal.opened.project.entries
    count = f"{counted(len(entries), 'way')} this project is started"
    yield row("Found", count, style)
    shown = list(entries)[:most]
    width = min(max((len(e.command) for e in shown), default=0), 60)
    for entry in shown:
        evidence = evidence_of(entry)
        state = _state(proposal, entry)
        mark = f"  {style(state, 'yellow')}" if state else ""
        yield row("", f"  {entry.command:<{width}}  {style(evidence, 'dim')}{mark}", style)
    if len(entries) > len(shown):
        yield row("", f"  and {len(entries) - len(shown)} more", style)
    yield row("", _services(proposal.project), style)


def _state(proposal: Proposal, entry: Invocation) -> str:
    if entry in proposal.opened.project.errors:
        return f"cannot be read: {proposal.opened.project.errors[entry]}"
    if entry in proposal.rejected:
        return f"rejected by the engine as it stands: {proposal.rejected[entry]}"
    return ""


def _services(project: Project) -> str:
    seen = project.services
    counts = Counter(
        place(name, scalar_text(merged_get(body, "image"))).counts_as for name, body in seen.items()
    )
    parts = ", ".join(
        f"{n} {kind if n > 1 else kind.removesuffix('s')}" for kind, n in counts.most_common()
    )
    return f"{counted(len(seen), 'service')}: {parts}" if seen else "no services"


def plan_lines(proposal: Proposal, style: Style, most: int = MOST_SHOWN) -> Iterator[str]:
    """Yield the lines on what would be written; at most *most* a kind."""
    if proposal.fix_plan is not None:
        yield from planned(proposal, proposal.fix_plan, style, most)
        return
    plan = proposal.plan
    if proposal.changes.is_empty:
        yield row("Plan", style("nothing to do", "green"), style)
        yield from _stays(plan.unmoved, style, most)
        return
    before = {c.path: c.before for c in proposal.changes.changes}
    label = "Plan"
    created: dict[str, list[PlannedFile]] = {}
    came_from = {new: old for old, new in plan.relocated.items()}
    for planned_file in (d for d in plan.planned_files if not d.deleted):
        if planned_file.path in came_from:
            yield row(
                label, _relocated(came_from[planned_file.path], planned_file, before, style), style
            )
            label = ""
            continue
        old = before.get(planned_file.path)
        if old is None:
            created.setdefault(planned_file.path.rpartition("/")[0], []).append(planned_file)
            continue
        change = f"{_line_count(old)} -> {len(planned_file.text().splitlines())} lines"
        yield row(label, f"{style(planned_file.path, 'bold')}  {change}", style)
        label = ""
    for directory, planned_files in created.items():
        services = {d.path: plan.services.get(d.path, ()) for d in planned_files}
        total = len({name for names in services.values() for name in names})
        words = f"{counted(len(planned_files), 'file')}, {counted(total, 'service')}"
        yield row(label, f"{style(directory + '/', 'bold')}  {words}", style)
        width = min(max(len(d.path.rpartition("/")[2]) for d in planned_files), 48)
        for planned_file in planned_files[:most]:
            name = planned_file.path.rpartition("/")[2]
            yield row(
                "",
                f"  {name:<{width}}  {style(', '.join(services[planned_file.path]), 'dim')}",
                style,
            )
        if len(planned_files) > most:
            yield row("", f"  and {len(planned_files) - most} more", style)
        label = ""
    yield from _deleted([d for d in plan.planned_files if d.path not in plan.relocated], style)
    yield from _stays(plan.unmoved, style, most)
    yield from _commands(plan, style, most)
    for note in plan.notes:
        yield row("", note, style)
    yield row("", moved(proposal), style)


def _relocated(
    old: str, planned_file: PlannedFile, before: Mapping[str, bytes | None], style: Style
) -> str:
    lines = f"{_line_count(before[old] or b'')} -> {len(planned_file.text().splitlines())} lines"
    return f"{old} -> {style(planned_file.path, 'bold')}  {lines}"


def _commands(plan: Plan, style: Style, most: int) -> Iterator[str]:
    """Yield how the project is started from now on, and what still names the former files."""
    if plan.entries:
        yield row("", "Commands from now on:", style)
    shown = [f"  {written(old)}  ->  {written(new)}" for old, new in plan.entries.items()]
    for line in limited(shown, most):
        yield row("", line, style)
    places: dict[str, list[str]] = {}
    for mention in plan.mentions:
        places.setdefault(mention.path, []).append(str(mention.line))
    named = [f"  {path}:{', '.join(lines)}" for path, lines in places.items()]
    if named:
        yield row("", "Named elsewhere by the former path, and left as it is:", style)
    for line in limited(named, most):
        yield row("", line, style)


def difference_lines(proposal: Proposal, style: Style, *, verbose: bool = False) -> Iterator[str]:
    """Yield what differs between the files that had definitions of the same services."""
    for comparison in comparisons(proposal.opened.project):
        number, files = len(comparison.differences), len(comparison.files)
        words = f"{counted(number, 'setting') if number else 'no setting'} of "
        words += counted(len(comparison.common), "service")
        yield row("Differ", f"{words} in {files} files", style)
        most = 10_000 if verbose else MOST_DIFFERENCES
        for sentence in limited(sentences(comparison, verbose=verbose), most):
            yield row("", f"  {sentence}", style)


def _deleted(planned_files: Sequence[PlannedFile], style: Style) -> Iterator[str]:
    """Yield how many files go, by directory."""
    counts = Counter(
        planned_file.path.rpartition("/")[0]
        for planned_file in planned_files
        if planned_file.deleted
    )
    for directory, count in sorted(counts.items()):
        place = style(f"{directory or '.'}/", "bold")
        needed = "it" if count == 1 else "them"
        words = f"{counted(count, 'file')} deleted, since nothing needs {needed} any more"
        yield row("", f"{place}  {words}", style)


def _stays(unmoved: Sequence[Unmoved], style: Style, most: int) -> Iterator[str]:
    """Yield a line for each reason and the services that it holds for, with their files."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for stay in unmoved:
        by_reason.setdefault((stay.location.path, stay.reason), []).append(stay.part[2])
    alike: dict[tuple[str, ...], list[str]] = {}
    for (path, reason), names in by_reason.items():
        alike.setdefault((reason, *names), []).append(path)
    lines = []
    places = MOST_PLACES if most <= MOST_SHOWN else most
    for (reason, *names), paths in alike.items():
        shown = ", ".join(names[:most]) + (" ..." if len(names) > most else "")
        lines.append(f"{style('stays', 'yellow')} in {first_of(paths, places)}: {shown} ({reason})")
    for line in limited(lines, most):
        yield row("", line, style)


def moved(proposal: Proposal) -> str:
    """Return how much text moves, in words."""
    planned_files = proposal.plan.planned_files
    moved = sum(d.lines_from(copied=False) for d in planned_files)
    comments = sum(
        comment_lines(piece.text)
        for d in planned_files
        for piece in d.pieces
        if isinstance(piece, Slice) and not piece.copy
    )
    services = {p for p in proposal.plan.moved if p[1] == "services"}
    total = len(services) + sum(s.part[1] == "services" for s in proposal.plan.unmoved)
    rewritten = sum(d.lines_rewritten() for d in planned_files)
    words = f"{len(services)} of {counted(total, 'service')} move: {moved} lines moved"
    words += f", {rewritten} rewritten"
    before, after = proposal.changes.text_lines()
    words += f", {counted(comments, 'comment')} kept"
    return f"{words}; {before} lines of text before, {after} after"


def proof_lines(proposal: Proposal, style: Style, most: int = MOST_SHOWN) -> Iterator[str]:
    """Yield the lines on what was proved; at most *most* a kind."""
    engine, proof = proposal.engine, proposal.proof
    if engine is None or proof is None:
        yield row("Proof", style("none: no engine was asked", "red"), style)
        return
    words = f"Docker Compose v{engine.version} ({engine.origin})"
    if proposal.fix_plan is None:
        oldest = oldest_engine(proposal)
        words += f", needs v{oldest} or later from now on" if oldest else ""
    yield row("Proof", words, style)
    for line in proof_line(proposal, proof, max(most, MOST_NAMED)):
        yield row("", style(line, "green", "bold"), style)
    comparisons = f"{proof.covered} comparisons"
    yield row("", f"{comparisons}, {proof.runs} engine runs in {proof.seconds:.1f} s", style)
    yield from reservations(proof, style, most)
    for words in limited(list(_weaker(proposal)), most):
        yield row("", style(words, "yellow"), style)


def proof_line(proposal: Proposal, proof: ProofResult, most: int = MOST_NAMED) -> list[str]:
    """Return what *proof*, which is ok, has shown: a line, or two where something is mended.

    More than *most* containers are counted, not named.
    """
    if proposal.fix_plan is None:
        return [_proved(proposal, proof)]
    return [*proved(proposal, proposal.fix_plan, proof, most)]


def _proved(proposal: Proposal, proof: ProofResult) -> str:
    entries = len(proposal.project.entries)
    recreated = len({name for names in proof.recreated.values() for name in names})
    containers = len(proposal.project.services)
    return (
        f"proved: {counted(entries, 'entry point')}, "
        f"{recreated} of {containers} containers recreated"
    )


def _weaker(proposal: Proposal) -> Iterator[str]:
    by_words: dict[str, list[str]] = {}
    for found in proposal.sensitivities:
        by_words.setdefault(found.words, []).append(found.service or "all services")
    for words, services in by_words.items():
        names = ", ".join(dict.fromkeys(services))
        yield f"weaker than before, in an override that is not in the repository: {words} ({names})"


def _line_count(content: bytes) -> int:
    return len(content.splitlines())
