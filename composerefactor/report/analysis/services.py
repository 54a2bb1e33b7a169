"""The sections about services: inventory, topology, dependencies, health, volumes, ports, builds.

Each function returns one section with a table for all start commands; the functions inside them
return the rows of one start command.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping

from composerefactor.analysis.analysis import Analysis
from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.builds import BuildFacts
from composerefactor.analysis.facts.resources import HealthFacts
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.analysis.facts.upkeep import host_needs
from composerefactor.analysis.facts.volumes import StoredData
from composerefactor.analysis.findings import Finding, Severity
from composerefactor.compose.ports import PublishedPort, in_ranges
from composerefactor.compose.sizes import GIB, format_size
from composerefactor.errors import first_of
from composerefactor.images.entries import DEFAULT_TIMES, most_usual
from composerefactor.report.analysis.model import (
    Row,
    Section,
    Table,
    TextBlock,
    code,
    merged,
    ranges,
)
from composerefactor.report.text import counted

_NONE = "-"


def _table(
    architecture: Architecture,
    columns: tuple[str, ...],
    rows: Callable[[InvocationFacts], Iterable[Row]],
    title: str = "",
    spare: tuple[str, ...] = (),
) -> Table:
    all_columns, all_rows = merged(architecture, columns, rows)
    return Table(all_columns, tuple(all_rows), title, frozenset(spare))


def inventory(architecture: Architecture) -> Section:
    """Return the section with all services, and with the services of each category."""

    def rows(entry: InvocationFacts) -> Iterator[Row]:
        for each in entry.services:
            profile = f" (profile {', '.join(each.profiles)})" if each.profiles else ""
            yield (
                each.name,
                each.source,
                ", ".join(port.text for port in in_ranges(each.ports)) or _exposed(each),
                each.purpose + profile,
                each.status_message,
            )

    table = _table(architecture, ("Service", "Image or build", "Ports", "Purpose", "Status"), rows)
    categories = _table(
        architecture, ("Category", "Services"), _by_category, "Services by category"
    )
    return Section(
        "inventory", "Service inventory", (table, categories), empty="There are no services."
    )


def _exposed(service: ServiceFacts) -> str:
    return f"({', '.join(service.exposed)})" if service.exposed else _NONE


def _by_category(entry: InvocationFacts) -> Iterator[Row]:
    groups: dict[str, list[str]] = {}
    for each in entry.services:
        groups.setdefault(f"{each.counts_as}: {each.category}", []).append(each.name)
    for name, services in sorted(groups.items()):
        yield name, ", ".join(services)


def topology(architecture: Architecture) -> Section:
    """Return the section with the networks, and the connections between services."""

    def networks(entry: InvocationFacts) -> Iterator[Row]:
        for each in entry.networks:
            traits = [
                each.driver or "default driver",
                *(["internal"] if each.internal else []),
                *(["external"] if each.external else []),
                *(["not declared"] if not each.declared and not each.implicit else []),
            ]
            yield (
                each.name,
                ", ".join(traits),
                ", ".join(each.subnets) or _NONE,
                ", ".join(each.members) or _NONE,
            )

    def connections(entry: InvocationFacts) -> Iterator[Row]:
        for each in entry.edges:
            yield each.caller, each.callee, ", ".join(each.kinds), str(each.location)

    parts = (
        _table(architecture, ("Network", "Kind", "Subnet", "Services"), networks, "Networks"),
        TextBlock((_NO_SUBNET,) if any(map(_has_free_subnet, architecture.entries)) else ()),
        _table(
            architecture,
            ("Service", "Connects to", "Found in", "Location"),
            connections,
            "Connections",
        ),
    )
    return Section("topology", "Network topology", parts, empty="There are no networks.")


_NO_SUBNET = (
    "Docker chooses a free subnet for a network without one; a fixed one may clash with other "
    "projects."
)


def _has_free_subnet(entry: InvocationFacts) -> bool:
    return any(not each.subnets and not each.external for each in entry.networks)


def dependencies(architecture: Architecture) -> Section:
    """Return the section with dependency matrix, dependency trees and start orders.

    Start commands with the same tree and order share them.
    """

    def matrix(entry: InvocationFacts) -> Iterator[Row]:
        conditions = {(e.caller, e.callee): e.condition for e in entry.edges}
        for name, needs in entry.dependencies.needs.items():
            step = entry.dependencies.step_of(name)
            labels = [_dependency(each, conditions.get((name, each), "")) for each in needs]
            yield name, ", ".join(labels) or _NONE, str(step) if step else "never: a cycle"

    parts: list[Table | TextBlock] = [
        _table(architecture, ("Service", "Depends on", "Step"), matrix, "Dependency matrix")
    ]
    pictures: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = {}
    for number, entry in enumerate(architecture.entries, 1):
        picture = tuple(_tree(entry)), tuple(_order(entry))
        pictures.setdefault(picture, []).append(number)
    for (tree, order), numbers in pictures.items():
        where = f" (start command {ranges(numbers)})" if len(pictures) > 1 else ""
        parts.append(TextBlock(tree, f"Dependency tree{where}", code=True))
        parts.append(TextBlock(order, f"Start order{where}"))
    return Section("dependencies", "Dependencies and start order", tuple(parts))


_CONDITIONS = {
    "service_healthy": "healthy",
    "service_completed_successfully": "completed successfully",
}


def _dependency(name: str, condition: str) -> str:
    return f"{name} ({_CONDITIONS[condition]})" if condition in _CONDITIONS else name


def _tree(entry: InvocationFacts) -> Iterator[str]:
    """Yield the lines of the tree of dependencies; none if there are none."""
    if not any(entry.dependencies.needs.values()):
        return
    conditions = {(e.caller, e.callee): e.condition for e in entry.edges}
    branches = list(entry.dependencies.tree())
    above: list[str] = []
    stems: list[str] = []
    for index, (depth, name, is_repeated) in enumerate(branches):
        del above[depth:], stems[max(depth - 1, 0) :]
        label = _dependency(name, conditions.get((above[-1], name), "")) if above else name
        above.append(name)
        is_last = _is_last(branches, index)
        branch = ("└─ " if is_last else "├─ ") if depth else ""
        yield "".join(stems) + branch + label + (" ..." if is_repeated else "")
        if depth:
            stems.append("   " if is_last else "│  ")


def _is_last(branches: list[tuple[int, str, bool]], index: int) -> bool:
    """Return whether the branch at *index* has no sibling after it."""
    depth = branches[index][0]
    following = (other for other, _, _ in branches[index + 1 :] if other <= depth)
    return next(following, -1) != depth


def _order(entry: InvocationFacts) -> Iterator[str]:
    for number, step in enumerate(entry.dependencies.steps, 1):
        yield f"{number}. {', '.join(step)}"
    for cycle in entry.dependencies.cycles:
        yield f"never: {' -> '.join(cycle)} wait for each other"


def health(architecture: Architecture) -> Section:
    """Return the section with the health check of each service."""

    def rows(entry: InvocationFacts) -> Iterator[Row]:
        for each in entry.health:
            yield (
                each.service,
                _check(each),
                each.interval or _NONE,
                each.timeout or _NONE,
                each.retries or _NONE,
                each.start_period or _NONE,
            )

    columns = ("Service", "Health check", "Interval", "Timeout", "Retries", "Start period")
    intro = "`-` stands for the default: interval 30s, timeout 30s, 3 retries, no start period."
    parts = (
        _table(architecture, columns, rows),
        TextBlock(tuple(dict.fromkeys(filter(None, map(_other_times, architecture.entries))))),
    )
    return Section("health", "Health checks", parts, intro=intro)


_MOST_NAMED = 6


def _other_times(entry: InvocationFacts) -> str:
    """Return which health checks have other times than most of *entry*; ``""`` without a most."""
    times = {
        each.service: tuple(getattr(each, key) or text for key, text in DEFAULT_TIMES.items())
        for each in entry.health
        if each.test
    }
    most = most_usual([*times.values()])
    others = [f"{name} ({', '.join(own)})" for name, own in times.items() if own != most]
    if most is None or not others:
        return ""
    interval, timeout, retries = most
    return (
        f"{len(times) - len(others)} of {len(times)} checks have interval {interval}, timeout "
        f"{timeout} and {retries} retries. Others: {first_of(others, _MOST_NAMED)}. "
        "`fix --unsafe --select add-healthchecks --set add-healthchecks.align=true` makes them "
        "alike, unless they would fail sooner."
    )


def _check(facts: HealthFacts) -> str:
    match facts.state:
        case "written":
            return code(facts.test)
        case "in the image":
            return facts.reason
        case "missing":
            if facts.proposal:
                return f"none; suggested: {code(facts.proposal)}"
            return f"none ({facts.reason})"
        case "off":
            return f"off ({facts.reason})"
        case _:
            return f"not needed: {facts.reason}"


def volumes(architecture: Architecture) -> Section:
    """Return the section with volumes and directories, and whether to back each up."""

    def rows(entry: InvocationFacts) -> Iterator[Row]:
        for each in entry.volumes:
            yield (
                each.name + _traits(each),
                ", ".join(f"{m.service}:{m.target}{':ro' * m.read_only}" for m in each.mounts)
                or _NONE,
                each.content,
                each.backup,
                each.reason,
            )

    columns = ("Volume or directory", "Mounted by", "Content", "Back up", "Reason")
    return Section(
        "volumes",
        "Volumes and backup",
        (_table(architecture, columns, rows, spare=("Reason",)),),
        empty="No volumes or directories are mounted.",
    )


def _traits(each: StoredData) -> str:
    words = [
        *(["external"] if each.external else []),
        *([each.driver] if each.driver and each.driver != "local" else []),
        *(["bind"] if each.kind == "bind" else []),
        *(["not declared"] if not each.declared else []),
    ]
    return f" ({', '.join(words)})" if words else ""


def ports(architecture: Architecture) -> Section:
    """Return the section with all published ports, which must be free, and their conflicts."""

    def rows(entry: InvocationFacts) -> Iterator[Row]:
        word = "conflict, if used together," if entry.invocation.assumed else "CONFLICT"
        conflicting = {
            (c.number, c.protocol, port.service): other.service
            for c in entry.conflicts
            for port, other in ((c.first, c.second), (c.second, c.first))
        }

        def other(each: PublishedPort) -> str:
            return conflicting.get((each.published, each.protocol, each.service), "")

        for each in in_ranges(entry.ports, other):
            yield (
                each.published or "any",
                each.host_ip if each.host_ip and not each.is_open else "all",
                f"{each.service}:{each.target}{'' if each.protocol == 'tcp' else '/udp'}",
                each.written or _NONE,
                f"{word} with {other(each)}" if other(each) else "",
            )

    columns = ("Host port", "Address", "Target", "Variable", "Notes")
    table = _table(architecture, columns, rows)
    ordered = sorted(table.rows, key=lambda row: (not row[0][:1].isdigit(), row[0].zfill(11)))
    parts = (Table(table.columns, tuple(ordered)),)
    return Section("ports", "Ports", parts, empty="No ports are published.")


def resources(architecture: Architecture) -> Section:
    """Return the section with limits and reservations, their sums, and services without limits."""

    def rows(entry: InvocationFacts) -> Iterator[Row]:
        for each in entry.resources:
            row = (
                each.service,
                str(each.replicas),
                _number(each.cpu_limit),
                _size(each.memory_limit),
                _number(each.cpu_reserved),
                _size(each.memory_reserved),
                f"{format_size(each.configured_memory)} ({each.configured_by})"
                if each.configured_memory
                else _NONE,
            )
            if row[1:] != ("1", *[_NONE] * 5):  # the sums name the services without limits
                yield row

    def sums(entry: InvocationFacts) -> Iterator[Row]:
        totals = entry.totals
        if not totals.containers:
            return
        yield (
            counted(totals.containers, "container"),
            _number(totals.cpu_limit or None),
            _size(totals.memory_limit or None),
            _number(totals.cpu_reserved or None),
            _size(totals.memory_reserved or None),
            ", ".join(totals.without_memory) or _NONE,
        )

    parts = (
        *_hosts(architecture.main),
        _table(
            architecture,
            (
                "Service",
                "Replicas",
                "CPU limit",
                "Memory limit",
                "CPU reserved",
                "Memory reserved",
                "Configured memory",
            ),
            rows,
            "Limits and reservations",
        ),
        _table(
            architecture,
            (
                "Sum",
                "CPU limits",
                "Memory limits",
                "CPU reserved",
                "Memory reserved",
                "Without a memory limit",
            ),
            sums,
            "Totals, without services that need a profile",
        ),
    )
    intro = (
        "The host needs this for the services; its own system comes on top. Known are limits and "
        "reservations, what settings claim, and the least that the documentation of an image "
        "names. Assumed is the usual size of such a service, or half of it as the minimum: "
        "compare it with `docker stats`."
    )
    return Section("resources", "Resources", parts, intro)


_MOST_NEEDS = 6


def _hosts(main: InvocationFacts | None) -> Iterator[Table]:
    """Yield what the host must have at least, and what lets each service use all that it may."""
    if main is None:
        return
    rows = []
    for name, needs in zip(("minimum", "recommended"), host_needs(main), strict=True):
        memory = f"{math.ceil(needs.memory / GIB)} GB"
        rows.append((name, memory, str(needs.cpus), _sizes(needs.known), _sizes(needs.assumed)))
    columns = ("Host", "Memory", "CPUs", "Known", "Assumed")
    yield Table(columns, tuple(rows), f"Requirements of the host for `{main.title}`")


def _sizes(sizes: Mapping[str, int]) -> str:
    each = [f"{name} {format_size(size)}" for name, size in sizes.items()]
    return first_of(each, _MOST_NEEDS) or _NONE


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:g}"


def _size(value: int | None) -> str:
    return _NONE if value is None else format_size(value)


_OF_A_BUILD = frozenset({"runs-as-root", "secret-in-image", "secret-file-in-image"})
"""Rules about a Dockerfile and its context, besides those of the area ``builds``."""

_BUILD_RATINGS = {
    Severity.HIGH: "poor",
    Severity.MEDIUM: "fair",
    Severity.LOW: "good",
    Severity.INFO: "good",
}


def builds(analysis: Analysis) -> Section:
    """Return the section with build contexts and Dockerfiles, and a rating of each."""
    about = [
        each
        for each in analysis.findings
        if each.rule in _OF_A_BUILD or analysis.rules[each.rule].area == "builds"
    ]

    def rows(entry: InvocationFacts) -> Iterator[Row]:
        for each in entry.builds:
            yield (
                each.service,
                each.context or "outside this project",
                each.dockerfile
                + (f" ({each.target})" if each.target else "")
                + ("" if each.exists else " (missing)"),
                *_image(each),
                _build_rating(each, about),
            )

    columns = (
        "Service",
        "Context",
        "Dockerfile",
        "Stages",
        "User",
        "HEALTHCHECK",
        "EXPOSE",
        ".dockerignore",
        "Rating",
    )
    table = _table(analysis.architecture, columns, rows)
    intro = (
        "The worst finding about a Dockerfile decides its rating: excellent without any, good with "
        "low ones, fair with medium ones, poor with high ones."
    )
    builds = [each for entry in analysis.architecture.entries for each in entry.builds]
    is_rated = any(each.exists for each in builds)
    has_root = any(each.context in {None, "."} for each in builds)
    note = "No image is built from the root directory: a .dockerignore there would have no effect."
    parts = (table, TextBlock(() if has_root or not builds else (note,)))
    empty = "No images are built."
    return Section("builds", "Builds", parts, intro if is_rated else "", empty)


def _build_rating(each: BuildFacts, about: Iterable[Finding]) -> str:
    """Return the rating of one build as a word with the rules of its findings in *about*."""
    if not each.exists:
        return _NONE
    files = {each.dockerfile, each.location.path}
    own = [
        finding
        for finding in about
        if finding.location == each.copies_context
        or (finding.service == each.service and finding.location.path in files)
    ]
    if not own:
        return "excellent"
    word = _BUILD_RATINGS[max(finding.severity for finding in own)]
    return f"{word} ({', '.join(dict.fromkeys(finding.rule for finding in own))})"


def _image(each: BuildFacts) -> tuple[str, ...]:
    if not each.exists:
        return (_NONE,) * 5
    return (
        " > ".join(each.stages),
        each.user or "root",
        {"": "no", "NONE": "off"}.get(each.healthcheck, each.healthcheck),
        ", ".join(each.exposes) or _NONE,
        each.ignore_file or ("no" if each.context is not None else _NONE),
    )
