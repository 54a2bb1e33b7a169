"""What keeps a stack running: restarts, limits, logs, replicas and tags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Severity
from composerefactor.analysis.rule import Occurrence, rule
from composerefactor.compose.definitions import Value
from composerefactor.compose.image_references import parse_image
from composerefactor.compose.one_off import reason_it_may_exit
from composerefactor.compose.service_values import Logging
from composerefactor.compose.services import Service
from composerefactor.compose.sizes import format_size
from composerefactor.images.lookup import removed_options
from composerefactor.images.stop_signals import LostSignal, is_killed, lost_signal

_RESTARTS = (("restart",), ("deploy", "restart_policy", "condition"))
_MEMORY_LIMITS = (("mem_limit",), ("deploy", "resources", "limits", "memory"))
"""The attributes that set a restart policy and a memory limit."""


def _is_variable(service: Service, path: tuple[str, ...]) -> bool:
    """Return whether *service* leaves an attribute to a variable without a value in the project."""
    node = service.value(path[0])
    for key in path[1:]:
        node = node.below(key) if node is not None else None
    return node is not None and node.written is not None and node.known_text is None


@rule(
    Severity.LOW,
    "reliability",
    transform="add-restart-policy",
    strength="Every long-running service is restarted when it fails.",
)
def missing_restart_policy(architecture: Architecture) -> Iterator[Occurrence]:
    """A service has no restart policy.

    Without `restart` the service stays down after a crash of the container or a reboot of the
    machine.
    """
    for entry in architecture.entries:
        for service in entry.services:
            has_container = service.name not in entry.model.without_container
            if service.restart or service.one_off or service.profiles or not has_container:
                continue
            if architecture.is_short_lived(service.location.path):
                continue
            definition = entry.model.services[service.name]
            if any(_is_variable(definition, path) for path in _RESTARTS):
                continue
            if reason_it_may_exit(entry.model, service.name) is None:
                yield Occurrence(
                    f"{service.name} has no restart policy", service.location, service.name
                )


@rule(
    Severity.LOW,
    "reliability",
    transform="add-resource-limits",
    strength="Every service has a memory limit.",
)
def missing_memory_limit(architecture: Architecture) -> Iterator[Occurrence]:
    """A service has no memory limit.

    A leak in it can take down all other services of the machine. The sizes that `composerefactor
    fix --unsafe` adds are a start: compare them with `docker stats`.
    """
    for entry in architecture.entries:
        for service, resource in zip(entry.services, entry.resources, strict=True):
            if architecture.is_short_lived(service.location.path):
                continue
            is_needed = service.name not in entry.model.without_container and not service.one_off
            definition = entry.model.services[service.name]
            is_variable = any(_is_variable(definition, path) for path in _MEMORY_LIMITS)
            if resource.memory_limit is None and is_needed and not is_variable:
                yield Occurrence(
                    f"{service.name} has no memory limit", service.location, service.name
                )


_ROOM = 1.1
"""A program needs some memory in addition to what is configured."""


@rule(Severity.HIGH, "reliability")
def limit_below_need(architecture: Architecture) -> Iterator[Occurrence]:
    """A service is configured to use more memory than its limit.

    A Java heap or a database cache that does not fit into the limit ends in an out-of-memory kill.
    """
    for entry in architecture.entries:
        for resource in entry.resources:
            limit, configured = resource.memory_limit, resource.configured_memory
            if limit is not None and configured is not None and configured * _ROOM > limit:
                yield Occurrence(
                    f"{resource.service} is limited to {format_size(limit)}, but "
                    f"{resource.configured_by} alone is {format_size(configured)}",
                    resource.location,
                    resource.service,
                    remedy="raise the limit, or lower the configured memory",
                    severity=None if configured > limit else Severity.MEDIUM,
                )


@rule(
    Severity.LOW,
    "reliability",
    transform="add-logging",
    strength="The logs of all services are rotated.",
)
def unbounded_logs(architecture: Architecture) -> Iterator[Occurrence]:
    """The log of a service is not rotated.

    The json-file driver, Docker's default, keeps everything until the disk is full. A daemon with
    its own log rotation needs no change here.
    """
    for entry in architecture.entries:
        for service in entry.services:
            logging = entry.model.services[service.name].logging
            is_short_lived = architecture.is_short_lived(service.location.path)
            if is_short_lived or (logging is not None and _rotates(logging)):
                continue
            may_exit = reason_it_may_exit(entry.model, service.name)
            if service.name not in entry.model.without_container and not may_exit:
                yield Occurrence(
                    f"the log of {service.name} is not rotated",
                    logging.location if logging else service.location,
                    service.name,
                    remedy="add the option max-size to its logging" if logging else "",
                    is_fixable=logging is None,
                )


def _rotates(logging: Value[Logging]) -> bool:
    """Return whether *logging* may limit what Docker keeps; other drivers than json-file do."""
    driver = logging.at.below("driver")
    is_default = logging.value.driver in {"", "json-file"}
    is_unknown = driver is not None and driver.known_text is None
    return is_unknown or not is_default or "max-size" in logging.value.options


@rule(Severity.HIGH, "configuration")
def replicas_with_fixed_name(architecture: Architecture) -> Iterator[Occurrence]:
    """A service with several replicas has a fixed port or container name.

    The second container cannot start: a host port and a container name can each be used only once.
    Files for Docker Swarm are exempt: it publishes a port once for all replicas, and ignores
    `container_name` (Docker documentation, "Compose file reference 3").
    """
    for entry in architecture.certain:
        if architecture.is_for_swarm(entry):
            continue
        for resource in entry.resources:
            service = entry.service(resource.service)
            if service is None or resource.replicas < 2:  # noqa: PLR2004 - more than one
                continue
            fixed = [port for port in service.ports if port.published.isdigit()]
            single = f"container name {service.container_name}" if service.container_name else ""
            single = single or (f"host port {fixed[0].published}" if fixed else "")
            if single:
                yield Occurrence(
                    f"{service.name} has {resource.replicas} replicas, but the fixed {single}",
                    service.location,
                    service.name,
                    remedy="remove container_name, or let Docker choose the port",
                )


_SWARM_TEMPLATE = r"\{\{\s*\.(?:Task|Node|Service)\.\w+\s*\}\}"
"""A template that Docker Swarm fills in for each container (Docker documentation)."""


@rule(Severity.MEDIUM, "configuration")
def swarm_template(architecture: Architecture) -> Iterator[Occurrence]:
    """A variable has a template of Docker Swarm, which Docker Compose does not fill in.

    Docker Swarm replaces `{{.Task.Slot}}` by the number of the container. With Docker Compose every
    container gets this text as it is (seen with v5.6.1), so an id made of it is not unique. The
    variable `HOSTNAME`, which Docker sets in each container, is.
    """
    for entry in architecture.certain:
        if architecture.is_for_swarm(entry):
            continue
        for service in entry.model.services.values():
            for name, setting in service.pairs("environment").items():
                found = re.search(_SWARM_TEMPLATE, setting.value or "")
                if found is not None:
                    yield Occurrence(
                        f"{name} of {service.name} contains {found[0]}, which Docker Compose does "
                        "not fill in",
                        setting.location,
                        service.name,
                        name,
                        "let the program use HOSTNAME, which is another in each container",
                    )


_FLOATING = frozenset({None, "latest", "main", "master", "edge", "nightly", "dev"})


@rule(Severity.LOW, "configuration", strength="Every image has a fixed version.")
def floating_tag(architecture: Architecture) -> Iterator[Occurrence]:
    """An image has no fixed version.

    `latest`, or no tag, may be another image tomorrow: two machines run different software, and
    nobody can go back.
    """
    for entry in architecture.entries:
        for service in entry.services:
            if service.build is not None or not service.image or service.image_location is None:
                continue
            reference = parse_image(service.image)
            if reference.digest or "$" in service.image or reference.tag not in _FLOATING:
                continue
            yield Occurrence(
                f"{service.name} uses {service.image}, which has no fixed version",
                service.image_location,
                service.name,
                reference.name,
                "pin the version that runs now",
            )


@rule(Severity.HIGH, "reliability")
def removed_option(architecture: Architecture) -> Iterator[Occurrence]:
    """A server gets an option that its version no longer supports.

    It exits at once, with an error such as ``unknown variable``. A tag such as ``latest`` gets
    there by itself: MySQL knows ``--default-authentication-plugin`` up to 8.3 only.
    """
    for entry in architecture.entries:
        for service in entry.services:
            definition = entry.model.services[service.name]
            command = definition.command or definition.entrypoint
            for option, removed in removed_options(definition, entry.catalog):
                yield Occurrence(
                    f"{service.name} does not start: {service.image} does not know {option}",
                    command.location if command else service.location,
                    service.name,
                    option,
                    removed.remedy,
                )


_DEFAULT_PERIOD = "10 s"


@rule(Severity.LOW, "reliability", transform="pass-stop-signal")
def lost_stop_signal(architecture: Architecture) -> Iterator[Occurrence]:
    """The program of a service does not get the stop signal.

    Docker signals the first process of the container, and kills all of them after the grace period.
    If the first process is a shell that waits for the program, as that of Debian does with `sh -c
    "migrate && start"`, the program never gets it: each stop takes 10 seconds, and requests that
    are under way are cut off. With `exec` before it, the program takes the place of the shell.
    """
    for entry in architecture.entries:
        for service in entry.services:
            if architecture.is_short_lived(service.location.path):
                continue
            definition = entry.model.services[service.name]
            if is_killed(definition) or reason_it_may_exit(entry.model, service.name) is not None:
                continue
            lost = lost_signal(architecture.project, definition)
            if lost is None:
                continue
            period = definition.stop_grace_period
            after = f"after {period.value if period else _DEFAULT_PERIOD}"
            end = "at once" if lost.has_init or lost.reason == "npm" else after
            yield Occurrence(
                f"{service.name} is killed {end} when it stops: {_loss(lost)}",
                lost.location,
                service.name,
                remedy=_remedy(lost),
                is_fixable=lost.takes_exec and lost.location.path in architecture.project.files,
            )


def _loss(lost: LostSignal) -> str:
    if lost.reason == "loop":
        return f"{lost.shell} ignores the stop signal in its loop"
    return f"{lost.shell} does not pass the stop signal on to {lost.program}"


def _remedy(lost: LostSignal) -> str:
    match lost.reason:
        case "npm":
            return f"start {lost.program} without npm"
        case "loop":
            return "begin the command with: trap exit TERM;" if lost.has_init else "set init: true"
        case "pipe":
            return f"start {lost.program} with exec, and without the pipe"
    if lost.starts_others:
        return f"start with exec what {lost.program} runs"
    init = " and init: true" if lost.runs_script and not lost.has_init else ""
    return f"start it with exec{init}"
