"""The sections on services: what they are, how they hang together, what they keep and take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from composerefactor.analysis.facts.architecture import Architecture, EntryArchitecture
from composerefactor.analysis.facts.builds import BuildFacts
from composerefactor.analysis.facts.resources import HealthFacts
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.analysis.facts.volumes import StoredData
from composerefactor.images.memory import shown
from composerefactor.report.analysis.model import Listing, Row, Section, Table, code, merged, ranges

_NONE = "-"


def _table(
    architecture: Architecture,
    columns: tuple[str, ...],
    rows: Callable[[EntryArchitecture], Iterable[Row]],
    title: str = "",
    spare: tuple[str, ...] = (),
) -> Table:
    found_columns, found = merged(architecture, columns, rows)
    return Table(found_columns, tuple(found), title, frozenset(spare))


def inventory(architecture: Architecture) -> Section:
    """Return the service inventory."""

    def rows(entry: EntryArchitecture) -> Iterator[Row]:
        for each in entry.services:
            profile = f" (profile {', '.join(each.profiles)})" if each.profiles else ""
            yield (
                each.name,
                each.source,
                ", ".join(port.text for port in each.ports) or _exposed(each),
                each.purpose + profile,
                each.status_words,
            )

    table = _table(architecture, ("Service", "Image or build", "Ports", "Purpose", "Status"), rows)
    categories = _table(
        architecture, ("Category", "Services"), _by_category, "Services by category"
    )
    return Section(
        "inventory", "Service inventory", (table, categories), empty="There is no service."
    )


def _exposed(service: ServiceFacts) -> str:
    return f"({', '.join(service.exposed)})" if service.exposed else _NONE


def _by_category(entry: EntryArchitecture) -> Iterator[Row]:
    groups: dict[str, list[str]] = {}
    for each in entry.services:
        groups.setdefault(f"{each.counts_as}: {each.category}", []).append(each.name)
    for name, services in sorted(groups.items()):
        yield name, ", ".join(services)


def topology(architecture: Architecture) -> Section:
    """Return the networks, and who talks to whom."""

    def networks(entry: EntryArchitecture) -> Iterator[Row]:
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
                ", ".join(each.subnets) or "by Docker",
                ", ".join(each.members) or _NONE,
            )

    def talks(entry: EntryArchitecture) -> Iterator[Row]:
        for each in entry.edges:
            yield each.caller, each.callee, ", ".join(each.kinds), str(each.location)

    parts = (
        _table(architecture, ("Network", "Kind", "Subnet", "Services"), networks, "Networks"),
        _table(architecture, ("Service", "Needs", "Known by", "Place"), talks, "Who needs whom"),
    )
    return Section("topology", "Network topology", parts, empty="There is no network.")


def dependencies(architecture: Architecture) -> Section:
    """Return the dependency matrix, and for each entry point the tree and the start order."""

    def matrix(entry: EntryArchitecture) -> Iterator[Row]:
        conditions = {(e.caller, e.callee): e.condition for e in entry.edges}
        for name, needs in entry.dependencies.needs.items():
            step = entry.dependencies.step_of(name)
            words = [_needed(each, conditions.get((name, each), "")) for each in needs]
            yield name, ", ".join(words) or _NONE, str(step) if step else "never: a cycle"

    parts: list[Table | Listing] = [
        _table(architecture, ("Service", "Depends on", "Step"), matrix, "Dependency matrix")
    ]
    pictures: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = {}
    for number, entry in enumerate(architecture.entries, 1):
        picture = tuple(_tree(entry)), tuple(_order(entry))
        pictures.setdefault(picture, []).append(number)
    for (tree, order), numbers in pictures.items():
        where = f" (entry point {ranges(numbers)})" if len(pictures) > 1 else ""
        parts.append(Listing(tree, f"Dependency tree{where}", code=True))
        parts.append(Listing(order, f"Start order{where}"))
    return Section("dependencies", "Dependencies and start order", tuple(parts))


_CONDITIONS = {"service_healthy": "healthy", "service_completed_successfully": "ended well"}


def _needed(name: str, condition: str) -> str:
    return f"{name} ({_CONDITIONS[condition]})" if condition in _CONDITIONS else name


def _tree(entry: EntryArchitecture) -> Iterator[str]:
    conditions = {(e.caller, e.callee): e.condition for e in entry.edges}
    found = list(entry.dependencies.tree())
    above: list[str] = []
    stems: list[str] = []
    for at, (depth, name, is_repeated) in enumerate(found):
        del above[depth:], stems[max(depth - 1, 0) :]
        label = _needed(name, conditions.get((above[-1], name), "")) if above else name
        above.append(name)
        is_last = _is_last(found, at)
        branch = ("└─ " if is_last else "├─ ") if depth else ""
        yield "".join(stems) + branch + label + (" ..." if is_repeated else "")
        if depth:
            stems.append("   " if is_last else "│  ")


def _is_last(found: list[tuple[int, str, bool]], at: int) -> bool:
    """Return whether no brother of the branch *at* comes after it."""
    depth = found[at][0]
    after = (other for other, _, _ in found[at + 1 :] if other <= depth)
    return next(after, -1) != depth


def _order(entry: EntryArchitecture) -> Iterator[str]:
    for number, step in enumerate(entry.dependencies.steps, 1):
        yield f"{number}. {', '.join(step)}"
    for cycle in entry.dependencies.cycles:
        yield f"never: {' -> '.join(cycle)} wait for each other"


def health(architecture: Architecture) -> Section:
    """Return the health check table."""

    def rows(entry: EntryArchitecture) -> Iterator[Row]:
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
    intro = (
        "`-` stands for the engine's default: every 30s, timeout 30s, 3 retries, no start period."
    )
    return Section("health", "Health checks", (_table(architecture, columns, rows),), intro=intro)


def _check(found: HealthFacts) -> str:
    match found.state:
        case "written":
            return code(found.test)
        case "in the image":
            return found.reason
        case "missing":
            can = f"none; could be {code(found.proposal)}" if found.proposal else "none"
            return can if found.proposal else f"none ({found.reason})"
        case "off":
            return f"off ({found.reason})"
        case _:
            return f"none needed: {found.reason}"


def volumes(architecture: Architecture) -> Section:
    """Return what is kept where, and whether to back it up."""

    def rows(entry: EntryArchitecture) -> Iterator[Row]:
        for each in entry.volumes:
            yield (
                each.name + _traits(each),
                ", ".join(f"{m.service}:{m.target}{':ro' * m.read_only}" for m in each.mounts)
                or _NONE,
                each.holds,
                each.backup,
                each.why,
            )

    columns = ("Volume or directory", "Mounted by", "Holds", "Back up", "Why")
    return Section(
        "volumes",
        "Volumes and backup",
        (_table(architecture, columns, rows, spare=("Why",)),),
        empty="Nothing is kept.",
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
    """Return the port matrix of all files, with what conflicts."""

    def rows(entry: EntryArchitecture) -> Iterator[Row]:
        word = "conflict, if used together," if entry.entry.assumed else "CONFLICT"
        bad = {
            (c.number, c.protocol, port.service): other.service
            for c in entry.conflicts
            for port, other in ((c.first, c.second), (c.second, c.first))
        }
        for each in entry.ports:
            other = bad.get((each.published, each.protocol, each.service), "")
            yield (
                each.published or "any",
                each.host_ip if each.host_ip and not each.is_open else "all",
                f"{each.service}:{each.target}{'' if each.protocol == 'tcp' else '/udp'}",
                each.written or _NONE,
                f"{word} with {other}" if other else "",
            )

    columns = ("Host port", "Address", "Goes to", "Variable", "Notes")
    table = _table(architecture, columns, rows)
    ordered = sorted(table.rows, key=lambda row: (not row[0][:1].isdigit(), row[0].zfill(11)))
    numbers = " ".join(dict.fromkeys(row[0] for row in ordered if row[0][:1].isdigit()))
    parts: list[Table | Listing] = [Table(table.columns, tuple(ordered))]
    if numbers:
        parts.append(Listing((numbers,), "Ports that must be free on the host"))
    return Section("ports", "Ports", tuple(parts), empty="No port is published.")


def resources(architecture: Architecture) -> Section:
    """Return limits and reservations, and their sums against what is without."""

    def rows(entry: EntryArchitecture) -> Iterator[Row]:
        for each in entry.resources:
            yield (
                each.service,
                str(each.replicas),
                _number(each.cpu_limit),
                _size(each.memory_limit),
                _number(each.cpu_reserved),
                _size(each.memory_reserved),
                f"{shown(each.needs)} ({each.needs_by})" if each.needs else _NONE,
            )

    def sums(entry: EntryArchitecture) -> Iterator[Row]:
        found = entry.totals
        yield (
            f"{found.containers} containers",
            _number(found.cpu_limit or None),
            _size(found.memory_limit or None),
            _number(found.cpu_reserved or None),
            _size(found.memory_reserved or None),
            ", ".join(found.without_memory) or _NONE,
        )

    parts = (
        _table(
            architecture,
            (
                "Service",
                "Replicas",
                "CPU limit",
                "Memory limit",
                "CPU reserved",
                "Memory reserved",
                "Told to use",
            ),
            rows,
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
            "Totals without services of profiles",
        ),
    )
    return Section("resources", "Resources", parts)


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:g}"


def _size(value: int | None) -> str:
    return _NONE if value is None else shown(value)


def builds(architecture: Architecture) -> Section:
    """Return what is built from what, and how the images are made."""

    def rows(entry: EntryArchitecture) -> Iterator[Row]:
        for each in entry.builds:
            yield (
                each.service,
                each.context or "elsewhere",
                each.dockerfile + (f" ({each.target})" if each.target else ""),
                *_image(each),
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
    )
    return Section(
        "builds",
        "Builds",
        (_table(architecture, columns, rows),),
        empty="No image is built here.",
    )


def _image(each: BuildFacts) -> tuple[str, ...]:
    if not each.is_there:
        return ("not here", _NONE, _NONE, _NONE, _NONE)
    return (
        " > ".join(each.stages),
        each.user or "root",
        {"": "no", "NONE": "off"}.get(each.healthcheck, each.healthcheck),
        ", ".join(each.exposes) or _NONE,
        each.ignore_file or ("no" if each.context is not None else _NONE),
    )
