"""Add log rotation to services that do not configure logging.

Docker keeps everything that a container prints until the disk is full. With `max-size` and
`max-file` it keeps only the last files. Where three or more services of a file get log rotation,
they share one anchor, `x-logging`; if the file already has an anchor for this purpose, they use
that. Services with `logging` are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from composerefactor.compose.definitions import LocatedNode
from composerefactor.compose.project import Project
from composerefactor.compose.service_values import read_logging
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.edit.rendering import Quoted, Value
from composerefactor.refactoring.contract import Change, Refusal, fixer, option
from composerefactor.transforms._attribute import (
    ENOUGH,
    BlockedSite,
    SharedValue,
    blocked_refusal,
    find_sites,
    join_names,
)


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


@fixer(Options, after=("add-missing-services",), unsafe=True, lasting=True)
def add_logging(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each service, or block that services share, without `logging`."""

    def needs_logging(model: StartModel, service: Service) -> bool | None:  # noqa: ARG001
        return None if service.logging else True

    sites = list(find_sites(start_models(project), needs_logging, ("logging",)))
    enough = {"always": 1, "auto": ENOUGH, "never": len(sites) + 1}[options.share]
    shared = SharedValue(project, sites, bool, enough)
    for site in sites:
        if isinstance(site, BlockedSite):
            yield blocked_refusal(site, "no log rotation")
            continue
        title = f"Rotate the logs of {join_names(site.services)}"
        details = f": {options.max_file} files of {options.max_size}"
        value: dict[str, Value] = {
            "driver": options.driver,
            "options": {
                "max-size": Quoted(options.max_size),
                "max-file": Quoted(str(options.max_file)),
            },
        }
        yield shared.addition(
            site, value, title, details, "default-logging", fits=_rotates, key="x-logging"
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
