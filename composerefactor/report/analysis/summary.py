"""All sections of a report in their order (:func:`sections`), and those about the whole project.

These are the overview, the rating, the findings, and the limitations of the analysis.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from composerefactor.analysis.analysis import RATING_EXPLANATION, Analysis, Rating
from composerefactor.analysis.findings import Finding, Severity
from composerefactor.errors import first_of
from composerefactor.report.analysis import operation, services
from composerefactor.report.analysis.model import Listing, Section, Table
from composerefactor.report.text import counted, evidence_of

_MAX_PLACES = 6
_TITLES = {
    Severity.HIGH: "High priority",
    Severity.MEDIUM: "Medium priority",
    Severity.LOW: "Low priority",
    Severity.INFO: "Informational",
}
_AREA_TITLES = {
    "validity": "Validity",
    "security": "Security",
    "reliability": "Reliability",
    "data": "Data",
    "configuration": "Configuration",
    "builds": "Builds",
    "maintainability": "Maintainability",
}


def overview(analysis: Analysis) -> Section:
    """Return the section with the key figures of the project, and its start commands."""
    facts = analysis.architecture
    main = facts.main
    names = facts.service_names
    by_name = {s.name: s for e in reversed(facts.entries) for s in e.services}
    kinds = Counter(by_name[name].counts_as for name in names)
    builds = sum(by_name[name].build is not None for name in names)
    breakdown = ", ".join(
        f"{kinds[k]} {k.removesuffix('s') if kinds[k] == 1 else k}" for k in sorted(kinds)
    )
    lines = [
        f"Rating: {analysis.rating.score:.1f} of 10, {analysis.rating.word}",
        f"Services: {len(names)}" + (f" ({breakdown})" if breakdown else ""),
        f"Images to build: {builds}, to pull: {len(names) - builds}",
        f"Findings: {severities(analysis.findings)}",
    ]
    if main is not None and main.totals.containers:
        lines.insert(2, f"Containers: {main.totals.containers} from `{main.title}`")
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
    table = Table(("No.", "Command", "Found in", "Services"), tuple(rows), "Start commands")
    return Section("overview", "Overview", (Listing(tuple(lines)), table))


def severities(findings: Iterable[Finding]) -> str:
    """Return the number of findings of each severity as text: ``2 high, 1 low``."""
    counts = Counter(each.severity for each in findings)
    parts = [f"{counts[s]} {s.value}" for s in reversed(Severity) if counts[s]]
    return ", ".join(parts) or "none"


def rating(analysis: Analysis) -> Section:
    """Return the section with the rating of each area, its deductions, and the strengths."""
    rows = [
        (_AREA_TITLES[each.area], f"{each.score:.1f}", each.word, _deductions(each))
        for each in analysis.ratings
    ]
    overall = analysis.rating
    rows.append(("Overall", f"{overall.score:.1f}", overall.word, ""))
    table = Table(("Area", "Score", "Rating", "Deductions"), tuple(rows))
    parts: list[Table | Listing] = [table]
    if analysis.strengths:
        parts.append(Listing(analysis.strengths, "Strengths"))
    return Section("rating", "Rating", tuple(parts), intro=RATING_EXPLANATION)


def _deductions(rating: Rating) -> str:
    return ", ".join(f"{d.rule} {d.points:g}" for d in rating.deductions)


def priorities(analysis: Analysis) -> Section:
    """Return the section with the recommended actions: one row per rule, by severity."""
    parts = []
    for severity in reversed(Severity):
        by_rule: dict[str, list[Finding]] = {}
        for finding in analysis.findings:
            if finding.severity == severity:
                by_rule.setdefault(finding.rule, []).append(finding)
        rows = [
            (_summary(analysis, rule, of_rule), _places(of_rule), _fix(of_rule))
            for rule, of_rule in sorted(by_rule.items(), key=lambda item: -len(item[1]))
        ]
        if rows:
            title = _TITLES[severity]
            parts.append(Table(("Finding", "Location", "Fix"), tuple(rows), title))
    return Section(
        "priorities", "Recommended actions by priority", tuple(parts), empty="No findings."
    )


def _summary(analysis: Analysis, rule: str, of_rule: list[Finding]) -> str:
    if len(of_rule) == 1:
        return f"{of_rule[0].message} ({rule})"
    return f"{analysis.rules[rule].summary.rstrip('.')} ({rule})"


def _places(of_rule: list[Finding]) -> str:
    if len(of_rule) == 1:
        return str(of_rule[0].location)
    affected = dict.fromkeys(each.service for each in of_rule if each.service)
    places = [*affected] or list(dict.fromkeys(str(each.location) for each in of_rule))
    return f"{len(of_rule)}: {first_of(places, _MAX_PLACES)}"


def _fix(of_rule: list[Finding]) -> str:
    transforms = [each.transform for each in of_rule if each.transform]
    if not transforms:
        return "by hand"
    transform = transforms[0]
    return transform if len(transforms) == len(of_rule) else f"{transform} ({len(transforms)})"


def findings(analysis: Analysis) -> Section:
    """Return the section with every finding, its location and its fix.

    Findings of one rule that say the same about several services share a row, unless they are
    about a certain port, file or variable.
    """
    alike: dict[tuple[str, str, str, str], list[Finding]] = {}
    for each in analysis.findings:
        message = each.message
        if each.service and not each.subject:
            message = message.replace(each.service, "", 1)
        fix = each.transform or each.remedy or "by hand"
        alike.setdefault((each.severity.value, each.rule, message, fix), []).append(each)
    rows = [
        (severity, _locations(of_one), _shared_message(analysis, rule, of_one), fix, rule)
        for (severity, rule, _, fix), of_one in alike.items()
    ]
    table = Table(("Severity", "Location", "Finding", "Fix", "Rule"), tuple(rows))
    suppressed = [
        f"{each.finding.location}: {each.finding.message} ({each.finding.rule}): {each.reason}"
        for each in analysis.suppressed
    ]
    parts: list[Table | Listing] = [table]
    if suppressed:
        parts.append(Listing(tuple(suppressed), "Suppressed"))
    return Section("findings", "All findings", tuple(parts), empty="No findings.", detail=True)


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
    summary = analysis.rules[rule].summary.rstrip(".")
    return f"{summary}: {', '.join(services)}" + (f" ({reason})" if colon else "")


def unresolved(analysis: Analysis) -> Section:
    """Return the section with what the text alone does not show."""
    return Section(
        "unresolved",
        "Limitations",
        (Listing(tuple(_limitations(analysis))),),
        intro="This report is based on the files alone; nothing was started.",
        empty="All files that the project refers to exist.",
    )


def _limitations(analysis: Analysis) -> Iterator[str]:
    yield from analysis.architecture.unresolved
    assumed = [e for e in analysis.architecture.entries if e.invocation.assumed]
    if assumed:
        files = ", ".join(f"`{each.title}`" for each in assumed)
        yield f"{counted(len(assumed), 'start command')} assumed from file names: {files}"


def sections(analysis: Analysis, *, with_details: bool = True) -> tuple[Section, ...]:
    """Return the sections of the report about *analysis*, without secrets.

    Without *with_details*, the sections that list everything are omitted.
    """
    facts = analysis.architecture
    return (
        overview(analysis),
        rating(analysis),
        priorities(analysis),
        services.inventory(facts),
        services.topology(facts),
        services.dependencies(facts),
        services.health(facts),
        services.volumes(facts),
        services.ports(facts),
        operation.variables(facts),
        *((operation.containers(facts),) if with_details else ()),
        services.resources(facts),
        services.builds(facts),
        operation.environments(facts),
        operation.checklist(analysis),
        operation.commands(analysis),
        *((findings(analysis),) if with_details else ()),
        unresolved(analysis),
    )
