"""Add a restart policy to services that have none.

Without one a container stays down after a crash, and after a reboot of the machine. With
`unless-stopped` Docker starts it again, but not where somebody has stopped it. Services that do one
thing and end (migrations, seeds, tests) are left alone: they would run again and again. So are
services with `deploy.restart_policy`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from composerefactor.compose.merge_keys import merged_get
from composerefactor.compose.one_off import why_it_may_end
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.refactoring.contract import Change, Refusal, fixer, option
from composerefactor.transforms._attribute import BlockedSite, addition, refusal, sites


@dataclass(frozen=True, slots=True)
class Options:
    """Which policy."""

    policy: str = option(
        "unless-stopped",
        help="The restart policy that services get.",
        choices=("unless-stopped", "always", "on-failure"),
    )


@fixer(Options, after=("add-missing-services",), unsafe=True)
def add_restart_policy(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each service, or block that services share, without a policy."""

    def wanted(model: StartModel, service: Service) -> str | None:
        if _has_policy(service) or why_it_may_end(model, service.name):
            return None
        return options.policy

    for found in sites(start_models(project), wanted, ("restart",), replaced=True):
        if isinstance(found, BlockedSite):
            yield refusal(found, "no restart policy")
        else:
            yield addition(found, found.value, f"restart: {found.value}")


def _has_policy(service: Service) -> bool:
    return bool(service.values("restart")) or any(
        merged_get(deploy.node, "restart_policy") is not None for deploy in service.values("deploy")
    )
