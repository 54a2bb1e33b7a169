"""What has to hold before a proposal is written."""

from __future__ import annotations

from composerefactor.errors import Location, ProofFailedError, RefusedError
from composerefactor.planning.propose import OVERRIDE_OF_INCLUDED, Proposal

_OLD_LIMIT = "conflicts with imported resource"
"""What engines before v2.24.6 say of a file that is merged over an included service."""


def check_proof(proposal: Proposal) -> None:
    """Raise ProofFailedError where the engine found a difference that nobody declared.

    RefusedError where it could compare nothing.
    """
    proof = proposal.proof
    if proposal.changes.is_empty:
        _check_anything_left(proposal)
        return
    if proof is None or proof.ok:
        return
    if not proof.differences and proposal.repaired:
        return  # there was no model before that the new one could differ from
    if not proof.differences:
        raise RefusedError(
            "nothing could be compared: the engine accepts the project in no circumstance",
            remedy="see the rejected entry points, or give --env-file",
        )
    lines = [f"  {f.entry.title}, {f.scenario}: {f.words}" for f in proof.differences[:10]]
    more = len(proof.differences) - len(lines)
    if more > 0:
        lines.append(f"  and {more} more")
    raise ProofFailedError(
        "the proof failed, nothing was written\n" + "\n".join(lines),
        location=proposal.project.files[proposal.project.bases[0]].location_of(
            "services", proof.differences[0].service or ""
        ),
    )


def _check_anything_left(proposal: Proposal) -> None:
    """Raise ProofFailedError where the proof rejected every move of a project never divided.

    What an old engine cannot do is no failure: the plan says so, and is empty.
    """
    divided = any("include" in f.root_keys for f in proposal.project.files.values())
    untouched = not divided and not proposal.project.extensions
    too_old = proposal.engine is not None and proposal.engine.release < OVERRIDE_OF_INCLUDED
    limits = too_old and all(_OLD_LIMIT in each.words for each in proposal.findings.values())
    if proposal.findings and untouched and not limits:
        part, finding = next(iter(proposal.findings.items()))
        raise ProofFailedError(
            f"the proof failed for every service, nothing was written\n  {finding.words}",
            location=proposal.project.files[part[0]].location_of(part[1], part[2]),
            remedy="`--dry-run --engine none` shows what was tried",
        )


def check_targets(proposal: Proposal) -> None:
    """Raise RefusedError for a path that is never written, or that nobody else would get.

    Links and paths outside of the project are never written; new files that git ignores would not
    reach colleagues, which is right for those that are private.
    """
    changes = proposal.changes
    for change in changes.changes:
        proposal.opened.files.check_writable(change.path)
    repository = proposal.opened.repository
    if repository is None:
        return
    private = _private(proposal)
    created = (c.path for c in changes.created if c.path not in private)
    for path, pattern in repository.is_ignored(created).items():
        raise RefusedError(
            f"git ignores this new file ({pattern}), so it would never reach anybody else",
            location=Location(path),
            remedy="change the pattern, or choose another directory with --into",
        )


def check_clean(proposal: Proposal) -> None:
    """Raise RefusedError for a file that would change, and that git could not bring back."""
    for path, reason in dirty(proposal).items():
        raise RefusedError(
            f"{reason}, so git could not bring it back",
            location=Location(path),
            remedy="commit or stash it first, or give --allow-dirty",
        )


def dirty(proposal: Proposal) -> dict[str, str]:
    """Return the files that would change and that git could not bring back, with the reason."""
    repository = proposal.opened.repository
    if repository is None:
        return {}
    private = _private(proposal)  # not in git by design; `undo` brings them back
    old = [c.path for c in proposal.changes.changes if not c.is_created and c.path not in private]
    return repository.dirty(old)


def _private(proposal: Proposal) -> set[str]:
    return proposal.fix_plan.private if proposal.fix_plan is not None else set()
