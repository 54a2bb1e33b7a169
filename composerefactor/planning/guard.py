"""Checks of a proposal before it is written: its proof, its targets, and uncommitted changes."""

from __future__ import annotations

from collections.abc import Collection

from composerefactor.errors import Location, ProofFailedError, RefusedError
from composerefactor.planning.propose import OVERRIDE_OF_INCLUDED, Proposal

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
