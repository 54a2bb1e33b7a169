"""Running a project over time: what it needs, when its services start, how to recover its data.

A dependent waits for ``service_healthy`` at least until the first check has run, after one
interval, and at most until the checks have failed: the start period, then as many intervals and
timeouts as there are retries (Docker documentation, ``HEALTHCHECK``). What a container does before,
such as pulling an image or migrating data, is not in the files.

Docker sends the stop signal to the first process of a container, and kills all of them after the
grace period.

The commands that back up and restore databases are those of the documentation of their images
(docker-library/docs: postgres, mysql, mariadb, mongo). The files of other volumes are copied while
their service is stopped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.analysis.facts.architecture import InvocationFacts
from composerefactor.analysis.facts.resources import HealthFacts
from composerefactor.compose.project import Project
from composerefactor.compose.sizes import parse_size, seconds
from composerefactor.images.entries import StopNeed
from composerefactor.images.lookup import (
    SHARED_MEMORY,
    USUAL_SIZES,
    configured_memory,
    memory_of,
    stop_need,
    usual_kind,
)
from composerefactor.images.stop_signals import LostSignal, lost_signal, script_as_first_process

_DEFAULT = {"interval": 30.0, "timeout": 30.0, "retries": 3, "start_period": 0.0}
"""The defaults of Docker for a health check (Docker documentation)."""

_MOST_DIGITS = 19
"""Of a number of retries, which is an integer of 64 bits."""


class StartTime(Struct, frozen=True):
    """When a service starts after ``up``, as far as the files decide it.

    Attributes:
        service: The service.
        earliest: The seconds until it starts if every check passes at once.
        latest: The seconds until it starts if every check passes at its last try.
        path: The services that it waits for, one after the other, the first one first.
        tasks: The one-off services on the path, whose time is unknown.
    """

    service: str
    earliest: float
    latest: float
    path: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


def start_times(entry: InvocationFacts) -> list[StartTime]:
    """Return when each service of *entry* starts, in start order; services in a cycle never do."""
    conditions = {(e.caller, e.callee): e.condition for e in entry.edges if e.condition}
    times: dict[str, StartTime] = {}
    for step in entry.dependencies.steps:
        for name in step:
            times[name] = _start_time(entry, name, conditions, times)
    return list(times.values())


def _start_time(
    entry: InvocationFacts,
    name: str,
    conditions: Mapping[tuple[str, str], str],
    times: Mapping[str, StartTime],
) -> StartTime:
    """Return when the service *name* starts; *times* are those of all that it needs."""
    earliest, longest = 0.0, StartTime(name, 0.0, 0.0)
    for needed in entry.dependencies.needs.get(name, ()):
        before = times.get(needed)
        if before is None:
            continue
        condition = conditions.get((name, needed), "")
        first, last = before.earliest, before.latest
        tasks = before.tasks
        if condition == "service_healthy":
            wait = health_times(entry.health_of(needed))
            first, last = first + wait[0], last + wait[1]
        elif condition == "service_completed_successfully":
            tasks = (*tasks, needed)
        earliest = max(earliest, first)
        path = (*before.path, needed)
        if (last, len(tasks), len(path)) > (longest.latest, len(longest.tasks), len(longest.path)):
            longest = StartTime(name, 0.0, last, path, tasks)
    return StartTime(name, earliest, longest.latest, longest.path, longest.tasks)


def health_times(health: HealthFacts | None) -> tuple[float, float]:
    """Return the seconds until the check passes at the first try, and at the last one."""
    written = {
        "interval": seconds(health.interval) if health else None,
        "timeout": seconds(health.timeout) if health else None,
        "start_period": seconds(health.start_period) if health else None,
    }
    value = {key: _DEFAULT[key] if text is None else text for key, text in written.items()}
    written_retries = health.retries if health else ""
    is_number = written_retries.isdecimal() and len(written_retries) <= _MOST_DIGITS
    retries = int(written_retries) if is_number else _DEFAULT["retries"]
    last = value["start_period"] + retries * (value["interval"] + value["timeout"])
    return value["interval"], last


def ready_time(entry: InvocationFacts) -> StartTime | None:
    """Return when the last service of *entry* is healthy; None if none has a health check.

    The path leads to that service. Services that need a profile do not count.
    """
    earliest, longest = 0.0, None
    for start in start_times(entry):
        service, health = entry.service(start.service), entry.health_of(start.service)
        if health is None or not health.is_checked or service is None or service.profiles:
            continue
        first, last = health_times(health)
        earliest = max(earliest, start.earliest + first)
        if longest is None or start.latest + last > longest.latest:
            path = (*start.path, start.service)
            longest = StartTime(start.service, 0.0, start.latest + last, path, start.tasks)
    return replace(longest, earliest=earliest) if longest is not None else None


class Stop(Struct, frozen=True):
    """What happens to a service at a stop, as far as its files or its image say it.

    Attributes:
        service: The service.
        signal: The signal that the file sets, ``""`` for that of the image.
        period: The grace period that the file sets, ``""`` for Docker's 10 seconds.
        need: The time that its server needs, None if it is not known to be long.
        lost: Why its program does not get the signal, None if it may get it.
        script: The script that is its first process, ``""`` if none is.
    """

    service: str
    signal: str
    period: str
    need: StopNeed | None
    lost: LostSignal | None
    script: str

    @property
    def is_notable(self) -> bool:
        """True if there is something to say that is not true of every service."""
        return bool(self.signal or self.period or self.need or self.lost or self.script)


def stops(project: Project, entry: InvocationFacts) -> list[list[Stop]]:
    """Return the stop of each lasting service of *entry* without profiles, in order.

    Each list has the services that stop once those in the earlier lists that need them have.
    """
    levels: dict[str, int] = {}
    for name in (name for step in reversed(entry.dependencies.steps) for name in step):
        needed_by = [each for each, needs in entry.dependencies.needs.items() if name in needs]
        levels[name] = max((levels.get(each, -1) + 1 for each in needed_by), default=0)
    by_level: dict[int, list[Stop]] = {}
    running = {each.name for each in entry.running if not each.profiles}
    for name in (name for name in entry.model.services if name in running):
        by_level.setdefault(levels.get(name, 0), []).append(_stop(project, entry, name))
    return [by_level[level] for level in sorted(by_level)]


def _stop(project: Project, entry: InvocationFacts, name: str) -> Stop:
    service = entry.model.services[name]
    signal, period = service.value("stop_signal"), service.stop_grace_period
    return Stop(
        name,
        (signal.known_text or "") if signal is not None else "",
        period.value if period is not None else "",
        stop_need(service, entry.catalog),
        lost_signal(project, service),
        script_as_first_process(project, service),
    )


class HostNeeds(Struct, frozen=True):
    """What the services of a start command need of their host together.

    Attributes:
        cpus: The CPUs.
        known: The bytes of memory by service, as its settings or the image's documentation say.
        assumed: Those of other services: a guess by their kind.
    """

    cpus: int
    known: Mapping[str, int]
    assumed: Mapping[str, int]

    @property
    def memory(self) -> int:
        """The sum of the memory, in bytes."""
        return sum(self.known.values()) + sum(self.assumed.values())


def host_needs(entry: InvocationFacts) -> tuple[HostNeeds, HostNeeds]:
    """Return the least that *entry* needs, and what lets each service use all that it may.

    Known are limits and reservations, the memory that settings claim (a Java heap), and the least
    with which an image works. Docker refuses a limit of more CPUs than the host has. Services that
    need a profile or end by themselves do not count.
    """
    known_least: dict[str, int] = {}
    known_most: dict[str, int] = {}
    assumed_least: dict[str, int] = {}
    assumed_most: dict[str, int] = {}
    cpus, largest, reserved = 0.0, 1.0, 0.0
    for resource in entry.resources:
        name = resource.service
        facts, service = entry.service(name), entry.model.services[name]
        if facts is None or facts.profiles or facts.one_off:
            continue
        if name in entry.model.without_container:
            continue
        need = memory_of(entry.model, service, entry.catalog)
        configured = configured_memory(entry.model, service)
        floor = need.bytes if need else 0
        if configured is not None and configured.settings != SHARED_MEMORY:
            floor = max(floor, configured.required)
        kind = usual_kind(service, entry.catalog, is_known=need is not None)
        usual_cpus, _, usual_memory = USUAL_SIZES[kind].partition("/")
        usual, limit = parse_size(usual_memory) or 0, resource.memory_limit
        least = resource.memory_reserved or min(floor, limit or floor)
        (known_least if least else assumed_least)[name] = resource.replicas * (
            least or min(usual // 2, limit or usual)
        )
        (known_most if limit else assumed_most)[name] = resource.replicas * max(
            least, limit or max(floor, usual)
        )
        cpus += resource.replicas * (resource.cpu_limit or float(usual_cpus))
        largest = max(largest, resource.cpu_limit or 0)
        reserved += resource.replicas * (resource.cpu_reserved or 0)
    fewest = math.ceil(max(largest, reserved))
    return (
        HostNeeds(fewest, known_least, assumed_least),
        HostNeeds(max(fewest, math.ceil(cpus)), known_most, assumed_most),
    )


class Dump(Struct, frozen=True):
    """How a database is copied while it runs.

    Attributes:
        save: The command in the container that writes all data to the standard output.
        load: The command in the container that reads it.
        suffix: The suffix of the file.
    """

    save: str
    load: str
    suffix: str = "sql"


_FROM_FILE = '$(cat "${MYSQL_ROOT_PASSWORD_FILE:-/dev/null}")'
_LOGIN = f'exec env MYSQL_PWD="${{MYSQL_ROOT_PASSWORD:-{_FROM_FILE}}}"'
_MARIADB_FROM_FILE = (
    '$(cat "${MARIADB_ROOT_PASSWORD_FILE:-${MYSQL_ROOT_PASSWORD_FILE:-/dev/null}}")'
)
_MARIADB_LOGIN = (
    'exec env MYSQL_PWD="${MARIADB_ROOT_PASSWORD:-${MYSQL_ROOT_PASSWORD:-'
    f'{_MARIADB_FROM_FILE}}}}}"'
)
_CONSISTENT = "-uroot --all-databases --single-transaction --routines --events"
"""A dump of InnoDB tables as of its start, while the server works."""
_MONGO_LOGIN = (
    '${MONGO_INITDB_ROOT_USERNAME:+-u "$MONGO_INITDB_ROOT_USERNAME" '
    '-p "$MONGO_INITDB_ROOT_PASSWORD" --authenticationDatabase admin}'
)
_DUMPS = {
    "postgres": Dump(
        'pg_dumpall --clean --if-exists -U "${POSTGRES_USER:-postgres}"',
        'psql -U "${POSTGRES_USER:-postgres}" -d postgres',
    ),
    "mysql": Dump(f"{_LOGIN} mysqldump {_CONSISTENT}", f"{_LOGIN} mysql -uroot"),
    "mariadb": Dump(
        f"{_MARIADB_LOGIN} mariadb-dump {_CONSISTENT}", f"{_MARIADB_LOGIN} mariadb -uroot"
    ),
    "mongo": Dump(
        f"exec mongodump {_MONGO_LOGIN} --archive",
        f"exec mongorestore {_MONGO_LOGIN} --archive --drop",
        "archive",
    ),
}
"""By entry of the image catalog."""


class BackupAdvice(Struct, frozen=True):
    """How to back up and restore a volume or a directory.

    Attributes:
        name: The volume or directory.
        service: The service that writes it.
        target: Its path in the container.
        content: What it contains.
        dump: How its database is copied while it runs; None if files are copied.
    """

    name: str
    service: str
    target: str
    content: str
    dump: Dump | None = None


def recoveries(entry: InvocationFacts) -> list[BackupAdvice]:
    """Return how to recover the data of *entry* that is worth a backup."""
    found = []
    for data in entry.volumes:
        if data.backup not in {"yes", "optional"} or not data.mounts:
            continue
        writers = [mount for mount in data.mounts if not mount.read_only] or list(data.mounts)
        service = entry.service(writers[0].service)
        known = entry.catalog.match(service.image) if service and service.image else None
        # Another directory of the same container does not contain the database.
        is_data = known is not None and data.content.endswith(f"({known.id})")
        dump = _DUMPS.get(known.id) if known is not None and is_data else None
        found.append(
            BackupAdvice(data.name, writers[0].service, writers[0].target, data.content, dump)
        )
    return found
