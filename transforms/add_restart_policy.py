"""Add a restart policy to services without one.

Without one a container stays down after a crash, and after a reboot of the machine. With
`unless-stopped` Docker restarts it, except where somebody has stopped it. Where most services of
the file have another policy that restarts them, `always` or a variable, it is that one. One-off
services (migrations, seeds, tests) are left alone: they would run again and again. So are services
with `deploy.restart_policy`. Where nearly all other services of a file have a policy, one that has
none, no ports and no service that needs it may exit on purpose: its policy is a guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from composerefactor.compose.definitions import text_of
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.one_off import reason_it_may_exit
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel, services_in, start_models
from composerefactor.confidence import Confidence
from composerefactor.images.catalog import load_catalog
from composerefactor.refactoring.contract import Change, Refusal, fixer, option
from composerefactor.transforms._attribute import (
    BlockedSite,
    addition,
    blocked_refusal,
    destinations,
    find_sites,
    join_names,
)

_FEWEST_OTHERS = 2


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the transform."""

    policy: str = option(
        "unless-stopped",
        help="The restart policy to add.",
        choices=("unless-stopped", "always", "on-failure"),
    )


@fixer(
    Options,
    after=("add-missing-services",),
    unsafe=True,
    lasting=True,
    purpose="availability",
    cause="a container stays down after a crash or a reboot",
)
def add_restart_policy(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each service, or block that services share, without a restart policy."""
    doubts: dict[str, str] = {}

    def policy_for(model: StartModel, service: Service) -> str | None:
        if _has_policy(service) or reason_it_may_exit(model, service.name):
            return None
        usual = _usual_policy(destinations(service)[0].file)
        if reason := _exception_among(model, service):
            doubts[service.name] = reason
        return usual if usual and options == Options() else options.policy

    for site in find_sites(start_models(project), policy_for, ("restart",), replaced=True):
        if isinstance(site, BlockedSite):
            yield blocked_refusal(site, "no restart policy")
        else:
            title = f"Add restart: {site.value} to {join_names(site.services)}"
            doubt = next((doubts[name] for name in site.services if name in doubts), "")
            confidence: Confidence = "guess" if doubt else "verified"
            yield addition(site, site.value, title, doubt, confidence)


def _has_policy(service: Service) -> bool:
    return bool(service.restart or service.deploy.restart_condition)


def _exception_among(model: StartModel, service: Service) -> str:
    """Return why *service* may have no restart policy on purpose, or ``""``.

    Others of its file have one, and nothing says that it keeps running: no ports, no health check,
    no dependents, no image of a known server.
    """
    keeps_running = (
        service.values("ports")
        or service.values("expose")
        or service.values("healthcheck")
        or model.dependents.get(service.name)
        or load_catalog().match(text_of(service.image))
    )
    file = destinations(service)[0].file
    others = [
        other
        for name in services_in(file)
        if (other := model.services.get(name)) is not None
        and other is not service
        and not reason_it_may_exit(model, name)
    ]
    count = sum(map(_has_policy, others))
    if keeps_running or count < _FEWEST_OTHERS or 3 * count < 2 * len(others):
        return ""
    return f"other services of {file.path} have a policy, so it may exit on purpose"


def _usual_policy(file: ComposeFile) -> str | None:
    """Return the policy that most services of *file* with one have, if it restarts them."""
    counts: Counter[str] = Counter()
    values: dict[str, str] = {}
    for service in services_in(file).values():
        if service.restart is not None and (written := service.restart.at.written):
            counts[written] += 1
            values[written] = service.restart.value
    if len(counts) > 1 and counts.most_common(2)[0][1] == counts.most_common(2)[1][1]:
        return None
    usual = next((written for written, _ in counts.most_common(1)), "")
    return usual if "$" in usual or values.get(usual) in {"always", "unless-stopped"} else None
