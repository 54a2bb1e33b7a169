"""Add log rotation to services that do not configure logging.

Docker keeps everything that a container prints until the disk is full. With `max-size` and
`max-file` it keeps only the last files. Services get what the others of their file have: an anchor
for this purpose, or the most common value. Otherwise, where three or more services of a file get
log rotation, they share one new anchor, `x-logging`. Services with `logging` are left alone. So are
those beside services that share a block without rotation: it belongs in that block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from composerefactor.compose.definitions import LocatedNode
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.project import Project
from composerefactor.compose.service_values import read_logging
from composerefactor.compose.services import Service, StartModel, services_in, start_models
from composerefactor.edit.rendering import Quoted, Value
from composerefactor.errors import enumerated
from composerefactor.refactoring.contract import Change, OptionsAsSet, Refusal, fixer, option
from composerefactor.transforms._attribute import (
    ENOUGH,
    BlockedSite,
    SharedValue,
    Site,
    blocked_refusal,
    find_sites,
)
from composerefactor.yaml.nodes import ScalarNode

_REASON = "Docker keeps all output of a container unless its logs rotate."


@dataclass(frozen=True, slots=True)
class Options(OptionsAsSet):
    """The options of the transform."""

    driver: str = option("json-file", help="The logging driver.", choices=("json-file", "local"))
    max_size: str = option("10m", help="The size at which Docker starts a new file.", example="50m")
    max_file: int = option(3, help="The number of files that Docker keeps.", example="5")
    share: str = option(
        "auto",
        help="Whether services share one anchor; auto: from three services on.",
        choices=("auto", "always", "never"),
    )


@fixer(
    Options,
    after=("add-missing-services",),
    unsafe=True,
    lasting=True,
    purpose="operations",
    cause="Docker keeps all output of a container until the disk is full",
)
def add_logging(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each service, or block that services share, without `logging`."""

    def needs_logging(model: StartModel, service: Service) -> bool | None:  # noqa: ARG001
        return None if service.logging else True

    sites = list(find_sites(start_models(project), needs_logging, ("logging",)))
    enough = {"always": 1, "auto": ENOUGH, "never": None}[options.share]
    shared = SharedValue(project, sites, bool, enough, comment=lambda _: _REASON)
    unset: dict[str, list[Site]] = {}
    most_common: dict[str, LocatedNode | None] = {}
    for site in sites:
        if isinstance(site, BlockedSite):
            yield blocked_refusal(site, "no log rotation")
            continue
        if site.file.path not in most_common:
            most_common[site.file.path] = _most_common(site.file)
        present = most_common[site.file.path]
        if present is not None and present.node.anchor and _keeps_everything(present):
            unset.setdefault(site.file.path, []).append(site)
            continue
        title = f"Rotate the logs of {enumerated(site.services)}"
        value: dict[str, Value] = {
            "driver": options.driver,
            "options": {
                "max-size": Quoted(options.max_size),
                "max-file": Quoted(str(options.max_file)),
            },
        }
        details = f": {options.max_file} files of {options.max_size}"
        if present is not None and _rotates(present) and options.chosen <= {"share"}:
            value, details = _as_value(present), ", as the other services do"
        yield shared.addition(
            site,
            value,
            title,
            details,
            "default-logging",
            fits=_rotates,
            key="x-logging",
        )
    for group in unset.values():
        yield _unset_refusal(group)


def _most_common(file: ComposeFile) -> LocatedNode | None:
    """Return the value of ``logging`` that most services of *file* have, if two or more have it."""
    found: dict[object, LocatedNode] = {}
    counts: Counter[object] = Counter()
    for service in services_in(file).values():
        if service.logging is not None and service.logging.at.is_mapping:
            key = _content(service.logging.at)
            found.setdefault(key, service.logging.at)
            counts[key] += 1
    common = counts.most_common(1)
    return found[common[0][0]] if common and common[0][1] > 1 else None


def _content(node: LocatedNode) -> object:
    """Return the content of *node* as a value that can be compared."""
    if node.is_mapping:
        return frozenset((name, _content(value)) for name, value in node.entries.items())
    return node.written


def _as_value(node: LocatedNode) -> dict[str, Value]:
    """Return the content of *node*, a value of ``logging``, with quotes as written."""
    value: dict[str, Value] = {}
    for name, below in node.entries.items():
        if below.is_mapping:
            value[name] = _as_value(below)
        elif isinstance(below.node, ScalarNode):
            value[name] = Quoted(below.node.value) if below.node.style else below.node.value
    return value


def _keeps_everything(node: LocatedNode) -> bool:
    """Return whether *node* is a value of ``logging`` with the default driver and no limit."""
    return node.text_below("driver") in {None, "json-file"} and not _rotates(node)


def _unset_refusal(sites: list[Site]) -> Refusal:
    """Return the refusal for *sites* of one file, whose services share a block without limits."""
    first = sites[0]
    present = _most_common(first.file)
    anchor = present.node.anchor if present is not None else ""
    names = enumerated([name for site in sites for name in site.services])
    return Refusal(
        f"{names}: no log rotation added: other services of the file share &{anchor}, "
        "which does not rotate either",
        first.location,
        f"set max-size in the block &{anchor}, and add logging: *{anchor}",
    )


def _rotates(node: LocatedNode) -> bool:
    """Return whether *node* is a value of ``logging`` with a limit on the size."""
    logging = read_logging([node])
    return (
        logging is not None
        and node.entries.keys() <= {"driver", "options"}
        and logging.value.driver in {"", "json-file", "local"}
        and "max-size" in logging.value.options
    )
