"""``composerefactor analyze``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import click

from composerefactor.analysis.analysis import Analysis, analyse_project, open_for_analysis
from composerefactor.analysis.findings import Finding, Severity, baseline_text, read_baseline
from composerefactor.cli.options import (
    OutputOptions,
    ProjectOptions,
    examples,
    option,
    path_argument,
    project_options,
)
from composerefactor.cli.terminal import columns, counting, deliver, page, place_of, say, style_for
from composerefactor.compose.services import start_model
from composerefactor.errors import InputError, Location, UsageError
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.readers import inventory
from composerefactor.report.analysis.screen import screen
from composerefactor.report.analysis.summary import SECTIONS
from composerefactor.report.analysis.text import full_text
from composerefactor.report.text import (
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
    ".md": "markdown",
    ".html": "html",
    ".svg": "svg",
    ".json": "json",
    ".sarif": "sarif",
    ".xml": "junit",
    ".txt": "text",
}


@click.command(
    "analyze",
    short_help="Report on the architecture, with findings by priority.",
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
@click.option(
    "--format",
    "output_format",
    type=click.Choice(FORMATS),
    help="Format of the report; the default follows from the name of the output file, else text.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the report to this file instead of stdout.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Report only findings that are not in the baseline FILE.",
)
@click.option(
    "--write-baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write all current findings to FILE, as a baseline.",
)
@click.option(
    "--fail-on",
    type=click.Choice([severity.value for severity in Severity]),
    help="Exit with 1 if there is a finding of this severity or a higher one.",
)
@click.option(
    "--smoke-test",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Instead of a report, write FILE: a shell script that starts a copy of the project and "
    "checks it.",
)
@click.option(
    "-r", "--recursive", is_flag=True, help="Report on every project below PATH, in one table."
)
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Number of processes for --recursive."
)
@click.option(
    "--engine",
    default="none",
    metavar="none|auto|PATH",
    help="The Docker Compose that reports which start commands it rejects; none, the default, only "
    "reads files.",
)
@option(OutputOptions, "quiet")
@click.option("--full", is_flag=True, help="Print the whole report, on a terminal in a pager.")
@click.option(
    "--section",
    "section",
    multiple=True,
    type=click.Choice([*SECTIONS]),
    metavar="NAME",
    help=f"Print only this section (repeatable): {', '.join(SECTIONS)}.",
)
@option(OutputOptions, "no_color")
def command(
    path: Path,
    project: ProjectOptions,
    *,
    output_format: str | None,
    output: Path | None,
    baseline: Path | None,
    write_baseline: Path | None,
    fail_on: str | None,
    smoke_test: Path | None,
    recursive: bool,
    jobs: int | None,
    engine: str,
    quiet: bool,
    full: bool,
    section: tuple[str, ...],
    no_color: bool,
) -> int:
    """Report on the architecture of the project in PATH, with findings by priority.

    The report is made from the files alone, so that it covers projects that Docker Compose rejects,
    too. Nothing is started or changed. Secrets are masked.
    """
    report_format = output_format or _SUFFIXES.get(output.suffix if output else "", "text")
    if recursive:
        return _fleet(path, report_format, output, jobs, quiet=quiet, no_color=no_color)
    opened = open_for_analysis(project.selection(path))
    if smoke_test is not None:
        return _smoke_test(opened, smoke_test, quiet=quiet)
    known = _known(baseline, opened)
    rejected = [] if engine == "none" else _rejections(opened, engine)
    is_screen = report_format == "text" and not (full or section)
    readers = () if is_screen or report_format in _WITHOUT_READERS else inventory(opened)
    analysis = analyse_project(opened, known, rejected, readers)
    if write_baseline is not None:
        everything = (*analysis.findings, *analysis.known)
        deliver(baseline_text(everything), write_baseline)
        if not quiet:
            say(f"wrote {counted(len(everything), 'finding')} to {write_baseline}")
    style = style_for(sys.stdout, no_color=no_color or output is not None)
    masking = analysis.architecture.masking
    if report_format == "text":
        if is_screen:
            place = place_of(path, opened.root, project.arguments(path))
            lines = screen(analysis, place, style, columns(output))
        else:
            lines = full_text(analysis, style, width=columns(output), names=section)
        text = masked_text(lines, masking)
    else:
        text = _RENDERERS[report_format](analysis, _prefix(opened))
    if full and output is None and sys.stdout.isatty():
        page(text)
    else:
        deliver(text, output)
        _say_written(output, report_format, quiet=quiet)
    least = fail_on or opened.settings.analyze.fail_on
    fails = least and any(finding.severity >= Severity(least) for finding in analysis.findings)
    return 1 if fails else 0


def _say_written(output: Path | None, report_format: str, *, quiet: bool) -> None:
    """Say on stderr that the report is in *output*, None for stdout."""
    if output is not None and not quiet:
        say(f"wrote {output}" + ("; open it in a browser" if report_format == "html" else ""))


def _known(baseline: Path | None, opened: OpenProject) -> frozenset[str]:
    """Return the fingerprints in the baseline that the command line or the settings name.

    Raises InputError if the baseline cannot be read.
    """
    named = opened.settings.analyze.baseline
    if baseline is None and not named:
        return frozenset()
    path = baseline if baseline is not None else opened.root / named
    try:
        return read_baseline(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise InputError(
            f"the baseline cannot be read: {reason}",
            location=Location(str(path)),
            remedy="create it with --write-baseline",
        ) from None


def _prefix(opened: OpenProject) -> str:
    """Return the path of the project below the root of its repository, ``""`` without one."""
    return "" if opened.repository is None else opened.repository.prefix


def _rejections(opened: OpenProject, engine: str) -> list[Finding]:
    from composerefactor.analysis.rejections import rejections  # noqa: PLC0415 - see __init__.py

    return rejections(opened, engine)


def _smoke_test(opened: OpenProject, file: Path, *, quiet: bool) -> int:
    """Write the script for the default start command, else the first one that can be read."""
    from composerefactor.report.smoke_test import smoke_test  # noqa: PLC0415 - see __init__.py

    readable = opened.project.readable
    if not readable:
        raise opened.masking.error(next(iter(opened.project.errors.values())))
    model = start_model(opened.project, next((e for e in readable if e.implicit), readable[0]))
    directory = Path(os.path.relpath(opened.root, file.parent.resolve())).as_posix()
    text = smoke_test(
        opened.project, model, opened.settings.catalog, directory=directory, name=file.name
    )
    deliver(text, file)
    file.chmod(file.stat().st_mode | 0o111)
    if not quiet:
        say(f"wrote {file}, which checks {model.entry.title}; run it with `sh {file}`")
    return 0


def _html(analysis: Analysis, _: str) -> str:
    from composerefactor.report.html.page import analysis_html  # noqa: PLC0415

    page = analysis_html(analysis, date.today())  # noqa: DTZ011 - the user's day
    return shown_text(analysis.architecture.masking.markup(page))


def _svg(analysis: Analysis, _: str) -> str:
    from composerefactor.report.html.svg import topology_svg  # noqa: PLC0415

    main = analysis.architecture.main
    if main is None:
        error = next(iter(analysis.architecture.unread.values()))
        raise analysis.architecture.masking.error(error)
    return shown_text(analysis.architecture.masking.markup(topology_svg(main)))


def _markdown(analysis: Analysis, _: str) -> str:
    from composerefactor.report.analysis.markdown import analysis_markdown  # noqa: PLC0415

    return shown_text(analysis.architecture.masking.markup(analysis_markdown(analysis)))


def _json(analysis: Analysis, _: str) -> str:
    from composerefactor.report.analysis.json import analysis_document  # noqa: PLC0415

    return json_text(analysis_document(analysis))


def _sarif(analysis: Analysis, prefix: str) -> str:
    from composerefactor.report.findings import sarif  # noqa: PLC0415

    suppressed = [(entry.finding, entry.reason) for entry in analysis.suppressed]
    log = sarif(analysis.findings, analysis.rules, prefix=prefix, suppressed=suppressed)
    return json_text(log)


def _github(analysis: Analysis, prefix: str) -> str:
    from composerefactor.report.findings import workflow_commands  # noqa: PLC0415

    return shown_commands(workflow_commands(analysis.findings, prefix))


def _junit(analysis: Analysis, _: str) -> str:
    from composerefactor.report.findings import junit  # noqa: PLC0415

    return shown_text(junit(analysis.findings, analysis.rules, analysis.architecture.name))


_RENDERERS: dict[str, Callable[[Analysis, str], str]] = {
    "markdown": _markdown,
    "html": _html,
    "svg": _svg,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
    "junit": _junit,
}
"""Functions that return the report as text, by format.

They take the analysis and the path of the project below the root of its repository.
"""


def _fleet(
    top: Path,
    report_format: str,
    output: Path | None,
    jobs: int | None,
    *,
    quiet: bool,
    no_color: bool,
) -> int:
    from composerefactor.analysis.fleet import analyse_all, find_projects  # noqa: PLC0415
    from composerefactor.report.analysis import fleet  # noqa: PLC0415

    if report_format not in {"text", "markdown", "json"}:
        raise UsageError(
            f"--recursive does not support the format {report_format!r}",
            remedy="use --format text, markdown or json, or analyse each project separately",
        )
    projects = find_projects(top)
    if not projects:
        raise InputError(
            "no Compose file found in or below this directory", location=Location(str(top))
        )
    progress = counting("analysed", "projects", quiet=quiet)
    summaries = list(analyse_all(projects, top, jobs or os.cpu_count() or 1, progress))
    if report_format == "json":
        text = json_text(fleet.as_document(summaries))
    elif report_format == "markdown":
        text = shown_text(fleet.as_markdown(summaries))
    else:
        style = style_for(sys.stdout, no_color=no_color or output is not None)
        lines = fleet.as_text(summaries, style, columns(output))
        text = "".join(f"{shown_line(line)}\n" for line in lines)
    deliver(text, output)
    _say_written(output, report_format, quiet=quiet)
    return 0
