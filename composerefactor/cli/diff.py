"""``composerefactor diff``."""

from __future__ import annotations

from functools import reduce
from operator import or_
from pathlib import Path

import click
from msgspec.structs import replace

from composerefactor.analysis.diff.compare import review
from composerefactor.analysis.diff.kinds import RULES, Risk
from composerefactor.analysis.diff.states import Review, opened_pair
from composerefactor.cli.options import (
    GroupedCommand,
    OutputOptions,
    ProjectOptions,
    ProofOptions,
    examples,
    option,
    output_options,
    project_options,
)
from composerefactor.cli.terminal import fitted
from composerefactor.compose.masking import masked_errors
from composerefactor.errors import UsageError
from composerefactor.proof.engine import find_engine
from composerefactor.report.diff import (
    as_document,
    as_findings,
    as_markdown,
    as_text,
    finding_rules,
)
from composerefactor.report.findings import sarif, workflow_commands
from composerefactor.report.text import json_text, shown_commands, shown_lines, shown_text

_RISKS = {risk.word: risk for risk in Risk if risk}
FORMATS = ("text", "markdown", "json", "sarif", "github")


@click.command(
    "diff",
    cls=GroupedCommand,
    epilog=examples(
        ("composerefactor diff main", "Compare the working tree with a branch."),
        ("composerefactor diff v1 v2 --format markdown", "Compare two revisions, for a comment."),
        ("composerefactor diff HEAD --fail-on high", "Fail if data or security is at risk."),
    ),
)
@click.argument("old")
@click.argument("new", default=".")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if the states differ.")
@click.option(
    "--fail-on",
    multiple=True,
    metavar="RISK",
    help="Exit with 1 for changes of at least this risk (low, medium, high) or of this kind "
    "(repeatable), such as port-opened-to-the-world.",
)
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="FORMAT=FILE",
    help="Also write the result in this format to this file (repeatable).",
)
@project_options
@option(ProofOptions, "engine", default="auto")
@output_options(*FORMATS)
def command(
    old: str,
    new: str,
    project: ProjectOptions,
    options: OutputOptions,
    *,
    engine: str,
    exit_code: bool,
    fail_on: tuple[str, ...],
    reports: tuple[str, ...],
) -> int:
    """Show how the change from OLD to NEW affects running containers, networks and volumes.

    OLD and NEW are git revisions, directories or Compose files; NEW defaults to the current
    directory. Docker Compose resolves both states for every start command. The report lists the
    differences by service, each with its risk, its place, and what the next `up` will do.
    """
    _check_risks(fail_on)
    files = [_report(pair) for pair in reports]
    chosen = project.selection(Path())
    tool = find_engine(engine)
    here = Path(new) if Path(new).is_dir() else Path()
    with opened_pair(old, new, here, chosen) as (before, after):
        masking = reduce(or_, (each.masking for each in (before, after) if each))
        with masked_errors(lambda: masking), options.progress() as shown:
            result = review(before, after, (old, new), tool, shown)
    options.deliver(_rendered(result, options))
    for form, path in files:
        report = replace(options, output_format=form, output=path)
        report.deliver(_rendered(result, report))
    return 1 if (exit_code and result.differs) or _fails(result, fail_on) else 0


def _rendered(result: Review, options: OutputOptions) -> str:
    output_format = options.output_format
    if output_format == "json":
        return json_text(as_document(result))
    if output_format == "markdown":
        return shown_text(as_markdown(result))
    if output_format in {"sarif", "github"}:
        return _as_findings(result, output_format)

    lines = as_text(result, options.style, verbose=options.verbose)
    return shown_lines(fitted(lines, options.output))


def _as_findings(result: Review, output_format: str) -> str:
    findings = as_findings(result)
    if output_format == "github":
        return shown_commands(workflow_commands(findings, result.prefix))

    return json_text(sarif(findings, finding_rules(), prefix=result.prefix))


def _report(pair: str) -> tuple[str, Path]:
    form, equals, path = pair.partition("=")
    if form not in FORMATS or not equals or not path:
        raise UsageError(
            f"--report {pair!r} is not FORMAT=FILE",
            remedy=f"FORMAT is one of {', '.join(FORMATS)}",
        )
    return form, Path(path)


def _check_risks(names: tuple[str, ...]) -> None:
    for name in names:
        if name not in _RISKS and name not in RULES:
            raise UsageError(
                f"--fail-on {name!r} is neither a risk nor a kind of change",
                remedy=f"choose from {', '.join([*_RISKS, *RULES])}",
            )


def _fails(result: Review, names: tuple[str, ...]) -> bool:
    lowest = min((_RISKS[name] for name in names if name in _RISKS), default=None)
    return any(
        located.change.rule.id in names or (lowest is not None and located.change.risk >= lowest)
        for located in result.changes
    )
