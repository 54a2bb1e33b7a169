"""Add log rotation to services that say nothing on logging.

Docker keeps all that a container prints, without bound, until the disk is full. With `max-size` and
`max-file` it keeps the last few files. Where three or more services of a file get it, they share
one anchor, `x-logging`; an anchor that the file has for this purpose is used. Services with
`logging` are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from composerefactor.compose.merge_keys import merged_entries, merged_get, scalar_text
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.edit.operations import AddKey
from composerefactor.edit.rendering import Anchored, Quoted, Reference, Value
from composerefactor.refactoring.contract import Change, Refusal, fixer, option
from composerefactor.transforms._attribute import (
    BlockedSite,
    Site,
    addition,
    free_anchor,
    refusal,
    sites,
    usable_anchor,
)
from composerefactor.yaml.nodes import MappingNode, Node, node_at

_ENOUGH = 3
"""From this many places on, one anchor reads better than the same lines again and again."""


@dataclass(frozen=True, slots=True)
class Options:
    """How much is kept, and how it is written."""

    driver: str = option("json-file", help="The logging driver.", choices=("json-file", "local"))
    max_size: str = option("10m", help="The size at which a new file is begun.", example="50m")
    max_file: int = option(3, help="How many files are kept.", example="5")
    share: str = option(
        "auto",
        help="Whether services share one anchor: auto does from three on.",
        choices=("auto", "always", "never"),
    )


@fixer(Options, after=("add-missing-services",), unsafe=True)
def add_logging(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each service, or block that services share, without logging."""

    def wanted(model: StartModel, service: Service) -> bool | None:  # noqa: ARG001
        return None if service.values("logging") else True

    found = list(sites(start_models(project), wanted, ("logging",)))
    keys = {key for file in project.files.values() for key in file.root_keys}
    by_file: dict[str, list[Site]] = {}
    for each in found:
        if isinstance(each, Site):
            by_file.setdefault(each.file.path, []).append(each)
    for each in found:
        if isinstance(each, BlockedSite):
            yield refusal(each, "no log rotation")
        else:
            yield _change(each, options, by_file[each.file.path], keys)


def _change(site: Site, options: Options, alike: list[Site], keys: set[str]) -> Change:
    """Return the change for *site*; *alike* are all sites of its file.

    *keys* are the top-level keys of all files: those of several files are merged.
    """
    file = site.file
    value: dict[str, Value] = {
        "driver": options.driver,
        "options": {
            "max-size": Quoted(options.max_size),
            "max-file": Quoted(str(options.max_file)),
        },
    }
    title = f"logs are kept to {options.max_file} files of {options.max_size}"
    node = node_at(file.root, site.path)
    shares = options.share == "always" or (options.share == "auto" and len(alike) >= _ENOUGH)
    if node is None or not shares or file.root.flow:
        return addition(site, value, title)
    known = usable_anchor(file, node.start, _rotates)
    if known is not None:
        return addition(site, Reference(known), f"logs are kept as &{known} of the file has it")
    name = free_anchor(file, "default-logging")
    key = "x-logging" if "x-logging" not in keys else f"x-{name}"
    users = {str(each.path[0]) for each in alike}
    first = next(entry.name or "" for entry in file.root.entries if entry.name in users)
    anchor = AddKey(file.path, (), key, Anchored(name, value), above=first)
    return addition(site, Reference(name), title, more=[anchor])


def _rotates(node: Node) -> bool:
    """Return whether *node* is what a service has as ``logging``, with an end to it."""
    if not merged_entries(node).keys() <= {"driver", "options"}:
        return False
    limits = merged_get(node, "options")
    driver = scalar_text(merged_get(node, "driver")) or "json-file"
    return (
        driver in {"json-file", "local"}
        and isinstance(limits, MappingNode)
        and merged_get(limits, "max-size") is not None
    )
