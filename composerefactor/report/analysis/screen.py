"""The first screen of ``analyze``: what to do first, and the project in a few lines.

:func:`screen` yields the lines: the project and its rating, the findings by priority, the first of
them with the line of the file that they are about, an inventory, and how to see the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from composerefactor.analysis.analysis import Analysis
from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.volumes import StoredData
from composerefactor.analysis.findings import Finding, Severity
from composerefactor.errors import Location, first_of
from composerefactor.planning.registry import REFACTORINGS
from composerefactor.report.analysis.summary import FindingGroup, finding_groups, severities
from composerefactor.report.text import (
    Place,
    Style,
    columns_of,
    counted,
    documentation_of,
    evidence_of,
    filled,
    kinds_text,
)
from composerefactor.yaml.source import Source

_MOST_EXCERPTS = 3
"""Findings with an excerpt of the file; further ones take two lines, and then are counted."""

_MOST_SHORT = 6
_OF_A_WHOLE_FILE = frozenset({"split", "share-anchors"})
"""Transforms that solve findings about a whole file, which are reported at its first line."""

_COMMENT = re.compile(r"(?<!\S)#.*")
_MOST_NAMES = 4
_MOST_AREAS = 2
_MOST_RULES = 2
_WELL_RATED = 8.0
"""Areas with this score or a better one do not explain a rating."""

_COLOURS: dict[Severity, tuple[str, ...]] = {
    Severity.HIGH: ("red", "bold"),
    Severity.MEDIUM: ("yellow", "bold"),
    Severity.LOW: ("cyan", "bold"),
    Severity.INFO: ("bold",),
}
_LABEL = 11


def screen(analysis: Analysis, place: Place, style: Style, width: int = 80) -> Iterator[str]:
    """Yield the lines of the first screen about *analysis*, at most *width* columns wide.

    Commands, and places that are longer, stay on one line: people copy and click them.
    """
    writer = _Writer(analysis, place, style, width)
    yield from writer.title()
    yield ""
    yield from writer.findings()
    yield from writer.inventory()
    yield from writer.next_commands()


class _Writer:
    def __init__(self, analysis: Analysis, place: Place, style: Style, width: int) -> None:
        self.analysis = analysis
        self.architecture = analysis.architecture
        self.place = place
        self.style = style
        self.width = width
        self.excerpts = _Excerpts(self.architecture)

    def title(self) -> Iterator[str]:
        """Yield the name and the directory of the project, its rating, and the reason for it."""
        name, directory = self.architecture.name, self.place.directory
        fits = columns_of(f"{name}  {directory}") <= self.width
        yield f"{self.style(name, 'bold')}{'  ' if fits else ''}" + (
            self.style(directory, "dim") if fits else ""
        )
        if not fits:
            yield self.style(directory, "dim")
        if self.place.found_below:
            where = self.place.found_below
            yield self.style(f"No Compose file here; this is the project in {where}/", "yellow")
        rating = self.analysis.rating
        if rating is None:
            text = "Not rated: see the errors"
            yield self.style(text, "red", "bold")
        else:
            score = f"{rating.score:.1f} of 10, {rating.word}"
            first, *others = filled(f"{score}{self._reason()}", self.width)
            yield first.replace(score, self.style(score, "bold"), 1)
            yield from others
        yield f"Findings: {severities(self.analysis.findings)}"

    def _reason(self) -> str:
        """Return the areas that lower the rating, each with the rules that do."""
        areas = sorted(self.analysis.ratings, key=lambda each: each.score)
        reasons = [
            f"{each.area} {each.score:.1f} ("
            + ", ".join(deduction.rule for deduction in each.deductions[:_MOST_RULES])
            + ")"
            for each in areas[:_MOST_AREAS]
            if each.score < _WELL_RATED
        ]
        return f": {', '.join(reasons)}" if reasons else ""

    def findings(self) -> Iterator[str]:
        """Yield the findings by priority; those that Docker Compose rejects come first."""
        groups = finding_groups(self.analysis)
        shown = [each for each in groups if each.severity != Severity.INFO]
        for group in shown[:_MOST_EXCERPTS]:
            yield from self._with_excerpt(group)
            yield ""
        short = shown[_MOST_EXCERPTS : _MOST_EXCERPTS + _MOST_SHORT]
        for group in short:
            yield from self._short(group)
        hidden = [each for each in groups if each not in shown[:_MOST_EXCERPTS] + short]
        if hidden:
            number = sum(len(each.findings) for each in hidden)
            rules = counted(len(hidden), "rule")
            yield self.style(f"{counted(number, 'more finding')} of {rules}: --full", "dim")
        if short or hidden:
            yield ""

    def _with_excerpt(self, group: FindingGroup) -> Iterator[str]:
        yield from self._heading(group)
        first = group.findings[0]
        yield f"  {self.style('-->', 'cyan')} {self._places(group, self.width - 6)}"
        excerpt = self.excerpts.of(first, self.width - 8)
        if excerpt is not None:
            line, mark = excerpt
            gutter = str(first.location.line)
            yield f"  {self.style(f'{gutter} |', 'cyan')} {line}"
            carets = self.style(mark, *_COLOURS[group.severity])
            yield f"  {self.style(f'{chr(32) * len(gutter)} |', 'cyan')} {carets}"
        yield from self._help(group)

    def _short(self, group: FindingGroup) -> Iterator[str]:
        yield from self._heading(group)
        guess = " (a guess)" if group.is_guess else ""
        fix = f"  fix: {group.transform}{guess}" if group.transform else ""
        places = self._places(group, self.width - 6 - len(fix))
        yield f"  {self.style('-->', 'cyan')} {places}{self.style(fix, 'green')}"

    def _heading(self, group: FindingGroup) -> Iterator[str]:
        word = "error" if group.is_rejection else group.severity.value
        label = f"{word}[{group.rule}]"
        message = f"{group.message}: {self._names(group, label)}" if group.names else group.message
        first, *others = filled(f"{label}: {message}", self.width)
        colour = _COLOURS[group.severity]
        shown = self.style.link(self.style(label, *colour), documentation_of(group.rule))
        yield first.replace(label, shown, 1)
        yield from others

    def _names(self, group: FindingGroup, label: str) -> str:
        """Return the names of *group* that fit on the line of its heading, or on the next."""
        room = self.width - columns_of(f"{label}: {group.message}: ")
        if room < columns_of(first_of(group.names, 1)):
            room = self.width - 2
        return _fitting(group.names, room)

    def _help(self, group: FindingGroup) -> Iterator[str]:
        """Yield what to do about *group*: the command that fixes it, or a remedy by hand."""
        label = f"  {self.style('help:', 'green', 'bold')} "
        if group.command:
            command = self.place.command(*group.command.split()[1:])
            number = len(group.fixable)
            part = (
                f"  (fixes {number} of {len(group.findings)})"
                if number < len(group.findings)
                else ""
            )
            yield f"{label}{command}{part}"
            return
        finding = group.findings[0]
        if finding.remedy:
            yield from self._note(label, finding.remedy)
        if finding.skip_note:
            note = f"  {self.style('note:', 'cyan', 'bold')} "
            yield from self._note(note, finding.skip_note)

    def _note(self, label: str, text: str) -> Iterator[str]:
        first, *others = filled(text, self.width - 8)
        yield label + first
        yield from (f"      {line}" for line in others)

    def _places(self, group: FindingGroup, width: int) -> str:
        """Return the places of *group* in *width* columns, and the number of the others."""
        locations = list(dict.fromkeys(each.location for each in group.findings))
        names = [f"{self.place.prefix}{each}" for each in locations]
        most = _most_fitting(names, width)
        links = [self._link(*pair) for pair in zip(names, locations, strict=True)]
        return first_of(links, most)

    def _link(self, text: str, location: Location) -> str:
        path = f"{self.place.directory.rstrip('/')}/{location.path}"
        line = f"#{location.line}" if location.line else ""
        return self.style.link(text, f"file://{quote(path)}{line}")

    def inventory(self) -> Iterator[str]:
        """Yield a few lines on what the project consists of."""
        main = self.architecture.main
        if main is None:
            return
        for label, text in _inventory(self.architecture, main, self.width - _LABEL):
            head = f"{label:<{_LABEL}}"
            for line in filled(text, self.width - _LABEL):
                yield f"{self.style(head, 'cyan')}{line}"
                head = " " * _LABEL
        yield ""

    def next_commands(self) -> Iterator[str]:
        """Yield the commands to run next; the last one shows the rest of the report."""
        commands = []
        fixable = sum(
            each.transform is not None and each.transform not in REFACTORINGS and not each.is_guess
            for each in self.analysis.findings
        )
        if fixable:
            command = self.place.command("fix", "--unsafe", "--dry-run")
            commands.append((command, f"preview fixes for {counted(fixable, 'finding')}"))
        if any(each.transform == "split" for each in self.analysis.findings):
            commands.append((self.place.command("split", "--dry-run"), "preview the split"))
        command = self.place.command("analyze", "--full")
        commands.append((command, "all of it; --section NAME for a part"))
        longest = max(columns_of(command) for command, _ in commands)
        for command, meaning in commands:
            yield f"{command:<{longest}}  {self.style(meaning, 'dim')}"


class _Excerpts:
    """The lines of the project's files, without secrets."""

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        self._lines: dict[tuple[str, int], list[str]] = {}

    def of(self, finding: Finding, width: int) -> tuple[str, str] | None:
        """Return the line of *finding*, and carets below what the finding is about.

        None if the file cannot be read, or the finding is about the whole file.
        """
        source = self._source(finding.location.path)
        index = finding.location.line - 1
        if index == 0 and finding.transform in _OF_A_WHOLE_FILE:
            return None
        if source is None or not 0 <= index < len(source.line_starts):
            return None
        line = self._line(source, index).expandtabs()
        start, end = _span(line, finding.subject)
        if columns_of(line) > width:
            line = f"{line[: width - 4]} ..."
            start, end = min(start, width - 5), min(end, width - 4)
        if start >= end:
            return None
        mark = " " * columns_of(line[:start]) + "^" * columns_of(line[start:end])
        return line, mark

    def _source(self, path: str) -> Source | None:
        project = self._architecture.project
        file = project.files.get(path)
        if file is not None:
            return file.source
        text = project.text(path)
        return None if text is None else Source(path, text)

    def _line(self, source: Source, index: int) -> str:
        """Return a line without secrets.

        A line of a service is masked together with the lines of that service alone, which tell
        what its secrets are: to mask all lines of a large file takes long.
        """
        file = self._architecture.project.files.get(source.path)
        regions = file.regions_in("services").values() if file else ()
        at = source.line_starts[index]
        around = ((each.lead, each.end) for each in regions if each.lead <= at < each.end)
        start, end = next(around, (0, len(source.text)))
        key = source.path, start
        if key not in self._lines:
            masking = self._architecture.masking
            self._lines[key] = masking.lines(source.text[start:end].split("\n"))
        return self._lines[key][index - source.line_index(start)].rstrip("\r")


def _span(line: str, subject: str) -> tuple[int, int]:
    """Return where *subject* is in *line*, else all of it without indentation and comment."""
    if subject and subject in line:
        start = line.index(subject)
        return start, start + len(subject)
    content = _COMMENT.sub("", line).rstrip()
    body = content.lstrip(" -")
    return len(content) - len(body), len(content)


def _inventory(
    architecture: Architecture, main: InvocationFacts, width: int
) -> Iterator[tuple[str, str]]:
    """Yield label and text of each line of the inventory; lines without content are omitted."""
    parts = kinds_text(service.counts_as for service in main.services)
    builds = f"; {counted(len(main.builds), 'image')} to build" if main.builds else ""
    number, total = len(main.services), len(architecture.service_names)
    count = f"{number} of {total}" if number < total else str(number)
    yield "Services", f"{count}: {parts}{builds}" if parts else "none"
    evidence = evidence_of(main.invocation)
    others = len(architecture.entries) + len(architecture.unread) - 1
    more = f"; {counted(others, 'other start command')}" if others else ""
    started = f"{main.title} ({evidence}){more}" if evidence else f"{main.title}{more}"
    yield "Start", started if columns_of(started) <= width else f"{main.title}{more}"
    published = [port for port in main.ports if port.published]
    if published:
        is_open = [
            f"{port.service} {port.published}{'' if port.protocol == 'tcp' else '/udp'}"
            for port in published
            if port.is_open
        ]
        text = f"{len(published)} published, {len(is_open)} on all addresses"
        yield "Ports", _with_names(text, ": ", is_open, width)
    backups = [volume.name for volume in main.volumes if volume.backup == "yes"]
    if main.volumes:
        text = kinds_text(_mount_kind(each) for each in main.volumes)
        yield "Data", _with_names(text, "; back up ", backups, width)
    missing = [variable.name for variable in main.variables if variable.must_be_set]
    if main.variables:
        text = str(len(main.variables))
        yield "Variables", _with_names(text, "; set before the start: ", missing, width)


def _with_names(text: str, between: str, names: Sequence[str], width: int) -> str:
    """Return *text* and as many of *names*, if there are any, as fit into *width* columns."""
    if not names:
        return text
    return f"{text}{between}{_fitting(names, width - columns_of(text + between))}"


def _mount_kind(each: StoredData) -> str:
    return "bind mounts" if each.kind == "bind" else "volumes"


def _fitting(names: Sequence[str], width: int) -> str:
    """Return as many of *names* as fit into *width* columns, and the number of the others."""
    return first_of(names, _most_fitting(names, width)) if names else ""


def _most_fitting(names: Sequence[str], width: int) -> int:
    """Return how many of *names* fit into *width* columns, at least 1."""
    fitting = (
        most
        for most in range(min(len(names), _MOST_NAMES), 1, -1)
        if columns_of(first_of(names, most)) <= width
    )
    return next(fitting, 1)
