"""Whether a service can tell that it is healthy, so that others can wait for it."""

from __future__ import annotations

from composerefactor.catalog.catalog import Catalog
from composerefactor.compose.merged import item_nodes, merged_get, scalar_text
from composerefactor.compose.project import Project
from composerefactor.health.answers import Unneeded
from composerefactor.health.check import healthcheck_for
from composerefactor.health.usage import usage
from composerefactor.topology.stack import Service, Stack


def reports_health(project: Project, stack: Stack, name: str, catalog: Catalog) -> bool:
    """Return whether the service *name* has a health check, of its own or of its image.

    A container without one never becomes healthy, and whoever waits for it never starts.
    """
    service = stack.services[name]
    if service.value("healthcheck") is None:
        answer = healthcheck_for(project, stack, usage(project, stack, service), catalog)
        return isinstance(answer, Unneeded) and answer.has_check
    return _is_on(service)


def _is_on(service: Service) -> bool:
    """Return whether the declared health check has a test and is not switched off."""
    has_test = False
    for found in service.values("healthcheck"):
        if scalar_text(merged_get(found.node, "disable")) in {"true", "True", "TRUE"}:
            return False
        test = item_nodes(merged_get(found.node, "test"))
        if test:
            has_test = scalar_text(test[0]) != "NONE"
    return has_test
