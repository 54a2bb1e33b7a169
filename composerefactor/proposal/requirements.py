"""What the result of a proposal asks of an engine."""

from __future__ import annotations

import posixpath
import re

from composerefactor.patterns import regex
from composerefactor.proposal.propose import OVERRIDE_OF_INCLUDED, Proposal
from composerefactor.verify.engine import release

SINCE_INCLUDE = "2.24.1"
"""Up to v2.23.3 ``project_directory: .`` is resolved against the current directory (observed)."""

SINCE_OVERRIDE_OF_INCLUDED = ".".join(map(str, OVERRIDE_OF_INCLUDED))

SINCE_NESTED = "2.29.7"
"""v2.24.7 resolves the include of an included file against the outer project; of the versions that
were tried, v2.29.7 is the first after it that does not (observed)."""

_INCLUDE = regex(r"^[\"']?include[\"']?\s*:", re.MULTILINE)


def oldest_engine(proposal: Proposal) -> str:
    """Return the oldest Docker Compose version that reads the result of *proposal*.

    ``""`` where no file that is written includes another: any version does.
    """
    return max(proposal.plan.since, _oldest_for_include(proposal), key=release)


def _oldest_for_include(proposal: Proposal) -> str:
    if not any(_INCLUDE.search(draft.text()) for draft in proposal.plan.drafts):
        return ""
    project = proposal.project
    bases = set(project.bases)
    divided = {path for path, _, _ in proposal.plan.moved}
    for path in divided & project.own_includes:
        if any(
            posixpath.dirname(path) != posixpath.dirname(by) for by in project.included_by[path]
        ):
            return SINCE_NESTED
    moved = {n for p, section, n in proposal.plan.moved if section == "services" and p in bases}
    for entry in project.readable:
        for path in entry.files[1:]:
            file = project.files.get(path)
            if file is not None and moved & file.services.keys():
                return SINCE_OVERRIDE_OF_INCLUDED
    return SINCE_INCLUDE
