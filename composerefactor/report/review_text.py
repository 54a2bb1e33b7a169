"""What a change means, as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from composerefactor.impact.change import Effect, Risk
from composerefactor.report.review_words import about, entries_of, headline, uncompared
from composerefactor.report.rows import limited, row
from composerefactor.report.style import Style
from composerefactor.review.reviewed import Review, Reviewed
from composerefactor.verify.models import describe

_COLOURS = {Risk.HIGH: "red", Risk.MEDIUM: "yellow", Risk.LOW: "cyan", Risk.NONE: "dim"}


def as_text(found: Review, style: Style, *, verbose: bool) -> Iterator[str]:
    """Yield the lines: what changed by service, its risk, effect and place."""
    most = 10_000 if verbose else 40
    engine = found.engine
    yield row("Engine", f"Docker Compose v{engine.version} ({engine.origin})", style)
    colour = _COLOURS[found.risk] if found.changes else "green"
    yield row("Change", style(headline(found), colour, "bold"), style)
    lines = []
    for subject, group in groupby(_by_subject(found.changes), key=about):
        lines.append(style(subject, "bold"))
        lines += [_line(each, found, style) for each in group]
    for line in limited(lines, most):
        yield row("", line, style)
    if verbose:
        for compared in found.compared:
            for difference in compared.evidence:
                words = f"{compared.entry.title}: {describe(difference)}"
                yield row("", style(words, "dim"), style)
    for words in uncompared(found):
        yield row("", style(words, "yellow"), style)
    for words in found.notes:
        yield row("", style(words, "dim"), style)


def _line(each: Reviewed, found: Review, style: Style) -> str:
    change = each.change
    risk = style(f"{change.risk.word:<6}", _COLOURS[change.risk])
    effect = f" [{change.effect or Effect.UNKNOWN}]"
    where = style(f" {each.location}" if each.location else "", "dim")
    of = entries_of(each, found)
    return f"  {risk}  {change.words}{effect}{where}" + (f" ({of})" if of else "")


def _by_subject(changes: tuple[Reviewed, ...]) -> list[Reviewed]:
    """Return the changes of one service together, the service with the highest risk first."""
    order: dict[str, int] = {}
    for each in changes:
        order.setdefault(about(each), len(order))
    return sorted(changes, key=lambda one: order[about(one)])
