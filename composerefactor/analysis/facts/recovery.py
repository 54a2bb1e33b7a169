"""How to back up and restore what a volume contains, with the tools of its data store.

The commands of databases are those of the documentation of their images (docker-library/docs:
postgres, mysql, mariadb, mongo). The files of other volumes are copied while their service is
stopped.
"""

from __future__ import annotations

from msgspec import Struct

from composerefactor.analysis.facts.architecture import InvocationFacts


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


class Recovery(Struct, frozen=True):
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


def recoveries(entry: InvocationFacts) -> list[Recovery]:
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
        found.append(Recovery(data.name, writers[0].service, writers[0].target, data.content, dump))
    return found
