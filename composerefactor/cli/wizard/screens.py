"""What stands above the questions: lines of text, painted where the terminal wants colours."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from composerefactor.cli.wizard.work import Examination, Item, ItemizedProposal
from composerefactor.compose.secrets import MASK, is_secret_name, mask_text
from composerefactor.edit.planned_files import Changeset
from composerefactor.errors import ComposerefactorError
from composerefactor.planning.fixes import LEFT_OUT, FixPlan, PlannedFix
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.propose import Proposal
from composerefactor.refactoring.contract import Plan, Refusal
from composerefactor.report.patch import unified_patch
from composerefactor.report.plan_text import (
    consequence,
    difference_lines,
    found_lines,
    plan_lines,
    proof_lines,
)
from composerefactor.report.text import LABEL, Style, counted, row

_WIDEST = 200
_NAMED = re.compile(
    r"(?P<before>[+\- ]?\s*(?:-\s+)?[\"']?(?P<name>[A-Za-z_][\w.-]{0,80})[\"']?\s*[:=]\s*)"
    r"(?P<value>\S.*)"
)
_REFERENCE = re.compile(r"[\"']?\$\{?\w+(?::?\?[^{}$]{0,200})?\}?[\"']?(?:\s+#.*)?")
_BLOCK = re.compile(r"[|>][-+0-9]*(?:\s+#.*)?")


def shown_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield *lines*, of a file or a diff, without secret values and control characters.

    What stands under a name that sounds secret is hidden to the end of the line, and to the end of
    the text where it is written as a block below its name. Very long lines are cut.
    """
    hidden = -1  # the indentation of the name whose block is hidden
    for line in lines:
        text = line.expandtabs(4)
        bare = text[1:] if text[:1] in {"+", "-"} else text
        indent = len(bare) - len(bare.lstrip())
        if hidden >= 0 and bare.strip() and indent > hidden:
            yield text[: len(text) - len(text.lstrip("+- "))] + MASK
            continue
        hidden = -1 if bare.strip() else hidden
        match = _NAMED.fullmatch(text)
        if match and is_secret_name(match["name"]) and not _REFERENCE.fullmatch(match["value"]):
            if _BLOCK.fullmatch(match["value"]):
                hidden = indent
            else:
                text = f"{match['before']}{MASK}"
        yield _plain(mask_text(text[: 10 * _WIDEST]))


def _plain(text: str) -> str:
    plain = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return plain if len(plain) <= _WIDEST else f"{plain[:_WIDEST]} ..."


_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
_MOST = 10_000
MOST_BY_HAND = 2
"""So many of the things that no transform can do are listed."""

MOST_LISTED = 12
"""More changes than this are counted, and looked at one by one."""

_COLUMNS = 80


def found(opened: OpenProject, style: Style) -> tuple[str, ...]:
    """Return what reading the files has found."""
    proposal = Proposal(opened, opened.project, Plan(), Changeset())
    return tuple(found_lines(proposal, style))


def wrong(examined: Examination, style: Style) -> tuple[str, ...]:
    """Return what the engine rejects, and what is missing or could be better."""
    lines: list[str] = []
    for entry, words in examined.rejected.items():
        mark = row("Wrong", style(f"{entry.title}: {mask_text(words)}", "red"), style)
        lines.append(mark if not lines else row("", style(mask_text(words), "red"), style))
    for entry, error in examined.opened.project.errors.items():
        lines.append(row("Wrong", style(f"{entry.title}: {error}", "red"), style))
    label = "Findings"
    found = by_transform(examined.fix_plan.taken)
    fixer = {k: v for k, v in found.items() if any(fix.change.repairs for fix in v)}
    first = fixer or found  # what the engine rejects comes before all else
    for name, fixes in first.items():
        lines.append(
            row(label, _one_line(f"{name} ({len(fixes)}): {fixes[0].change.title}"), style)
        )
        label = ""
    if len(first) < len(found):
        others = ", ".join(name for name in found if name not in first)
        lines.append(row("", f"not as pressing: {others}", style))
    lines += _by_hand([refusal for _, refusal in examined.fix_plan.refusals], style)
    return tuple(lines) or (row("Findings", style("nothing is wrong", "green"), style),)


def _by_hand(refusals: Sequence[Refusal], style: Style) -> Iterator[str]:
    """Yield what no transform can do: one thing in full, several as far as a line goes."""
    label = "By hand"
    for refusal in refusals[:MOST_BY_HAND]:
        words = f"{refusal.location}: {refusal.reason}"
        if len(refusals) == 1 and refusal.remedy:
            words += f" -> {refusal.remedy}"
        shown = mask_text(words) if len(refusals) == 1 else _one_line(words)
        yield row(label, style(shown, "yellow"), style)
        label = ""
    if len(refusals) > 1:
        more = len(refusals) - MOST_BY_HAND
        words = f"and {more} more: " if more > 0 else ""
        words += "`composerefactor fix --unsafe --check -v` says it in full"
        yield row("", style(words, "yellow"), style)


def _one_line(text: str) -> str:
    """Return *text* as far as it stands on one line of a small terminal."""
    room = _COLUMNS - LABEL
    words = " ".join(mask_text(text).split())
    return words if len(words) <= room else f"{words[: room - 3]}..."


def by_transform(fixes: Iterable[PlannedFix]) -> dict[str, list[PlannedFix]]:
    """Return *fixes* by transform, those first without which the engine rejects the project."""
    found: dict[str, list[PlannedFix]] = {}
    for fix in fixes:
        found.setdefault(fix.transform, []).append(fix)
    return dict(sorted(found.items(), key=lambda each: not any(m.change.repairs for m in each[1])))


def layout(proposal: Proposal, style: Style) -> tuple[str, ...]:
    """Return the tree that a split would give, and what its environments differ in."""
    differ = difference_lines(proposal, style) if proposal.plan.saved_lines.services else ()
    return (*plan_lines(proposal, style, _MOST), *differ)


def plan(proposed: ItemizedProposal, style: Style) -> tuple[str, ...]:
    """Return what would be written, and what is not possible."""
    fix_plan = proposed.proposal.fix_plan
    if fix_plan is not None and len(fix_plan.taken) > MOST_LISTED:
        return (*_counts(proposed.proposal, fix_plan, style), *_lost(proposed, style))
    return (*layout(proposed.proposal, style), *_lost(proposed, style))


def _counts(proposal: Proposal, fix_plan: FixPlan, style: Style) -> Iterator[str]:
    """Yield how many changes each transform makes, for more of them than can be read at once."""
    label = "Plan"
    for change in proposal.changes.changes:
        yield row(
            label, f"{style(change.path, 'bold')}  {'new' if change.is_created else ''}", style
        )
        label = ""
    for name, fixes in by_transform(fix_plan.taken).items():
        count = counted(len(fixes), "change")
        yield row("", f"{style(name, 'bold')}  {count}: {consequence(fixes, style)}", style)
    for each in fix_plan.left:
        if each.reason != LEFT_OUT:
            words = f"left: {each.transform}: {each.change.title} ({each.reason})"
            yield row("", style(mask_text(words), "yellow"), style)


def proved(proposed: ItemizedProposal, style: Style) -> tuple[str, ...]:
    """Return what was proved."""
    return tuple(proof_lines(proposed.proposal, style, MOST_LISTED))


def files(proposed: ItemizedProposal, style: Style) -> tuple[str, ...]:
    """Return how many files would be written, and what stands in the way of it."""
    lines: list[str] = []
    changes = proposed.proposal.changes
    kinds = Counter(
        "new" if c.is_created else "deleted" if c.is_deleted else "changed" for c in changes.changes
    )
    words = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
    lines.append(row("Files", words, style))
    lines += _lost(proposed, style)
    for path, reason in proposed.dirty.items():
        why = "an earlier step of this session wrote it" if path in proposed.own else reason
        words = f"{path}: {why}; git could not bring it back, `composerefactor undo` can"
        lines.append(row("", style(words, "yellow"), style))
    return tuple(lines)


def _lost(proposed: ItemizedProposal, style: Style) -> Iterator[str]:
    label = "Not made"
    for words in proposed.lost:
        yield row(label, style(mask_text(words), "yellow"), style)
        label = ""


def change(item: Item, number: int, total: int, style: Style) -> tuple[str, ...]:
    """Return one change: what it is, what it means, and its diff."""
    head = style(f"{number} of {total}  {item.kind}", "cyan")
    lines = [head, style(mask_text(item.title), "bold")]
    lines += [mask_text(words) for words in item.consequences]
    lines += [style(f"left out: {item.loss}", "yellow")] if item.loss else []
    return (*lines, "", *diff(item.shown(), style))


def diff(changes: Changeset, style: Style) -> Iterator[str]:
    """Yield the lines of the diff, secret values masked."""
    is_one = len(changes.changes) == 1
    headers = ("diff --git", "new file mode", "deleted file mode", "--- /dev/null", "+++ /dev/null")
    lines = unified_patch(changes).decode("utf-8", "replace").splitlines()
    for line, text in zip(lines, shown_lines(lines), strict=True):
        is_name = line.startswith(("--- ", "+++ "))
        if line.startswith((*headers, "@@ -0,0", "\\")) or (is_name and is_one):
            continue
        colour = "dim" if is_name else _COLOURS.get(line[:1], "")
        yield style(text, colour) if colour else text


def file(path: str, content: bytes, style: Style) -> tuple[str, ...]:
    """Return the whole file, with line numbers."""
    lines = list(shown_lines(content.decode("utf-8", "replace").splitlines()))
    width = len(str(len(lines)))
    numbered = (f"{style(f'{n:>{width}}', 'dim')} {line}" for n, line in enumerate(lines, 1))
    return (style(path, "bold"), *numbered)


def error(problem: ComposerefactorError, style: Style) -> tuple[str, ...]:
    """Return what went wrong, where, and what to do."""
    where = f"{problem.location}: " if problem.location else ""
    first, *others = mask_text(problem.message).splitlines() or [""]
    lines = [f"{style('error', 'red', 'bold')}  {where}{first}", *(f"       {o}" for o in others)]
    if problem.remedy:
        lines.append(f"       {style('->', 'cyan')} {problem.remedy}")
    return tuple(lines)
