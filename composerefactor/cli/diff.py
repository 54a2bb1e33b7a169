"""``composerefactor diff``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from composerefactor.analysis.diff.change import RULES, Risk
from composerefactor.analysis.diff.compare import review
from composerefactor.analysis.diff.states import Review, opened_pair
from composerefactor.cli.options import (
    choice,
    engine_options,
    examples,
    output_options_for,
    project_options,
)
from composerefactor.cli.terminal import deliver, progress, style_for
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

_RISKS = {risk.word: risk for risk in Risk if risk}
FORMATS = ("text", "markdown", "json", "sarif", "github")


@click.command(
    "diff",
    short_help="Say what a change to Compose files means for what runs.",
    epilog=examples(
        ("composerefactor diff main", "What the working tree changes against a branch."),
        ("composerefactor diff v1 v2 --format markdown", "Two revisions, as a comment."),
        ("composerefactor diff HEAD --fail-on high", "Fail where data or safety is at risk."),
    ),
)
@click.argument("old")
@click.argument("new", default=".")
@click.option("--exit-code", is_flag=True, help="Exit 1 when the two differ.")
@click.option(
    "--fail-on",
    multiple=True,
    metavar="RISK",
    help="Exit 1 from this risk on (low, medium, high), or for a kind of change as json names it, "
    "as port-opened-to-the-world (repeatable).",
)
@project_options
@engine_options
@output_options_for(*FORMATS)
def command(
    old: str,
    new: str,
    *,
    exit_code: bool,
    fail_on: tuple[str, ...],
    file: tuple[str, ...],
    entry: tuple[str, ...],
    env_file: tuple[str, ...],
    engine: str,
    output_format: str,
    output: Path | None,
    quiet: bool,
    verbose: bool,
    no_color: bool,
) -> int:
    """Say what a change from OLD to NEW means for everything that is started from the project.

    OLD and NEW are git revisions, directories or Compose files; NEW is the current directory if it
    is not given. For every entry point both states are resolved by Docker Compose, and what differs
    is told in words, by service, with its risk, what the next `up` does about it, and where it is
    written.
    """
    _check_risks(fail_on)
    chosen = choice(Path(), file, entry, env_file)
    tool = find_engine(engine)
    here = Path(new) if Path(new).is_dir() else Path()
    with opened_pair(old, new, here, chosen) as (before, after):
        found = review(before, after, (old, new), tool, progress(quiet=quiet))
    if output_format != "text" or output is not None or not quiet:
        text = _rendered(found, output_format, output, verbose=verbose, no_color=no_color)
        deliver(text.encode(), output)
    return 1 if (exit_code and found.differs) or _fails(found, fail_on) else 0


def _rendered(
    found: Review, output_format: str, output: Path | None, *, verbose: bool, no_color: bool
) -> str:
    if output_format == "json":
        return json.dumps(as_document(found), indent=2, ensure_ascii=False, default=str) + "\n"
    if output_format == "markdown":
        return as_markdown(found)
    if output_format in {"sarif", "github"}:
        return _as_findings(found, output_format)

    style = style_for(sys.stdout, no_color=no_color or output is not None)
    return "".join(f"{line}\n" for line in as_text(found, style, verbose=verbose))


def _as_findings(found: Review, output_format: str) -> str:
    findings = as_findings(found)
    if output_format == "github":
        return workflow_commands(findings, found.prefix)

    log = sarif(findings, finding_rules(), prefix=found.prefix)
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _check_risks(names: tuple[str, ...]) -> None:
    for name in names:
        if name not in _RISKS and name not in RULES:
            raise UsageError(
                f"--fail-on {name!r} is neither a risk nor a kind of change",
                remedy=f"there are: {', '.join([*_RISKS, *RULES])}",
            )


def _fails(found: Review, names: tuple[str, ...]) -> bool:
    lowest = min((_RISKS[name] for name in names if name in _RISKS), default=None)
    return any(
        each.change.rule.id in names or (lowest is not None and each.change.risk >= lowest)
        for each in found.changes
    )
