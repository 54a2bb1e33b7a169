"""A run that changes files: carrying out a proposal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click
from msgspec import Struct

from composerefactor.cli.options import ProofOptions, RunOptions
from composerefactor.cli.terminal import (
    deliver,
    deliver_patch,
    discard_typed_ahead,
    is_interactive,
    place_of,
    say,
    style_for,
)
from composerefactor.compose.masking import masked_errors
from composerefactor.errors import (
    ComposerefactorError,
    Location,
    ProofFailedError,
    RefusedError,
    UsageError,
)
from composerefactor.planning.opening import (
    OpenProject,
    ProjectSelection,
    open_project,
    project_root,
)
from composerefactor.planning.propose import OVERRIDE_OF_INCLUDED, Checker, Proposal
from composerefactor.planning.selection import Selection
from composerefactor.proof.engine import Engine, find_engine
from composerefactor.proof.memory import Memory
from composerefactor.proof.staging import Progress
from composerefactor.report.markdown import as_markdown
from composerefactor.report.patch import patch_of
from composerefactor.report.plan_json import document
from composerefactor.report.plan_text import summary
from composerefactor.report.text import Place, counted, json_text, shown_text, wrapped
from composerefactor.workspace.apply import apply
from composerefactor.workspace.undo import files_before_runs, recover

if TYPE_CHECKING:
    from composerefactor.analysis.findings import Finding


def engine_of(options: ProofOptions) -> Engine:
    """Return Docker Compose; see :func:`~composerefactor.proof.engine.find_engine`."""
    memory = None if options.no_cache else Memory.open()
    return find_engine(options.engine, thorough=options.thorough, memory=memory)


class Run(Struct, frozen=True):
    """A run of a command that changes files.

    Attributes:
        label: The name of the command, as the undo record keeps it.
        options: The options that the user gives.
    """

    label: str
    options: RunOptions

    def check_writing(self, proposal: Proposal, unchecked: Collection[str] = ()) -> None:
        """Check that *proposal*, proved or not, may be written if there is something to write.

        The files *unchecked* may have uncommitted changes.

        Raises UsageError if the options do not allow it or the user cannot be prompted, and
        RefusedError if a file must not be written.
        """
        if proposal.changes.is_empty:
            return
        if self.options.engine == "none" and not self.options.unproven:
            raise UsageError(
                "nothing is written without verification (--engine none)",
                remedy="add --unproven to write anyway, or --dry-run for the patch",
            )
        check_targets(proposal)
        if not self.options.allow_dirty:
            check_clean(proposal, unchecked)
        if not self.options.yes and not is_interactive():
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


Proposer: TypeAlias = (
    "Callable[[OpenProject, Engine | None, Selection, Progress | None, Checker | None], Proposal]"
)
"""Makes the proposal for an open project; the engine is None for ``--engine none``."""


def carry_out(
    run: Run,
    chosen: ProjectSelection,
    proposer: Proposer,
    *,
    repairable: bool = False,
    by_hand: Callable[[Proposal], Sequence[Finding]] | None = None,
) -> int:
    """Propose, show, confirm and write; return the exit code.

    Args:
        run: The options.
        chosen: The project.
        proposer: Makes the proposal.
        repairable: Whether to read files that Docker Compose rejects and that a fixer can repair.
        by_hand: Returns the findings that no fix and nothing in the proposal solves.

    Raises ProofFailedError if the verification fails, RefusedError if it would not be safe to
    write, and UsageError if the user cannot be prompted.
    """
    options = run.options
    if options.output is not None and not options.dry_run and options.output_format == "text":
        raise UsageError(
            "-o needs a result to write",
            remedy="add --dry-run for the patch, or --format json or markdown",
        )
    engine = None if options.engine == "none" else engine_of(options)
    if options.writes:
        recover_interrupted_run(chosen)
    selection = Selection(frozenset(options.take), frozenset(options.leave))
    with _located_errors(chosen), options.progress() as shown:
        opened = open_project(chosen, repairable=repairable)
        read = opened.files.contents(opened.project.inputs if options.writes else ())
        with masked_errors(lambda: opened.masking):
            check = run.check_before_proof if options.writes else None
            proposal = proposer(opened, engine, selection, shown, check)
            check_proof(proposal)
        check_targets(proposal)
    place = place_of(chosen, opened.root)
    left = by_hand(proposal) if by_hand and not options.quiet else ()
    _show(run, proposal, chosen.path, place, left)
    if proposal.changes.is_empty or not options.writes:
        is_due = not proposal.changes.is_empty or proposal.leaves_readers_behind
        return int(options.check and is_due)
    run.check_writing(proposal)
    if not options.yes and not _confirmed(proposal, chosen.path):
        say("nothing was written")
        return 0

    apply(opened.root, proposal.changes, f"composerefactor {run.label}", read)
    if not options.quiet:
        files = counted(len(proposal.changes.changes), "file")
        say(f"wrote {files}; `{place.undo}` reverts this")
    return 0


@contextmanager
def _located_errors(chosen: ProjectSelection) -> Iterator[None]:
    """Name the files in errors as the user does who gave *chosen*."""
    try:
        yield
    except ComposerefactorError as error:
        place = error.location
        if place is not None:
            root = _root_of(chosen)
            if (root / place.path).exists() and not Path(place.path).is_absolute():
                prefix = place_of(chosen, root).prefix
                error.location = Location(f"{prefix}{place.path}", place.line)
        raise


def _root_of(chosen: ProjectSelection) -> Path:
    return chosen.path if chosen.names_entries else project_root(chosen.path, chosen.roots)


def recover_interrupted_run(chosen: ProjectSelection) -> None:
    """Complete or roll back a run that was interrupted, before any file is read."""
    recovery = recover(_root_of(chosen))
    if recovery is not None:
        say(f"recovered from an interrupted run: {recovery.label} ({recovery.outcome})")


def _show(
    run: Run, proposal: Proposal, path: Path, place: Place, by_hand: Sequence[Finding]
) -> None:
    options = run.options
    if not options.quiet:
        masking = proposal.opened.masking
        style = style_for(sys.stderr, no_color=options.no_color)
        width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
        for line in summary(proposal, place, style, verbose=options.verbose, by_hand=by_hand):
            masked = masking.message(line)
            for part in wrapped(masked, width) if width else [masked]:
                say(part)
    if options.output_format == "json":
        values = proposal.opened.masking.document(document(proposal, run.label))
        if options.dry_run:
            values["patch"] = patch_of(proposal, path).decode("utf-8", "replace")
        deliver(json_text(values), options.output)
    elif options.output_format == "markdown":
        text = as_markdown(proposal, run.label, patch_of(proposal, path))
        deliver(shown_text(text), options.output)
    elif options.dry_run:
        deliver_patch(patch_of(proposal, path), options.output)


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


_INCLUDE_CONFLICT = "conflicts with imported resource"
"""Part of the error for a file merged over an included service (observed: before v2.24.6)."""

_MAX_DIFFERENCES = 10
"""Differences that an error message shows, at most."""


def check_proof(proposal: Proposal) -> None:
    """Check that the proof of *proposal* found no undeclared difference.

    Raises:
        ProofFailedError: It found one.
        RefusedError: No scenario could be compared.
    """
    proof = proposal.proof
    if proposal.changes.is_empty:
        _check_not_all_rejected(proposal)
        return
    if proof is None or proof.ok:
        return
    if not proof.differences and proposal.repaired:
        return  # Docker Compose rejected the old state, so there is nothing to differ from
    if not proof.differences:
        raise RefusedError(
            "nothing could be compared: Docker Compose accepts the project in no scenario",
            remedy="correct the rejected start commands, or give --env-file",
        )
    lines = [
        f"  {difference.entry.title}, {difference.scenario}: {difference.message}"
        for difference in proof.differences[:_MAX_DIFFERENCES]
    ]
    hidden = len(proof.differences) - len(lines)
    if hidden > 0:
        lines.append(f"  and {hidden} more")
    raise ProofFailedError(
        "verification failed, no file was written\n" + "\n".join(lines),
        location=proposal.project.files[proposal.project.root_files[0]].location_of(
            "services", proof.differences[0].service or ""
        ),
    )


def _check_not_all_rejected(proposal: Proposal) -> None:
    """Check that the proof did not reject every move of a project that was never split.

    The limits of an old Docker Compose are not a failure: the plan is empty, and states them.

    Raises:
        ProofFailedError: It rejected every move.
    """
    is_split = any("include" in f.root_keys for f in proposal.project.files.values())
    untouched = not is_split and not proposal.project.extensions
    too_old = proposal.engine is not None and proposal.engine.release < OVERRIDE_OF_INCLUDED
    is_limit = too_old and all(
        _INCLUDE_CONFLICT in finding.message for finding in proposal.findings.values()
    )
    if proposal.findings and untouched and not is_limit:
        element, finding = next(iter(proposal.findings.items()))
        raise ProofFailedError(
            f"verification failed for every service, no file was written\n  {finding.message}",
            location=proposal.project.files[element[0]].location_of(element[1], element[2]),
            remedy="run with `--dry-run --engine none` to see the plan that was tried",
        )


def check_targets(proposal: Proposal) -> None:
    """Check that all files of *proposal* may be written, and that git would commit the new ones.

    New files that should not be committed, such as those with secrets, may be ignored.

    Raises:
        RefusedError: A path is a link, outside the project or in a repository below it, or git
            ignores a new file.
    """
    changes = proposal.changes
    for change in changes.changes:
        proposal.opened.files.check_writable(change.path)
        if foreign := proposal.opened.project.foreign_reason(change.path):
            raise RefusedError(foreign, location=Location(change.path))
    repository = proposal.opened.repository
    if repository is None:
        return
    private = _private_files(proposal)
    created = (c.path for c in changes.created if c.path not in private)
    for path, pattern in repository.is_ignored(created).items():
        raise RefusedError(
            f"new file is ignored by git ({pattern}) and would not be committed",
            location=Location(path),
            remedy="change the pattern, or give another directory with --into",
        )


def check_clean(proposal: Proposal, unchecked: Collection[str]) -> None:
    """Check that git could restore all files that *proposal* changes, except those *unchecked*.

    Raises:
        RefusedError: A file is not tracked or has uncommitted changes.
    """
    for path, reason in dirty(proposal).items():
        if path in unchecked:
            continue
        raise RefusedError(
            f"{reason}, so git could not restore it",
            location=Location(path),
            remedy="commit or stash it first, or use --allow-dirty",
        )


def dirty(proposal: Proposal) -> dict[str, str]:
    """Return the files that *proposal* changes and git could not restore, with the reasons."""
    repository = proposal.opened.repository
    if repository is None:
        return {}
    private = _private_files(proposal)  # not committed on purpose; `undo` restores them
    changed = [
        c.path for c in proposal.changes.changes if not c.is_created and c.path not in private
    ]
    return repository.dirty(changed)


def _private_files(proposal: Proposal) -> set[str]:
    """Return the files of *proposal* that should not be committed."""
    return proposal.fix_plan.private if proposal.fix_plan is not None else set()
