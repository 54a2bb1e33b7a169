"""Services that do one thing and end: migrations, seeds, initialisations."""

from __future__ import annotations

import re

from msgspec import Struct

from composerefactor.compose.hosts import words
from composerefactor.compose.image_references import repository
from composerefactor.compose.interpolation import expand
from composerefactor.compose.merge_keys import item_nodes, merged_get, scalar_text
from composerefactor.compose.ports import ports
from composerefactor.compose.services import Service, StartModel
from composerefactor.errors import Location

_NAME_WORDS = frozenset(
    {
        *("migrate", "migrates", "migration", "migrations", "migrator", "seed", "seeder", "seeds"),
        *("init", "initializer", "setup", "bootstrap", "bootstrapper", "provision", "provisioner"),
        *("createbucket", "createbuckets", "mkbucket", "preload", "loader", "import", "importer"),
        *("configurator", "installer", "permissions", "chown", "fixtures", "prepare"),
    }
)
_ENDING_IMAGES = frozenset(
    {
        *(
            "minio/mc",
            "quay.io/minio/mc",
            "migrate/migrate",
            "flyway/flyway",
            "liquibase/liquibase",
        ),
        *(
            "liquibase",
            "amacneil/dbmate",
            "ghcr.io/amacneil/dbmate",
            "arigaio/atlas",
            "hello-world",
        ),
        *("curlimages/curl", "alpine/curl", "ghcr.io/kukymbr/goose-docker", "jwilder/dockerize"),
    }
)
"""Images whose program does one thing and ends, unless told otherwise."""

_ENDING_COMMAND = re.compile(
    r"""\b(?:
        migrate|migrations?:run|db:(?:migrate|seed|create|setup|prepare)|upgrade\s+heads?
        |alembic\s+upgrade|prisma\s+(?:migrate|db\s+(?:push|seed))|typeorm\s+migration
        |sequelize\s+db:|knex\s+migrate|flyway\s+migrate|liquibase\s+update|goose\s+up
        |collectstatic|createsuperuser|loaddata|rs\.initiate|replSetInitiate
        |mc\s+(?:mb|alias|config)|mkdir\s+-p|kafka-topics|chown\s+-R
        |seed(?:[.:_\-]\w+)*|setup|init(?:ialize)?
    )\b""",
    re.VERBOSE,
)
_LASTING_COMMAND = re.compile(
    r"""\b(?:
        tail\s+-[fF]|sleep\s+(?:infinity|inf|[0-9]{5,})|while\s+(?:true|:|sleep)|runserver|gunicorn
        |uvicorn|exec\s|npm\s+(?:run\s+)?(?:start|dev)|yarn\s+(?:start|dev)|serve|--watch|puma|sidekiq
        |rails\s+s(?:erver)?|celery|worker|daemon\s+off|foreground|crond?|wait
    )\b""",
    re.VERBOSE,
)


class OneOff(Struct, frozen=True):
    """Why a service is believed to end by itself: *reasons* are words, each with its place.

    *is_certain* is True where the project itself says so, by waiting for its successful end.
    """

    reasons: tuple[tuple[str, Location], ...]
    is_certain: bool


def one_off(model: StartModel, name: str) -> OneOff | None:
    """Return why the service *name* ends by itself, or None for one that keeps running.

    Certain where another service waits for ``service_completed_successfully``. Else two of these
    have to come together, and nothing speak against it (a restart policy that starts it again when
    it ends, published ports): ``restart: "no"`` written down, a name such as ``db-migrate``, an
    image such as ``flyway/flyway``, a command such as ``alembic upgrade head``.
    """
    service = model.services[name]
    waiting = _waiting(model, name)
    if waiting:
        return OneOff(tuple(waiting), is_certain=True)
    restart = (service.text("restart") or "").partition(":")[0]
    if restart in {"always", "unless-stopped"} or _publishes(service):
        return None
    reasons = _reasons(model, service, restart)
    return OneOff(tuple(reasons), is_certain=False) if len(reasons) > 1 else None


def _waiting(model: StartModel, name: str) -> list[tuple[str, Location]]:
    return [
        (f"{other} waits for its successful end", found.location)
        for other, found in model.dependents.get(name, ())
        if scalar_text(merged_get(found.node, "condition")) == "service_completed_successfully"
    ]


def _publishes(service: Service) -> bool:
    return any(next(ports(d.body), None) is not None for d in service.definitions)


def _reasons(model: StartModel, service: Service, restart: str) -> list[tuple[str, Location]]:
    first = service.definitions[0]
    at = first.file.location_of("services", service.name)
    found: list[tuple[str, Location]] = []
    if restart in {"no", "on-failure"} and (policy := service.value("restart")) is not None:
        found.append((f"restart: {restart}", policy.location))
    if _NAME_WORDS.intersection(words(service.name)):
        found.append((f"its name, {service.name}", at))
    image = service.value("image")
    text = expand(service.text("image") or "", model.variables)
    if image is not None and repository(text) in _ENDING_IMAGES:
        found.append((f"image {repository(text)}", image.location))
    commands = [value for key in ("entrypoint", "command") if (value := service.value(key))]
    for value in commands:
        words_in = " ".join(scalar_text(node) or "" for node in item_nodes(value.node))
        if _LASTING_COMMAND.search(words_in):
            return []
        ending = _ENDING_COMMAND.search(words_in)
        if ending is not None:
            found.append((f"its command, {' '.join(ending[0].split())}", value.location))
            break
    return found


_ENDING = frozenset(
    {
        *("migrate", "migrates", "migration", "migrations", "migrator", "seed", "seeder", "init"),
        *("setup", "bootstrap", "provision", "provisioner", "installer", "permissions", "fixtures"),
        *("test", "tests", "testing", "e2e", "lint", "linter", "backup", "restore", "cli", "job"),
        *("builder", "certbot", "cypress", "playwright", "k6", "mc", "createbuckets", "importer"),
        *("load", "loader", "pull", "puller", "download", "downloader", "run", "prepare"),
    }
)
_BY_HAND = frozenset({"test", "tests", "testing", "e2e", "cli", "ci", "debug", "manual", "oneoff"})
_BY_HAND_TOO = frozenset({"migrate", "migration", "migrations", "seed", "init", "setup", "job"})


def why_it_may_end(model: StartModel, name: str) -> str | None:
    """Return why the service *name* may be one that ends by itself, or None.

    More careful than :func:`~composerefactor.compose.one_off.one_shot`: a name or a profile alone
    is enough, for where a wrong guess would start something again and again.
    """
    found = one_off(model, name)
    if found is not None:
        return found.reasons[0][0]
    called = _ENDING & _parts(name)
    if called:
        return f"its name, {name}"
    for profile, _ in model.services[name].names("profiles"):
        if (_BY_HAND | _BY_HAND_TOO) & _parts(profile):
            return f"its profile, {profile}"
    return None


def _parts(name: str) -> set[str]:
    """Return the words of *name*, those with a number in them as well: ``e2e``."""
    return {*words(name), *re.split(r"[^a-z0-9]+", name.lower())}
