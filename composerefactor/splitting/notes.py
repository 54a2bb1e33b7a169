"""What a plan tells the user beside its files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from composerefactor.compose.build_context import services_that_send
from composerefactor.compose.project import Project
from composerefactor.edits.drafts import Draft
from composerefactor.modules.root import Root
from composerefactor.splitting.options import SplitOptions
from composerefactor.transform import Part


def notes(
    project: Project,
    options: SplitOptions,
    roots: list[Root],
    drafts: tuple[Draft, ...],
    moved: dict[Part, str],
) -> Iterator[str]:
    """Yield what is worth saying of the whole: anchors that move, and build contexts."""
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
