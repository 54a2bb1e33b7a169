"""Add a restart policy to services without one.

Without one a container stays down after a crash, and after a reboot of the machine. With
`unless-stopped` Docker restarts it, except where somebody has stopped it. One-off services
(migrations, seeds, tests) are left alone: they would run again and again. So are services with
`deploy.restart_policy`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from composerefactor.compose.merge_keys import merged_get
from composerefactor.compose.one_off import reason_it_may_exit
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.refactoring.contract import Change, Refusal, fixer, option
from composerefactor.transforms._attribute import (
    BlockedSite,
    addition,
    blocked_refusal,
    find_sites,
    join_names,
)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the transform."""

    policy: str = option(
        "unless-stopped",
        help="The restart policy to add.",
        choices=("unless-stopped", "always", "on-failure"),
    )


@fixer(Options, after=("add-missing-services",), unsafe=True, lasting=True)
def add_restart_policy(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each service, or block that services share, without a restart policy."""

    def policy_for(model: StartModel, service: Service) -> str | None:
        if _has_policy(service) or reason_it_may_exit(model, service.name):
            return None
        return options.policy

    for site in find_sites(start_models(project), policy_for, ("restart",), replaced=True):
        if isinstance(site, BlockedSite):
            yield blocked_refusal(site, "no restart policy")
        else:
            title = f"Add restart: {site.value} to {join_names(site.services)}"
            yield addition(site, site.value, title)


def _has_policy(service: Service) -> bool:
    """Return whether *service* has a restart policy of either form."""
    return bool(service.values("restart")) or any(
        merged_get(deploy.node, "restart_policy") is not None for deploy in service.values("deploy")
    )
