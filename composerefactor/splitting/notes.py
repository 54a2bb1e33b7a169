"""What a plan tells the user beside its files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from composerefactor.compose.build_context import services_that_send
from composerefactor.compose.project import Project
from composerefactor.edits.drafts import Draft
from composerefactor.errors import Location
from composerefactor.modules.root import Root
from composerefactor.patterns import regex
from composerefactor.splitting.options import SplitOptions
from composerefactor.transform import Part

_GENERATED = regex(
    r"#.*\bgenerated\b.*\bdo not (?:edit|modify|change)\b"
    r"|#.*\bdo not (?:edit|modify|change)\b.*\bgenerated\b",
    re.IGNORECASE,
)
_HEAD = 20
"""So many lines of a file are looked at for what it says of itself."""


def notes(
    project: Project,
    options: SplitOptions,
    roots: list[Root],
    drafts: tuple[Draft, ...],
    moved: dict[Part, str],
) -> Iterator[str]:
    """Yield what is worth saying of the whole: generated files, anchors, and build contexts."""
    generated = [str(place) for d in drafts if (place := _generated(project, d.path))]
    if generated:
        yield (
            f"said to be generated: {', '.join(generated)}; what generates them would undo this, "
            "so change that as well"
        )
    for (_, name, _), to in moved.items():
        if name.startswith("x-"):
            yield f"{name} only carries anchors and moves to {to}"
    copied = sum(d.lines_from(copied=True) for d in drafts)
    if copied:
        yield f"{copied} lines of anchors are copied, since several modules use them"
    for directory in dict.fromkeys(root.directory for root in roots):
        near = [root for root in roots if root.directory == directory]
        into = posixpath.normpath(options.into or near[0].family.prefix)
        ignore = posixpath.join(directory, ".dockerignore")
        senders = {s: None for root in near for s in services_that_send(root.file, into)}
        if senders and into not in project.ignored_in_builds(ignore):
            yield (
                f"the build context of {', '.join(senders)} holds {into}/ from now on: a line "
                f"`{into}/` in {ignore} keeps it out of `COPY . .`"
            )


def _generated(project: Project, path: str) -> Location | None:
    """Return the line of the file *path* that says that people do not write it."""
    file = project.files.get(path)
    lines = file.source.text.splitlines()[:_HEAD] if file else []
    found = (n for n, line in enumerate(lines, start=1) if _GENERATED.search(line))
    number = next(found, None)
    return Location(path, number) if number else None
