"""Health checks: missing ones, those that say nothing, and who waits for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.resources import HealthFacts
from composerefactor.analysis.facts.services import Edge, ServiceFacts
from composerefactor.analysis.findings import Severity
from composerefactor.analysis.rule import Occurrence, rule
from composerefactor.compose.one_off import reason_it_may_exit
from composerefactor.errors import Location
from composerefactor.images.catalog import Catalog
from composerefactor.images.connections import can_start_first
from composerefactor.images.dockerfiles import Chain
from composerefactor.images.health.built import INHERITED
from composerefactor.images.health.check import image_lacks, reports_health
from composerefactor.images.health.probes import PROBES, shell_of


@rule(
    Severity.MEDIUM,
    "reliability",
    transform="add-healthchecks",
    strength="Every long-running service has a health check.",
)
def missing_healthcheck(architecture: Architecture) -> Iterator[Occurrence]:
    """A service has no health check.

    Without one, Docker considers a container healthy as soon as its process runs: services that
    depend on it start too early, and nothing notices when it hangs. Where the image is known, or
    its Dockerfile is in the project, `composerefactor fix --unsafe` adds a check that can run in
    it.
    """
    for entry in architecture.entries:
        needed = {edge.callee for edge in entry.edges}
        for health in entry.health:
            service = entry.service(health.service)
            is_known = service is not None and (service.image or service.build is not None)
            if health.state != "missing" or not is_known:
                continue
            if reason_it_may_exit(entry.model, health.service):
                continue
            reason = "" if health.proposal else f": {health.reason}"
            lacks = "is never healthy" if INHERITED in reason else "has no health check"
            yield Occurrence(
                f"{health.service} {lacks}{reason}",
                health.location,
                health.service,
                remedy=health.remedy,
                severity=None if health.service in needed else Severity.LOW,
                is_fixable=bool(health.proposal),
            )


@rule(Severity.LOW, "reliability")
def healthcheck_off(architecture: Architecture) -> Iterator[Occurrence]:
    """A health check is disabled.

    Docker then does not notice when the service hangs, even where its image has a check. A task
    that ends needs none.
    """
    for entry in architecture.entries:
        tasks = {service.name for service in entry.services if service.one_off}
        for health in entry.health:
            if health.state == "off" and health.service not in tasks:
                yield Occurrence(
                    f"the health check of {health.service} is disabled",
                    health.location,
                    health.service,
                )


_SUCCEEDS = r"(?:true|:|exit\s+0|(?:echo|printf)\b[^|&;>]*)"
_ALWAYS_PASSES = re.compile(
    rf"(?:^|\|\||;)\s*(?P<end>{_SUCCEEDS})\s*;?\s*[\"']?\s*\Z", re.IGNORECASE
)
_MAY_FAIL = re.compile(r"\b(?:exit\s+(?:[1-9]|\$)|false|kill|set\s+-\w*e)")


@rule(Severity.MEDIUM, "reliability")
def healthcheck_never_fails(architecture: Architecture) -> Iterator[Occurrence]:
    """A health check passes whatever it finds.

    It ends with a command that always succeeds, such as `|| echo "not ready"` or `|| true`. Docker
    looks at the exit code alone: the service is healthy from the first check on, and what waits for
    it starts too early.
    """
    for entry in architecture.entries:
        for service in entry.model.services.values():
            check = service.healthcheck
            text = _script(check.value.test) if check is not None else ""
            found = None if _MAY_FAIL.search(text) else _ALWAYS_PASSES.search(text)
            if check is not None and found:
                test = check.at.below("test")
                yield Occurrence(
                    f"the health check of {service.name} always passes: "
                    f"it ends with {found['end'].split()[0]}",
                    test.location if test else check.location,
                    service.name,
                    remedy="end it with || exit 1",
                )


def _script(test: Sequence[str]) -> str:
    """Return the script of a health check, or its command if no shell runs it.

    Without a shell, ``|| true`` is an argument like others: the check never passes.
    """
    runs_shell = test[:1] == ("CMD-SHELL",) or "-c" in test
    return " ".join(test[1:]) if runs_shell else "".join(test[1:2]).partition(" ")[0]


_CHECKS = {"written": "health check", "in the image": "HEALTHCHECK in the Dockerfile"}
"""The health checks that can be read, by their state, and what a message calls them."""

_ONLY_IN_BASH = re.compile(
    r"""(?P<device>/dev/(?:tcp|udp)/)
    |(?P<test>(?:^|[;&|({!]|\b(?:if|while|until|then|do|else)\s)\s*\[\[\s)
    |(?P<here><<<)
    |(?P<process>(?<=\s)[<>]\()""",
    re.VERBOSE,
)
"""What dash takes for a file or a program, or does not parse. Busybox knows all but the devices."""

_WORDS = {"test": "[[", "here": "<<<", "process": "<(...)"}


@rule(Severity.HIGH, "reliability")
def healthcheck_cannot_run(architecture: Architecture) -> Iterator[Occurrence]:
    """A health check uses a program that its image does not contain.

    The container stays unhealthy, and services that wait for it never start. The same is true for a
    `HEALTHCHECK` in the Dockerfile. Minimal images contain neither curl nor wget, and often no
    shell; those that are based on Alpine contain no bash, as a rule. A check that is a text runs
    with `/bin/sh`, which is dash or busybox in many images; `/dev/tcp` is a feature of bash, and so
    are `[[`, `<<<` and `<(...)`, which dash does not know either.
    """
    for entry in architecture.entries:
        for health in entry.health:
            if health.state not in _CHECKS:
                continue
            problem, program, remedy = _shell_problem(entry, health)
            image = _image_without(entry, health.service, health.program)
            if image and not problem:
                program = health.program
                problem = f"uses {program}, which {image} does not contain"
                remedy = "use a program that the image contains, or install it in the Dockerfile"
            if problem:
                yield Occurrence(
                    f"the {_CHECKS[health.state]} of {health.service} {problem}",
                    health.location,
                    health.service,
                    program,
                    remedy,
                )


def _shell_problem(entry: InvocationFacts, health: HealthFacts) -> tuple[str, str, str]:
    """Return why the shell of the image cannot run the check *health*.

    The result is the problem, the program and the remedy; empty texts if there is no problem.
    """
    if not health.shell or health.shell == "bash":
        return "", "", ""
    image, shell = _shell(entry, health.service)
    if shell == "":
        remedy = 'write ["CMD", ...] with a program that the image contains'
        return f"is a shell command, but {image} contains no /bin/sh", "sh", remedy
    if health.shell != "sh" and shell is not None:
        shell = health.shell
    found = _ONLY_IN_BASH.search(health.test)
    if found is None or shell in {None, "bash"} or "bash" in health.test[: found.start()]:
        return "", "", ""
    if shell == "ash" and found.lastgroup != "device":
        return "", "", ""
    used = _WORDS.get(found.lastgroup or "", found[0].rstrip("/"))
    remedy = 'write ["CMD", "bash", "-c", ...], if the image contains bash'
    return f"uses {used}, which {shell}, the shell of {image}, does not know", "sh", remedy


def _shell(entry: InvocationFacts, name: str) -> tuple[str, str | None]:
    """Return the image of service *name* in words, and its shell as :func:`shell_of` does."""
    service = entry.service(name)
    if service is None:
        return "", None
    if service.build is not None:
        return f"its image (built from {service.build.base})", service.build.shell
    if service.image and image_lacks(service.image, "sh", entry.catalog):
        return f"image {service.image}", ""
    return f"image {service.image}", shell_of(Chain(service.image, ()))


def _image_without(entry: InvocationFacts, name: str, program: str) -> str:
    """Return the image in words if it is known not to contain *program*, otherwise ``""``."""
    service = entry.service(name)
    if service is None or program not in PROBES:
        return ""
    if service.build is not None:
        is_missing = program in service.build.lacks
        return f"its image (built from {service.build.base})" if is_missing else ""
    if not service.image or not image_lacks(service.image, program, entry.catalog):
        return ""
    return f"image {service.image}"


@rule(Severity.LOW, "reliability", transform="wait-for-healthy")
def starts_too_early(architecture: Architecture) -> Iterator[Occurrence]:
    """A service starts before its dependency is ready.

    `depends_on` alone waits until the other container has started, not until its server answers.
    With `condition: service_healthy` Docker Compose waits for the health check. Monitoring, a proxy
    of several services, and the nodes of a cluster are right not to wait, and `condition:
    service_started` is a decision.
    """
    found: list[Occurrence] = []
    unreliable: set[Location] = set()
    for entry in architecture.entries:
        for edge in entry.edges:
            if not _is_early(entry, edge):
                continue
            if not reports_health(architecture.project, entry.model, edge.callee, entry.catalog):
                unreliable.add(edge.location)
            message = f"{edge.caller} does not wait until {edge.callee} is healthy"
            found.append(Occurrence(message, edge.location, edge.caller, edge.callee))
    yield from (each for each in found if each.location not in unreliable)


def _is_early(entry: InvocationFacts, edge: Edge) -> bool:
    """Return whether the caller of *edge* should wait for the health check, and does not."""
    health = entry.health_of(edge.callee)
    if edge.condition != "service_started" or health is None or not health.is_checked:
        return False
    if reason_it_may_exit(entry.model, edge.callee):
        return False  # it does not serve anyone
    dependency = entry.model.services[edge.caller].depends_on.get(edge.callee)
    if dependency is not None and dependency.at.below("condition") is not None:
        return False  # `condition: service_started` is the owner's decision
    return not can_start_first(entry.model, edge.caller, edge.callee)


@rule(Severity.HIGH, "reliability", transform="add-healthchecks")
def waits_for_unchecked_service(architecture: Architecture) -> Iterator[Occurrence]:
    """A service waits for the health of a service without a health check.

    Docker Compose stops with "container has no healthcheck configured": the whole start fails. An
    image whose content is unknown may have one, so nothing is reported then.
    """
    for entry in architecture.certain:
        for edge in entry.edges:
            health = entry.health_of(edge.callee)
            if edge.condition != "service_healthy" or health is None or health.is_checked:
                continue
            service = entry.service(edge.callee)
            if service is None or not _is_known(service, entry.catalog):
                continue
            yield Occurrence(
                f"{edge.caller} waits until {edge.callee} is healthy, "
                f"but {edge.callee} has no health check",
                edge.location,
                edge.caller,
                edge.callee,
                f"give {edge.callee} a health check",
                is_fixable=bool(health.proposal),
            )


def _is_known(service: ServiceFacts, catalog: Catalog) -> bool:
    """Return whether it is known if the image of *service* has a health check."""
    if service.build is not None:
        return service.build.exists and service.build.base != ""
    return bool(service.image) and catalog.match(service.image) is not None
