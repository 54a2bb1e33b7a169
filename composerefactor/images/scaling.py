"""What keeps a service from having several containers, and what then spreads the requests.

:func:`obstacles` says what is in the way, :func:`proxies_of` which proxies of the project the
clients of a service use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from composerefactor.compose.definitions import LocatedNode, text_of
from composerefactor.compose.hosts import name_words
from composerefactor.compose.one_off import one_off
from composerefactor.compose.paths import is_absolute
from composerefactor.compose.services import Service, StartModel
from composerefactor.errors import Location
from composerefactor.images.catalog import catalog_of, service_placement
from composerefactor.images.connections import Connection

STORE = "its data: it needs replication of its own"

_SCHEDULER_NAMES = frozenset({"scheduler", "beat", "cron", "crond", "clock"})
_SCHEDULER = (
    r"\bcelery\b.*\bbeat\b|\bcrond?\b|\bschedule:work\b|\brqscheduler\b|\bsupercronic\b|\bofelia\b"
    r"|\bclockwork\b"
)
"""In a command: a program that starts tasks at certain times."""
_MIGRATION = (
    r"\balembic\s+upgrade|\bmanage\.py\s+migrate|\bdb:(?:migrate|prepare|setup)"
    r"|\bprisma\s+(?:migrate|db\s+push)|\bartisan\s+migrate|\bmigration:run|\bsequelize\s+db:migrate"
    r"|\bknex\s+migrate|\bflask\s+db\s+upgrade"
)
"""In a command, before the server starts: a change of the database."""
_OF_THE_SYSTEM = ("/etc/", "/proc", "/sys", "/dev", "/var/run/", "/run/", "/usr/", "/lib/")
"""Directories of the host that contain no data of a service."""
_DATA = frozenset(
    {"data", "uploads", "media", "storage", "logs", "log", "volumes", "db", "temp", "tmp"}
)
"""Names of directories that the program of a container writes."""
_ADDRESSES = ("ipv4_address", "ipv6_address", "mac_address")
_JOINED = ("network_mode", "pid", "ipc")

Kind = Literal["name", "port", "place", "data", "task"]


class Obstacle(Struct, frozen=True):
    """What keeps a second container of a service from starting, or from doing what it should.

    Attributes:
        kind: A fixed ``name`` of the container; a fixed ``port`` of the host; a fixed ``place`` in
            a network; ``data`` that several containers would write; a ``task`` that must run once.
        text: What it is, in words.
        remedy: What removes it.
        location: The place that decides it.
        at: The value of a name or a port.
    """

    kind: Kind
    text: str
    remedy: str
    location: Location
    at: LocatedNode | None = None


def obstacles(model: StartModel, service: Service) -> Iterator[Obstacle]:
    """Yield what keeps *service* of *model* from having several containers."""
    if service_placement(service, catalog_of(model)).counts_as == "data stores":
        yield Obstacle("data", STORE, "see High availability in the report", service.location)
        return
    ends = one_off(model, service.name)
    if ends is not None:
        reason, location = ends.reasons[0]
        yield Obstacle("task", f"it ends by itself ({reason})", "run it once", location)
    if service.container_name is not None:
        name = service.container_name
        text = f"container name {name.value}"
        yield Obstacle("name", text, "remove container_name", name.location, name.at)
    yield from _ports(service)
    yield from _places(model, service)
    yield from _shared_data(service)
    yield from _tasks(service)


def _ports(service: Service) -> Iterator[Obstacle]:
    """Yield the ports that only one container can publish."""
    remedy = "put a proxy in front and publish its port alone, or let Docker choose the port"
    numbers: dict[str, Obstacle] = {}
    for port in service.ports:
        number = port.value.published or ""
        if number.isdigit() and number not in numbers:
            numbers[number] = Obstacle(
                "port", f"host port {number}", remedy, port.location, port.at
            )
    found = [*numbers.values()]
    if len(found) > _MOST_PORTS:
        first, last = found[0], found[-1]
        text = f"host ports {first.text.rpartition(' ')[2]} to {last.text.rpartition(' ')[2]}"
        found = [Obstacle("place", text, remedy, first.location)]
    yield from found


_MOST_PORTS = 10
"""More ports are one obstacle: a media server publishes thousands."""


def _places(model: StartModel, service: Service) -> Iterator[Obstacle]:
    """Yield what gives the container of *service* a place that no second one can have."""
    mode = service.network_mode
    if text_of(mode) == "host" and mode is not None:
        text = "the network of the host"
        yield Obstacle("place", text, "use a network of the project", mode.location)
    elif text_of(mode).startswith(("service:", "container:")) and mode is not None:
        text, remedy = f"the network of {mode.value.partition(':')[2]}", "scale both apart"
        yield Obstacle("place", text, remedy, mode.location)
    for other in model.services.values():
        for node in (node for key in _JOINED for node in other.values(key)):
            if node.text == f"service:{service.name}":
                text = f"{other.name}, which joins one container"
                yield Obstacle("place", text, f"let {other.name} use the network", node.location)
    for name, network in service.networks.items():
        for key in _ADDRESSES:
            address = network.at.below(key)
            if address is not None:
                text = f"{key} on {name}"
                yield Obstacle("place", text, f"remove {key}", address.location)
    if service.hostname is not None:
        text = f"host name {service.hostname.value}"
        yield Obstacle("place", text, "remove hostname", service.hostname.location)


def _shared_data(service: Service) -> Iterator[Obstacle]:
    """Yield the volumes and directories that all containers would write."""
    remedy = "keep it in a data store, or make sure that several containers may write it"
    for mount in service.volumes:
        text = mount.value
        if text.read_only or not text.source or text.is_docker_socket:
            continue
        if text.kind == "volume":
            yield Obstacle("data", f"shared volume {text.source}", remedy, mount.location)
        elif text.kind == "bind" and _is_data(text.source):
            yield Obstacle("data", f"shared directory {text.source}", remedy, mount.location)


def _is_data(source: str) -> bool:
    """Return whether the path *source* of the host is one of data, not of settings or code."""
    if is_absolute(source):
        return not f"{source}/".startswith(_OF_THE_SYSTEM)
    return not _DATA.isdisjoint(source.split("/"))


def _tasks(service: Service) -> Iterator[Obstacle]:
    """Yield the tasks of *service* that would run once for each container."""
    words = [w for value in (service.entrypoint, service.command) if value for w in value.value]
    command = " ".join(words)
    location = next((v.location for v in (service.command, service.entrypoint) if v), None)
    at = location or service.location
    if re.search(_SCHEDULER, command) or not _SCHEDULER_NAMES.isdisjoint(name_words(service.name)):
        yield Obstacle("task", "it starts tasks, and each would run twice", "keep one", at)
    elif re.search(_MIGRATION, command):
        remedy = "migrate in a service of its own for which this one waits"
        text = "its command migrates the database, which several would do at once"
        yield Obstacle("task", text, remedy, at)


def proxies_of(model: StartModel, name: str, connections: Iterable[Connection]) -> list[str]:
    """Return the proxies of *model* that pass requests to the service *name*."""
    catalog = catalog_of(model)
    return [
        each.caller
        for each in connections
        if each.callee == name
        and service_placement(model.services[each.caller], catalog).category == "proxy"
    ]
