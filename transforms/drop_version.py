"""Remove the obsolete top-level `version`.

Docker Compose ignores it and prints a warning each time it reads the file. The key stays in a file
that is read by a program that still needs it, such as docker-compose 1.x and `docker stack deploy`.
A comment behind it goes with it, and so does one directly above that is about the version of the
file format. Others stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.project import Project
from composerefactor.edit.operations import Remove
from composerefactor.refactoring.contract import Change, NoOptions, Refusal, fixer


@fixer(
    NoOptions,
    purpose="maintenance",
    cause="Docker Compose ignores the version, and warns",
)
def drop_version(project: Project, options: NoOptions) -> Iterator[Change | Refusal]:  # noqa: ARG001
    """Yield a removal for each file with a version."""
    for path, file in project.own_files.items():
        if file.root.entry("version") is None:
            continue
        location = file.location_of("version")
        if path in project.protected_files:
            yield Refusal(
                f"version is kept in {path}: {project.protected_files[path].reason}", location
            )
        else:
            yield Change(
                "Remove the obsolete version",
                location,
                [Remove(path, ("version",), with_comments=True, lines_above=_comments_above(file))],
                evidence="the top-level version is obsolete",
            )


_ON_THE_FORMAT = r"""(?ix)
    \#.*\b(?:compose|docker|file|format|schema|specification|syntax)\W+(?:\w+\W+)?version\b(?!\s+of\b)
    |\#\W*(?:use\W+|using\W+)?version\W*[\d.]*\W*$
    |\#.*\bversion\b.*\b(?:obsolete|deprecated|(?:not|no\slonger)\s(?:needed|required)|compose)\b"""
"""A comment on the version of the file format, not on that of a product."""


def _comments_above(file: ComposeFile) -> int:
    """Return how many lines directly above ``version`` are a comment on it: one or none.

    A comment of several lines is a header, of which a part would be lost.
    """
    entry = file.root.entry("version")
    at = file.source.line_start(entry.start) if entry else 0
    *others, last, _ = ["", *file.source.text[:at].split("\n")]
    is_alone = not (others and others[-1].lstrip().startswith("#"))
    return int(is_alone and re.match(_ON_THE_FORMAT, last.strip()) is not None)
