"""Mounts and volumes: what they contain, and whether to back them up.

:func:`mounts` reads the mounts of one service, :func:`stored` groups them by volume and directory.
What a volume contains is taken from the image catalog, else guessed from names and categories.
"""

from __future__ import annotations

import posixpath
import re
from typing import Literal

from msgspec import Struct

from composerefactor.compose.paths import is_inside
from composerefactor.compose.resources import overlap
from composerefactor.compose.services import Service, StartModel
from composerefactor.compose.short_forms import VolumeText, is_docker_socket
from composerefactor.errors import Location
from composerefactor.images.catalog import Catalog, service_placement

Kind = Literal["volume", "bind", "anonymous", "tmpfs", "other"]
Advice = Literal["yes", "optional", "no", "check"]

_ORDER: tuple[Kind, ...] = ("volume", "bind", "anonymous")
_FILE = re.compile(r".*[^/.][^/]*\.(?!d$)[A-Za-z0-9]{1,12}")
_SETTINGS_FILE = re.compile(
    r"(?i).*[^/]\.(?:conf|cnf|cfg|ini|ya?ml|json|toml|xml|properties|env|sh|sql|js|lua)"
)
_DATABASE_FILE = re.compile(r"(?i).*[^/]\.(?:db|sqlite3?|rdb)")
_LOG_OR_STATE = re.compile(r"(?i).*(?:\.log|/acme\.json)")
_OF_SYSTEM = re.compile(
    r"/(?:proc|sys|dev|lib/modules)(?:/.*)?|/etc/(?:localtime|timezone|machine-id|hosts|passwd)"
)
"""What containers get to know the host, never to write it."""
_CACHES = (
    "node_modules .venv site-packages vendor target __pycache__ .next .nuxt .turbo .gradle .m2 "
    "bundle gems go cargo .cache cache caches tmp temp pip-cache pnpm-store"
)
_BY_PATH: tuple[tuple[str, str, Advice], ...] = (
    (_CACHES, "a cache", "no"),
    ("log logs", "logs", "optional"),
    ("upload uploads media files attachments documents avatars storage", "user files", "yes"),
    ("letsencrypt acme acme.json certs cert certificates ssl tls pki", "certificates", "yes"),
    ("backup backups dump dumps", "backups", "yes"),
    ("model models weights huggingface checkpoints .ollama", "models", "optional"),
    ("static staticfiles assets public dist build html www", "static files", "no"),
)
"""Words in the path of a mount or the name of a volume, its likely content, and the advice."""

_SOURCE = frozenset(
    {
        *("src", "app", "code", "config", "conf", "conf.d", "configs", "scripts", "templates"),
        *("init", "initdb", "init-scripts", "migrations", "provisioning", "dashboards", "rules"),
        *("tests", "test", ".", "plugins", "themes", "etc", "settings", "healthchecks"),
    }
)
"""Names of directories that usually are in the repository."""

_BY_CATEGORY: dict[str, tuple[str, Advice]] = {
    "database": ("the database", "yes"),
    "storage": ("stored objects", "yes"),
    "auth": ("users and secrets", "yes"),
    "vector-db": ("embeddings", "yes"),
    "queue": ("undelivered messages", "optional"),
    "search": ("an index, which can be rebuilt", "optional"),
    "cache": ("a cache, or sessions", "optional"),
    "monitoring": ("metrics", "optional"),
    "logging": ("logs", "optional"),
    "tracing": ("traces", "no"),
    "ai": ("models", "optional"),
    "proxy": ("certificates and state of the proxy", "optional"),
    "tools": ("settings of a tool", "optional"),
    "emulator": ("data of an emulator", "no"),
}
_BY_IMAGE: dict[str, tuple[str, Advice]] = {
    "grafana": ("dashboards, users and settings", "yes"),
    "alertmanager": ("silences and notifications", "optional"),
    "uptime-kuma": ("monitors, users and settings", "yes"),
    "promtail": ("positions in the logs", "optional"),
    "logstash": ("a queue, and positions in the logs", "optional"),
    "kibana": ("the id of the server", "no"),
}
"""Entries of the image catalog with other content than that of their category."""

_SETTINGS = frozenset({"config", "conf", "conf.d", "configdb", "configs", "settings", "plugins"})
"""Names of directories in a container that contain settings, not data."""

_OF_INPUT = frozenset({"certificates", "models", "static files", "logs"})
"""What a directory that the container only reads contains if its words say so."""

_HOST = re.compile(
    r"/(?:(?:proc|sys|dev|boot|etc|usr|run|lib|lib64|var/run|var/lib/docker|lib/modules)(?:/.*)?)?"
)
"""Directories of the operating system of the host."""

_INPUT = "configuration or source"

_REASONS: dict[Advice, str] = {
    "yes": "it cannot be recreated",
    "optional": "losing it costs time, not data",
    "no": "it can be recreated",
    "check": "its content is unknown",
}


class Mount(Struct, frozen=True):
    """A mount of a service.

    Attributes:
        service: The service.
        kind: The kind of mount; ``anonymous`` is a volume without a name.
        source: The name of the volume or the path on the host, ``""`` without one.
        target: The path in the container.
        read_only: Whether the container can only read it.
        location: The file and line.
    """

    service: str
    kind: Kind
    source: str
    target: str
    read_only: bool
    location: Location

    @property
    def is_docker_socket(self) -> bool:
        """True if the container can control the Docker daemon, and so the host."""
        return is_docker_socket(self.source) or is_docker_socket(self.target)

    @property
    def names_file(self) -> bool:
        """True if source and target look like names of files, not of directories."""
        return bool(_FILE.fullmatch(self.source) and _FILE.fullmatch(self.target))


class StoredData(Struct, frozen=True):
    """A volume or a directory of the host, with all its mounts.

    Attributes:
        name: The key of the volume, or the path.
        kind: The kind of mount.
        mounts: The mounts of all services.
        content: What it contains, as far as that is known.
        backup: Whether to back it up.
        reason: Why, or why not.
        location: Where it is declared, else the first mount.
        declared: Whether a file declares the volume.
        external: Whether the volume is created outside the project.
        driver: The driver, ``""`` for the default.
        full_name: The name that the file sets, ``""`` if it sets none.
    """

    name: str
    kind: Kind
    mounts: tuple[Mount, ...]
    content: str
    backup: Advice
    reason: str
    location: Location
    declared: bool = True
    external: bool = False
    driver: str = ""
    full_name: str = ""


def mounts(service: Service) -> tuple[Mount, ...]:
    """Return the mounts of *service*, one per target.

    Paths of the host are relative to the project root.
    """
    by_target: dict[str, Mount] = {}
    for volume in service.volumes:
        text = volume.value
        mount = Mount(
            service.name,
            _kind(text),
            text.source or "",
            text.target,
            text.read_only,
            volume.location,
        )
        by_target[text.target] = mount
    for tmpfs in service.tmpfs:
        target = tmpfs.value.partition(":")[0]
        by_target[target] = Mount(service.name, "tmpfs", "", target, False, tmpfs.location)  # noqa: FBT003
    return tuple(by_target.values())


def stored(
    model: StartModel, all_mounts: tuple[Mount, ...], catalog: Catalog
) -> tuple[StoredData, ...]:
    """Return the volumes of *model* that are declared or mounted, and directories of the host.

    *all_mounts* are the mounts of all services.
    """
    groups: dict[tuple[Kind, str], list[Mount]] = {}
    for mount in all_mounts:
        if mount.kind in {"volume", "bind", "anonymous"}:
            name = mount.source or f"(anonymous, {mount.service}:{mount.target})"
            groups.setdefault((mount.kind, name), []).append(mount)
    declared = model.resources("volumes")
    for name in declared:
        groups.setdefault(("volume", name), [])
    stores = []
    for (kind, name), users in groups.items():
        resource = declared.get(name) if kind == "volume" else None
        content, backup, reason = _assessment(model, name, kind, users, catalog)
        location = resource.location if resource else users[0].location
        stores.append(
            StoredData(
                name,
                kind,
                tuple(users),
                content,
                backup,
                reason,
                location,
                declared=resource is not None or kind != "volume",
                external=resource is not None and resource.external,
                driver=resource.driver if resource else "",
                full_name=resource.full_name if resource else "",
            )
        )
    return tuple(sorted(stores, key=lambda each: _ORDER.index(each.kind)))


def _kind(volume: VolumeText) -> Kind:
    if volume.kind == "volume":
        return "volume" if volume.source else "anonymous"
    if volume.kind in {"bind", "tmpfs"}:
        return "bind" if volume.kind == "bind" else "tmpfs"
    return "other"


def _assessment(
    model: StartModel, name: str, kind: Kind, users: list[Mount], catalog: Catalog
) -> tuple[str, Advice, str]:
    """Return the content of a volume, whether to back it up, and the reason."""
    if not users:
        return "unused", "check", "no service of this start command mounts it"
    if any(mount.is_docker_socket for mount in users):
        return "the Docker socket", "no", "it is not data"
    if kind == "bind" and all(map(_is_input, users)):
        content = _input_content(users, name)
        return content, "no", "the container reads it and does not write it"
    writers = [mount for mount in users if not mount.read_only] or users
    if kind == "bind" and all(_is_source(model, mount, catalog) for mount in writers):
        return _INPUT, "no", "it belongs to the repository"
    guesses = [
        *(_of_image(model, mount, catalog) for mount in writers),
        *(_of_words(mount, name) for mount in writers),
        *(_of_category(model, mount, catalog) for mount in writers),
    ]
    for guess in guesses:
        if guess is not None:
            return guess[0], guess[1], _REASONS[guess[1]]
    names = ", ".join(dict.fromkeys(mount.service for mount in writers))
    return f"data of {names}", "check", _REASONS["check"]


def _is_input(mount: Mount) -> bool:
    """Return whether the container only reads what is mounted: it is read-only, or a file."""
    is_file = mount.names_file or bool(_SETTINGS_FILE.fullmatch(mount.source))
    is_for_host = bool(_OF_SYSTEM.fullmatch(mount.source))
    return mount.read_only or is_for_host or (is_file and not _is_written(mount.source))


def _is_written(path: str) -> bool:
    """Return whether programs write the file at *path*: a database, a log, certificates."""
    return bool(_DATABASE_FILE.fullmatch(path) or _LOG_OR_STATE.fullmatch(path))


def _input_content(users: list[Mount], name: str) -> str:
    """Return what a file or directory contains that its containers only read."""
    if not all(mount.names_file for mount in users):
        known = (_of_words(mount, name) for mount in users)
        contents = [guess[0] for guess in known if guess is not None and guess[0] in _OF_INPUT]
        if contents:
            return contents[0]
    return "files of the host" if _HOST.fullmatch(name) else _INPUT


def _is_source(model: StartModel, mount: Mount, catalog: Catalog) -> bool:
    """Return whether *mount* puts code or settings of the repository into the container."""
    if not is_inside(mount.source) or _is_written(mount.source):
        return False
    build = model.services[mount.service].build
    if build is not None and build.value.directory == mount.source:
        return True
    last = posixpath.basename(mount.source).lower()
    words = {last, posixpath.basename(mount.target).lower()}
    if any(words.intersection(known.split()) for known, _, _ in _BY_PATH):
        return False
    service = model.services[mount.service]
    is_own = service_placement(service, catalog).counts_as == "applications"
    return last in _SOURCE or (build is not None and is_own and last != "data")


def _of_image(model: StartModel, mount: Mount, catalog: Catalog) -> tuple[str, Advice] | None:
    """Return content and advice for the path that *mount* covers, from the image catalog."""
    image = model.services[mount.service].image
    entry = catalog.match(image.value) if image else None
    if entry is None:
        return None
    for path in entry.data:
        if overlap(mount.target, path.path):
            usual = _BY_CATEGORY.get(entry.category, ("data", "yes"))
            content, advice = _BY_IMAGE.get(entry.id, usual)
            if path.optional:
                content = _secondary(path.path) or content
                advice = "optional" if advice == "yes" else advice
            words = _of_words(mount, "") if mount.target != path.path else None
            if words is not None and words[0] in {"logs", "backups"}:
                return words
            return f"{content} ({entry.id})", advice
    return None


def _of_words(mount: Mount, name: str) -> tuple[str, Advice] | None:
    if mount.kind == "bind" and _DATABASE_FILE.fullmatch(mount.source):
        return "a database", "yes"
    words = {*mount.target.lower().split("/"), *re.split(r"[_/-]", name.lower())}
    for known, content, advice in _BY_PATH:
        if words.intersection(known.split()):
            return content, advice
    return None


def _secondary(path: str) -> str:
    """Return what *path* of a server contains besides its data, ``""`` if its name does not say."""
    last = posixpath.basename(path).lower()
    if last.startswith("log"):
        return "logs"
    return "settings" if last in _SETTINGS or path.startswith("/etc/") else ""


def _of_category(model: StartModel, mount: Mount, catalog: Catalog) -> tuple[str, Advice] | None:
    category = service_placement(model.services[mount.service], catalog).category
    usual = _BY_CATEGORY.get(category) if mount.kind != "bind" else None
    if usual is not None and (content := _secondary(mount.target)) and category != "auth":
        return content, "optional"
    return usual
