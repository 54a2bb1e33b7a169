"""Write blocks that a file repeats once, with an anchor.

A block that several services have with the same meaning (`logging`, `healthcheck`, `environment`)
goes to `x-logging: &logging` above `services`, and each service says `logging: *logging`. Keys that
several services have in common go to one block that each merges with `<<`. The text is that of the
first, comments included; a block with comments of its own keeps its text. What saves most is taken
first, and nothing that saves no text. An anchor that says the same already is used. The model stays
equal.
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
    """What the user can choose."""

    least_lines: int = option(
        default=3, help="Blocks of fewer lines stay where they are.", example="5"
    )


@fixer(Options, after=_ADDING, selected_only=True)
def share_anchors(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each block that is worth to be written once."""
    for path, file in project.files.items():
        if path.startswith("../") or file.top_services or "services" not in (file.sections or {}):
            continue
        taken = names_taken(file)
        for found in repeats(file, options.least_lines):
            yield _shared(file, found, taken)


def _shared(file: ComposeFile, found: Repeat, taken: set[str]) -> Change:
    first = found.attributes[0]
    anchor = found.anchor or _free("common" if found.keys else first.key, first.service, taken)
    taken.add(anchor)
    keys = found.keys or (first.key,)
    key = "" if found.anchor else f"x-{anchor}"
    what = " and ".join([", ".join(keys[:-1]), keys[-1]] if keys[:-1] else keys)
    return Change(
        f"{what} of {', '.join(found.services)}: once, as *{anchor}",
        file.source.location(first.region.entry.start),
        [Share(file.path, key, anchor, found.services, keys, merged=bool(found.keys))],
        evidence=f"{found.saved} characters less",
    )


def _free(name: str, service: str, taken: set[str]) -> str:
    """Return *name*, with the service, or a number, where another anchor has it."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
    longer = f"{plain}-{re.sub(r'[^A-Za-z0-9]+', '-', service).strip('-')}"
    numbered = (f"{longer}-{n}" for n in range(2, len(taken) + 3))
    return next(each for each in (plain, longer, *numbered) if each not in taken)
