"""The text above the questions, coloured if the terminal supports it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from composerefactor.analysis.findings import Finding
from composerefactor.cli.wizard.work import RISKS, Examination, FixChoices, Item, ItemizedProposal
from composerefactor.compose.masking import GENERAL, Masking
from composerefactor.edit.planned_files import Changeset
from composerefactor.errors import shortened
from composerefactor.planning.fixes import FixPlan, PlannedFix
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.propose import Proposal
from composerefactor.planning.registry import fixers
from composerefactor.planning.selection import EXCLUDED_BY_LEAVE
from composerefactor.refactoring.contract import Plan, Refusal, Unneeded
from composerefactor.report.patch import unified_patch
from composerefactor.report.plan_text import (
    consequence,
    difference_lines,
    file_lines,
    found_lines,
    place_line,
    plan_lines,
    proof_lines,
    reader_lines,
    trees,
)
from composerefactor.report.text import LABEL, Place, Style, counted, row, rows

_WIDEST = 200


def shown_lines(lines: Iterable[str], masking: Masking = GENERAL) -> Iterator[str]:
    """Yield *lines*, of a file or a diff, without secret values and control characters.

    Very long lines are cut.
    """
    for line in masking.lines(line.expandtabs(4) for line in lines):
        yield _plain(line)


def _plain(text: str) -> str:
    plain = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return plain if len(plain) <= _WIDEST else f"{plain[:_WIDEST]} ..."


_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
_MOST = 10_000
MOST_BY_HAND = 2
"""At most this many of the problems that no fixer can solve are listed."""

MOST_LISTED = 12
"""More changes than this are only counted; the review shows them one by one."""

_COLUMNS = 80


def project(opened: OpenProject, place: Place, style: Style) -> tuple[str, ...]:
    """Return where the project is, its start commands and its services."""
    proposal = Proposal(opened, opened.project, Plan(), Changeset())
    lines = (*place_line(place, style), *found_lines(proposal, style))
    return tuple(map(opened.masking.message, lines))


def problems(examination: Examination, place: Place, style: Style) -> tuple[str, ...]:
    """Return what Docker Compose rejects, and the changes that fixers can make."""
    lines: list[str] = []
    masking = examination.opened.masking
    for entry, rejection in examination.rejected.items():
        message = masking.text(rejection)
        line = row("Error", style(f"{entry.title}: {message}", "red"), style)
        lines.append(line if not lines else row("", style(message, "red"), style))
    for entry, error in examination.opened.project.errors.items():
        lines.append(row("Error", style(f"{entry.title}: {error}", "red"), style))
    label = "Changes"
    fixes_by_name = by_transform(examination.fix_plan.applied)
    repairs = {
        name: fixes
        for name, fixes in fixes_by_name.items()
        if any(fix.change.repairs for fix in fixes)
    }
    first = repairs or fixes_by_name  # what Docker Compose rejects comes before anything else
    for name, fixes in first.items():
        lines.append(
            row(label, _one_line(f"{name} ({len(fixes)}): {fixes[0].change.title}"), style)
        )
        label = ""
    if len(first) < len(fixes_by_name):
        others = ", ".join(name for name in fixes_by_name if name not in first)
        lines.append(row("", f"less urgent: {others}", style))
    refusals = [r for _, r in examination.fix_plan.refusals if not isinstance(r, Unneeded)]
    lines += _by_hand(examination.by_hand, refusals, place, style)
    return tuple(map(masking.message, lines)) or (
        row("Changes", style("none needed", "green"), style),
    )


def _by_hand(
    high: Sequence[Finding], refusals: Sequence[Refusal], place: Place, style: Style
) -> Iterator[str]:
    """Yield what no fixer can solve: the high findings, or if there are none, the others."""
    why = place.command("fix", "--unsafe", "--check", "-v")
    label = "By hand"
    for finding in high[:MOST_BY_HAND]:
        text = GENERAL.text(f"{finding.location}: {finding.message}")
        yield row(label, style(text, "red"), style)
        label = ""
    if high:
        more = len(high) - MOST_BY_HAND
        hint = f"and {counted(more, 'more high finding')}: " if more > 0 else ""
        yield row("", style(f"{hint}`{place.command('analyze')}` says what to do", "yellow"), style)
        if refusals:
            text = f"{counted(len(refusals), 'change')} skipped: "
            text += f"`{why}` says why"
            yield row("", style(text, "yellow"), style)
        return
    for refusal in refusals[:MOST_BY_HAND]:
        problem = f"{refusal.location}: {refusal.reason}"
        if len(refusals) == 1 and refusal.remedy:
            problem += f" -> {refusal.remedy}"
        yield row(label, style(GENERAL.text(problem), "yellow"), style)
        label = ""
    if len(refusals) > 1:
        more = len(refusals) - MOST_BY_HAND
        hint = f"and {more} more: " if more > 0 else ""
        hint += f"`{why}` shows all"
        yield row("", style(hint, "yellow"), style)


def _one_line(text: str) -> str:
    """Return *text*, cut to one line of a small terminal."""
    return shortened(" ".join(GENERAL.text(text).split()), _COLUMNS - LABEL)


def by_transform(fixes: Iterable[PlannedFix]) -> dict[str, list[PlannedFix]]:
    """Return *fixes* by transform; first those without which Docker Compose rejects the project."""
    by_name: dict[str, list[PlannedFix]] = {}
    for fix in fixes:
        by_name.setdefault(fix.transform, []).append(fix)
    return dict(
        sorted(by_name.items(), key=lambda pair: not any(f.change.repairs for f in pair[1]))
    )


def layout(proposal: Proposal, style: Style) -> tuple[str, ...]:
    """Return the files of a split, and the differences between its environments."""
    differ = difference_lines(proposal, style) if proposal.plan.saved_lines.services else ()
    readers = reader_lines(proposal.plan, style)
    lines = (*plan_lines(proposal, style, _MOST), *readers, *differ)
    return tuple(map(proposal.opened.masking.message, lines))


def plan(proposed: ItemizedProposal, style: Style) -> tuple[str, ...]:
    """Return the planned changes, and how many are excluded."""
    fix_plan = proposed.proposal.fix_plan
    if fix_plan is not None and len(fix_plan.applied) > MOST_LISTED:
        lines = list(_counts(proposed.proposal, fix_plan, style))
        return tuple(map(proposed.proposal.opened.masking.message, lines))
    return layout(proposed.proposal, style)


def _counts(proposal: Proposal, fix_plan: FixPlan, style: Style) -> Iterator[str]:
    """Yield how many changes each transform makes, if there are too many to list."""
    yield from rows("Plan", file_lines(proposal.changes, style), style)
    kinds = by_transform(fix_plan.applied)
    width = max(map(len, kinds), default=0)
    for name, fixes in kinds.items():
        text = f"{style(f'{name:<{width}}', 'bold')}  {counted(len(fixes), 'change')}"
        yield row("", f"{text}: {consequence(fixes, style)}", style)
    if fix_plan.uncertain:
        count = counted(len(fix_plan.uncertain), "change")
        yield row("", style(f"not certain enough: {count}", "cyan"), style)
    for fix in fix_plan.excluded:
        if fix.reason != EXCLUDED_BY_LEAVE:
            line = f"excluded: {fix.transform}: {fix.change.title} ({fix.reason})"
            yield row("", style(GENERAL.text(line), "yellow"), style)


def proof(proposed: ItemizedProposal, style: Style) -> tuple[str, ...]:
    """Return whether the changes are verified."""
    lines = proof_lines(proposed.proposal, style, MOST_LISTED)
    return tuple(map(proposed.proposal.opened.masking.message, lines))


def files(proposed: ItemizedProposal, style: Style) -> tuple[str, ...]:
    """Return how many files would be written, and which have changes that are not committed."""
    lines: list[str] = []
    changes = proposed.proposal.changes
    kinds = Counter("new" if c.is_created else c.kind for c in changes.changes)
    lines.append(row("Files", ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())), style))
    lines += _dependent(proposed, style)
    risky = [item for item in proposed.items if item.is_data_risk]
    masking = proposed.proposal.opened.masking
    for item in risky:
        text = masking.text(f"! may leave stored data behind: {item.title}")
        lines.append(style(text, "red", "bold"))
    for path, reason in proposed.dirty.items():
        cause = "an earlier step of this session wrote it" if path in proposed.own else reason
        line = f"{path}: {cause}; git cannot restore it, `composerefactor undo` can"
        lines.append(row("", style(line, "yellow"), style))
    return tuple(lines)


def _dependent(proposed: ItemizedProposal, style: Style) -> Iterator[str]:
    count = proposed.dependent
    if count:
        verb, subject = ("is", "it builds") if count == 1 else ("are", "they build")
        line = (
            f"{counted(count, 'more change')} {verb} excluded because {subject} on an excluded one"
        )
        yield row("Excluded", style(line, "yellow"), style)


_RISKS = {
    "safe": ("running containers are not affected", "green"),
    "changes": ("changes containers", "yellow"),
    "data": ("! may leave stored data behind", "red"),
}
"""What a change means for running containers, and its colour."""


def kind(
    name: str,
    items: Sequence[Item],
    number: int,
    total: int,
    choices: FixChoices,
    style: Style,
) -> tuple[str, ...]:
    """Return the changes of one kind, each with its place, and what they mean."""
    masking = choices.opened.masking
    lines = [style(f"{number} of {total} kinds  {name}", "cyan"), fixers()[name].summary]
    lines += [_meaning(items, style), ""]
    for item in items:
        mark = style("! ", "red") if item.is_data_risk else ""
        guess = "" if item.is_certain else style(" (guess)", "yellow")
        lines.append(f"{mark}{masking.text(item.name)}{guess}")
    return tuple(lines)


def kinds(choices: FixChoices, style: Style) -> tuple[str, ...]:
    """Return a line for each kind of change: how many there are, and what they mean."""
    by_kind: dict[str, list[Item]] = {}
    for item in choices.items:
        by_kind.setdefault(item.kind, []).append(item)
    counts = {name: _count(items) for name, items in by_kind.items()}
    longest, widest = max(map(len, by_kind)), max(map(len, counts.values()))
    return tuple(
        f"{style(f'{name:<{longest}}', 'bold')}  {counts[name]:<{widest}}  {_meaning(items, style)}"
        for name, items in by_kind.items()
    )


def _count(items: Sequence[Item]) -> str:
    certain = sum(item.is_certain for item in items)
    guesses = len(items) - certain
    counts = [counted(certain, "change")] if certain else []
    return ", ".join([*counts, counted(guesses, "guess")] if guesses else counts)


def _meaning(items: Sequence[Item], style: Style) -> str:
    """Return what *items*, of one kind, mean for running containers, the worst of them."""
    if any(item.fix is not None and item.fix.change.repairs for item in items):
        return style("repairs what Docker Compose rejects", "green")
    return style(*_RISKS[max((item.risk for item in items), key=RISKS.index)])


def overview(examination: Examination, place: Place, style: Style) -> tuple[str, ...]:
    """Return all changes that are possible, for a look: the fixes, and the split."""
    masking = examination.opened.masking
    lines: list[str] = [*problems(examination, place, style), ""]
    for name, fixes in by_transform(examination.fix_plan.applied).items():
        count = counted(len(fixes), "change")
        lines.append(f"{style(name, 'bold')}  {count}: {consequence(fixes, style)}")
        lines += [masking.text(f"  {f.change.location}: {f.change.title}") for f in fixes]
    if examination.layout is not None:
        lines += ["", *trees(examination.layout, style), "", *layout(examination.layout, style)]
    fix, split = place.command("fix", "--unsafe", "--dry-run"), place.command("split", "--dry-run")
    return (
        *lines,
        "",
        f"`{fix}` and `{split}`",
        f"print the changes as patches; `{place.command('analyze')}` explains the findings.",
    )


def change(item: Item, number: int, total: int, style: Style, masking: Masking) -> tuple[str, ...]:
    """Return one change: its title, its consequences, and its diff."""
    head = style(f"{number} of {total}  {item.kind}", "cyan")
    lines = [head, style(masking.text(item.title), "bold")]
    lines += [masking.text(consequence) for consequence in item.consequences]
    lines += [style(_RISKS[item.risk][0], "red")] if item.is_data_risk else []
    lines += [style(f"if skipped: {item.loss}", "yellow")] if item.loss else []
    return (*lines, "", *diff(item.changeset(), style, masking))


def diff(changes: Changeset, style: Style, masking: Masking) -> Iterator[str]:
    """Yield the lines of the diff, with secret values masked."""
    is_one = len(changes.changes) == 1
    headers = ("diff --git", "new file mode", "deleted file mode", "--- /dev/null", "+++ /dev/null")
    lines = unified_patch(changes).decode("utf-8", "replace").splitlines()
    for line, text in zip(lines, shown_lines(lines, masking), strict=True):
        is_name = line.startswith(("--- ", "+++ "))
        if line.startswith((*headers, "@@ -0,0", "\\")) or (is_name and is_one):
            continue
        colour = "dim" if is_name else _COLOURS.get(line[:1], "")
        yield style(text, colour) if colour else text


def file(path: str, content: bytes, style: Style, masking: Masking) -> tuple[str, ...]:
    """Return the whole file, with line numbers."""
    lines = list(shown_lines(content.decode("utf-8", "replace").splitlines(), masking))
    width = len(str(len(lines)))
    numbered = (f"{style(f'{n:>{width}}', 'dim')} {line}" for n, line in enumerate(lines, 1))
    return (style(path, "bold"), *numbered)
