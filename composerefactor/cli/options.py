"""Options that commands share, each written once."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click
from msgspec import Struct

from composerefactor.cli.terminal import deliver, is_interactive, progress, style_for
from composerefactor.errors import Location, RefusedError, UsageError
from composerefactor.planning.guard import check_clean, check_proof, check_targets
from composerefactor.planning.opening import (
    OpenProject,
    ProjectSelection,
    open_project,
    project_root,
)
from composerefactor.planning.propose import Proposal, propose
from composerefactor.planning.selection import Selection, Transformation
from composerefactor.proof.engine import find_engine
from composerefactor.report.markdown import as_markdown
from composerefactor.report.patch import patch_of
from composerefactor.report.plan_json import document
from composerefactor.report.plan_text import summary
from composerefactor.workspace.apply import apply
from composerefactor.workspace.undo import recover

if TYPE_CHECKING:
    from composerefactor.proof.engine import Engine


F = TypeVar("F", bound=Callable[..., Any])

path_argument = click.argument(
    "path", type=click.Path(path_type=Path, exists=True, file_okay=True), default="."
)


def examples(*pairs: tuple[str, str]) -> str:
    """Return the end of a help text: commands, each with what it does."""
    lines = [line for command, words in pairs for line in (f"  {command}", f"      {words}")]
    return "\n".join(["\b", "Examples:", *lines])


def project_options(function: F) -> F:
    """Add the options that say how the project is started."""
    for option in reversed(
        [
            click.option(
                "-f",
                "--file",
                multiple=True,
                metavar="FILE",
                help="Compose files of one entry point, as docker compose has it (repeatable).",
            ),
            click.option(
                "--entry",
                multiple=True,
                metavar="A.yml,B.yml",
                help="The files of an entry point; repeat for several. Replaces those found.",
            ),
            click.option(
                "--env-file", multiple=True, metavar="FILE", help="As docker compose has it."
            ),
        ]
    ):
        function = option(function)
    return function


def engine_options(function: F) -> F:
    """Add the options that choose the engine."""
    return click.option(
        "--engine",
        default="auto",
        metavar="auto|PATH|none",
        help="The Docker Compose to prove with; none plans without proof.",
    )(function)


def output_options_for(*formats: str) -> Callable[[F], F]:
    """Return a decorator that adds the options on what is printed, in one of *formats*."""

    def add(function: F) -> F:
        for option in reversed(
            [
                click.option(
                    "--format",
                    "output_format",
                    type=click.Choice(formats),
                    default=formats[0],
                    help="Form of the result.",
                ),
                click.option(
                    "-o",
                    "--output",
                    type=click.Path(path_type=Path, dir_okay=False),
                    help="Write the result to this file instead of stdout.",
                ),
                click.option("-q", "--quiet", is_flag=True, help="Print errors and results only."),
                click.option(
                    "-v", "--verbose", is_flag=True, help="Print everything that was found."
                ),
                click.option(
                    "--no-color", is_flag=True, help="No colours (NO_COLOR does the same)."
                ),
            ]
        ):
            function = option(function)
        return function

    return add


output_options = output_options_for("text", "json")
proposal_output_options = output_options_for("text", "json", "markdown")


def choice(
    path: Path, file: tuple[str, ...], entry: tuple[str, ...], env_file: tuple[str, ...]
) -> ProjectSelection:
    """Return what the options say of the project, with the shell's environment.

    Absolute paths below *path* are taken relative to it. Raises RefusedError for a file above it.
    """
    root = path.resolve()
    entries = [",".join(_local(root, part) for part in one.split(",")) for one in entry]
    return ProjectSelection(
        path,
        tuple(_local(root, one) for one in file),
        tuple(entries),
        env_file,
        dict(os.environ),
    )


def _local(root: Path, name: str) -> str:
    given = Path(name.strip())
    if given.is_absolute() and given.resolve().is_relative_to(root):
        return given.resolve().relative_to(root).as_posix()
    if given.is_absolute() or given.as_posix().startswith("../"):
        raise RefusedError(
            "outside of the project directory, and never changed",
            location=Location(name),
            remedy=f"give the directory that holds it as PATH: {given.parent}",
        )
    return name


class Run(Struct, frozen=True):
    """The options that every changing command has; *label* is the command's name."""

    label: str
    dry_run: bool = False
    check: bool = False
    yes: bool = False
    allow_dirty: bool = False
    take: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()
    unproven: bool = False
    engine: str = "auto"
    output_format: str = "text"
    output: Path | None = None
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False

    @classmethod
    def of(cls, label: str, given: dict[str, Any]) -> Run:
        """Return the run for what click has parsed."""
        names = cls.__struct_fields__
        return cls(label, **{k: v for k, v in given.items() if k in names})


def run_options(function: F) -> F:
    """Add the options of a command that changes files."""
    for option in reversed(
        [
            click.option(
                "--dry-run", is_flag=True, help="Print the patch on stdout and write nothing."
            ),
            click.option(
                "--check", is_flag=True, help="Write nothing; exit 1 if there would be changes."
            ),
            click.option("-y", "--yes", is_flag=True, help="Write without asking."),
            click.option(
                "--allow-dirty", is_flag=True, help="Change files that git could not bring back."
            ),
            click.option(
                "--take", multiple=True, metavar="ID", help="Make only this change (repeatable)."
            ),
            click.option(
                "--leave", multiple=True, metavar="ID", help="Leave this change out (repeatable)."
            ),
            click.option(
                "--unproven", is_flag=True, help="Write although --engine none proves nothing."
            ),
        ]
    ):
        function = option(function)
    return function


Progress: TypeAlias = Callable[[int, int], None]
"""Is called with the engine runs done and to do."""

Proposer: TypeAlias = "Callable[[OpenProject, Engine | None, Selection, Progress | None], Proposal]"
"""Makes the proposal for an open project, with an engine or none."""


def carry_out(run: Run, chosen: ProjectSelection, transformation: Transformation) -> int:
    """Propose *transformation* and do what :func:`carry_out_proposal` does."""

    def proposer(
        opened: OpenProject,
        engine: Engine | None,
        selection: Selection,
        shown: Progress | None,
    ) -> Proposal:
        return propose(opened, transformation, engine, selection, shown)

    return carry_out_proposal(run, chosen, proposer)


def carry_out_proposal(
    run: Run, chosen: ProjectSelection, proposer: Proposer, *, repairable: bool = False
) -> int:
    """Propose, show, ask and write; return the exit code.

    *repairable* also reads files that the engine rejects and that can be mended in place.

    Raises ProofFailedError where the proof failed, RefusedError for what would not be safe to
    write, and UsageError where nobody can be asked.
    """
    if run.output is not None and not run.dry_run and run.output_format == "text":
        raise UsageError(
            "-o names a file for the result, and there is none to write",
            remedy="give --dry-run for the patch, or --format json or markdown, as well",
        )
    engine = _engine(run.engine)
    if not (run.dry_run or run.check):
        repaired(chosen)
    opened = open_project(chosen, repairable=repairable)
    selection = Selection(frozenset(run.take), frozenset(run.leave))
    proposal = proposer(opened, engine, selection, progress(quiet=run.quiet))
    check_proof(proposal)
    check_targets(proposal)
    _show(run, proposal, chosen.path)
    if proposal.changes.is_empty:
        return 0
    if run.check:
        return 1
    if run.dry_run:
        return 0
    if engine is None and not run.unproven:
        raise UsageError(
            "--engine none proves nothing, so nothing is written",
            remedy="give --unproven as well to write all the same, or --dry-run for the patch",
        )
    if not run.allow_dirty:
        check_clean(proposal)
    if not run.yes and not _agreed(proposal, chosen.path):
        click.echo("nothing was written", err=True)
        return 0

    apply(opened.root, proposal.changes, f"composerefactor {run.label}")
    if not run.quiet:
        count = len(proposal.changes.changes)
        click.echo(f"wrote {count} files; `composerefactor undo` takes them back", err=True)
    return 0


def _engine(choice: str) -> Engine | None:
    if choice == "none":
        return None

    return find_engine(choice)


def repaired(chosen: ProjectSelection) -> None:
    """Finish or roll back a run that was cut off, before anything is read."""
    root = chosen.path if chosen.names_entries else project_root(chosen.path, chosen.roots)
    found = recover(root)
    if found is not None:
        click.echo(f"an interrupted run was repaired: {found.label}, {found.outcome}", err=True)


def _show(run: Run, proposal: Proposal, path: Path) -> None:
    if not run.quiet:
        style = style_for(sys.stderr, no_color=run.no_color)
        for line in summary(proposal, style, verbose=run.verbose):
            click.echo(line, err=True)
    result: bytes | None = None
    if run.output_format == "json":
        found = document(proposal, run.label)
        if run.dry_run:
            found["patch"] = patch_of(proposal, path).decode("utf-8", "replace")
        result = (json.dumps(found, indent=2, ensure_ascii=False) + "\n").encode()
    elif run.output_format == "markdown":
        result = as_markdown(proposal, run.label, patch_of(proposal, path)).encode()
    elif run.dry_run:
        result = patch_of(proposal, path)
    if result is not None:
        deliver(result, run.output)


def _agreed(proposal: Proposal, path: Path) -> bool:
    if not is_interactive():
        raise UsageError(
            "there is no terminal to ask on",
            remedy="give --yes to write, --dry-run for the patch, or --check for the exit code",
        )

    count = len(proposal.changes.changes)
    while True:
        answer = click.prompt(
            f"Write these {count} files? [y]es / [d]iff / [n]o",
            type=click.Choice(["y", "d", "n"]),
            show_choices=False,
            default="n",
            err=True,
        )
        if answer != "d":
            return bool(answer == "y")
        click.echo_via_pager(patch_of(proposal, path).decode("utf-8", "replace"))
