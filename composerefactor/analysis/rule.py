"""The contract of a rule.

A rule is a function in ``analysis/rules/``, decorated with :func:`rule`. Its id is the name of the
function in kebab-case. The first line of its docstring is the summary of the rule, the rest is the
explanation. It takes the facts of a project and yields an :class:`Occurrence` for each problem: it
does not print, prompt, open files or start programs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Literal

from msgspec import Struct

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Finding, Severity
from composerefactor.errors import Location
from composerefactor.refactoring.contract import Fixer, Refusal

Area = Literal[
    "validity", "security", "reliability", "data", "configuration", "builds", "maintainability"
]
"""The area of a rule; each area gets a rating."""


class RuleInfo(Struct, frozen=True):
    """The description of a rule.

    Attributes:
        id: The stable name.
        severity: The severity of most of its findings.
        summary: One sentence.
        explanation: Why it matters, and what to do.
        area: The area that it counts for.
        transform: The fix for its findings, if there is one.
    """

    id: str
    severity: Severity
    summary: str
    explanation: str
    area: Area = "configuration"
    transform: str | None = None


class Occurrence(Struct, frozen=True):
    """What the function of a rule yields for each problem; its rule makes a :class:`Finding` of it.

    Attributes:
        message: See :class:`Finding`, as for the next four.
        location: The file and line.
        service: The affected service.
        subject: What distinguishes it from others of the same rule and service.
        remedy: What to do by hand.
        severity: None for the severity of the rule.
        is_fixable: False if the transform of the rule cannot fix this occurrence.
    """

    message: str
    location: Location
    service: str | None = None
    subject: str = ""
    remedy: str = ""
    severity: Severity | None = None
    is_fixable: bool = True


class Rule(Struct, frozen=True):
    """A rule: its description, and the function that finds occurrences.

    Attributes:
        rule: The description.
        find: Takes the facts of a project and yields the occurrences.
        strength: A sentence that praises a project with services but without findings of this
            rule and of others with the same sentence, ``""`` if that is not worth mentioning.
    """

    rule: RuleInfo
    find: Callable[[Architecture], Iterator[Occurrence]]
    strength: str = ""

    def findings(self, architecture: Architecture) -> list[Finding]:
        """Return the findings in a project, each once and without secrets.

        Start commands may give different reasons for one finding about a service: the first counts.
        """
        findings: dict[tuple[str, str | None, str, Location], Finding] = {}
        mask = architecture.masking.message
        for occurrence in self._occurrences(architecture):
            finding = Finding(
                self.rule.id,
                self.rule.severity if occurrence.severity is None else occurrence.severity,
                mask(occurrence.message),
                occurrence.location,
                self.rule.transform if occurrence.is_fixable else None,
                occurrence.service,
                mask(occurrence.subject),
                mask(occurrence.remedy),
            )
            message = "" if finding.service else finding.message
            key = (message, finding.service, finding.subject, finding.location)
            findings.setdefault(key, finding)
        return list(findings.values())

    def _occurrences(self, architecture: Architecture) -> Iterator[Occurrence]:
        """Yield the occurrences in known start commands, and in what only assumed ones start.

        Nobody may use an assumed start command: it says nothing about a service that a known one
        starts, or about a file that a known one reads.
        """
        known = architecture.known_part
        yield from self.find(known)
        if not architecture.assumed_part.entries:
            return
        services = set(known.service_names)
        paths = {file.path for entry in known.entries for file in entry.model.files}
        for occurrence in self.find(architecture.assumed_part):
            name = occurrence.service
            if name not in services if name else occurrence.location.path not in paths:
                yield occurrence


def fixer_occurrences(
    architecture: Architecture, fixer: Fixer[Any], *, prefix: str = "", with_title: bool = False
) -> Iterator[Occurrence]:
    """Yield an occurrence for each change that *fixer* would make or cannot make safely.

    The message of a change is its evidence, which states the problem; with *with_title* the title
    of the change follows. The message of a refusal is its reason. *prefix* comes before either.
    The severity is high for what Docker Compose rejects. A fixer works on the files: assumed start
    commands add nothing to known ones.
    """
    if architecture.entries != architecture.certain:
        return
    for change in fixer.plan(architecture.project, fixer.options()):
        severity = Severity.HIGH if change.repairs else None
        if isinstance(change, Refusal):
            yield Occurrence(
                prefix + change.reason,
                change.location,
                None,
                change.reason,
                change.remedy,
                severity,
                is_fixable=False,
            )
            continue
        title = change.title
        message = change.evidence or title
        if with_title and change.evidence:
            message = f"{change.evidence}: {title[:1].lower()}{title[1:]}"
        services = {effect.service for effect in change.effects if effect.service}
        service = next(iter(services)) if len(services) == 1 else None
        yield Occurrence(prefix + message, change.location, service, title, severity=severity)


def rule(
    severity: Severity, area: Area, *, transform: str | None = None, strength: str = ""
) -> Callable[[Callable[[Architecture], Iterator[Occurrence]]], Rule]:
    """Return a decorator that makes a :class:`Rule` of a function that yields occurrences.

    The id comes from the name of the function, summary and explanation from its docstring.
    """

    def make(find: Callable[[Architecture], Iterator[Occurrence]]) -> Rule:
        summary, _, explanation = (inspect.getdoc(find) or "").partition("\n")
        name = find.__name__.replace("_", "-")
        rule = RuleInfo(name, severity, summary, explanation.strip(), area, transform)
        return Rule(rule, find, strength)

    return make
