"""Add a restart policy to services without one.

Without one a container stays down after a crash, and after a reboot of the machine. With
`unless-stopped` Docker restarts it, except where somebody has stopped it. Where most services of
the file have another policy that restarts them, `always` or a variable, it is that one. One-off
services (migrations, seeds, tests) are left alone: they would run again and again. So are services
with `deploy.restart_policy`. Where most other services of a file have a policy, a service without
one that has no ports, and that no other service needs, may exit on purpose: its policy is a guess.
So is one for a file over which another start command merges a file with a policy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from composerefactor.compose.definitions import text_of
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.one_off import reason_it_may_exit
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel, services_in, start_models
from composerefactor.confidence import Confidence
from composerefactor.errors import enumerated
from composerefactor.images.catalog import catalog_of
from composerefactor.refactoring.contract import Change, OptionsAsSet, Refusal, fixer, option
from composerefactor.transforms._attribute import (
    BlockedSite,
    addition,
    blocked_refusal,
    destinations,
    find_sites,
)

_FEWEST_OTHERS = 2


@dataclass(frozen=True, slots=True)
class Options(OptionsAsSet):
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
    doubts: dict[tuple[str, str], str] = {}
    usual_policy = cache(_usual_policy)
    models = start_models(project)
    most_have_policies = {
        (id(model), file.path): _most_have_policies(_lasting(model, file))
        for model in models
        for file in {
            definition.file
            for service in model.services.values()
            for definition in destinations(service)[:1]
        }
    }

    def policy_for(model: StartModel, service: Service) -> str | None:
        if _has_policy(service) or reason_it_may_exit(model, service.name):
            return None
        file = destinations(service)[0].file
        usual = usual_policy(file)
        if most_have_policies[id(model), file.path] and not _keeps_running(model, service):
            doubts[file.path, service.name] = (
                f"other services of {file.path} have a policy, so it may exit on purpose"
            )
        elif setting := _set_by_another(models, service, file):
            doubts[file.path, service.name] = f"{setting} sets a policy where one is wanted"
        return usual if usual and not options.chosen else options.policy

    for site in find_sites(models, policy_for, ("restart",), replaced=True):
        if isinstance(site, BlockedSite):
            yield blocked_refusal(site, "no restart policy")
        else:
            title = f"Add restart: {site.value} to {enumerated(site.services)}"
            reasons = {path: text for (path, name), text in doubts.items() if name in site.services}
            doubt = reasons.get(site.file.path) or next(iter(reasons.values()), "")
            confidence: Confidence = "guess" if doubt else "verified"
            yield addition(site, site.value, title, doubt, confidence)


def _has_policy(service: Service) -> bool:
    return bool(service.restart or service.deploy.restart_condition)


def _set_by_another(models: Sequence[StartModel], service: Service, file: ComposeFile) -> str:
    """Return the file that restarts *service* of *file* in another start command, or ``""``."""
    for model in models:
        policy = model.services[service.name].restart if service.name in model.services else None
        if policy is not None and file in model.files and text_of(policy) not in {"", "no"}:
            return policy.location.path
    return ""


def _keeps_running(model: StartModel, service: Service) -> bool:
    """Return whether something says that *service* keeps running.

    That is a port, a health check, a service that needs it, or the image of a known server.
    """
    return bool(
        service.values("ports")
        or service.values("expose")
        or service.values("healthcheck")
        or model.dependents.get(service.name)
        or catalog_of(model).match(text_of(service.image))
    )


def _lasting(model: StartModel, file: ComposeFile) -> list[Service]:
    """Return the services of *file* that give no reason to expect that they exit."""
    return [
        model.services[name]
        for name in services_in(file)
        if name in model.services and not reason_it_may_exit(model, name)
    ]


def _most_have_policies(services: Sequence[Service]) -> bool:
    """Return whether most of *services*, apart from one without a policy, have a policy."""
    count = sum(map(_has_policy, services))
    return count >= _FEWEST_OTHERS and 3 * count >= 2 * (len(services) - 1)


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
