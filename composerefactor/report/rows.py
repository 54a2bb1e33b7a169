"""Lines of terminal output: a label on the left, text on the right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.report.style import Style
from composerefactor.wording import some

if TYPE_CHECKING:
    from composerefactor.verify.verdict import Verdict

LABEL = 9
"""Width of the left column."""

MOST_PLACES = 3
"""Places named for an entry point; a Makefile can name one in each of its lines."""


def row(label: str, text: str, style: Style) -> str:
    """Return one line."""
    return f"{style(f'{label:<{LABEL}}', 'cyan')}{text}".rstrip()


def counted(number: int, noun: str) -> str:
    """Return *number* with *noun* in singular or plural."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun.removesuffix('y')}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{number} {plural}"


def limited(lines: Sequence[str], most: int) -> list[str]:
    """Return at most *most* of *lines*, and how many more there are."""
    if len(lines) <= most:
        return list(lines)
    return [*lines[:most], f"and {len(lines) - most} more (-v shows all)"]


def reservations(verdict: Verdict, style: Style, most: int) -> Iterator[str]:
    """Yield the lines on what a verdict assumes and what it does not cover, *most* of each."""
    for words in limited([f"assumed: {_cut(a, most)}" for a in verdict.assumptions], most):
        yield row("", style(words, "dim"), style)
    if verdict.incomplete:
        incomplete = some([entry.title for entry in verdict.incomplete], most)
        words = f"compared, though other files complete it (--no-consistency): {incomplete}"
        yield row("", style(words, "dim"), style)
    where: dict[tuple[str, str], list[str]] = {}
    for n in verdict.not_covered:
        where.setdefault((n.entry.title, n.words), []).append(n.circumstance)
    uncovered = [
        f"not covered: {title}, {circumstances[0]}{_and_more(circumstances)}: {words}"
        for (title, words), circumstances in where.items()
    ]
    for words in limited(uncovered, most):
        yield row("", style(words, "yellow"), style)


def _cut(assumption: str, most: int) -> str:
    """Return *assumption*, reason and names, with at most *most* names."""
    why, _, names = assumption.partition(": ")
    return f"{why}: " + ", ".join(limited(names.split(", "), most))


def _and_more(circumstances: Sequence[str]) -> str:
    more = len(circumstances) - 1
    return f" and {counted(more, 'other circumstance')}" if more else ""


def evidence_of(entry: EntryPoint) -> str:
    """Return how *entry* is known: the first places that name it, and how many more there are."""
    return some(list(dict.fromkeys(map(str, entry.evidence))), MOST_PLACES)
