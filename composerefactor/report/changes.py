"""The changes of a run that works in place, as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from composerefactor.proposal.mended import Mend, Mended
from composerefactor.proposal.propose import Proposal
from composerefactor.report.rows import counted, limited, row
from composerefactor.report.style import Style
from composerefactor.verify.verdict import Verdict
from composerefactor.wording import some


def planned(proposal: Proposal, mended: Mended, style: Style, most: int) -> Iterator[str]:
    """Yield the lines on what would be done, and what is left with its reason."""
    if not mended.taken:
        yield row("Plan", style("nothing to do", "green"), style)
    label = "Plan"
    for change in proposal.changes.changes:
        before, after = _lines(change.before), _lines(change.after)
        lines = counted(after, "line")
        words = f"{before} -> {lines}" if change.before is not None else f"new, {lines}"
        yield row(label, f"{style(change.path, 'bold')}  {words}", style)
        label = ""
    for name, group in groupby(mended.taken, key=lambda each: each.transform):
        mends = list(group)
        yield row("", f"{style(name, 'bold')}  {consequence(mends, style)}", style)
        for line in limited([_shown(each, style) for each in mends], most):
            yield row("", f"  {line}", style)
        for line in limited([line for each in mends for line in each.change.details], most):
            yield row("", f"    {line}", style)
    yield from _others(mended, style, most)


def _others(mended: Mended, style: Style, most: int) -> Iterator[str]:
    for word, found in (("left", mended.left), ("suppressed", mended.suppressed)):
        lines = [f"{word}: {_shown(each, style)} ({each.reason})" for each in found]
        for line in limited(lines, most):
            yield row("", style(line, "yellow"), style)
    refused = [
        f"{name}: {refusal.location}: {refusal.reason}"
        + (f" -> {refusal.remedy}" if refusal.remedy else "")
        for name, refusal in mended.refusals
    ]
    for line in limited(refused, most):
        yield row("", style(line, "yellow"), style)
    if mended.offered:
        counts: dict[str, int] = {}
        for each in mended.offered:
            counts[each.transform] = counts.get(each.transform, 0) + 1
        words = ", ".join(f"{name} {n}" for name, n in counts.items())
        more = f"--unsafe makes {counted(len(mended.offered), 'more change')}: {words}"
        yield row("", style(more, "cyan"), style)


def consequence(mends: Sequence[Mend], style: Style) -> str:
    """Return in words what *mends* of one transform do to what runs."""
    if any(each.change.repairs for each in mends):
        return style("the engine rejected the project without", "green")
    if all(each.change.is_safe for each in mends):
        return style("same model", "green")
    if not any(effect.resolved for each in mends for effect in each.change.effects):
        return style("same model, with values from files that are not in git", "yellow")
    return style("changes what runs", "yellow")


def _shown(found: Mend, style: Style) -> str:
    evidence = f" ({found.change.evidence})" if found.change.evidence else ""
    where = style(f"{found.change.location}:", "dim")
    return f"{where} {found.change.title}{evidence}"


def proved(proposal: Proposal, mended: Mended, verdict: Verdict, most: int) -> Iterator[str]:
    """Yield the lines on what *verdict*, which is ok, has shown; at most *most* names."""
    recreated = sorted({name for names in verdict.recreated.values() for name in names})
    containers = len(proposal.project.services)
    compared = len(proposal.project.readable) - len(proposal.rejected)
    places = sum(effect.matters for effect in mended.effects)
    words = f"proved: {counted(compared, 'entry point')} "
    if places:
        verb = "differs" if compared == 1 else "differ"
        words += f"{verb} in {counted(places, 'declared place')} and nowhere else"
    else:
        words += "equal"
    words += f", {len(recreated)} of {counted(containers, 'container')} recreated"
    if compared:
        yield words + (f": {some(recreated, most)}" if recreated else "")
    if proposal.repaired:
        yield f"the engine accepts now: {', '.join(e.title for e in proposal.repaired)}"


def _lines(content: bytes | None) -> int:
    return len((content or b"").splitlines())
