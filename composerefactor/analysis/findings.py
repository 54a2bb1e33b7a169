"""The contract between a rule and everything that runs it.

A rule is one file in ``analysis/rules/``. Its id is the file's name in kebab-case; the first line
of its docstring is its summary, the rest its explanation. Its function gets the facts of a
project and yields findings: it does not print, ask, open files or start programs.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Any, Literal

from msgspec import Struct

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.errors import InputError, Location
from composerefactor.refactoring.contract import Fixer, Refusal


class Severity(IntEnum):
    """From what is worth knowing to what breaks or exposes something."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        """The name as it is written: ``high``."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Severity:
        """Return the severity called *word*; raises KeyError where there is none."""
        return cls[word.upper()]


_LENGTH = 16


class Finding(Struct, frozen=True):
    """What *rule* found: *message* in words without secrets, at *location*.

    *transform* names what mends it, *service* whom it is about. *subject* tells it from others of
    the same rule and service (a port, a variable): it is part of the fingerprint, which holds
    neither the line nor the words of the message. *remedy* says what to do where no transform does.
    """

    rule: str
    severity: Severity
    message: str
    location: Location
    transform: str | None = None
    service: str | None = None
    subject: str = ""
    remedy: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What stays the same when lines move and words change."""
        return self.rule, self.location.path, self.service or "", self.subject


def fingerprints(findings: Iterable[Finding]) -> list[str]:
    """Return a fingerprint for each of *findings*; equal ones are counted in the order of lines.

    They are independent of line numbers: a baseline holds when text is added above a finding.
    """
    listed = list(findings)
    numbers: Counter[tuple[str, str, str, str]] = Counter()
    found = [""] * len(listed)
    for at in sorted(range(len(listed)), key=lambda n: listed[n].location.line):
        key = listed[at].key
        text = "\0".join((*key, str(numbers[key])))
        numbers[key] += 1
        found[at] = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_LENGTH]
    return found


Area = Literal[
    "validity", "security", "reliability", "data", "configuration", "builds", "maintainability"
]
"""What a rule is about; each area gets a rating."""


class RuleInfo(Struct, frozen=True):
    """A kind of finding: *id* is stable, *summary* one sentence, *explanation* why it matters.

    *severity* is that of most of its findings; *transform* names what mends them, if anything does.
    """

    id: str
    severity: Severity
    summary: str
    explanation: str
    area: Area = "configuration"
    transform: str | None = None


class Occurrence(Struct, frozen=True):
    """What the function of a rule yields; what it leaves out is taken from the rule.

    See :class:`~composerefactor.analysis.findings.Finding` for what each means. With *is_mended*
    False no transform mends this one, although one mends others of the rule.
    """

    message: str
    location: Location
    service: str | None = None
    subject: str = ""
    remedy: str = ""
    severity: Severity | None = None
    is_mended: bool = True


class Rule(Struct, frozen=True):
    """A *rule* with the function that looks for it.

    *strength* is what can be said of a project with services in which it finds nothing, ``""``
    where that is worth no word.
    """

    rule: RuleInfo
    look: Callable[[Architecture], Iterator[Occurrence]]
    strength: str = ""

    def findings(self, architecture: Architecture) -> list[Finding]:
        """Return what the rule finds, each place and subject once, without secrets."""
        found: dict[tuple[str, str | None, str, Location], Finding] = {}
        shown = architecture.redaction.words
        for each in self.look(architecture):
            finding = Finding(
                self.rule.id,
                self.rule.severity if each.severity is None else each.severity,
                shown(each.message),
                each.location,
                self.rule.transform if each.is_mended else None,
                each.service,
                shown(each.subject),
                shown(each.remedy),
            )
            key = (finding.message, finding.service, finding.subject, finding.location)
            found.setdefault(key, finding)
        return list(found.values())


def planned(
    architecture: Architecture, fixer: Fixer[Any], prefix: str = ""
) -> Iterator[Occurrence]:
    """Yield what *fixer* would change, and what it cannot change safely, as findings.

    *prefix* comes before the words of the transform.
    """
    for each in fixer.plan(architecture.project, fixer.options()):
        severity = Severity.HIGH if each.repairs else None  # the engine rejects it
        if isinstance(each, Refusal):
            reason = prefix + each.reason
            yield Occurrence(
                reason, each.location, None, each.reason, each.remedy, severity, is_mended=False
            )
            continue
        services = {effect.service for effect in each.effects if effect.service}
        service = next(iter(services)) if len(services) == 1 else None
        title = prefix + each.title
        yield Occurrence(title, each.location, service, each.title, severity=severity)


def rule(
    severity: Severity, area: Area, *, transform: str | None = None, strength: str = ""
) -> Callable[[Callable[[Architecture], Iterator[Occurrence]]], Rule]:
    """Make the decorated function the check of its module's rule."""

    def make(look: Callable[[Architecture], Iterator[Occurrence]]) -> Rule:
        module = look.__module__
        documentation = sys.modules[module].__doc__ or ""
        summary, _, explanation = documentation.strip().partition("\n")
        name = module.rpartition(".")[2].replace("_", "-")
        rule = RuleInfo(name, severity, summary, explanation.strip(), area, transform)
        return Rule(rule, look, strength)

    return make


VERSION = 1
_REMEDY = "write it anew with --write-baseline"


def baseline_text(findings: Sequence[Finding]) -> str:
    """Return a baseline that holds *findings*: JSON, a line each, sorted so that it compares."""
    marked = zip(fingerprints(findings), findings, strict=True)
    rows = sorted(
        (each.rule, each.location.path, each.service or "", each.subject, mark)
        for mark, each in marked
    )
    lines = ",\n".join(
        "    "
        + json.dumps(
            {"rule": rule, "path": path, "service": service, "subject": subject, "id": mark},
            ensure_ascii=False,
        )
        for rule, path, service, subject, mark in rows
    )
    body = f"[\n{lines}\n  ]" if lines else "[]"
    return f'{{\n  "version": {VERSION},\n  "findings": {body}\n}}\n'


def read_baseline(text: str, path: str) -> frozenset[str]:
    """Return the fingerprints in the baseline *text*; raises InputError for what is none."""
    try:
        values: Any = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 0)
        raise InputError(
            "the baseline is no JSON", location=Location(path, line), remedy=_REMEDY
        ) from None
    if not isinstance(values, dict) or values.get("version") != VERSION:
        raise InputError(
            f"no baseline of version {VERSION}", location=Location(path), remedy=_REMEDY
        )
    listed = values.get("findings")
    if not isinstance(listed, list):
        raise InputError("no list of findings", location=Location(path), remedy=_REMEDY)
    return frozenset(str(each.get("id")) for each in listed if isinstance(each, dict))


def without_known(findings: Sequence[Finding], known: frozenset[str]) -> list[Finding]:
    """Return those of *findings* that a baseline with the fingerprints *known* does not hold."""
    if not known:
        return list(findings)
    marked = zip(fingerprints(findings), findings, strict=True)
    return [each for mark, each in marked if mark not in known]
