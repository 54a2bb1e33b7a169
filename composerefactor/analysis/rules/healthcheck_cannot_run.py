"""A health check uses a program that its image does not contain.

The container stays unhealthy, and services that wait for it never start. The same is true for a
`HEALTHCHECK` in the Dockerfile. Minimal images contain neither curl nor wget, and often no shell;
those that are based on Alpine contain no bash, as a rule. A check that is a text runs with
`/bin/sh`, which is dash or busybox in many images; `/dev/tcp` is a feature of bash, and so are
`[[`, `<<<` and `<(...)`, which dash does not know either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.resources import HealthFacts
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.images.dockerfiles import Chain
from composerefactor.images.health.check import image_lacks
from composerefactor.images.health.probes import PROBES, shell_of

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
    """Yield the checks whose program or shell is known to be missing from the image."""
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
    known = entry.catalog.match(service.image) if service.image else None
    if known is not None and known.has.get("sh") is False:
        return f"image {known.id}", ""
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
