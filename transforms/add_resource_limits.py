"""Add limits and reservations of CPU and memory to services without limits.

Without a limit, one service that leaks memory takes down all others on the machine. The sizes
depend on the category of a service, and are options; a service whose own settings require more (a
Java heap, the cache of a database) gets room for that. They are a start: compare them with
`docker stats` and correct them. A service with any limit is left alone, also with one in the old
form (`mem_limit`, `cpus`), since Docker Compose rejects both forms together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import Struct

from composerefactor.compose.merge_keys import merged_get
from composerefactor.compose.project import Project
from composerefactor.compose.service_values import parse_size
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.edit.rendering import Quoted, Value
from composerefactor.errors import UsageError
from composerefactor.images.catalog import service_placement
from composerefactor.images.lookup import format_size, required_memory
from composerefactor.refactoring.contract import Change, Refusal, fixer, option
from composerefactor.transforms._attribute import (
    BlockedSite,
    addition,
    blocked_refusal,
    destinations,
    find_sites,
    join_names,
)

_OLD_FORM = (
    *("mem_limit", "mem_reservation", "memswap_limit", "cpus", "cpu_count", "cpu_percent"),
    *("cpu_quota", "cpu_period", "cpu_shares", "pids_limit", "gpus"),
)
_SIZE_OPTION = {
    "cache": "caches",
    "search": "heavy",
    "vector-db": "heavy",
    "queue": "heavy",
    "ai": "heavy",
    "logging": "data_stores",
}
"""The option with the size of a category, where it is not that of its group."""


@dataclass(frozen=True, slots=True)
class Options:
    """The sizes: CPUs and memory."""

    applications: str = option("1.0/1G", help="CPUs and memory of applications.", example="2/2G")
    data_stores: str = option(
        "1.0/1G", help="CPUs and memory of databases and other data stores.", example="2/4G"
    )
    caches: str = option(
        "0.5/512M", help="CPUs and memory of caches, such as Redis.", example="0.5/256M"
    )
    heavy: str = option(
        "2.0/2G", help="CPUs and memory of search, queues, vector stores and AI models."
    )
    infrastructure: str = option(
        "0.5/512M", help="CPUs and memory of proxies, monitoring and tools."
    )
    reservation: int = option(
        50, help="The reservation in percent of the limit; 0 reserves nothing.", example="25"
    )


class _Size(Struct, frozen=True):
    """A limit; *because* names the settings that require it, if any."""

    cpus: float
    memory: int
    because: str = ""


@fixer(Options, after=("add-missing-services",), unsafe=True)
def add_resource_limits(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each service, or block that services share, without limits."""
    sizes = {name: _size(name, getattr(options, name)) for name in _size_options()}
    models = start_models(project)
    largest: dict[int, _Size] = {}  # by definition: the most that it needs in any start model
    for model in models:
        for service in model.services.values():
            size = _needed_size(model, service, sizes)
            for definition in destinations(service)[:1]:
                previous = largest.setdefault(id(definition.body), size)
                if size.memory > previous.memory:
                    largest[id(definition.body)] = size

    def size_for(_: StartModel, service: Service) -> _Size | None:
        return None if _is_limited(service) else largest[id(destinations(service)[0].body)]

    for site in find_sites(models, size_for, ("deploy", "resources"), alternatives=_OLD_FORM):
        if isinstance(site, BlockedSite):
            yield blocked_refusal(site, "no limits")
            continue
        size = site.value
        title = (
            f"Limit {join_names(site.services)} to {size.cpus:g} CPUs "
            f"and {format_size(size.memory)} of memory"
        )
        evidence = f"room for {size.because}" if size.because else "the size for its category"
        yield addition(site, _value(size, options.reservation), title, evidence)


def _size_options() -> tuple[str, ...]:
    return ("applications", "data_stores", "caches", "heavy", "infrastructure")


def _size(name: str, text: str) -> _Size:
    """Return the size that the option *name* sets to *text*; raises UsageError if it is invalid."""
    cpus, _, memory = text.partition("/")
    amount = parse_size(memory)
    if not re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", cpus.strip()) or not amount or not float(cpus):
        raise UsageError(
            f"add-resource-limits.{name.replace('_', '-')}: {text!r} is not a size",
            remedy="write CPUS/MEMORY, for example 0.5/512M",
        )
    return _Size(float(cpus), amount)


def _is_limited(service: Service) -> bool:
    """Return whether *service* has resource limits of either form."""
    return any(service.values(key) for key in _OLD_FORM) or any(
        merged_get(deploy.node, "resources") is not None for deploy in service.values("deploy")
    )


def _needed_size(model: StartModel, service: Service, sizes: dict[str, _Size]) -> _Size:
    """Return the size for the category of *service*, raised to what its settings require."""
    place = service_placement(model, service)
    name = _SIZE_OPTION.get(place.category, place.counts_as.replace(" ", "_"))
    size = sizes[name]
    required = required_memory(model, service)
    if required is None or required[0] <= size.memory:
        return size
    return _Size(size.cpus, required[0], required[1])


def _value(size: _Size, reservation: int) -> Value:
    value: dict[str, Value] = {"limits": _resources(size.cpus, size.memory)}
    if reservation > 0:
        share = min(reservation, 100) / 100
        value["reservations"] = _resources(size.cpus * share, int(size.memory * share))
    return value


def _resources(cpus: float, memory: int) -> dict[str, Value]:
    return {"cpus": Quoted(_cpus(cpus)), "memory": format_size(memory)}


def _cpus(cpus: float) -> str:
    text = f"{cpus:.2f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text
