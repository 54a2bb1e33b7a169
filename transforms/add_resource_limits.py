"""Add limits and reservations of CPU and memory to services that have none.

Without a limit one service that leaks memory takes down all others on the machine. The sizes go by
what a service is for, and are options; a service whose own settings ask for more (a Java heap, the
cache of a database) gets room for that. They are a start: compare them with `docker stats` and
correct them. A service with any limit is left alone, in the old form (`mem_limit`, `cpus`) too,
since the engine rejects both forms together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import Struct

from composerefactor.compose.merge_keys import merged_get
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.edit.rendering import Quoted, Value
from composerefactor.errors import UsageError
from composerefactor.images.memory import parsed, shown, told
from composerefactor.images.placement import placement
from composerefactor.refactoring.contract import Change, Refusal, fixer, option
from composerefactor.transforms._attribute import (
    BlockedSite,
    addition,
    destinations,
    refusal,
    sites,
)

_OLD_FORM = (
    *("mem_limit", "mem_reservation", "memswap_limit", "cpus", "cpu_count", "cpu_percent"),
    *("cpu_quota", "cpu_period", "cpu_shares", "pids_limit", "gpus"),
)
_OPTION = {
    "cache": "caches",
    "search": "heavy",
    "vector-db": "heavy",
    "queue": "heavy",
    "ai": "heavy",
    "logging": "data_stores",
}
"""Which sizes a category gets where it is not that of its heading."""


@dataclass(frozen=True, slots=True)
class Options:
    """The sizes: CPUs and memory."""

    applications: str = option("1.0/1G", help="CPUs and memory of applications.", example="2/2G")
    data_stores: str = option("1.0/1G", help="Likewise of databases and stores.", example="2/4G")
    caches: str = option("0.5/512M", help="Likewise of caches, as Redis.", example="0.5/256M")
    heavy: str = option("2.0/2G", help="Likewise of search, queues, vectors and models.")
    infrastructure: str = option("0.5/512M", help="Likewise of proxies, monitoring and tools.")
    reservation: int = option(
        50, help="What is reserved, in percent of the limit; 0 reserves nothing.", example="25"
    )


class _Size(Struct, frozen=True):
    """A limit; *because* names the settings that ask for it."""

    cpus: float
    memory: int
    because: str = ""


@fixer(Options, after=("add-missing-services",), unsafe=True)
def add_resource_limits(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each service, or block that services share, without limits."""
    sizes = {name: _size(name, getattr(options, name)) for name in _names()}
    every = start_models(project)
    largest: dict[int, _Size] = {}  # what one definition needs wherever it is started
    for model in every:
        for service in model.services.values():
            size = _wanted(model, service, sizes)
            for home in destinations(service)[:1]:
                known = largest.setdefault(id(home.body), size)
                if size.memory > known.memory:
                    largest[id(home.body)] = size

    def wanted(_: StartModel, service: Service) -> _Size | None:
        return None if _is_limited(service) else largest[id(destinations(service)[0].body)]

    for found in sites(every, wanted, ("deploy", "resources"), instead=_OLD_FORM):
        if isinstance(found, BlockedSite):
            yield refusal(found, "no limits")
            continue
        size = found.value
        title = f"at most {size.cpus:g} CPUs and {shown(size.memory)} of memory"
        evidence = f"room for {size.because}" if size.because else "a size for its category"
        yield addition(found, _value(size, options.reservation), title, evidence)


def _names() -> tuple[str, ...]:
    return ("applications", "data_stores", "caches", "heavy", "infrastructure")


def _size(name: str, text: str) -> _Size:
    cpus, _, memory = text.partition("/")
    amount = parsed(memory)
    if not re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", cpus.strip()) or not amount or not float(cpus):
        raise UsageError(
            f"add-resource-limits.{name.replace('_', '-')}: {text!r} is no size",
            remedy="write CPUs/MEMORY, as 0.5/512M",
        )
    return _Size(float(cpus), amount)


def _is_limited(service: Service) -> bool:
    return any(service.values(key) for key in _OLD_FORM) or any(
        merged_get(deploy.node, "resources") is not None for deploy in service.values("deploy")
    )


def _wanted(model: StartModel, service: Service, sizes: dict[str, _Size]) -> _Size:
    place = placement(model, service)
    name = _OPTION.get(place.category, place.counts_as.replace(" ", "_"))
    size = sizes[name]
    need = told(model, service)
    if need is None or need[0] <= size.memory:
        return size
    return _Size(size.cpus, need[0], need[1])


def _value(size: _Size, reservation: int) -> Value:
    value: dict[str, Value] = {"limits": _part(size.cpus, size.memory)}
    if reservation > 0:
        share = min(reservation, 100) / 100
        value["reservations"] = _part(size.cpus * share, int(size.memory * share))
    return value


def _part(cpus: float, memory: int) -> dict[str, Value]:
    return {"cpus": Quoted(_cpus(cpus)), "memory": shown(memory)}


def _cpus(cpus: float) -> str:
    text = f"{cpus:.2f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text
