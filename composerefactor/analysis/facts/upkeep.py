"""Running a project over time: when its services start, and how to recover its data.

A dependent waits for ``service_healthy`` at least until the first check has run, after one
interval, and at most until the checks have failed: the start period, then as many intervals and
timeouts as there are retries (Docker documentation, ``HEALTHCHECK``). What a container does before,
such as pulling an image or migrating data, is not in the files.

The commands that back up and restore databases are those of the documentation of their images
(docker-library/docs: postgres, mysql, mariadb, mongo). The files of other volumes are copied while
their service is stopped.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from composerefactor.analysis.facts.architecture import InvocationFacts
from composerefactor.analysis.facts.resources import HealthFacts
from composerefactor.compose.sizes import seconds

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
