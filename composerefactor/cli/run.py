"""A run that changes files: its options as a value, and carrying out a proposal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click
from msgspec import Struct

from composerefactor.cli.terminal import (
    deliver,
    deliver_patch,
    discard_typed_ahead,
    is_interactive,
    place_of,
    progress,
    say,
    style_for,
)
from composerefactor.compose.masking import masked_errors
from composerefactor.errors import UsageError
from composerefactor.planning.guard import check_clean, check_proof, check_targets
from composerefactor.planning.opening import (
    OpenProject,
    ProjectSelection,
    open_project,
    project_root,
)
from composerefactor.planning.propose import Checker, Proposal, propose
from composerefactor.planning.selection import Selection, Transformation
from composerefactor.proof.engine import Engine, find_engine
from composerefactor.proof.memory import Memory
from composerefactor.proof.staging import Progress
from composerefactor.report.markdown import as_markdown
from composerefactor.report.patch import patch_of
from composerefactor.report.plan_json import document
from composerefactor.report.plan_text import summary
from composerefactor.report.text import counted, json_text, row, shown_text, wrapped
from composerefactor.workspace.apply import apply
from composerefactor.workspace.undo import files_before_runs, recover

if TYPE_CHECKING:
    from composerefactor.analysis.findings import Finding


class Run(Struct, frozen=True):
    """The options of every command that changes files.

    Attributes:
        label: The name of the command, as the undo record keeps it.
        dry_run: Print the patch and write nothing.
        check: Write nothing, and exit with 1 if there would be changes, or if a program that
            reads the files does not follow a split.
        yes: Write without confirmation.
        allow_dirty: Modify files with uncommitted changes.
        take: The ids of the changes to make; empty for all.
        leave: The ids of the changes to exclude.
        unproven: Write without verification if *engine* is ``none``.
        engine: ``auto``, the path of Docker Compose, or ``none``.
        thorough: Verify each scenario in a run of its own.
        no_cache: Use no results of earlier commands, and keep none.
        output_format: ``text``, ``json`` or ``markdown``.
        output: The file for the result, None for stdout.
        quiet: Print only errors and results.
        verbose: Shorten no list.
        no_color: Print no colours.

    """

    label: str
    dry_run: bool = False
    check: bool = False
    yes: bool = False
    allow_dirty: bool = False
    take: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()
    unproven: bool = False
    engine: str = "auto"
    thorough: bool = False
    no_cache: bool = False
    output_format: str = "text"
    output: Path | None = None
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False

    def find_engine(self) -> Engine:
        """Return Docker Compose; see :func:`~composerefactor.proof.engine.find_engine`."""
        memory = None if self.no_cache else Memory.open()
        return find_engine(self.engine, thorough=self.thorough, memory=memory)

    @property
    def writes(self) -> bool:
        """Whether files are written, after confirmation."""
        return not (self.dry_run or self.check)

    def check_writing(self, proposal: Proposal, unchecked: Collection[str] = ()) -> None:
        """Check that *proposal*, proved or not, may be written if there is something to write.

        The files *unchecked* may have uncommitted changes.

        Raises UsageError if the options do not allow it or the user cannot be prompted, and
        RefusedError if a file must not be written.
        """
        if proposal.changes.is_empty:
            return
        if self.engine == "none" and not self.unproven:
            raise UsageError(
                "nothing is written without verification (--engine none)",
                remedy="add --unproven to write anyway, or --dry-run for the patch",
            )
        check_targets(proposal)
        if not self.allow_dirty:
            check_clean(proposal, unchecked)
        if not self.yes and not is_interactive():
            raise UsageError(
                "not a terminal: cannot prompt",
                remedy="use --yes to write, --dry-run for the patch, or --check for the exit code",
            )

    def check_before_proof(self, proposal: Proposal) -> None:
        """Check *proposal*, which is not proved, as :meth:`check_writing` does.

        Files that are as the same command left them are checked after the proof: if they still
        contain what it does not move, nothing may be left to write.
        """
        label = f"composerefactor {self.label}"
        earlier = files_before_runs(proposal.opened.root, lambda each: each == label)
        self.check_writing(proposal, earlier.files if earlier else ())

    @classmethod
    def of(cls, label: str, given: dict[str, Any]) -> Run:
        """Return the run for the parameters *given* by click; others are ignored."""
        names = cls.__struct_fields__
        return cls(label, **{k: v for k, v in given.items() if k in names})


Proposer: TypeAlias = (
    "Callable[[OpenProject, Engine | None, Selection, Progress | None, Checker | None], Proposal]"
)
"""Makes the proposal for an open project; the engine is None for ``--engine none``."""


def carry_out(
    run: Run, chosen: ProjectSelection, transformation_of: Callable[[OpenProject], Transformation]
) -> int:
    """Propose and carry out what *transformation_of* returns for the open project.

    See :func:`carry_out_proposal`.
    """

    def proposer(
        opened: OpenProject,
        engine: Engine | None,
        selection: Selection,
        progress: Progress | None,
        check: Checker | None,
    ) -> Proposal:
        return propose(opened, transformation_of(opened), engine, selection, progress, check)

    return carry_out_proposal(run, chosen, proposer)


def carry_out_proposal(
    run: Run,
    chosen: ProjectSelection,
    proposer: Proposer,
    *,
    repairable: bool = False,
    by_hand: Callable[[OpenProject], Sequence[Finding]] | None = None,
) -> int:
    """Propose, show, confirm and write; return the exit code.

    Args:
        run: The options.
        chosen: The project.
        proposer: Makes the proposal.
        repairable: Whether to read files that Docker Compose rejects and that a fixer can repair.
        by_hand: Returns the findings that no fix solves.

    Raises ProofFailedError if the verification fails, RefusedError if it would not be safe to
    write, and UsageError if the user cannot be prompted.
    """
    if run.output is not None and not run.dry_run and run.output_format == "text":
        raise UsageError(
            "-o needs a result to write",
            remedy="add --dry-run for the patch, or --format json or markdown",
        )
    engine = None if run.engine == "none" else run.find_engine()
    if run.writes:
        recover_interrupted_run(chosen)
    selection = Selection(frozenset(run.take), frozenset(run.leave))
    with progress(quiet=run.quiet, no_color=run.no_color) as shown:
        opened = open_project(chosen, repairable=repairable)
        with masked_errors(lambda: opened.masking):
            check = run.check_before_proof if run.writes else None
            proposal = proposer(opened, engine, selection, shown, check)
            check_proof(proposal)
        check_targets(proposal)
    _show(run, proposal, chosen.path, by_hand(opened) if by_hand and not run.quiet else ())
    if proposal.changes.is_empty or not run.writes:
        is_due = not proposal.changes.is_empty or proposal.leaves_readers_behind
        return int(run.check and is_due)
    run.check_writing(proposal)
    if not run.yes and not _confirmed(proposal, chosen.path):
        say("nothing was written")
        return 0

    apply(opened.root, proposal.changes, f"composerefactor {run.label}")
    if not run.quiet:
        files = counted(len(proposal.changes.changes), "file")
        say(f"wrote {files}; `composerefactor undo` reverts this")
    return 0


def recover_interrupted_run(chosen: ProjectSelection) -> None:
    """Complete or roll back a run that was interrupted, before any file is read."""
    root = chosen.path if chosen.names_entries else project_root(chosen.path, chosen.roots)
    recovery = recover(root)
    if recovery is not None:
        say(f"recovered from an interrupted run: {recovery.label} ({recovery.outcome})")


def _show(run: Run, proposal: Proposal, path: Path, by_hand: Sequence[Finding]) -> None:
    if not run.quiet:
        masking = proposal.opened.masking
        style = style_for(sys.stderr, no_color=run.no_color)
        width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
        place = place_of(path, proposal.opened.root)
        if place.found_below:
            text = f"no Compose file here; this is the project in {place.found_below}/"
            say(row("Project", style(text, "yellow"), style))
        for line in summary(proposal, style, verbose=run.verbose, by_hand=by_hand):
            masked = masking.message(line)
            for part in wrapped(masked, width) if width else [masked]:
                say(part)
    if run.output_format == "json":
        values = proposal.opened.masking.document(document(proposal, run.label))
        if run.dry_run:
            values["patch"] = patch_of(proposal, path).decode("utf-8", "replace")
        deliver(json_text(values), run.output)
    elif run.output_format == "markdown":
        text = as_markdown(proposal, run.label, patch_of(proposal, path))
        deliver(shown_text(text), run.output)
    elif run.dry_run:
        deliver_patch(patch_of(proposal, path), run.output)


def _confirmed(proposal: Proposal, path: Path) -> bool:
    files = counted(len(proposal.changes.changes), "file")
    discard_typed_ahead()
    while True:
        answer = click.prompt(
            f"Write {files}? [y]es / [d]iff / [n]o",
            type=click.Choice(["y", "d", "n"]),
            show_choices=False,
            default="n",
            err=True,
        )
        if answer != "d":
            return bool(answer == "y")
        patch = patch_of(proposal, path).decode("utf-8", "replace")
        lines = proposal.opened.masking.lines(patch.splitlines())
        click.echo_via_pager(shown_text("\n".join(lines)))
