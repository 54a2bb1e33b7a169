"""Add a restart policy to services without one.

Without one a container stays down after a crash, and after a reboot of the machine. With
`unless-stopped` Docker restarts it, except where somebody has stopped it. One-off services
(migrations, seeds, tests) are left alone: they would run again and again. So are services with
`deploy.restart_policy`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
        has_policy = service.restart or service.deploy.restart_condition
        return None if has_policy or reason_it_may_exit(model, service.name) else options.policy

    for site in find_sites(start_models(project), policy_for, ("restart",), replaced=True):
        if isinstance(site, BlockedSite):
            yield blocked_refusal(site, "no restart policy")
        else:
            title = f"Add restart: {site.value} to {join_names(site.services)}"
            yield addition(site, site.value, title)
