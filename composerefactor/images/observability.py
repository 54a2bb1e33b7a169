"""Programs that observe other services, and their configuration, as far as it is in the project.

The image catalog describes them in ``data/observability.yml``. :func:`configuration` finds the file
that such a program reads, by its command and its mounts.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeAlias

from msgspec import Struct, convert

from composerefactor.compose.image_references import equivalent_repositories, repository_of
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel
from composerefactor.errors import InputError
from composerefactor.images.catalog import read_json
from composerefactor.images.health.usage import usage
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

Signal: TypeAlias = Literal["logs", "metrics", "traces"]


class ConfigPlace(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a program reads its configuration.

    Attributes:
        options: Options of its command that name the file.
        default: The path in the container without them, ``""`` for none.
        form: How the file is written.
    """

    options: tuple[str, ...]
    default: str
    form: str


class Retention(Struct, frozen=True, forbid_unknown_fields=True):
    """How long a program keeps what it stores.

    Attributes:
        default: The time without a setting, in words.
        options: Options of its command that change it.
        keys: Keys of its configuration that change it.
        source: Where this was read.
    """

    default: str
    source: str
    options: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


class Reload(Struct, frozen=True, forbid_unknown_fields=True):
    """How a program reads its configuration again without a restart.

    Attributes:
        source: Where this was read.
        signal: The signal to its process, or ``""``.
        command: The command in its container, or ``""``.
    """

    source: str
    signal: str = ""
    command: str = ""


class MetricsPage(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a server has metrics for Prometheus: a *port* and a *path*."""

    port: int
    path: str


class Program(Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of a program that observes others, or of how it is observed.

    Attributes:
        names: The repositories of its images.
        collects: What it gets from services.
        stores: What it keeps.
        shows: Whether it has dashboards.
        alerts: Whether it sends notifications.
        covers: ``containers`` or ``host``, if it reads those without a setting.
        config: Its configuration.
        retention: How long it keeps data; None if that is unknown.
        reload: How it reads its configuration again; None if it must be restarted.
        metrics: Its own page of metrics.
        exporter: The image that exports metrics of its state, or ``""``.
        source: Where the last two were read.
    """

    names: tuple[str, ...]
    collects: tuple[Signal, ...] = ()
    stores: tuple[Signal, ...] = ()
    shows: bool = False
    alerts: bool = False
    covers: Literal["", "containers", "host"] = ""
    config: ConfigPlace | None = None
    retention: Retention | None = None
    reload: Reload | None = None
    metrics: MetricsPage | None = None
    exporter: str = ""
    source: str = ""


@cache
def programs() -> Mapping[str, tuple[str, Program]]:
    """Return the programs, each with its name, by repository."""
    values = read_json("observability.json")["programs"]
    known = convert(values, dict[str, Program])
    return {name: (id_, program) for id_, program in known.items() for name in program.names}


def program_of(image: str) -> tuple[str, Program] | None:
    """Return the name and the program of *image*, a reference from a Compose file, or None."""
    for name in equivalent_repositories(repository_of(image) or ""):
        if name in programs():
            return programs()[name]
    return None


class Configuration(Struct, frozen=True):
    """The configuration of a program.

    Attributes:
        path: Its path in the container, ``""`` if it has none.
        file: Its path in the project, ``""`` if it is not mounted.
        text: Its text, ``""`` if it is not in the project.
        content: What it contains, if it is YAML.
    """

    path: str
    file: str
    text: str
    content: Any

    def get(self, dotted: str) -> object:
        """Return the value at the keys *dotted*, None if there is none."""
        value = self.content
        for key in dotted.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value


def configuration(
    project: Project, model: StartModel, service: Service, program: Program
) -> Configuration:
    """Return the configuration that *service* of *model*, which runs *program*, reads."""
    place = program.config
    if place is None:
        return Configuration("", "", "", None)
    words = usage(project, model, service).words
    paths = [path.removeprefix("file:") for path in _option_values(words, place.options)]
    if not paths and not place.options:
        suffix = posixpath.splitext(place.default)[1]
        paths = [word for word in words if word.endswith(suffix)]
    if place.form != "collector":
        paths = paths[-1:]
    found = [_at(project, model, service, path) for path in paths or [place.default]]
    # The collector merges its files: the one with the pipelines says what it does.
    return next((each for each in found if each.get("service") is not None), found[0])


def _at(project: Project, model: StartModel, service: Service, path: str) -> Configuration:
    """Return the configuration that *service* of *model* has at *path*."""
    file = on_host(model, service, path) if path else ""
    text = (project.text(file) if file else "") or ""
    return Configuration(path, file, text, _content(file, text) if text else None)


def option_value(words: tuple[str, ...], options: tuple[str, ...]) -> str | None:
    """Return the value of the last of *options* in the *words* of a command, or None."""
    return next(reversed(_option_values(words, options)), None)


def _option_values(words: tuple[str, ...], options: tuple[str, ...]) -> list[str]:
    found = []
    parts = [part for word in words for part in word.split()]
    for number, part in enumerate(parts):
        name, equals, value = part.partition("=")
        if name in options:
            found.append(value if equals else "".join(parts[number + 1 : number + 2]))
    return found


def on_host(model: StartModel, service: Service, path: str) -> str:
    """Return the path in the project of what *service* of *model* has at *path*.

    It is ``""`` for what is not mounted from the project.
    """
    best, found = "", ""
    for volume in service.volumes:
        target = posixpath.normpath(volume.value.target or "/")
        is_there = path == target or path.startswith(target.rstrip("/") + "/")
        if is_there and len(target) > len(best):
            source = volume.value.source or ""
            rest = path[len(target) :].lstrip("/")
            is_bind = volume.value.kind == "bind"
            best, found = (
                target,
                posixpath.normpath(posixpath.join(source, rest)) if is_bind else "",
            )
    for grant in service.configs:
        target = grant.value.target or f"/{grant.value.source}"
        resource = model.resources("configs").get(grant.value.source)
        if path == target and resource is not None and resource.file is not None:
            return resource.file.value
    return found


def _content(path: str, text: str) -> Any:
    try:
        source = Source(path, text)
        tree = parse(source)
        return to_python(tree.root, source) if tree.root is not None else None
    except InputError:
        return None


def mappings(value: object) -> list[dict[str, Any]]:
    """Return the mappings in the list *value*; none if it is no list."""
    return [each for each in listed(value) if isinstance(each, dict)]


def listed(value: object) -> list[Any]:
    """Return *value* if it is a list, else an empty one."""
    return value if isinstance(value, list) else []
