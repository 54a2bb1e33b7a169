"""Planned fixes in the order of a pull request: by purpose and transform, equal ones as one.

Changes of one file that do the same to different services, for the same reason, are one sentence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from msgspec import Struct

from composerefactor.analysis.diff.kinds import Risk, risk_of_change
from composerefactor.errors import enumerated, first_of
from composerefactor.planning.fixes import PlannedFix
from composerefactor.planning.registry import fixers
from composerefactor.refactoring.contract import Purpose, Refusal

MOST_SERVICES = 20
"""More services in one sentence are counted, not named."""


class FixGroup(Struct, frozen=True):
    """The fixes of one transform.

    Attributes:
        purpose: What they improve.
        transform: The name of the transform.
        risk: The highest risk of the fixes.
        cause: What is wrong without them, or ``""``.
        fixes: The fixes, in the order in which they were planned.
    """

    purpose: Purpose
    transform: str
    risk: Risk
    cause: str
    fixes: tuple[PlannedFix, ...]


class FixSentence(Struct, frozen=True):
    """What one or more fixes of a transform do.

    Attributes:
        place: The path and the lines; the path alone for several services.
        text: What they do to which services.
        why: The confidence and the evidence, or ``""``.
        ids: The ids of the fixes.
    """

    place: str
    text: str
    why: str
    ids: tuple[str, ...]


def grouped(fixes: Sequence[PlannedFix]) -> list[FixGroup]:
    """Return *fixes* by purpose and transform, those of a purpose by risk, the highest first."""
    by_transform: dict[str, list[PlannedFix]] = {}
    for fix in fixes:
        by_transform.setdefault(fix.transform, []).append(fix)
    known = fixers()
    groups = []
    for name, planned in by_transform.items():
        risk = max(risk_of_change(fix.change) for fix in planned)
        if fixer := known.get(name):
            groups.append(FixGroup(fixer.purpose, name, risk, fixer.cause, tuple(planned)))
        else:
            groups.append(FixGroup("maintenance", name, risk, "", tuple(planned)))
    order = get_args(Purpose)
    return sorted(groups, key=lambda group: (order.index(group.purpose), -group.risk))


def sentences(fixes: Sequence[PlannedFix], most: int = MOST_SERVICES) -> Iterator[FixSentence]:
    """Yield what *fixes* of one transform do; at most *most* services of a sentence are named."""
    alike: dict[tuple[str, str, str], list[tuple[PlannedFix, str]]] = {}
    for fix in fixes:
        change = fix.change
        service, template = with_hole(fix, fix.change.title)
        key = (change.location.path, template, change.justification)
        alike.setdefault(key, []).append((fix, service))
    for (path, template, why), members in alike.items():
        names = [service for _, service in members if service]
        lines = [str(fix.change.location.line) for fix, _ in members]
        place = path if len(names) > 1 else f"{path}:{first_of(lines, _MOST_LINES)}"
        text = template.replace(HOLE, enumerated(names, most), 1) if names else template
        yield FixSentence(place, text, why, tuple(fix.id for fix, _ in members))


def by_reason(fixes: Sequence[PlannedFix]) -> Iterator[tuple[str, list[PlannedFix]]]:
    """Yield the reasons why *fixes* are not made, each with its fixes.

    Reasons that differ only in the name of the service are one.
    """
    alike: dict[str, list[tuple[PlannedFix, str]]] = {}
    for fix in fixes:
        service, template = with_hole(fix, fix.reason)
        alike.setdefault(template, []).append((fix, service))
    by_text: dict[str, list[PlannedFix]] = {}
    for template, members in alike.items():
        services = dict.fromkeys(service for _, service in members if service)
        reason = template.replace(HOLE, first_of(list(services), _MOST_OF_REASON))
        by_text.setdefault(reason, []).extend(fix for fix, _ in members)
    yield from by_text.items()


def refused_sentences(refusals: Iterable[tuple[str, Refusal]]) -> Iterator[tuple[str, FixSentence]]:
    """Yield the transforms of *refusals*, each with what it does not do; the ids are empty.

    What is not done to several services for the same reason is one sentence.
    """
    alike: dict[tuple[str, str, str], list[tuple[str, Refusal]]] = {}
    for transform, refusal in refusals:
        service, reason = _without_differences(refusal)
        alike.setdefault((transform, reason, refusal.remedy), []).append((service, refusal))
    for (transform, reason, remedy), members in alike.items():
        first = members[0][1]
        place, text = str(first.location), first.reason
        if len(members) > 1:
            names = dict.fromkeys(service for service, _ in members)
            paths = dict.fromkeys(refusal.location.path for _, refusal in members)
            place = first_of(list(paths), _MOST_FILES)
            text = f"{enumerated(names, MOST_SERVICES)}: {reason}"
        yield transform, FixSentence(place, text, remedy, ())


def _without_differences(refusal: Refusal) -> tuple[str, str]:
    """Return the service that *refusal* is about, and the reason as it is for others like it.

    The names of images and Dockerfiles, and lines of other places, are left out. The reason of a
    refusal about no service has its place: it is a sentence of its own.
    """
    service, colon, reason = refusal.reason.partition(": ")
    if not colon or " " in service:
        return "", f"{refusal.location}: {refusal.reason}"
    reason = re.sub(rf"(?<![\w./-]){re.escape(service)}(?![\w./-])", "each", reason)
    for pattern, replacement in _DIFFERENCES:
        reason = re.sub(pattern, replacement, reason)
    return service, reason


def counts_by_transform(fixes: Iterable[PlannedFix]) -> str:
    """Return how many of *fixes* each transform plans."""
    return counts(fix.transform for fix in fixes)


def counts(names: Iterable[str]) -> str:
    """Return each of *names* once, with how often it occurs."""
    return ", ".join(f"{name} {count}" for name, count in Counter(names).items())


HOLE = "\0"
"""Stands for the name of a service in a text."""

_MOST_LINES = 3
_MOST_OF_REASON = 4
_MOST_FILES = 2
_DIFFERENCES = (
    (r"\bthe image \S+ is\b", "the image is"),
    (r"\S+ is not in the project\b", "the Dockerfile is not in the project"),
    (r"(\.ya?ml):\d+\b", r"\1"),
)
"""What differs between services in reasons that say the same."""


def with_hole(fix: PlannedFix, text: str) -> tuple[str, str]:
    """Return the only service of *fix*, and *text*, about the fix, with a hole for its name.

    The service is ``""``, and *text* unchanged, if there are more, or none of them is named.
    """
    services = {effect.service for effect in fix.change.effects if effect.service}
    if len(services) != 1:
        return "", text
    service = services.pop()
    template, count = re.subn(rf"(?<![\w.-]){re.escape(service)}(?![\w.-])", HOLE, text, count=1)
    return (service, template) if count else ("", text)
