"""One-off services, which complete a task and exit: migrations, seeds, initialisations.

:func:`one_off` needs strong evidence. :func:`reason_it_may_exit` is satisfied with less.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from composerefactor.compose.definitions import text_of
from composerefactor.compose.hosts import name_words
from composerefactor.compose.image_references import parse_image, repository_of
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
        "wordpress:cli",
    }
)
"""Images, or tags of them, whose program completes a task and exits by default."""

_ENDING_PROGRAMS = r"""
    migrate|migrations?:run|db:(?:migrate|seed|create|setup|prepare)|upgrade\s+heads?
    |alembic\s+upgrade|prisma\s+(?:migrate|db\s+(?:push|seed))|typeorm\s+migration
    |sequelize\s+db:|knex\s+migrate|flyway\s+migrate|liquibase\s+update|goose\s+up
    |collectstatic|createsuperuser|loaddata|artisan\s+schedule:run|rs\.(?:add|initiate)|replSetInitiate
    |mc\s+(?:mb|alias|config)|mkdir\s+-p|kafka-topics|chown\s+-R
"""
_ENDING_COMMAND = rf"(?x)\b(?:{_ENDING_PROGRAMS}|seed(?:[.:_\-]\w+)*|setup|init(?:ialize)?)\b"
_ENDING_TASK = re.compile(rf"\b(?:{_ENDING_PROGRAMS})\b", re.VERBOSE)
_LASTING_COMMAND = re.compile(
    r"""\b(?:
        tail\s+-[fF]|sleep\s+(?:infinity|inf|[0-9]{5,})|while\s+(?:true|:|sleep)|runserver|gunicorn
        |uvicorn|exec\s|npm\s+(?:run\s+)?(?:start|dev)|yarn\s+(?:start|dev)|serve|--watch|puma|sidekiq
        |rails\s+s(?:erver)?|celery|worker|daemon\s+off|foreground|crond?|wait
    )\b""",
    re.VERBOSE,
)


_IDLE_COMMAND = r"(?:\S*sh\s+-c\s+)?(?:(?:/(?:usr/)?bin/)?(?:true|echo\b[^;&|]*)|exit(?:\s+0)?|:)"
"""A command that ends at once, as of a service that is there to build an image."""


_TOOL = (
    r"(?:python3?\s+)?(?:\S*/)?manage\.py|(?:php\s+)?(?:\S*/)?(?:artisan|console|wp)"
    r"|(?:bundle\s+exec\s+)?(?:rails|rake)|django-admin|alembic|flask"
)
"""A program that prints its help and exits if it gets no command: whoever runs it adds one."""
_SHELL = r"(?:/(?:usr/)?bin/)?(?:ba|da|z|a)?sh"
"""A shell, which exits at once without a terminal."""


class OneOff(Struct, frozen=True):
    """Why a service is believed to exit by itself.

    Attributes:
        reasons: The (text for messages, location) pairs of the evidence.
        is_certain: True if another service waits until this one completes successfully.
    """

    reasons: tuple[tuple[str, Location], ...]
    is_certain: bool


def one_off(model: StartModel, name: str) -> OneOff | None:
    """Return why the service *name* exits by itself, or None if it probably keeps running.

    This is certain if another service waits for ``service_completed_successfully``. Otherwise it
    takes a command such as ``true``, or two of the following: an explicit ``restart: "no"`` or
    ``on-failure``, a name such as ``db-migrate``, an image such as ``flyway/flyway``, a command
    such as ``alembic upgrade head``.
    A service with published ports, or with a restart policy that restarts it after a successful
    exit, is not a one-off service.
    """
    service = model.services[name]
    waiting = _waiting_services(model, name)
    if waiting:
        return OneOff(tuple(waiting), is_certain=True)
    restart = text_of(service.restart).partition(":")[0]
    if restart in {"always", "unless-stopped"} or any(
        node.items for node in service.values("ports")
    ):
        return None
    idle = _idle_command(service)
    if idle is not None:
        return OneOff((idle,), is_certain=False)
    reasons = _reasons(service, restart)
    return OneOff(tuple(reasons), is_certain=False) if len(reasons) > 1 else None


def _idle_command(service: Service) -> tuple[str, Location] | None:
    """Return the evidence that the command of *service* ends at once, or None."""
    value = service.value("entrypoint") or service.value("command")
    if value is None:
        return None
    text = " ".join(item.written or "" for item in value.items)
    is_whole = service.value("entrypoint") is None or service.value("command") is None
    has_terminal = any(flag and flag.value for flag in (service.tty, service.stdin_open))
    programs = _TOOL if has_terminal else f"{_TOOL}|{_SHELL}"
    is_idle = re.fullmatch(_IDLE_COMMAND, text) or (is_whole and re.fullmatch(programs, text))
    return (f"command {text}", value.location) if is_idle else None


def _waiting_services(model: StartModel, name: str) -> list[tuple[str, Location]]:
    """Return (text, location) for each service that waits until service *name* completes."""
    return [
        (f"{dependent} waits until it completes successfully", dependency.location)
        for dependent, dependency in model.dependents.get(name, {}).items()
        if dependency.value.condition == "service_completed_successfully"
    ]


def _reasons(service: Service, restart: str) -> list[tuple[str, Location]]:
    """Return the evidence in name, image, command and restart policy; [] if it keeps running."""
    first = service.definitions[0]
    service_location = first.file.location_of("services", service.name)
    reasons: list[tuple[str, Location]] = []
    if restart in {"no", "on-failure"} and service.restart is not None:
        reasons.append((f"restart: {restart}", service.restart.location))
    if _NAME_WORDS.intersection(name_words(service.name)):
        reasons.append((f"name {service.name}", service_location))
    image = service.image
    if image is not None and (ending_image := _ending_image(image.value)):
        reasons.append((f"image {ending_image}", image.location))
    commands = [value for key in ("entrypoint", "command") if (value := service.value(key))]
    for value in commands:
        command_text = " ".join(item.written or "" for item in value.items)
        if _LASTING_COMMAND.search(command_text):
            return []
        ending = re.search(_ENDING_COMMAND, command_text)
        if ending is not None:
            reasons.append((f"command {' '.join(ending[0].split())}", value.location))
            break
    return reasons


def _ending_image(image: str) -> str:
    """Return *image* as it is named in the list of images that exit, or ``""``."""
    repository = repository_of(image) or ""
    tag = (parse_image(image).tag or "").partition("-")[0]
    return next((n for n in (repository, f"{repository}:{tag}") if n in _ENDING_IMAGES), "")


_ENDING = frozenset(
    {
        *("migrate", "migrates", "migration", "migrations", "migrator", "seed", "seeder", "init"),
        *(
            "setup",
            "bootstrap",
            "bootstrapper",
            "configure",
            "configurator",
            "provision",
            "provisioner",
        ),
        *("install", "installer", "uninstall", "permissions", "fixtures"),
        *("test", "tests", "testing", "e2e", "lint", "linter", "backup", "restore", "cli", "job"),
        *("builder", "certbot", "cypress", "playwright", "k6", "mc", "createbuckets", "importer"),
        *("load", "loader", "pull", "puller", "prepull", "download", "downloader", "run"),
        *("prepare", "quickstart"),
    }
)
_ENDING_IN_IMAGE = frozenset(
    {
        *("migrate", "migration", "migrations", "migrator", "seed", "seeder", "importer"),
        *("test", "tests", "testing", "e2e", "loadtest", "benchmark", "cypress", "k6"),
    }
)
"""Words in the last part of the name of an image whose program completes a task and exits."""

_SCRIPT = r"[\w./-]+\.(?:sh|bash|py|rb|php|[cm]?[jt]s)(?![\w.])"
_STARTING_WORDS = frozenset({"start", "run", "serve", "server", "worker", "main", "app", "web"})
_SEPARATORS = re.compile(r"&&|\|\||[;\n]")
_END_OF_BLOCK = frozenset({"", "fi", "done", "esac", "}"})

_BY_HAND = frozenset({"test", "tests", "testing", "e2e", "cli", "ci", "debug", "manual", "oneoff"})
_BY_HAND_OR_ONE_OFF = frozenset(
    {"migrate", "migration", "migrations", "seed", "init", "setup", "job"}
)


def reason_it_may_exit(model: StartModel, name: str) -> str | None:
    """Return why the service *name* may exit by itself, as text for messages, or None.

    Unlike for :func:`one_off`, a name, an image, a profile, or a command that ends with a task is
    enough. Use this where a wrong guess would restart a one-off service again and again.
    """
    strong = one_off(model, name)
    return strong.reasons[0][0] if strong else next(_signs(model.services[name]), None)


def _signs(service: Service) -> Iterator[str]:
    """Yield the signs that *service* exits by itself, as texts for messages."""
    if _ENDING & _name_parts(service.name):
        yield f"name {service.name}"
    image = text_of(service.image)
    repository = repository_of(image) or ""
    if _ENDING_IN_IMAGE & _name_parts(repository.rpartition("/")[2]):
        yield f"image {repository}"
    if not service.values("command") and _ending_image(image):
        yield f"image {_ending_image(image)}"
    is_server = bool(service.values("ports") or service.values("expose"))
    if task := _task(service, scripts=not is_server):
        yield f"command {task}"
    for profile in service.profiles:
        if (_BY_HAND | _BY_HAND_OR_ONE_OFF) & _name_parts(profile.value):
            yield f"profile {profile.value}"


def _task(service: Service, *, scripts: bool) -> str:
    """Return the last program in the command of *service* if it completes a task, else ``""``.

    It is a known one, or, with *scripts*, one that its name, such as ``setup-keys.sh``, or that of
    its directory says so of.
    """
    words = [
        item.written or ""
        for key in ("entrypoint", "command")
        if (value := service.value(key))
        for item in value.items
    ]
    text = " ".join(words)
    if _LASTING_COMMAND.search(text):
        return ""
    parts = [part.strip(" \t'\"") for part in _SEPARATORS.split(text)]
    last = next((part for part in reversed(parts) if part not in _END_OF_BLOCK), "")
    if known := _ENDING_TASK.search(last):
        return " ".join(known[0].split())
    for script in re.finditer(_SCRIPT, last) if scripts else ():
        directory, _, name = script[0].rpartition("/")
        says_so = _NAME_WORDS.intersection(name_words(name))
        if says_so or (
            _NAME_WORDS.intersection(name_words(directory))
            and not _STARTING_WORDS.intersection(name_words(name))
        ):
            return name
    return ""


def _name_parts(name: str) -> set[str]:
    """Return the words of *name*, including those with a number in them, such as ``e2e``."""
    return {*name_words(name), *re.split(r"[^a-z0-9]+", name.lower())}
