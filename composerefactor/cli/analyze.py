"""``composerefactor analyze``."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import click

from composerefactor.analysis.analysis import Analysis, analyse_project, open_for_analysis
from composerefactor.analysis.findings import Severity, baseline_text, read_baseline
from composerefactor.cli.options import choice, examples, path_argument, project_options
from composerefactor.cli.terminal import counting, deliver, style_for
from composerefactor.compose.services import start_model
from composerefactor.errors import InputError, Location, UsageError
from composerefactor.planning.opening import OpenProject
from composerefactor.proof.engine import find_engine
from composerefactor.report.analysis.json import analysis_document
from composerefactor.report.analysis.markdown import analysis_markdown
from composerefactor.report.analysis.text import analysis_text
from composerefactor.report.findings import junit, sarif, workflow_commands

WIDTH = 80
FORMATS = ("text", "markdown", "html", "json", "sarif", "github", "junit", "svg")
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
    short_help="Report on the architecture, and on what is wrong or risky.",
    epilog=examples(
        ("composerefactor analyze", "Read the report here."),
        ("composerefactor analyze -o report.html", "Have it as a page, with pictures."),
        ("composerefactor analyze --smoke-test smoke.sh", "Write a script that tries the stack."),
        ("composerefactor analyze --fail-on high --format github", "Check a pull request."),
        ("composerefactor fix --dry-run", "See what of it can be mended."),
    ),
)
@path_argument
@project_options
@click.option(
    "--format",
    "output_format",
    type=click.Choice(FORMATS),
    help="Form of the report; without it the name of the output file tells, else text.",
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
    help="Leave out the findings that FILE knows.",
)
@click.option(
    "--write-baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write all findings of now to FILE, as a baseline.",
)
@click.option(
    "--fail-on",
    type=click.Choice([each.word for each in Severity]),
    help="Exit with 1 where there is a finding of this severity or a higher one.",
)
@click.option(
    "--smoke-test",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write FILE, a shell script that starts a copy of the stack and checks it; no report.",
)
@click.option("-r", "--recursive", is_flag=True, help="Every project below PATH, as one table.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Processes for --recursive.")
@click.option(
    "--engine",
    default="none",
    metavar="none|auto|PATH",
    help="A Docker Compose to ask which entry points it rejects; none reads the text alone.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print errors and results only.")
@click.option("-v", "--verbose", is_flag=True, help="List every finding and variable as well.")
@click.option("--no-color", is_flag=True, help="No colours (NO_COLOR does the same).")
def command(
    path: Path,
    *,
    file: tuple[str, ...],
    entry: tuple[str, ...],
    env_file: tuple[str, ...],
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
    verbose: bool,
    no_color: bool,
) -> int:
    """Report on the architecture of the project in PATH: what there is, and what is wrong.

    Read from the files alone, so that a project that Docker Compose rejects is analysed too.
    Nothing is started or changed, and no secret is shown.
    """
    form = output_format or _SUFFIXES.get(output.suffix if output else "", "text")
    if recursive:
        return _fleet(path, form, output, jobs, quiet=quiet, no_color=no_color)
    opened = open_for_analysis(choice(path, file, entry, env_file))
    if smoke_test is not None:
        return _smoke_test(opened, smoke_test, quiet=quiet)
    known = _known(baseline, opened)
    tool = None
    if engine != "none":
        tool = find_engine(engine)
    analysis = analyse_project(opened, known, tool)
    if write_baseline is not None:
        everything = (*analysis.findings, *analysis.known)
        deliver(baseline_text(everything).encode(), write_baseline)
        if not quiet:
            click.echo(f"{write_baseline} knows {len(everything)} findings now", err=True)
    style = style_for(sys.stdout, no_color=no_color or output is not None)
    if form == "text":
        lines = analysis_text(analysis, style, width=_width(output), verbose=verbose)
        text = "".join(f"{line}\n" for line in lines)
    else:
        text = _RENDERERS[form](analysis, _prefix(opened))
    deliver(text.encode("utf-8", "replace"), output)
    least = fail_on or opened.settings.analyze.fail_on
    fails = least and any(each.severity >= Severity.of(least) for each in analysis.findings)
    return 1 if fails else 0


def _known(baseline: Path | None, opened: OpenProject) -> frozenset[str]:
    """Return the fingerprints in the baseline of the command line, else in that of the settings."""
    named = opened.settings.analyze.baseline
    if baseline is None and named is None:
        return frozenset()
    path = baseline if baseline is not None else opened.root / str(named)
    try:
        return read_baseline(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise InputError(
            f"the baseline cannot be read: {reason}",
            location=Location(str(path)),
            remedy="write it with --write-baseline",
        ) from None


def _width(output: Path | None) -> int:
    """Return the columns of the terminal; 80 where the report does not go to one."""
    if output is not None or not sys.stdout.isatty():
        return WIDTH

    return max(shutil.get_terminal_size((WIDTH, 24)).columns, 40)


def _prefix(opened: OpenProject) -> str:
    """Return the path of the project below the root of its repository."""
    if opened.repository is None:
        return ""
    return opened.repository.prefix


def _smoke_test(opened: OpenProject, file: Path, *, quiet: bool) -> int:
    """Write the script for the first entry point that can be read; it leads back to the project."""
    from composerefactor.report.smoke_test import smoke_test  # noqa: PLC0415 - see __init__.py

    readable = opened.project.readable
    if not readable:
        raise next(iter(opened.project.errors.values()))
    found = start_model(opened.project, next((e for e in readable if e.implicit), readable[0]))
    directory = Path(os.path.relpath(opened.root, file.parent.resolve())).as_posix()
    text = smoke_test(
        opened.project, found, opened.settings.catalog, directory=directory, name=file.name
    )
    deliver(text.encode("utf-8", "replace"), file)
    file.chmod(file.stat().st_mode | 0o111)
    if not quiet:
        click.echo(f"{file} checks {found.entry.title}; run it with sh {file}", err=True)
    return 0


def _html(analysis: Analysis, _: str) -> str:
    from composerefactor.report.html.page import analysis_html  # noqa: PLC0415

    return analysis_html(analysis)


def _svg(analysis: Analysis, _: str) -> str:
    from composerefactor.report.html.svg import topology_svg  # noqa: PLC0415

    main = analysis.architecture.main
    if main is None:
        raise next(iter(analysis.architecture.unread.values()))
    return topology_svg(main)


def _markdown(analysis: Analysis, _: str) -> str:
    return analysis_markdown(analysis)


def _json(analysis: Analysis, _: str) -> str:
    return json.dumps(analysis_document(analysis), indent=2, ensure_ascii=False) + "\n"


def _sarif(analysis: Analysis, prefix: str) -> str:
    hidden = [(each.finding, each.reason) for each in analysis.suppressed]
    log = sarif(analysis.findings, analysis.rules, prefix=prefix, suppressed=hidden)
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _github(analysis: Analysis, prefix: str) -> str:
    return workflow_commands(analysis.findings, prefix)


def _junit(analysis: Analysis, _: str) -> str:
    return junit(analysis.findings, analysis.rules, analysis.architecture.name)


_RENDERERS: dict[str, Callable[[Analysis, str], str]] = {
    "markdown": _markdown,
    "html": _html,
    "svg": _svg,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
    "junit": _junit,
}
"""What makes the text of a report: from the analysis and the path below the repository's root."""


def _fleet(
    top: Path, form: str, output: Path | None, jobs: int | None, *, quiet: bool, no_color: bool
) -> int:
    from composerefactor.analysis.fleet import analyse_all, find_projects  # noqa: PLC0415
    from composerefactor.report.analysis import text as fleet  # noqa: PLC0415

    if form not in {"text", "markdown", "json"}:
        raise UsageError(
            f"--recursive gives a summary, which has no form {form!r}",
            remedy="take --format text, markdown or json, or analyse each project",
        )
    projects = find_projects(top)
    if not projects:
        raise InputError("no Compose file in or below this directory", location=Location(str(top)))
    show = counting("analysed", "projects", quiet=quiet)
    found = list(analyse_all(projects, top, jobs or os.cpu_count() or 1, show))
    if form == "json":
        text = json.dumps(fleet.fleet_document(found), indent=2, ensure_ascii=False) + "\n"
    elif form == "markdown":
        text = fleet.fleet_markdown(found)
    else:
        style = style_for(sys.stdout, no_color=no_color or output is not None)
        text = "".join(f"{line}\n" for line in fleet.fleet_text(found, style, _width(output)))
    deliver(text.encode("utf-8", "replace"), output)
    return 0
