"""Add log rotation to services that do not configure logging.

Docker keeps everything that a container prints until the disk is full. With `max-size` and
`max-file` it keeps only the last files. Where three or more services of a file get log rotation,
they share one anchor, `x-logging`; if the file already has an anchor for this purpose, they use
that. Services with `logging` are left alone.
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
    blocked_refusal,
    find_sites,
    free_anchor,
    join_names,
    usable_anchor,
)
from composerefactor.yaml.nodes import MappingNode, Node, node_at

_ENOUGH = 3
"""From this number of sites on, an anchor is easier to read than repeated lines."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the transform."""

    driver: str = option("json-file", help="The logging driver.", choices=("json-file", "local"))
    max_size: str = option("10m", help="The size at which Docker starts a new file.", example="50m")
    max_file: int = option(3, help="The number of files that Docker keeps.", example="5")
    share: str = option(
        "auto",
        help="Whether services share one anchor; auto: from three services on.",
        choices=("auto", "always", "never"),
    )


@fixer(Options, after=("add-missing-services",), unsafe=True)
def add_logging(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each service, or block that services share, without `logging`."""

    def needs_logging(model: StartModel, service: Service) -> bool | None:  # noqa: ARG001
        return None if service.values("logging") else True

    sites = list(find_sites(start_models(project), needs_logging, ("logging",)))
    keys = {key for file in project.files.values() for key in file.root_keys}
    by_file: dict[str, list[Site]] = {}
    for site in sites:
        if isinstance(site, Site):
            by_file.setdefault(site.file.path, []).append(site)
    for site in sites:
        if isinstance(site, BlockedSite):
            yield blocked_refusal(site, "no log rotation")
        else:
            yield _change(site, options, by_file[site.file.path], keys)


def _change(site: Site, options: Options, file_sites: list[Site], keys: set[str]) -> Change:
    """Return the change for *site*.

    Args:
        site: Where logging is added.
        options: The options of the transform.
        file_sites: All sites of its file.
        keys: The top-level keys of all files; equal keys of several files would be merged.
    """
    file = site.file
    value: dict[str, Value] = {
        "driver": options.driver,
        "options": {
            "max-size": Quoted(options.max_size),
            "max-file": Quoted(str(options.max_file)),
        },
    }
    title = (
        f"Rotate the logs of {join_names(site.services)}: "
        f"{options.max_file} files of {options.max_size}"
    )
    node = node_at(file.root, site.path)
    shares = options.share == "always" or (options.share == "auto" and len(file_sites) >= _ENOUGH)
    if node is None or not shares or file.root.flow:
        return addition(site, value, title)
    known = usable_anchor(file, node.start, _rotates)
    if known is not None:
        title = f"Rotate the logs of {join_names(site.services)} with the anchor &{known}"
        return addition(site, Reference(known), title)
    name = free_anchor(file, "default-logging")
    key = "x-logging" if "x-logging" not in keys else f"x-{name}"
    users = {str(each.path[0]) for each in file_sites}
    first = next(entry.name or "" for entry in file.root.entries if entry.name in users)
    anchor = AddKey(file.path, (), key, Anchored(name, value), above=first)
    return addition(site, Reference(name), title, more=[anchor])


def _rotates(node: Node) -> bool:
    """Return whether *node* is a value of ``logging`` with a limit on the size."""
    if not merged_entries(node).keys() <= {"driver", "options"}:
        return False
    limits = merged_get(node, "options")
    driver = scalar_text(merged_get(node, "driver")) or "json-file"
    return (
        driver in {"json-file", "local"}
        and isinstance(limits, MappingNode)
        and merged_get(limits, "max-size") is not None
    )
