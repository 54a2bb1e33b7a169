"""The contract between a rule and everything that runs it.

A rule is one file in ``composerefactor/rules/``. Its id is the file's name in kebab-case; the first
line of its docstring is its summary, the rest its explanation. Its function gets the facts of a
project and yields findings: it does not print, ask, open files or start programs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from composerefactor.architecture.architecture import Architecture
from composerefactor.errors import Location
from composerefactor.findings.finding import Finding
from composerefactor.findings.rule import Area, Rule
from composerefactor.findings.severity import Severity
from composerefactor.transform import Mending, Refusal


class Found(Struct, frozen=True):
    """What the function of a rule yields; what it leaves out is taken from the rule.

    See :class:`~composerefactor.findings.finding.Finding` for what each means. With *is_mended*
    False no transform mends this one, although one mends others of the rule.
    """

    message: str
    location: Location
    service: str | None = None
    subject: str = ""
    remedy: str = ""
    severity: Severity | None = None
    is_mended: bool = True


class Check(Struct, frozen=True):
    """A *rule* with the function that looks for it.

    *strength* is what can be said of a project with services in which it finds nothing, ``""``
    where that is worth no word.
    """

    rule: Rule
    look: Callable[[Architecture], Iterator[Found]]
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


def planned(architecture: Architecture, mending: Mending[Any], prefix: str = "") -> Iterator[Found]:
    """Yield what *mending* would change, and what it cannot change safely, as findings.

    *prefix* comes before the words of the transform.
    """
    for each in mending.plan(architecture.project, mending.options()):
        severity = Severity.HIGH if each.repairs else None  # the engine rejects it
        if isinstance(each, Refusal):
            reason = prefix + each.reason
            yield Found(
                reason, each.location, None, each.reason, each.remedy, severity, is_mended=False
            )
            continue
        services = {effect.service for effect in each.effects if effect.service}
        service = next(iter(services)) if len(services) == 1 else None
        title = prefix + each.title
        yield Found(title, each.location, service, each.title, severity=severity)


def check(
    severity: Severity, area: Area, *, transform: str | None = None, strength: str = ""
) -> Callable[[Callable[[Architecture], Iterator[Found]]], Check]:
    """Make the decorated function the check of its module's rule."""

    def make(look: Callable[[Architecture], Iterator[Found]]) -> Check:
        module = look.__module__
        documentation = sys.modules[module].__doc__ or ""
        summary, _, explanation = documentation.strip().partition("\n")
        name = module.rpartition(".")[2].replace("_", "-")
        rule = Rule(name, severity, summary, explanation.strip(), area, transform)
        return Check(rule, look, strength)

    return make
