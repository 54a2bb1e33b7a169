"""CPU and memory: what services may take, what is reserved for them, and the sums."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from composerefactor.analysis.facts.variables import Redaction
from composerefactor.compose.interpolation import expand
from composerefactor.compose.merge_keys import item_nodes, merged_entries, merged_get, scalar_text
from composerefactor.compose.one_off import one_off
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel
from composerefactor.errors import Location
from composerefactor.images.catalog import Catalog
from composerefactor.images.health.built import NoCheckNeeded, NoPossibleCheck, ProposedCheck
from composerefactor.images.health.check import healthcheck_for
from composerefactor.images.health.usage import Usage
from composerefactor.images.memory import parsed, told
from composerefactor.yaml.nodes import SequenceNode


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


def resource_facts(model: StartModel, service: Service, at: Location) -> ResourceFacts:
    """Return the limits of *service* in the form of ``deploy``, or in the older one."""
    values: dict[tuple[str, str], str] = {}
    replicas = ""
    for found in service.values("deploy"):
        resources = merged_get(found.node, "resources")
        for kind in ("limits", "reservations"):
            for key in ("cpus", "memory"):
                text = scalar_text(merged_get(merged_get(resources, kind), key))
                if text is not None:
                    values[kind, key] = expand(text, model.variables)
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
            values[place] = expand(text, model.variables)
    replicas = service.text("scale") or replicas
    needed = told(model, service)
    return ResourceFacts(
        service.name,
        at,
        _count(expand(replicas, model.variables)),
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


State = Literal["written", "in the image", "off", "not needed", "missing"]

_SHELL_WORDS = re.compile(r"^(?:exec|test|\[|if|timeout|CMD-SHELL|CMD|NONE)$")
_PROGRAM = re.compile(r"[A-Za-z0-9_./-]+")


class HealthFacts(Struct, frozen=True):
    """The health check of *service*.

    *test* is the command, without secrets, and the times are as written, ``""`` for the engine's
    defaults. *program* is the first program that the test runs, ``""`` where that is not plain.
    Where it is missing, *proposal* is what ``add-healthchecks`` would write, else *reason* says why
    there is none.
    """

    service: str
    state: State
    location: Location
    test: str = ""
    interval: str = ""
    timeout: str = ""
    retries: str = ""
    start_period: str = ""
    program: str = ""
    proposal: str = ""
    reason: str = ""
    remedy: str = ""

    @property
    def is_checked(self) -> bool:
        """True where the engine knows whether the service is healthy."""
        return self.state in {"written", "in the image"}


def health_facts(
    project: Project,
    model: StartModel,
    service: Service,
    use: Usage,
    catalog: Catalog,
    redaction: Redaction,
) -> HealthFacts:
    """Return what is known of the health check of *service*, which *use* describes."""
    values: dict[str, str] = {}
    words: tuple[str, ...] = ()
    location: Location | None = None
    for found in service.values("healthcheck"):
        location = found.location
        for key, entry in merged_entries(found.node).items():
            if key == "test":
                items = item_nodes(entry.value)
                words = tuple(expand(scalar_text(i) or "", model.variables) for i in items)
                if not isinstance(entry.value, SequenceNode) and words:
                    words = ("CMD-SHELL", *words)
            else:
                values[key] = expand(scalar_text(entry.value) or "", model.variables)
    at = location or _home(service)
    if location is not None and (words[:1] == ("NONE",) or values.get("disable") == "true"):
        return HealthFacts(service.name, "off", at, reason="switched off here")
    if location is not None and words:
        return HealthFacts(
            service.name,
            "written",
            at,
            redaction.text(" ".join(" ".join(words[_is_form(words) :]).split())),
            values.get("interval", ""),
            values.get("timeout", ""),
            values.get("retries", ""),
            values.get("start_period", ""),
            program=_program(words),
        )
    answer = healthcheck_for(project, model, use, catalog)
    if isinstance(answer, NoCheckNeeded):
        if one_off(model, service.name) is not None:
            return HealthFacts(service.name, "not needed", at, reason=answer.reason)
        state: State = "in the image" if answer.has_check else "off"
        return HealthFacts(service.name, state, at, reason=answer.reason)
    if isinstance(answer, ProposedCheck):
        test = redaction.text(" ".join(answer.test[1:]))
        return HealthFacts(
            service.name, "missing", at, proposal=test, reason=redaction.text(answer.evidence)
        )
    assert isinstance(answer, NoPossibleCheck)  # noqa: S101 - the third of three kinds
    return HealthFacts(
        service.name,
        "missing",
        at,
        reason=redaction.text(answer.reason),
        remedy=redaction.text(answer.remedy),
    )


def _home(service: Service) -> Location:
    own = [d for d in service.definitions if not d.inherited] or list(service.definitions)
    return own[0].file.location_of("services", service.name)


def _is_form(words: tuple[str, ...]) -> bool:
    return words[:1] in {("CMD",), ("CMD-SHELL",)}


def _program(words: tuple[str, ...]) -> str:
    """Return the program that a test runs first."""
    rest = " ".join(words[_is_form(words) :]).replace("$$", "$").split()
    for word in rest:
        if _SHELL_WORDS.match(word) or word.startswith("-") or word.isdigit():
            continue
        return word.rpartition("/")[2] if _PROGRAM.fullmatch(word) else ""
    return ""
