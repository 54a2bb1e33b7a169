"""What has to hold before a proposal is written."""

from __future__ import annotations

from composerefactor.errors import Location, RefusedError
from composerefactor.proposal.propose import Proposal


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
    repository = proposal.opened.repository
    if repository is None:
        return
    private = _private(proposal)  # not in git by design; `undo` brings them back
    old = [c.path for c in proposal.changes.changes if not c.is_created and c.path not in private]
    for path, reason in repository.dirty(old).items():
        raise RefusedError(
            f"{reason}, so git could not bring it back",
            location=Location(path),
            remedy="commit or stash it first, or give --allow-dirty",
        )


def _private(proposal: Proposal) -> set[str]:
    return proposal.mended.private if proposal.mended is not None else set()
