"""A proposal as a comment on a pull request: what it does, the proof, and the patch folded away.

Secret values are masked in all of it: the patch shows what changes, `--dry-run` without a format
gives the one to apply.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from composerefactor.compose.secrets import mask_lines
from composerefactor.edit.planned_files import FileChange
from composerefactor.planning.fixes import PlannedFix
from composerefactor.planning.propose import Proposal
from composerefactor.report.plan_text import consequence, moved, proof_line
from composerefactor.report.text import Style, counted

_MARKUP = re.compile(r"[\\`*\[\]<|~]|(?<!\w)_|_(?!\w)|^[>#+-]")
_MENTION = re.compile(r"@(?=\w)")
_RUNS = re.compile(r"`+")


def cell(text: str) -> str:
    """Return *text* on one line, as it is read, for a paragraph or a table cell."""
    plain = " ".join(text.split())
    escaped = _MARKUP.sub(lambda match: f"\\{match[0]}", plain.replace("&", "&amp;"))
    # a zero-width space keeps a name in the text from being called to the pull request
    return _MENTION.sub("@\u200b", escaped)


def code(text: str) -> str:
    """Return *text* as a code span on one line, for a paragraph or a table cell."""
    plain = " ".join(text.split())
    fence = "`" * (max((len(run) for run in _RUNS.findall(plain)), default=0) + 1)
    space = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{space}{plain}{space}{fence}".replace("|", "\\|") if plain else ""


def details(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield *lines* folded away below *title*, which is Markdown already."""
    yield f"<details><summary>{_summary(title)}</summary>"
    yield ""
    yield from lines
    yield ""
    yield "</details>"


def fenced(lines: Iterable[str], language: str = "") -> list[str]:
    """Return *lines* as a code block, whatever fences they hold."""
    listed = list(lines)
    longest = max((len(run) for line in listed for run in _RUNS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *listed, fence]


def _summary(title: str) -> str:
    """Return *title* for HTML, in which code spans are no markup."""
    return re.sub(r"`+ ?(.*?) ?`+", lambda m: f"<code>{_html(m[1])}</code>", title)


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


MAX_SIZE = 60_000
"""Characters in all: GitHub takes comments of 65,536."""

MAX_LISTED = 20
"""More of one kind are counted."""

MAX_FILES = 60
_PLAIN = Style()


def as_markdown(proposal: Proposal, command: str, patch: bytes) -> str:
    """Return *proposal* of *command* as Markdown; *patch* is what would carry it out."""
    lines = [f"### composerefactor {command}", ""]
    if proposal.changes.is_empty:
        lines += ["**Nothing to do.**", ""]
    else:
        lines += [f"**{cell(_proof(proposal))}**", "", *_files(proposal), ""]
    lines += _mends(proposal) if proposal.fix_plan else _moves(proposal)
    lines += _reservations(proposal)
    if not proposal.changes.is_empty:
        room = MAX_SIZE - sum(len(line) + 1 for line in lines)
        text, left = _cut(patch.decode("utf-8", "replace"), room)
        lines += [*details("The patch, with secret values masked", fenced(text, "diff")), ""]
        lines += [f"{counted(left, 'more line')} of the patch not shown.", ""] if left else []
    return "\n".join(lines).rstrip("\n") + "\n"


def _proof(proposal: Proposal) -> str:
    proof, engine = proposal.proof, proposal.engine
    if proof is None or engine is None:
        return "Not proved: no engine was asked"
    words = "; ".join(proof_line(proposal, proof))
    return f"{words[:1].upper()}{words[1:]} (Docker Compose v{engine.version})"


def _files(proposal: Proposal) -> Iterator[str]:
    yield "| file | lines | services |"
    yield "| --- | --- | --- |"
    for change in proposal.changes.changes[:MAX_FILES]:
        services = ", ".join(map(code, proposal.plan.services.get(change.path, ())))
        yield f"| {code(change.path)} | {_lines(change)} | {services} |"
    more = len(proposal.changes.changes) - MAX_FILES
    if more > 0:
        yield f"| and {more} more | | |"


def _lines(change: FileChange) -> str:
    before, after = (len((text or b"").splitlines()) for text in (change.before, change.after))
    if change.is_created:
        return f"new, {after}"
    return "deleted" if change.is_deleted else f"{before} → {after}"


def _moves(proposal: Proposal) -> Iterator[str]:
    plan = proposal.plan
    if not proposal.changes.is_empty:
        yield f"- {cell(moved(proposal))}"
    yield from _limited(
        f"- {code(stay.part[2])} stays in {code(str(stay.location))}: {cell(stay.reason)}"
        for stay in plan.unmoved
    )
    yield from _limited(f"- {cell(note)}" for note in plan.notes)
    yield ""


def _mends(proposal: Proposal) -> Iterator[str]:
    fix_plan = proposal.fix_plan
    assert fix_plan is not None  # noqa: S101 - the caller has asked
    for name, group in groupby(fix_plan.taken, key=lambda each: each.transform):
        fixes = list(group)
        yield f"- {code(name)}: {cell(consequence(fixes, _PLAIN))}"
        yield from _limited((f"  - {_mend(each)}" for each in fixes), "  ")
    for word, found in (("left", fix_plan.left), ("suppressed", fix_plan.suppressed)):
        yield from _limited(f"- {word}: {_mend(each)} ({cell(each.reason)})" for each in found)
    yield from _limited(
        f"- {code(name)} refused at {code(str(refusal.location))}: {cell(refusal.reason)}"
        + (f" → {cell(refusal.remedy)}" if refusal.remedy else "")
        for name, refusal in fix_plan.refusals
    )
    if fix_plan.offered:
        more = counted(len(fix_plan.offered), "more change")
        yield f"- `--unsafe` makes {more}, which would change what runs"
    yield ""


def _mend(found: PlannedFix) -> str:
    evidence = f" ({cell(found.change.evidence)})" if found.change.evidence else ""
    return f"{code(str(found.change.location))} {cell(found.change.title)}{evidence}"


def _reservations(proposal: Proposal) -> Iterator[str]:
    """Yield what the proof assumes and does not cover."""
    project = proposal.opened.project
    lines = [f"- not covered: {e.title}: {error}" for e, error in project.errors.items()]
    lines += [f"- not covered: {e.title}: {w}" for e, w in proposal.rejected.items()]
    if proposal.proof is not None:
        lines += [f"- assumed: {words}" for words in proposal.proof.assumptions]
        lines += [
            f"- not covered: {each.entry.title}, {each.scenario}: {each.words}"
            for each in proposal.proof.not_covered
        ]
    lines += [
        f"- weaker than before, in an override that is not in the repository: {each.words} "
        f"({each.service or 'all services'})"
        for each in proposal.sensitivities
    ]
    if lines:
        shown = [f"- {cell(line.removeprefix('- '))}" for line in dict.fromkeys(lines)]
        title = "What the proof rests on, and what it does not cover"
        yield from details(title, _limited(shown))
        yield ""


def _limited(lines: Iterable[str], indent: str = "") -> Iterator[str]:
    """Yield at most :data:`MAX_LISTED` of *lines*, and how many more there are."""
    listed = list(lines)
    yield from listed[:MAX_LISTED]
    if len(listed) > MAX_LISTED:
        yield f"{indent}- and {len(listed) - MAX_LISTED} more"


def _cut(text: str, room: int) -> tuple[list[str], int]:
    """Return the lines of *text*, masked, that *room* characters hold, and how many are left."""
    lines = mask_lines(text.splitlines())
    size = 0
    for n, line in enumerate(lines):
        size += len(line) + 1
        if size > room:
            return lines[:n], len(lines) - n
    return lines, 0
