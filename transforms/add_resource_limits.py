"""Add limits of CPU and memory to services whose needs are known.

Without a limit, one service that leaks memory takes down all others on the machine. A limit that is
too low is worse: the service is killed, or does not start. So a service gets one where its own
settings say how much it takes (a Java heap, the cache of a database), where another file limits the
same service, or where the image catalog knows that the image stays within a limit, and the least
memory that it works with. A size that a variable sets is a guess: who changes it does not see the
limit. For all others the size of their category is a guess, unless you set it: the sizes are
options. Compare them with `docker stats`. Three or more services of a file that get the same limits
share one anchor. CPUs are limited only where you set the size, or want the guess, and never
reserved, which only Swarm does. A service with any limit is left alone, also with one in the old
form (`mem_limit`, `cpus`), since Docker Compose rejects both forms together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from msgspec import Struct

from composerefactor.compose.definitions import known_text_of
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.image_references import repository_of
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.compose.sizes import format_size, parse_size
from composerefactor.confidence import Confidence
from composerefactor.edit.rendering import Quoted, Value
from composerefactor.errors import UsageError, enumerated
from composerefactor.images.catalog import catalog_of
from composerefactor.images.environments import short_lived_reason
from composerefactor.images.lookup import (
    SHARED_MEMORY,
    USUAL_SIZES,
    configured_memory,
    memory_of,
    usual_kind,
)
from composerefactor.refactoring.contract import Change, OptionsAsSet, Refusal, fixer, option
from composerefactor.transforms._attribute import (
    BlockedSite,
    SharedValue,
    blocked_refusal,
    destinations,
    find_sites,
)

_OLD_FORM = (
    *("mem_limit", "mem_reservation", "memswap_limit", "cpus", "cpu_count", "cpu_percent"),
    *("cpu_quota", "cpu_period", "cpu_shares", "pids_limit", "gpus"),
)


@dataclass(frozen=True, slots=True)
class Options(OptionsAsSet):
    """The sizes (CPUs and memory), and the reservation."""

    applications: str = option(
        USUAL_SIZES["applications"], help="CPUs and memory of applications.", example="2/2G"
    )
    frontends: str = option(
        USUAL_SIZES["frontends"],
        help="CPUs and memory of applications that their name calls a frontend.",
    )
    data_stores: str = option(
        USUAL_SIZES["data_stores"],
        help="CPUs and memory of databases and other data stores.",
        example="2/4G",
    )
    caches: str = option(
        USUAL_SIZES["caches"], help="CPUs and memory of caches, such as Redis.", example="0.5/256M"
    )
    heavy: str = option(
        USUAL_SIZES["heavy"], help="CPUs and memory of search, queues and vector stores."
    )
    models: str = option(USUAL_SIZES["models"], help="CPUs and memory of services with AI models.")
    proxies: str = option(
        USUAL_SIZES["proxies"],
        help="CPUs and memory of proxies whose needs the image catalog knows.",
    )
    infrastructure: str = option(
        USUAL_SIZES["infrastructure"],
        help="CPUs and memory of other proxies, monitoring and tools.",
    )
    reservation: int = option(
        50, help="The reserved memory in percent of the limit; 0 reserves nothing.", example="25"
    )


class _Size(Struct, frozen=True):
    """A limit, why it is right, and how sure that is; *cpus* is None for no limit of CPUs."""

    cpus: float | None
    memory: int
    evidence: str = "the size for its category"
    confidence: Confidence = "guess"

    @property
    def comment(self) -> str:
        """The reason as a comment; the size that the user sets needs none."""
        if self.confidence == "guess":
            return "A guess: compare it with `docker stats`."
        reason = self.evidence.rpartition("; ")[2]
        return f"{reason[:1].upper()}{reason[1:]}." if self.confidence == "likely" else ""


@fixer(
    Options,
    after=("add-missing-services",),
    unsafe=True,
    lasting=True,
    purpose="operations",
    cause="one service can take the memory of all others",
)
def add_resource_limits(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each service, or block that services share, without limits."""
    models = start_models(project)
    # By definition: the most that it needs in any start model. That a file overrides another is no
    # reason if only its name suggests it.
    largest: dict[int, _Size] = {}
    given = _given_sizes(project, models)
    for model in sorted(models, key=lambda model: model.entry.assumed):
        known = frozenset(largest) if model.entry.assumed else ()
        for service in model.services.values():
            size = _needed_size(model, service, options, given.get(_key(service)))
            for definition in destinations(service)[:1]:
                key = id(definition.body)
                previous = largest.setdefault(key, size)
                if size.memory > previous.memory and key not in known:
                    largest[key] = size

    def size_for(_: StartModel, service: Service) -> _Size | None:
        return None if _is_limited(service) else largest[id(destinations(service)[0].body)]

    sites = list(find_sites(models, size_for, ("deploy", "resources"), alternatives=_OLD_FORM))
    # A guess is not made unless the user wants it, so it does not count for an anchor.
    shared = SharedValue(
        project,
        sites,
        attrgetter("cpus", "memory", "confidence"),
        comment=attrgetter("comment"),
    )
    for site in sites:
        if isinstance(site, BlockedSite):
            yield blocked_refusal(site, "no limits")
            continue
        size, text = site.value, format_size(site.value.memory)
        title = f"Limit {enumerated(site.services)}"
        details = f" to {_cpus_text(size.cpus)}{text} of memory"
        name = f"limits-{text.lower()}"
        value = _value(size, options.reservation)
        yield shared.addition(
            site,
            value,
            title,
            details,
            name,
            size.evidence,
            size.confidence,
        )


def _size(name: str, options: Options) -> _Size:
    """Return the size that the option *name* says; raises UsageError if it is invalid."""
    text: str = getattr(options, name)
    cpus, _, memory = text.partition("/")
    amount = parse_size(memory)
    if not re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", cpus.strip()) or not amount or not float(cpus):
        raise UsageError(
            f"add-resource-limits.{name.replace('_', '-')}: {text!r} is not a size",
            remedy="write CPUS/MEMORY, for example 0.5/512M",
        )
    if name in options.chosen:
        return _Size(float(cpus), amount, f"the option {name.replace('_', '-')}", "verified")
    return _Size(float(cpus), amount)


def _is_limited(service: Service) -> bool:
    """Return whether *service* has resource limits of either form."""
    has_resources = any(deploy.below("resources") for deploy in service.values("deploy"))
    return has_resources or any(service.values(key) for key in _OLD_FORM)


def _key(service: Service) -> tuple[str, str]:
    """Return the name of *service* and the repository of its image, which other tags have too."""
    return service.name, repository_of(known_text_of(service.image)) or ""


def _given_sizes(project: Project, models: list[StartModel]) -> dict[tuple[str, str], _Size]:
    """Return the largest limit of memory that a file sets, by service and image.

    What is enough for development or tests does not count.
    """
    sizes: dict[tuple[str, str], _Size] = {}
    for model in models:
        for service in model.services.values():
            limit = service.deploy.limits.memory or service.mem_limit
            if not limit or not limit.value or short_lived_reason(project, limit.location.path):
                continue
            path = limit.location.path
            size = _Size(None, limit.value, f"the limit in {path}", "likely")
            if _has_only_limits(project.files.get(path)):
                size = _Size(None, limit.value, f"{path} has limits alone, for who wants them")
            known = sizes.setdefault(_key(service), size)
            if known.memory < size.memory:
                sizes[_key(service)] = size
    return sizes


def _has_only_limits(file: ComposeFile | None) -> bool:
    """Return whether *file* sets nothing but limits: `-f` merges it over others to have them."""
    keys = file.service_keys if file else set()
    return bool(keys) and {"deploy", *_OLD_FORM}.issuperset(keys)


def _needed_size(
    model: StartModel, service: Service, options: Options, given: _Size | None
) -> _Size:
    """Return the size for the category of *service*, raised to what its image and settings need.

    *given*, the size that another file sets for it, takes precedence if they do not need more.
    """
    catalog = catalog_of(model)
    known = memory_of(model, service, catalog)
    name = usual_kind(service, catalog, is_known=known is not None)
    size = _size(name, options)
    configured = configured_memory(model, service)
    required = configured.required if configured else 0
    memory = max(size.memory, known.bytes if known else 0, required)
    if size.confidence == "verified":
        return _Size(size.cpus, memory, size.evidence, "verified")
    needed = max(known.bytes if known and not known.bounded else 0, required)
    if given is not None and given.memory >= needed:
        return given
    # How much of a CPU a service needs, neither its settings nor its image say.
    if configured is not None and configured.settings != SHARED_MEMORY:
        evidence = f"room for {configured.settings}"
        if configured.is_literal:
            return _Size(None, memory, evidence, "likely")
        return _Size(None, memory, f"{evidence}, which a variable sets")
    if known is not None and known.bounded:
        return _Size(None, memory, known.source, "likely")
    return _Size(size.cpus, memory, known.source if known else size.evidence)


def _value(size: _Size, reservation: int) -> dict[str, Value]:
    limits: dict[str, Value] = {} if size.cpus is None else {"cpus": Quoted(_cpus(size.cpus))}
    limits["memory"] = format_size(size.memory)
    if reservation <= 0:
        return {"limits": limits}
    reserved = int(size.memory * min(reservation, 100) / 100)
    return {"limits": limits, "reservations": {"memory": format_size(reserved)}}


def _cpus_text(cpus: float | None) -> str:
    """Return the beginning of what a service is limited to, ``""`` without a limit of CPUs."""
    if cpus is None:
        return ""
    return f"{cpus:g} {'CPU' if cpus == 1 else 'CPUs'} and "


def _cpus(cpus: float) -> str:
    text = f"{cpus:.2f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text
