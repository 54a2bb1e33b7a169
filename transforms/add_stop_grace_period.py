"""Give data stores the time to stop that their image asks for.

Docker sends the stop signal, and kills the container 10 seconds later. A database that still writes
to disk then has to recover at the next start, or has lost data. The container does not run longer
than it needs to: with `stop_grace_period` Docker only waits longer. The time is that of the image
catalog: the sources of the image name it, otherwise it is a guess. Services with
`stop_grace_period`, or with SIGKILL as their `stop_signal`, are left alone. The option `--timeout`
of `docker compose stop` and `down` takes precedence over it.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.compose.one_off import one_off
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.errors import enumerated
from composerefactor.images.catalog import catalog_of
from composerefactor.images.entries import StopNeed, confidence
from composerefactor.images.lookup import stop_need
from composerefactor.images.stop_signals import is_killed
from composerefactor.refactoring.contract import Change, NoOptions, Refusal, fixer
from composerefactor.transforms._attribute import BlockedSite, addition, blocked_refusal, find_sites


@fixer(
    NoOptions,
    after=("add-missing-services",),
    unsafe=True,
    lasting=True,
    purpose="availability",
    cause="Docker kills a data store that needs more than 10 seconds to stop",
)
def add_stop_grace_period(project: Project, options: NoOptions) -> Iterator[Change | Refusal]:  # noqa: ARG001
    """Yield a change for each service, or block that services share, without enough time."""

    def need_of(model: StartModel, service: Service) -> StopNeed | None:
        if service.stop_grace_period or is_killed(service) or one_off(model, service.name):
            return None
        return stop_need(service, catalog_of(project))

    explained: set[tuple[str, str]] = set()
    for site in find_sites(start_models(project), need_of, ("stop_grace_period",), replaced=True):
        if isinstance(site, BlockedSite):
            yield blocked_refusal(site, "no time to stop")
            continue
        need: StopNeed = site.value
        key = site.file.path, need.reason
        yield addition(
            site,
            need.time,
            f"Give {enumerated(site.services)} {need.time} to stop",
            need.source,
            confidence(need.verified),
            comment="" if key in explained else need.reason,
        )
        explained.add(key)
