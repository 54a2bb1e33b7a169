"""``composerefactor analyze``."""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import click
from msgspec import Struct

from composerefactor.analysis.analysis import (
    Analysis,
    analyse_project,
    open_for_analysis,
    separations_of,
)
from composerefactor.analysis.findings import Finding, Severity, baseline_text, read_baseline
from composerefactor.cli.options import (
    GroupedCommand,
    NoColor,
    ProjectOptions,
    Quiet,
    described,
    examples,
    path_argument,
    project_options,
    takes,
)
from composerefactor.cli.terminal import (
    columns,
    counting_projects,
    deliver,
    page,
    place_of,
    say,
    style_for,
)
from composerefactor.compose.services import start_model
from composerefactor.errors import InputError, Location, UsageError
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.readers import inventory
from composerefactor.report.analysis.screen import screen
from composerefactor.report.analysis.summary import SECTIONS
from composerefactor.report.analysis.text import full_text
from composerefactor.report.text import (
    Style,
    counted,
    json_text,
    masked_text,
    shown_commands,
    shown_line,
    shown_text,
)

FORMATS = ("text", "markdown", "html", "json", "sarif", "github", "junit", "svg")
_WITHOUT_READERS = ("sarif", "github", "junit", "svg")
"""Formats that do not list the other programs that read the files."""

_SUFFIXES = {
    "": "text",
    ".md": "markdown",
    ".html": "html",
    ".htm": "html",
    ".svg": "svg",
    ".json": "json",
    ".sarif": "sarif",
    ".xml": "junit",
    ".txt": "text",
}


class ReportOptions(Struct, frozen=True):
    """The options for what ``analyze`` reports, and how."""

    output_format: Annotated[
        str | None,
        described(
            "Format of the report; the default follows from the name of the output file, else "
            "text.",
            "--format",
            "output_format",
            type=click.Choice(FORMATS),
        ),
    ] = None
    output: Annotated[
        Path | None,
        described("Write the report to this file instead of stdout.", "-o", "--output"),
    ] = None
    baseline: Annotated[
        Path | None,
        described("Report only findings that are not in the baseline FILE.", metavar="FILE"),
    ] = None
    write_baseline: Annotated[
        Path | None,
        described("Write all current findings to FILE, as a baseline.", metavar="FILE"),
    ] = None
    fail_on: Annotated[
        str | None,
        described(
            "Exit with 1 if there is a finding of this severity or a higher one.",
            type=click.Choice([severity.value for severity in Severity]),
        ),
    ] = None
    smoke_test: Annotated[
        Path | None,
        described(
            "Instead of a report, write FILE: a shell script that starts a copy of the project and "
            "checks it.",
            metavar="FILE",
        ),
    ] = None
    recursive: Annotated[
        bool,
        described("Report on every project below PATH, in one table.", "-r", "--recursive"),
    ] = False
    jobs: Annotated[
        int | None,
        described("Number of processes for --recursive.", type=click.IntRange(min=1), metavar="N"),
    ] = None
    engine: Annotated[
        str,
        described(
            "The Docker Compose that reports which start commands it rejects; none, the default, "
            "only reads files.",
            metavar="none|auto|PATH",
        ),
    ] = "none"
    quiet: Quiet = False
    full: Annotated[bool, described("Print the whole report, on a terminal in a pager.")] = False
    section: Annotated[
        tuple[str, ...],
        described(
            f"Print only this section (repeatable): {', '.join(SECTIONS)}.",
            type=click.Choice([*SECTIONS]),
            metavar="NAME",
        ),
    ] = ()
    no_color: NoColor = False

    @property
    def format(self) -> str:
        """The format of the report.

        Raises UsageError if it is not given, and the name of the file says none that is known.
        """
        suffix = self.output.suffix.lower() if self.output else ""
        if self.output_format:
            return self.output_format
        if suffix not in _SUFFIXES:
            raise UsageError(
                f"no format of the report has the suffix {suffix}",
                location=Location(str(self.output)),
                remedy=f"use {', '.join(filter(None, _SUFFIXES))}, or give the --format",
            )
        return _SUFFIXES[suffix]

    @property
    def is_screen(self) -> bool:
        """Whether the report is the first screen alone."""
        return self.format == "text" and not (self.full or self.section)

    @property
    def style(self) -> Style:
        """The colours and links of the report."""
        return style_for(sys.stdout, no_color=self.no_color or self.output is not None)

    def say(self, message: str) -> None:
        """Print *message* on stderr, unless only errors are printed."""
        if not self.quiet:
            say(message)

    def deliver(self, report: str) -> None:
        """Write *report* to its file or to stdout."""
        deliver(report, self.output)
        if self.output is not None:
            hint = "; open it in a browser" if self.format == "html" else ""
            self.say(f"wrote {self.output}{hint}")


@click.command(
    "analyze",
    cls=GroupedCommand,
    epilog=examples(
        ("composerefactor analyze", "Print the report."),
        ("composerefactor analyze -o report.html", "Write an HTML page with diagrams."),
        (
            "composerefactor analyze --smoke-test smoke.sh",
            "Write a script that starts and checks a copy.",
        ),
        ("composerefactor analyze --fail-on high --format github", "Check a pull request."),
        ("composerefactor fix --dry-run", "Show what can be fixed."),
    ),
)
@path_argument
@project_options
@takes("options", ReportOptions)
def command(path: Path, project: ProjectOptions, options: ReportOptions) -> int:
    """Report on the architecture of the project in PATH, with findings by priority.

    The report is made from the files alone, so that it covers projects that Docker Compose rejects,
    too. Nothing is started or changed. Secrets are masked.
    """
    _ = options.format  # an unknown one is an error before anything is read
    if options.recursive:
        return _fleet(path, options)
    chosen = project.selection(path)
    opened = open_for_analysis(chosen)
    if options.smoke_test is not None:
        return _smoke_test(opened, options.smoke_test, options)
    known = _known(options.baseline, opened)
    rejected = [] if options.engine == "none" else _rejections(opened, options.engine)
    has_readers = not options.is_screen and options.format not in _WITHOUT_READERS
    readers = inventory(opened) if has_readers else ()
    separations = separations_of(opened) if has_readers else ()
    analysis = analyse_project(opened, known, rejected, readers, separations)
    if options.write_baseline is not None:
        everything = (*analysis.findings, *analysis.known)
        deliver(baseline_text(everything), options.write_baseline)
        options.say(f"wrote {counted(len(everything), 'finding')} to {options.write_baseline}")
    width = columns(options.output)
    if options.format != "text":
        prefix = opened.repository.prefix if opened.repository is not None else ""
        text = _rendered(analysis, options.format, prefix)
    else:
        if options.is_screen:
            place = place_of(chosen, opened.root)
            lines = screen(analysis, place, options.style, width)
        else:
            lines = full_text(analysis, options.style, width=width, names=options.section)
        text = masked_text(lines, analysis.architecture.masking)
    if options.full and options.output is None and sys.stdout.isatty():
        page(text)
    else:
        options.deliver(text)
    least = options.fail_on or opened.settings.analyze.fail_on
    fails = least and any(finding.severity >= Severity(least) for finding in analysis.findings)
    return 1 if fails else 0


def _known(baseline: Path | None, opened: OpenProject) -> frozenset[str]:
    """Return the fingerprints in the baseline that the command line or the settings name.

    Raises InputError if the baseline cannot be read.
    """
    named = opened.settings.analyze.baseline
    if baseline is None and not named:
        return frozenset()
    path = baseline if baseline is not None else opened.root / named
    try:
        return read_baseline(opened.files.read_bytes(str(path.absolute())).decode(), str(path))
    except (InputError, UnicodeDecodeError) as error:
        reason = error.message if isinstance(error, InputError) else "not a text file"
        raise InputError(
            f"the baseline cannot be read: {reason}",
            location=Location(str(path)),
            remedy="create it with --write-baseline",
        ) from None


def _rejections(opened: OpenProject, engine: str) -> list[Finding]:
    from composerefactor.analysis.rejections import rejections  # noqa: PLC0415 - see __init__.py

    return rejections(opened, engine)


def _smoke_test(opened: OpenProject, file: Path, options: ReportOptions) -> int:
    """Write the script for the default start command, else the first one that can be read."""
    from composerefactor.report.smoke_test import smoke_test  # noqa: PLC0415 - see __init__.py

    readable = opened.project.readable
    if not readable:
        raise opened.masking.error(next(iter(opened.project.errors.values())))
    model = start_model(opened.project, next((e for e in readable if e.implicit), readable[0]))
    directory = Path(os.path.relpath(opened.root, file.parent.resolve())).as_posix()
    text = smoke_test(opened.project, model, directory=directory, name=file.name)
    deliver(text, file)
    file.chmod(file.stat().st_mode | 0o111)
    options.say(f"wrote {file}, which checks {model.entry.title}; run it with `sh {file}`")
    return 0


def _rendered(analysis: Analysis, output_format: str, prefix: str) -> str:
    """Return the report in *output_format*, but not as text.

    *prefix* is the path of the project below the root of its repository, ``""`` without one.
    """
    match output_format:
        case "json":
            from composerefactor.report.analysis.json import analysis_document  # noqa: PLC0415

            return json_text(analysis_document(analysis))
        case "sarif" | "github" | "junit":
            return _findings(analysis, output_format, prefix)
    markup = _markup(analysis, output_format)
    return shown_text(analysis.architecture.masking.markup(markup))


def _findings(analysis: Analysis, output_format: str, prefix: str) -> str:
    """Return the findings in *output_format*, for another program."""
    from composerefactor.report.findings import junit, sarif, workflow_commands  # noqa: PLC0415

    found, rules = analysis.findings, analysis.rules
    if output_format == "github":
        return shown_commands(workflow_commands(found, prefix))
    if output_format == "junit":
        return shown_text(junit(found, rules, analysis.architecture.name))
    suppressed = [(entry.finding, entry.reason) for entry in analysis.suppressed]
    return json_text(sarif(found, rules, prefix=prefix, suppressed=suppressed))


def _markup(analysis: Analysis, output_format: str) -> str:
    """Return the report as Markdown, HTML or SVG, with its secrets."""
    if output_format == "markdown":
        from composerefactor.report.analysis.markdown import analysis_markdown  # noqa: PLC0415

        return analysis_markdown(analysis)
    from composerefactor.report.html.page import analysis_html, main_topology  # noqa: PLC0415

    if output_format == "html":
        return analysis_html(analysis, date.today())  # noqa: DTZ011 - the user's day
    from composerefactor.report.html.svg import topology_svg  # noqa: PLC0415

    main, topology = analysis.architecture.main, main_topology(analysis)
    if main is None or topology is None:
        error = next(iter(analysis.architecture.unread.values()))
        raise analysis.architecture.masking.error(error)
    return topology_svg(topology, main.title)


def _fleet(top: Path, options: ReportOptions) -> int:
    from composerefactor.analysis.fleet import analyse_all, find_projects  # noqa: PLC0415
    from composerefactor.report.analysis import fleet  # noqa: PLC0415

    if options.format not in {"text", "markdown", "json"}:
        raise UsageError(
            f"--recursive does not support the format {options.format!r}",
            remedy="use --format text, markdown or json, or analyse each project separately",
        )
    projects = find_projects(top)
    if not projects:
        raise InputError(
            "no Compose file found in or below this directory", location=Location(str(top))
        )
    progress = counting_projects(quiet=options.quiet)
    summaries = list(analyse_all(projects, top, options.jobs or os.cpu_count() or 1, progress))
    if options.format == "json":
        text = json_text(fleet.as_document(summaries))
    elif options.format == "markdown":
        text = shown_text(fleet.as_markdown(summaries))
    else:
        lines = fleet.as_text(summaries, options.style, columns(options.output))
        text = "".join(f"{shown_line(line)}\n" for line in lines)
    options.deliver(text)
    return 0
