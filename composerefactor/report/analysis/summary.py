"""What comes first and last in a report: the overview, the rating, and the findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from composerefactor.analysis.analysis import HOW, Analysis, Rating
from composerefactor.analysis.findings import Finding, Severity
from composerefactor.errors import first_of
from composerefactor.report.analysis import operation as sections_operation
from composerefactor.report.analysis import operation as sections_variables
from composerefactor.report.analysis import services as sections_services
from composerefactor.report.analysis.model import Listing, Section, Table
from composerefactor.report.text import counted, evidence_of

_MOST = 6
_TITLES = {
    Severity.HIGH: "High priority",
    Severity.MEDIUM: "Medium priority",
    Severity.LOW: "Low priority",
    Severity.INFO: "Worth knowing",
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
    """Return what the project is, and how it is started."""
    facts = analysis.architecture
    main = facts.main
    names = facts.service_names
    services = {s.name: s for e in reversed(facts.entries) for s in e.services}
    kinds = Counter(services[name].counts_as for name in names)
    builds = sum(services[name].build is not None for name in names)
    words = ", ".join(f"{kinds[k]} {k}" for k in sorted(kinds))
    lines = [
        f"Rating: {analysis.rating.score:.1f} of 10, {analysis.rating.word}",
        f"Services: {len(names)}" + (f" ({words})" if words else ""),
        f"Images to build: {builds}, to pull: {len(names) - builds}",
        f"Findings: {severities(analysis.findings)}",
    ]
    if main is not None and main.totals.containers:
        lines.insert(2, f"Containers: {main.totals.containers} from `{main.title}`")
    if analysis.known:
        lines.append(f"Known from the baseline: {len(analysis.known)}")
    rows = [
        (
            str(number),
            entry.entry.command,
            evidence_of(entry.entry) or "as given",
            str(len(entry.services)),
        )
        for number, entry in enumerate(facts.entries, 1)
    ]
    rows += [("-", entry.title, "cannot be read", "?") for entry in facts.unread]
    table = Table(("No.", "Files", "How it is known", "Services"), tuple(rows), "Entry points")
    return Section("overview", "Overview", (Listing(tuple(lines)), table))


def severities(findings: Iterable[Finding]) -> str:
    """Return how many findings there are of each severity, in words."""
    counts = Counter(each.severity for each in findings)
    words = [f"{counts[s]} {s.word}" for s in reversed(Severity) if counts[s]]
    return ", ".join(words) or "none"


def rating(analysis: Analysis) -> Section:
    """Return the rating of each area, and what it is for."""
    rows = [
        (_AREA_TITLES[each.area], f"{each.score:.1f}", each.word, _because(each))
        for each in analysis.ratings
    ]
    whole = analysis.rating
    rows.append(("Overall", f"{whole.score:.1f}", whole.word, ""))
    table = Table(("Area", "Score", "Rating", "Points off for"), tuple(rows))
    parts: list[Table | Listing] = [table]
    if analysis.strengths:
        parts.append(Listing(analysis.strengths, "Strengths"))
    return Section("rating", "Rating", tuple(parts), intro=HOW)


def _because(each: Rating) -> str:
    return ", ".join(f"{d.rule} {d.points:g}" for d in each.deductions)


def priorities(analysis: Analysis) -> Section:
    """Return what to do first: the findings of each rule in one line, by severity."""
    parts = []
    for severity in reversed(Severity):
        found = [each for each in analysis.findings if each.severity == severity]
        by_rule: dict[str, list[Finding]] = {}
        for each in found:
            by_rule.setdefault(each.rule, []).append(each)
        rows = [
            (_subject(analysis, rule, those), _whom(those), _mending(those))
            for rule, those in sorted(by_rule.items(), key=lambda item: -len(item[1]))
        ]
        if rows:
            title = _TITLES[severity]
            parts.append(Table(("What", "Where", "Mended by"), tuple(rows), title))
    return Section(
        "priorities", "Recommended actions by priority", tuple(parts), empty="Nothing was found."
    )


def _subject(analysis: Analysis, rule: str, those: list[Finding]) -> str:
    if len(those) == 1:
        return f"{those[0].message} ({rule})"
    return f"{analysis.rules[rule].summary.rstrip('.')} ({rule})"


def _whom(those: list[Finding]) -> str:
    if len(those) == 1:
        return str(those[0].location)
    services = dict.fromkeys(each.service for each in those if each.service)
    places = [*services] or list(dict.fromkeys(str(each.location) for each in those))
    return f"{len(those)}: {first_of(places, _MOST)}"


def _mending(those: list[Finding]) -> str:
    transforms = [each.transform for each in those if each.transform]
    if not transforms:
        return "by hand"
    whole = transforms[0]
    return whole if len(transforms) == len(those) else f"{whole} ({len(transforms)})"


def findings(analysis: Analysis) -> Section:
    """Return every finding with its place, and what mends it."""
    rows = [
        (
            each.severity.word,
            str(each.location),
            each.message,
            each.transform or each.remedy or "by hand",
            each.rule,
        )
        for each in analysis.findings
    ]
    table = Table(("Severity", "Place", "Finding", "Remedy", "Rule"), tuple(rows))
    hidden = [
        f"{each.finding.location}: {each.finding.message} ({each.finding.rule}): {each.reason}"
        for each in analysis.suppressed
    ]
    parts: list[Table | Listing] = [table]
    if hidden:
        parts.append(Listing(tuple(hidden), "Suppressed"))
    return Section(
        "findings", "All findings", tuple(parts), empty="Nothing was found.", detail=True
    )


def unresolved(analysis: Analysis) -> Section:
    """Return what the text alone does not tell."""
    return Section(
        "unresolved",
        "What is not known",
        (Listing(tuple(_unknown(analysis))),),
        intro="This report is read from the files alone; nothing was started.",
        empty="Everything that the files name is here.",
    )


def _unknown(analysis: Analysis) -> Iterator[str]:
    yield from analysis.architecture.unresolved
    outside = [e for e in analysis.architecture.entries if e.entry.assumed]
    if outside:
        files = ", ".join(f"`{each.title}`" for each in outside)
        yield f"{counted(len(outside), 'entry point')} assumed from names alone: {files}"


def sections(analysis: Analysis, *, with_details: bool = True) -> tuple[Section, ...]:
    """Return the sections of *analysis*, without secrets.

    *with_details* False leaves out those that list everything.
    """
    facts = analysis.architecture
    return (
        overview(analysis),
        rating(analysis),
        priorities(analysis),
        sections_services.inventory(facts),
        sections_services.topology(facts),
        sections_services.dependencies(facts),
        sections_services.health(facts),
        sections_services.volumes(facts),
        sections_services.ports(facts),
        sections_variables.variables(facts),
        *((sections_variables.containers(facts),) if with_details else ()),
        sections_services.resources(facts),
        sections_services.builds(facts),
        sections_variables.environments(facts),
        sections_operation.checklist(analysis),
        sections_operation.commands(analysis),
        *((findings(analysis),) if with_details else ()),
        unresolved(analysis),
    )
