"""CPU and memory: what services may take, what is reserved for them, and the sums."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from composerefactor.additions.memory import parsed, told
from composerefactor.compose.expand import expand
from composerefactor.compose.merged import merged_get, scalar_text
from composerefactor.errors import Location
from composerefactor.topology.stack import Service, Stack


class ResourceFacts(Struct, frozen=True):
    """Limits and reservations of one container of *service*, memory in bytes; None for none.

    *needs* is what its own settings ask for (a Java heap, a cache), with *needs_by* naming them.
    """

    service: str
    location: Location
    replicas: int = 1
    cpu_limit: float | None = None
    memory_limit: int | None = None
    cpu_reserved: float | None = None
    memory_reserved: int | None = None
    needs: int | None = None
    needs_by: str = ""


class ResourceTotals(Struct, frozen=True):
    """Sums over all containers; *without_memory* are the services that may take everything."""

    containers: int
    cpu_limit: float
    memory_limit: int
    cpu_reserved: float
    memory_reserved: int
    without_memory: tuple[str, ...]
    without_cpu: tuple[str, ...]


def resource_facts(stack: Stack, service: Service, at: Location) -> ResourceFacts:
    """Return the limits of *service* in the form of ``deploy``, or in the older one."""
    values: dict[tuple[str, str], str] = {}
    replicas = ""
    for found in service.values("deploy"):
        resources = merged_get(found.node, "resources")
        for kind in ("limits", "reservations"):
            for key in ("cpus", "memory"):
                text = scalar_text(merged_get(merged_get(resources, kind), key))
                if text is not None:
                    values[kind, key] = expand(text, stack.variables)
                    at = found.location
        replicas = scalar_text(merged_get(found.node, "replicas")) or replicas
    older = {
        ("limits", "cpus"): "cpus",
        ("limits", "memory"): "mem_limit",
        ("reservations", "memory"): "mem_reservation",
    }
    for place, attribute in older.items():
        text = service.text(attribute)
        if text is not None and place not in values:
            values[place] = expand(text, stack.variables)
    replicas = service.text("scale") or replicas
    needed = told(stack, service)
    return ResourceFacts(
        service.name,
        at,
        _count(expand(replicas, stack.variables)),
        _number(values.get(("limits", "cpus"))),
        parsed(values.get(("limits", "memory"), "")),
        _number(values.get(("reservations", "cpus"))),
        parsed(values.get(("reservations", "memory"), "")),
        needed[0] if needed else None,
        needed[1] if needed else "",
    )


def totals(every: Iterable[ResourceFacts]) -> ResourceTotals:
    """Return the sums of *every*, each counted for all its containers."""
    listed = list(every)
    return ResourceTotals(
        sum(each.replicas for each in listed),
        sum((each.cpu_limit or 0) * each.replicas for each in listed),
        sum((each.memory_limit or 0) * each.replicas for each in listed),
        sum((each.cpu_reserved or 0) * each.replicas for each in listed),
        sum((each.memory_reserved or 0) * each.replicas for each in listed),
        tuple(each.service for each in listed if each.memory_limit is None),
        tuple(each.service for each in listed if each.cpu_limit is None),
    )


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 1
