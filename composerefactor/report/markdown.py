"""Markdown helpers, and a proposal as a comment on a pull request.

The comment contains the changes, the result of the verification, and the patch in a collapsed
section. Secret values are masked everywhere; `--dry-run` without a format prints the real patch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from composerefactor.compose.masking import Masking
from composerefactor.edit.planned_files import FileChange
from composerefactor.planning.fixes import PlannedFix
from composerefactor.planning.propose import Proposal
from composerefactor.refactoring.contract import Plan, Unneeded
from composerefactor.report.fix_groups import (
    FixSentence,
    by_reason,
    counts_by_transform,
    grouped,
    refused_sentences,
    sentences,
)
from composerefactor.report.plan_text import (
    available_text,
    consequence,
    data_loss_text,
    moved_text,
    proof_line,
    sensitivity_lines,
    trees,
)
from composerefactor.report.text import Style, counted

_MARKUP = r"[\\`*\[\]<~]|&(?=#?\w+;)|(?<!\w)_|_(?!\w)|^(?:>|#{1,6}(?=\s)|[+-](?=\s))|(?<!\w)@(?=\w)"
"""What Markdown does not show as it is; a bar only in a table, so that :func:`table` escapes it."""

_TEXT = re.compile(_MARKUP)
_PROSE = rf"(?P<code>(?<!`)`[^`]+`(?!`))|{_MARKUP}"
"""Code as Markdown reads it: other runs of backticks neither begin nor end it."""

_ESCAPES = {"&": "&amp;", "@": "@\u200b"}
"""A zero-width space prevents that a name in the text is mentioned on the pull request."""

_RUNS = r"`+"


def escaped(text: str) -> str:
    """Return *text* on one line, with Markdown escaped."""
    return _TEXT.sub(_escape, " ".join(text.split()))


def prose(text: str) -> str:
    """Return *text* on one line, with Markdown escaped but for code between backticks."""
    plain = " ".join(text.split())
    return re.sub(_PROSE, lambda match: match["code"] or _escape(match), plain)


def _escape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0], f"\\{match[0]}")


def code(text: str) -> str:
    """Return *text* as a code span on one line."""
    plain = " ".join(text.split())
    fence = "`" * (max((len(run) for run in re.findall(_RUNS, plain)), default=0) + 1)
    space = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{space}{plain}{space}{fence}" if plain else ""


def details(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield *lines* in a collapsed section; *title* is Markdown."""
    yield f"<details><summary>{_summary(title)}</summary>"
    yield ""
    yield from lines
    yield ""
    yield "</details>"


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield a table, of cells that are Markdown, in which a bar is escaped even in code."""
    headings = list(columns)
    yield _row(headings)
    yield f"|{' --- |' * len(headings)}"
    yield from map(_row, rows)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def fenced(lines: Iterable[str], language: str = "") -> list[str]:
    """Return *lines* as a code block, with a fence longer than any in them."""
    listed = list(lines)
    longest = max((len(run) for line in listed for run in re.findall(_RUNS, line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *listed, fence]


def _summary(title: str) -> str:
    """Return *title* with its code spans as HTML."""
    return re.sub(r"`+ ?(.*?) ?`+", lambda m: f"<code>{_html(m[1])}</code>", title)


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


MAX_SIZE = 60_000
"""Most characters in all; GitHub accepts comments of up to 65,536."""

MAX_LISTED = 20
"""More lines of one kind are counted, not listed."""

MAX_FILES = 60
_PLAIN = Style()


def as_markdown(proposal: Proposal, command: str, patch: bytes) -> str:
    """Return *proposal* of *command* as Markdown; *patch* is its patch."""
    masking = proposal.opened.masking
    lines = [f"### composerefactor {command}", ""]
    if proposal.changes.is_empty:
        lines += ["**Nothing to do.**", ""]
    else:
        lines += [f"**{escaped(_proof(proposal))}**", ""]
        if loss := data_loss_text(proposal):
            lines += [f"**{escaped(loss)}**", ""]
        lines += [*_files(proposal), ""]
    lines += _fixes(proposal) if proposal.fix_plan else _moves(proposal)
    lines += _reservations(proposal)
    lines = [masking.message(line) for line in lines]
    if not proposal.changes.is_empty:
        room = MAX_SIZE - sum(len(line) + 1 for line in lines)
        text, left = _cut(patch.decode("utf-8", "replace"), room, masking)
        lines += [*details("The patch, with secret values masked", fenced(text, "diff")), ""]
        lines += [f"{counted(left, 'more line')} of the patch not shown.", ""] if left else []
    return "\n".join(lines).rstrip("\n") + "\n"


def _proof(proposal: Proposal) -> str:
    proof, engine = proposal.proof, proposal.engine
    if proof is None or engine is None:
        return "Not verified: Docker Compose was not run (--engine none)"
    text = "; ".join(proof_line(proposal, proof))
    return f"{text[:1].upper()}{text[1:]}"


def _files(proposal: Proposal) -> Iterator[str]:
    services = proposal.plan.services
    columns = ("file", "lines", "services")[: 3 if services else 2]
    rows = (
        (code(each.path), _lines(each), ", ".join(map(code, services.get(each.path, ()))))
        for each in proposal.changes.changes[:MAX_FILES]
    )
    yield from table(columns, (row[: len(columns)] for row in rows))
    more = len(proposal.changes.changes) - MAX_FILES
    if more > 0:
        yield f"| and {more} more |{' |' * (len(columns) - 1)}"


def _lines(change: FileChange) -> str:
    before, after = change.lines
    if change.is_created:
        return f"new, {after}{', not in git' if change.private else ''}"
    return "deleted" if change.is_deleted else f"{before} → {after}"


def _moves(proposal: Proposal) -> Iterator[str]:
    plan = proposal.plan
    if not proposal.changes.is_empty:
        if len(proposal.changes.changes) <= MAX_FILES:
            yield from fenced(trees(proposal, _PLAIN), "text")
            yield ""
        yield f"- {escaped(moved_text(proposal))}"
    yield from _limited(
        f"- {code(entry.name)} unmoved in {code(str(entry.location))}: {escaped(entry.reason)}"
        for entry in plan.unmoved
    )
    yield from _limited(f"- {escaped(note)}" for note in plan.notes)
    yield ""
    yield from _readers(plan)


def _readers(plan: Plan) -> Iterator[str]:
    """Yield which other readers of the files follow, and which do not, with what to do."""
    shown = [outcome for outcome in plan.readers if outcome.state in {"followed", "named"}]
    if not shown:
        return
    shown.sort(key=lambda outcome: outcome.state != "named")
    rows = (
        (
            escaped(outcome.title),
            code(str(outcome.location)),
            escaped(outcome.statement),
            f"{'**by hand**' if outcome.state == 'named' else 'edited'}: {escaped(outcome.action)}",
        )
        for outcome in shown[:MAX_LISTED]
    )
    yield from table(("reader", "place", "what it does", ""), rows)
    if len(shown) > MAX_LISTED:
        yield f"| and {len(shown) - MAX_LISTED} more | | | |"
    yield ""


def _fixes(proposal: Proposal) -> Iterator[str]:
    fix_plan = proposal.fix_plan
    assert fix_plan is not None  # noqa: S101 - the caller checks
    if proposal.plan.notes:
        yield from (*(f"- {escaped(note)}" for note in proposal.plan.notes), "")
    for purpose, groups in groupby(grouped(fix_plan.applied), key=lambda group: group.purpose):
        yield f"#### {purpose.capitalize()}"
        yield ""
        for group in groups:
            cause = f": {escaped(group.cause)}" if group.cause else ""
            yield f"- {code(group.transform)}{cause} ({escaped(consequence(group.fixes, _PLAIN))})"
            yield from _limited((f"  - {_sentence(e)}" for e in sentences(group.fixes)), "  ")
        yield ""
    if not (fix_plan.ids - {fix.id for fix in fix_plan.applied} or fix_plan.refusals):
        return
    yield "#### Not changed"
    yield ""
    for state, fixes in (("excluded", fix_plan.excluded), ("suppressed", fix_plan.suppressed)):
        yield from _limited(
            f"- {state}: {_fixes_of_reason(members)} ({escaped(reason)})"
            for reason, members in by_reason(fixes)
        )
    for state, is_unneeded in (("nothing to do", True), ("skipped", False)):
        refusals = [r for r in fix_plan.refusals if isinstance(r[1], Unneeded) == is_unneeded]
        yield from _limited(
            f"- {state}: {code(name)}{_in(each.place)}: {escaped(each.text)}"
            + (f" → {escaped(each.why)}" if each.why else "")
            for name, each in refused_sentences(refusals)
        )
    if fix_plan.uncertain:
        count = counted(len(fix_plan.uncertain), "change")
        hint = "`--take ID` makes one alone, `--confidence guess` all"
        yield f"- not certain enough: {count} ({hint})"
        yield from _limited(
            (
                f"  - {' '.join(map(code, each.ids))} {_sentence(each)}"
                for group in grouped(fix_plan.uncertain)
                for each in sentences(group.fixes)
            ),
            "  ",
        )
    if fix_plan.available:
        yield f"- available with `--unsafe`: {escaped(available_text(fix_plan))}"
    yield ""


def _sentence(sentence: FixSentence) -> str:
    why = f" ({escaped(sentence.why)})" if sentence.why else ""
    return f"{code(sentence.place)} {escaped(sentence.text)}{why}"


def _fixes_of_reason(fixes: Sequence[PlannedFix]) -> str:
    if len(fixes) > 1:
        return f"{counted(len(fixes), 'change')}: {counts_by_transform(fixes)}"
    change = fixes[0].change
    return f"{code(str(change.location))} {escaped(change.title)}"


def _reservations(proposal: Proposal) -> Iterator[str]:
    """Yield what the verification assumes and what it does not cover."""
    project = proposal.opened.project
    repaired = set(proposal.repaired)
    unread = {**project.errors, **proposal.rejected}
    lines = [f"not verified: {e.title}: {w}" for e, w in unread.items() if e not in repaired]
    lines += [f"not read: {error}" for error in project.not_read.values()]
    if proposal.proof is not None:
        lines += [f"assumed: {assumption}" for assumption in proposal.proof.assumptions]
        lines += [
            f"not verified: {gap.entry.title}, {gap.scenario}: {gap.message}"
            for gap in proposal.proof.not_covered
        ]
    lines += sensitivity_lines(proposal)
    if lines:
        shown = (f"- {escaped(line)}" for line in dict.fromkeys(lines))
        title = "Assumptions and limits of the verification"
        yield from details(title, _limited(shown))
        yield ""


def _in(place: str) -> str:
    """Return *place* for a sentence; ``""`` for the project as a whole."""
    return f" in {code(place)}" if place != "." else ""


def _limited(lines: Iterable[str], indent: str = "") -> Iterator[str]:
    """Yield at most :data:`MAX_LISTED` of *lines*, and how many more there are."""
    listed = list(lines)
    yield from listed[:MAX_LISTED]
    if len(listed) > MAX_LISTED:
        yield f"{indent}- and {len(listed) - MAX_LISTED} more"


def _cut(text: str, room: int, masking: Masking) -> tuple[list[str], int]:
    """Return the masked lines of *text* that fit into *room* characters, and how many are left."""
    lines = masking.lines(text.splitlines())
    size = 0
    for n, line in enumerate(lines):
        size += len(line) + 1
        if size > room:
            return lines[:n], len(lines) - n
    return lines, 0
