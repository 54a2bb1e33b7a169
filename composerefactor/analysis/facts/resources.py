"""Resources and health checks of services.

:func:`resource_facts` reads CPU and memory limits, :func:`totals` adds them up, and
:func:`health_facts` says which health check a service has or could get.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from composerefactor.compose.masking import Masking
from composerefactor.compose.one_off import one_off
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel
from composerefactor.errors import Location
from composerefactor.images.catalog import Catalog
from composerefactor.images.health.built import NoCheckNeeded, NoPossibleCheck, ProposedCheck
from composerefactor.images.health.check import healthcheck_for
from composerefactor.images.health.probes import first_program
from composerefactor.images.health.usage import Usage
from composerefactor.images.lookup import configured_memory


class ResourceFacts(Struct, frozen=True):
    """Limits and reservations of one container of a service; None where there is none.

    Attributes:
        service: The service.
        location: Where they are set.
        replicas: The number of containers.
        cpu_limit: The limit in CPUs.
        memory_limit: The limit in bytes.
        cpu_reserved: The reservation in CPUs.
        memory_reserved: The reservation in bytes.
        configured_memory: The memory in bytes that its own settings claim (a Java heap, a cache).
        configured_by: The setting that claims it.
    """

    service: str
    location: Location
    replicas: int = 1
    cpu_limit: float | None = None
    memory_limit: int | None = None
    cpu_reserved: float | None = None
    memory_reserved: int | None = None
    configured_memory: int | None = None
    configured_by: str = ""


class ResourceTotals(Struct, frozen=True):
    """Sums over all containers.

    Attributes:
        containers: The number of containers.
        cpu_limit: The sum of the CPU limits.
        memory_limit: The sum of the memory limits, in bytes.
        cpu_reserved: The sum of the CPU reservations.
        memory_reserved: The sum of the memory reservations, in bytes.
        without_memory: The services without a memory limit.
        without_cpu: The services without a CPU limit.
    """

    containers: int
    cpu_limit: float
    memory_limit: int
    cpu_reserved: float
    memory_reserved: int
    without_memory: tuple[str, ...]
    without_cpu: tuple[str, ...]


def resource_facts(model: StartModel, service: Service, at: Location) -> ResourceFacts:
    """Return limits and reservations of *service*, from ``deploy`` or the older attributes.

    *at* is the location of the service, which counts if ``deploy`` sets no limit.
    """
    deploy = service.deploy
    limits, reservations = deploy.limits, deploy.reservations
    cpu_limit = limits.cpus or service.cpus
    memory_limit = limits.memory or service.mem_limit
    memory_reserved = reservations.memory or service.mem_reservation
    replicas = service.scale or deploy.replicas
    configured = configured_memory(model, service)
    return ResourceFacts(
        service.name,
        deploy.at.location if deploy.at else at,
        _count(replicas.value if replicas else ""),
        cpu_limit.value if cpu_limit else None,
        memory_limit.value if memory_limit else None,
        reservations.cpus.value if reservations.cpus else None,
        memory_reserved.value if memory_reserved else None,
        configured.bytes if configured else None,
        configured.settings if configured else "",
    )


def totals(every: Iterable[ResourceFacts]) -> ResourceTotals:
    """Return the sums of *every*, each multiplied by its number of containers."""
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


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 1


State = Literal["written", "in the image", "off", "not needed", "missing"]

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})


class HealthFacts(Struct, frozen=True):
    """The health check of a service. Texts are ``""`` if the file does not set them.

    Attributes:
        service: The service.
        state: Whether and where there is a health check.
        location: Where it is set, or the service.
        test: The command, without secrets.
        interval: The interval as written; Docker Compose has a default for each of these.
        timeout: The timeout as written.
        retries: The retries as written.
        start_period: The start period as written.
        program: The first program that the test runs, ``""`` if that is not clear.
        shell: The shell that runs the test, ``sh`` for the default one; ``""`` without a shell.
        proposal: What ``add-healthchecks`` would write if the health check is missing.
        reason: Why there is no health check, or why this one is proposed.
        remedy: What to do by hand.
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
    shell: str = ""
    proposal: str = ""
    reason: str = ""
    remedy: str = ""

    @property
    def is_checked(self) -> bool:
        """True if Docker knows whether the service is healthy."""
        return self.state in {"written", "in the image"}


def health_facts(
    project: Project,
    model: StartModel,
    service: Service,
    use: Usage,
    catalog: Catalog,
    masking: Masking,
) -> HealthFacts:
    """Return the facts about the health check of *service*, which uses its image as *use* says."""
    healthcheck = service.healthcheck
    at = healthcheck.location if healthcheck else service.location
    if healthcheck is not None and healthcheck.value.is_off:
        return HealthFacts(service.name, "off", at, reason="disabled here")
    if healthcheck is not None and healthcheck.value.test:
        check = healthcheck.value
        words = check.test
        return HealthFacts(
            service.name,
            "written",
            at,
            masking.text(_command_line(words)),
            check.interval,
            check.timeout,
            check.retries,
            check.start_period,
            program=first_program(words),
            shell=_shell(words),
        )
    answer = healthcheck_for(project, model, use, catalog)
    if isinstance(answer, NoCheckNeeded):
        has_container = service.name not in model.without_container
        is_needed = answer.has_check or answer.is_off
        if one_off(model, service.name) is not None or not has_container or not is_needed:
            return HealthFacts(service.name, "not needed", at, reason=answer.reason)
        state: State = "off" if answer.is_off else "in the image"
        return HealthFacts(
            service.name,
            state,
            at,
            masking.text(_command_line(answer.test)),
            program=first_program(answer.test),
            shell=_shell(answer.test),
            reason=answer.reason,
        )
    if isinstance(answer, ProposedCheck):
        test = masking.text(" ".join(answer.test[1:]))
        return HealthFacts(
            service.name, "missing", at, proposal=test, reason=masking.text(answer.evidence)
        )
    assert isinstance(answer, NoPossibleCheck)  # noqa: S101 - the third of three kinds
    return HealthFacts(
        service.name,
        "missing",
        at,
        reason=masking.text(answer.reason),
        remedy=masking.text(answer.remedy),
    )


def _has_form_word(words: tuple[str, ...]) -> bool:
    """Return whether the first of *words* says in which form the test is written."""
    return words[:1] in {("CMD",), ("CMD-SHELL",)}


def _command_line(words: tuple[str, ...]) -> str:
    """Return the command of a test in one line."""
    return " ".join(" ".join(words[_has_form_word(words) :]).split())


def _shell(words: tuple[str, ...]) -> str:
    """Return the shell that runs a test, ``""`` if it runs without one.

    Docker runs a test that is a text in a shell; a list of words can name one: ``sh -ec "..."``.
    """
    if words[:1] == ("CMD-SHELL",):
        return "sh"
    for word, after in pairwise(words):
        program = word.rpartition("/")[2]
        if program in _SHELLS and after.startswith("-") and "c" in after:
            return program
    return ""
