"""All sections of a report in their order (:func:`sections`), and those about the whole project.

These are the overview, the rating, the findings, and the limitations of the analysis.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from composerefactor.analysis.analysis import RATING_EXPLANATION, Analysis, Rating
from composerefactor.analysis.findings import Finding, Severity
from composerefactor.errors import first_of
from composerefactor.report.analysis import operation, scaling, services
from composerefactor.report.analysis.model import Section, Table, TextBlock, code
from composerefactor.report.analysis.observability import observability
from composerefactor.report.text import (
    counted,
    documentation_of,
    evidence_of,
    fix_command,
    further_reading,
    kinds_text,
)

_MAX_PLACES = 6
_TITLES = {
    Severity.HIGH: "High priority",
    Severity.MEDIUM: "Medium priority",
    Severity.LOW: "Low priority",
    Severity.INFO: "Informational",
}


def overview(analysis: Analysis) -> Section:
    """Return the section with the key figures of the project, and its start commands."""
    facts = analysis.architecture
    main = facts.main
    names = facts.service_names
    by_name = {s.name: s for e in reversed(facts.entries) for s in e.services}
    builds = sum(by_name[name].build is not None for name in names)
    breakdown = kinds_text(by_name[name].counts_as for name in names)
    lines = [
        *(f"Error: {each.location}: {each.message}" for each in analysis.rejections),
        rating_text(analysis),
        f"Services: {len(names)}" + (f" ({breakdown})" if breakdown else ""),
        f"Images to build: {builds}, to pull: {len(names) - builds}",
        f"Findings: {severities(analysis.findings)}",
    ]
    if main is not None and main.totals.containers:
        lines.insert(-2, f"Containers: {main.totals.containers} from `{main.title}`")
    if analysis.known:
        lines.append(f"Known findings in the baseline: {len(analysis.known)}")
    rows = [
        (
            str(number),
            entry.invocation.command,
            evidence_of(entry.invocation) or "command line",
            str(len(entry.services)),
        )
        for number, entry in enumerate(facts.entries, 1)
    ]
    rows += [("-", entry.title, "cannot be read", "?") for entry in facts.unread]
    table = Table(("No.", "Command", "Found in", "Services"), tuple(rows), "Start commands", lead=2)
    return Section("overview", "Overview", (TextBlock(tuple(lines)), table))


def rating_text(analysis: Analysis) -> str:
    """Return the rating; a project that Docker Compose rejects is not rated."""
    if analysis.rating is None:
        return "Not rated: Docker Compose rejects the project"
    return f"Rating: {analysis.rating.score:.1f} of 10, {analysis.rating.word}"


def severities(findings: Iterable[Finding]) -> str:
    """Return the number of findings of each severity as text: ``2 high, 1 low``."""
    counts = Counter(each.severity for each in findings)
    parts = [f"{counts[s]} {s.value}" for s in reversed(Severity) if counts[s]]
    return ", ".join(parts) or "none"


def rating(analysis: Analysis) -> Section:
    """Return the section with the rating of each area, its deductions, and the strengths.

    It is empty for a project that Docker Compose rejects.
    """
    overall = analysis.rating
    if overall is None:
        return Section("rating", "Rating", empty="Not rated: Docker Compose rejects the project.")
    rows = [
        (each.area.capitalize(), f"{each.score:.1f}", each.word, _deductions(each))
        for each in analysis.ratings
    ]
    rows.append(("Overall", f"{overall.score:.1f}", overall.word, ""))
    table = Table(("Area", "Score", "Rating", "Deductions"), tuple(rows))
    parts: list[Table | TextBlock] = [table]
    if analysis.strengths:
        parts.append(TextBlock(analysis.strengths, "Strengths"))
    return Section("rating", "Rating", tuple(parts), intro=RATING_EXPLANATION)


def _deductions(rating: Rating) -> str:
    return ", ".join(f"{d.rule} {d.points:g}" for d in rating.deductions)


class FindingGroup(Struct, frozen=True):
    """The findings of one rule with the same severity.

    Attributes:
        rule: The id of the rule.
        severity: Their severity.
        findings: The findings, at least one.
        message: What they report, in one sentence without a period.
        names: The services, or else the subjects, that *message* does not name.
        is_rejection: True if Docker Compose rejects the project because of them.
    """

    rule: str
    severity: Severity
    findings: tuple[Finding, ...]
    message: str
    names: tuple[str, ...]
    is_rejection: bool

    @property
    def fixable(self) -> tuple[Finding, ...]:
        """Those that a transform solves, without guesses unless all of them are."""
        fixable = tuple(each for each in self.findings if each.transform)
        return tuple(each for each in fixable if not each.is_guess) or fixable

    @property
    def transform(self) -> str | None:
        """The transform that fixes at least one of them."""
        return next((each.transform for each in self.fixable), None)

    @property
    def is_guess(self) -> bool:
        """True if each fix for them is a guess."""
        return any(each.is_guess for each in self.fixable)

    @property
    def command(self) -> str:
        """The command line that makes these fixes, ``""`` if there are none."""
        if self.transform is None:
            return ""
        is_safe = all(each.is_safe for each in self.fixable)
        return fix_command(self.transform, is_safe=is_safe) + " --confidence guess" * self.is_guess


def finding_groups(analysis: Analysis) -> list[FindingGroup]:
    """Return the findings by rule: rejections first, then by severity and number."""
    rejections = set(analysis.rejections)
    grouped: dict[tuple[bool, Severity, str], list[Finding]] = {}
    for finding in analysis.findings:
        key = finding in rejections, finding.severity, finding.rule
        grouped.setdefault(key, []).append(finding)
    groups = [
        FindingGroup(rule, severity, tuple(of_rule), *_message(analysis, of_rule), is_rejection)
        for (is_rejection, severity, rule), of_rule in grouped.items()
    ]
    groups.sort(key=lambda each: (not each.is_rejection, -each.severity.rank, -len(each.findings)))
    return groups


def _message(analysis: Analysis, of_rule: list[Finding]) -> tuple[str, tuple[str, ...]]:
    if len(of_rule) == 1:
        return of_rule[0].message, ()
    names = tuple(dict.fromkeys(map(_name, of_rule)))
    return _summary_of(analysis, of_rule[0].rule), names if all(names) else ()


def _name(finding: Finding) -> str:
    """Return what *finding* is about: the subject with which its message begins, or its service."""
    is_subject = finding.subject and finding.message.startswith(f"{finding.subject} ")
    return finding.subject if is_subject else finding.service or finding.subject


def _summary_of(analysis: Analysis, rule: str) -> str:
    """Return the summary of *rule* in the form of a message, which begins in lower case."""
    summary = analysis.rules[rule].summary.rstrip(".")
    article, space, rest = summary.partition(" ")
    if article in {"A", "An", "The", "Two"}:  # other messages begin with the name of a service
        summary = article.lower() + space + rest
    return summary


def priorities(analysis: Analysis) -> Section:
    """Return the section with the recommended actions: one row per rule, by severity."""
    parts = []
    groups = finding_groups(analysis)
    for severity in reversed(Severity):
        rows = [
            (f"{each.message} ({each.rule})", _places(each.findings), _fix(each))
            for each in groups
            if each.severity == severity
        ]
        if rows:
            title = _TITLES[severity]
            parts.append(Table(("Finding", "Location", "Fix"), tuple(rows), title))
    separations = tuple(
        (each.title, str(each.location), code(fix_command("add-environments", is_safe=True)))
        for each in analysis.separations
    )
    if separations:
        parts.append(Table(("Change", "Location", "Command"), separations, "Optional"))
    return Section(
        "priorities", "Recommended actions by priority", tuple(parts), empty="No findings."
    )


def _places(of_rule: Sequence[Finding]) -> str:
    if len(of_rule) == 1:
        return str(of_rule[0].location)
    services = list(dict.fromkeys(each.service for each in of_rule if each.service))
    if services:
        return f"{counted(len(services), 'service')}: {first_of(services, _MAX_PLACES)}"
    return first_of(list(dict.fromkeys(str(each.location) for each in of_rule)), _MAX_PLACES)


def _fix(group: FindingGroup) -> str:
    if not group.command:
        advice = list(dict.fromkeys(_by_hand(each) for each in group.findings))
        if len(advice) == 1:
            return advice[0]
        general = {_without_place(each, _by_hand(each)) for each in group.findings}
        if len(general) == 1:
            return general.pop()
        is_alike = all(each.remedy and not each.skipped for each in group.findings)
        first, separator, rest = advice[0].partition("; ")
        if any(each.partition("; ")[2] != rest for each in advice):
            first, separator, rest = advice[0], "", ""
        return f"{first}, and so on{separator}{rest}" if is_alike else "by hand"
    number, total = len(group.fixable), len(group.findings)
    return code(group.command) + (f" (fixes {number} of {total})" if number < total else "")


def _by_hand(finding: Finding) -> str:
    """Return what to do about *finding*, which no transform fixes, and why not."""
    skipped = f" ({finding.skip_note})" if finding.skip_note else ""
    return (finding.remedy or "by hand") + skipped


def _without_place(finding: Finding, text: str) -> str:
    """Return *text*, why `fix` skips *finding*, without its service and the lines of places."""
    if not (finding.skipped and finding.service):
        return text
    name = rf"(?<![\w.-]){re.escape(finding.service)}"
    text = re.sub(rf"{name}(?![\w.:-])", "it", re.sub(f"{name}: ", "", text))
    return re.sub(r"(\.ya?ml):\d+\b", r"\1", text)


def findings(analysis: Analysis) -> Section:
    """Return the section with every finding, its location and its fix.

    Findings of one rule that say the same about several services share a row, unless they are
    about a certain port, file or variable.
    """
    alike: dict[tuple[str, str, str, str], list[Finding]] = {}
    for each in analysis.findings:
        message = each.message
        if each.service and not each.subject:
            message = re.sub(rf"(?<!\w){re.escape(each.service)}(?!\w)", "", message, count=1)
        fix = each.transform or _without_place(each, _by_hand(each))
        alike.setdefault((each.severity.value, each.rule, message, fix), []).append(each)
    rows = [
        (
            severity,
            _locations(of_one),
            _shared_message(analysis, rule, of_one),
            fix if len(of_one) > 1 else of_one[0].transform or _by_hand(of_one[0]),
            rule,
        )
        for (severity, rule, _, fix), of_one in alike.items()
    ]
    rules = dict.fromkeys(each.rule for each in analysis.findings)
    columns = ("Severity", "Location", "Finding", "Fix", "Rule")
    links = {rule: documentation_of(rule) for rule in rules}
    table = Table(columns, tuple(rows), lead=3, links=links)
    suppressed = [
        f"{each.finding.location}: {each.finding.message} ({each.finding.rule}): {each.reason}"
        for each in analysis.suppressed
    ]
    parts: list[Table | TextBlock] = [table]
    if suppressed:
        parts.append(TextBlock(tuple(suppressed), "Suppressed"))
    if rules:
        parts.append(TextBlock(tuple(further_reading(rules)), "Documentation"))
    return Section("findings", "All findings", tuple(parts), empty="No findings.")


def _locations(findings: list[Finding]) -> str:
    """Return the places of *findings*, of each file once with all lines."""
    lines: dict[str, dict[str, None]] = {}
    for each in findings:
        lines.setdefault(each.location.path, {})[str(each.location.line)] = None
    if len(findings) == 1:
        return str(findings[0].location)
    return "; ".join(f"{path}: {', '.join(numbers)}" for path, numbers in lines.items())


def _shared_message(analysis: Analysis, rule: str, findings: list[Finding]) -> str:
    """Return the message of *findings* of one rule, with the services if there are several."""
    message = findings[0].message
    services = dict.fromkeys(each.service for each in findings if each.service)
    if all(each.message == message for each in findings):
        return message
    _, colon, reason = message.partition(": ")
    summary = _summary_of(analysis, rule)
    return f"{summary}: {', '.join(services)}" + (f" ({reason})" if colon else "")


def limitations(analysis: Analysis) -> Section:
    """Return the section with what the text alone does not show."""
    return Section(
        "limitations",
        "Limitations",
        (TextBlock(tuple(_limitations(analysis))),),
        intro="This report is based on the files alone; nothing was started.",
        empty="All files that the project refers to exist.",
    )


def _limitations(analysis: Analysis) -> Iterator[str]:
    yield from analysis.architecture.unresolved
    assumed = [e for e in analysis.architecture.entries if e.invocation.assumed]
    if assumed:
        files = ", ".join(f"`{each.title}`" for each in assumed)
        yield f"{counted(len(assumed), 'start command')} assumed from file names: {files}"


SECTIONS: dict[str, Callable[[Analysis], Section]] = {
    "overview": overview,
    "rating": rating,
    "priorities": priorities,
    "inventory": lambda analysis: services.inventory(analysis.architecture),
    "topology": lambda analysis: services.topology(analysis.architecture),
    "dependencies": lambda analysis: services.dependencies(analysis.architecture),
    "health": lambda analysis: services.health(analysis.architecture),
    "observability": lambda analysis: observability(analysis.architecture),
    "volumes": lambda analysis: services.volumes(analysis.architecture),
    "ports": lambda analysis: services.ports(analysis.architecture),
    "variables": lambda analysis: operation.variables(analysis.architecture),
    "containers": lambda analysis: operation.containers(analysis.architecture),
    "resources": lambda analysis: services.resources(analysis.architecture),
    "scaling": lambda analysis: scaling.scaling(analysis.architecture),
    "builds": services.builds,
    "environments": lambda analysis: operation.environments(analysis.architecture),
    "checklist": operation.checklist,
    "commands": operation.commands,
    "startup": operation.startup,
    "recovery": operation.recovery,
    "troubleshooting": operation.troubleshooting,
    "phases": operation.phases,
    "beyond": scaling.beyond,
    "findings": findings,
    "limitations": limitations,
}
"""The functions for the sections of a report, by id, in their order."""


def sections(analysis: Analysis) -> tuple[Section, ...]:
    """Return the sections of the report about *analysis*, without secrets.

    If no start command can be read, there is nothing to say but why.
    """
    if not analysis.architecture.entries:
        return overview(analysis), priorities(analysis), findings(analysis)
    return tuple(section(analysis) for section in SECTIONS.values())
