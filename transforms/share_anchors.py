"""Write repeated blocks of a file once, with an anchor.

A block with the same meaning in several services (`logging`, `healthcheck`, `environment`) moves to
`x-logging: &logging` above `services`, and each service says `logging: *logging`. Keys that several
services have in common move to one block that each service merges with `<<`. The text is that of
the first service, comments included; a block with comments of its own stays as it is. The blocks
that save the most text come first; a block that saves none is not shared. If the file already has
an anchor with the same meaning, it is used. The resolved configuration stays equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.project import Project
from composerefactor.compose.repeats import Repeat, names_taken, repeats
from composerefactor.edit.operations import Share
from composerefactor.refactoring.contract import Change, Refusal, fixer, option
from composerefactor.refactoring.modules.anchors import numbered

_ADDING = (
    "add-healthchecks",
    "add-logging",
    "add-networks",
    "add-resource-limits",
    "add-restart-policy",
    "harden",
    "wait-for-healthy",
)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the transform."""

    least_lines: int = option(
        default=3, help="The fewest lines of a block that is shared.", example="5"
    )


@fixer(
    Options,
    after=_ADDING,
    selected_only=True,
    purpose="maintenance",
    cause="the same lines are written several times",
)
def share_anchors(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each repeated block for which an anchor saves text."""
    for file in project.own_files.values():
        if file.top_services or "services" not in (file.sections or {}):
            continue
        taken = names_taken(file)
        for repeat in repeats(file, options.least_lines):
            yield _change(file, repeat, taken)


def _change(file: ComposeFile, repeat: Repeat, taken: set[str]) -> Change:
    """Return the change that shares *repeat*; its anchor is added to the *taken* names."""
    first = repeat.attributes[0]
    anchor = repeat.anchor or _free_anchor(
        "common" if repeat.keys else first.key, first.service, taken
    )
    taken.add(anchor)
    keys = repeat.keys or (first.key,)
    key = "" if repeat.anchor else f"x-{anchor}"
    names = " and ".join([", ".join(keys[:-1]), keys[-1]] if keys[:-1] else keys)
    return Change(
        f"Share {names} of {', '.join(repeat.services)} as *{anchor}",
        file.source.location(first.region.entry.start),
        [Share(file.path, key, anchor, repeat.services, keys, merged=bool(repeat.keys))],
        evidence=f"saves {repeat.saved} characters",
    )


def _free_anchor(name: str, service: str, taken: set[str]) -> str:
    """Return *name* as an anchor, with *service* or a number added if it is *taken*."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
    longer = f"{plain}-{re.sub(r'[^A-Za-z0-9]+', '-', service).strip('-')}"
    return numbered(longer, taken) if plain in taken else plain
