"""What services keep: named volumes and mounts, what they hold, and whether to back them up."""

from __future__ import annotations

import posixpath
import re
from typing import Literal

from msgspec import Struct

from composerefactor.compose.interpolation import expand
from composerefactor.compose.merge_keys import merged_get, scalar_text
from composerefactor.compose.services import Service, StartModel
from composerefactor.compose.volumes import listed_volumes, parse_volume
from composerefactor.errors import Location
from composerefactor.images.catalog import Catalog
from composerefactor.images.placement import APPLICATION, placement
from composerefactor.yaml.nodes import Node

Kind = Literal["volume", "bind", "anonymous", "tmpfs", "other"]
Advice = Literal["yes", "optional", "no", "check"]

_ORDER: tuple[Kind, ...] = ("volume", "bind", "anonymous")
_SOCKET = re.compile(r"(?:/var)?/run/(?:user/[0-9]+/)?(?:docker|podman/podman)\.sock")
_FILE = re.compile(r".*[^/.][^/]*\.[A-Za-z0-9]{1,12}")
_CACHES = (
    "node_modules .venv site-packages vendor target __pycache__ .next .nuxt .turbo .gradle .m2 "
    "bundle gems go cargo .cache cache caches tmp temp pip-cache pnpm-store"
)
_BY_PATH: tuple[tuple[str, str, Advice], ...] = (
    (_CACHES, "a cache", "no"),
    ("log logs", "logs", "optional"),
    ("upload uploads media files attachments documents avatars storage", "files of users", "yes"),
    ("letsencrypt acme acme.json certs cert certificates ssl tls pki", "certificates", "yes"),
    ("backup backups dump dumps", "backups", "yes"),
    ("model models weights huggingface checkpoints .ollama", "models", "optional"),
    ("static staticfiles assets public dist build html www", "static files", "no"),
)
"""Words in the path of a mount or the name of a volume, and what they say on its contents."""

_SOURCE = frozenset(
    {
        *("src", "app", "code", "config", "conf", "conf.d", "configs", "scripts", "templates"),
        *("init", "initdb", "init-scripts", "migrations", "provisioning", "dashboards", "rules"),
        *("tests", "test", ".", "plugins", "themes", "etc", "settings"),
    }
)
"""Names of directories that people commit."""

_BY_CATEGORY: dict[str, tuple[str, Advice]] = {
    "database": ("the database", "yes"),
    "storage": ("stored objects", "yes"),
    "auth": ("users and secrets", "yes"),
    "vector-db": ("embeddings", "yes"),
    "queue": ("messages that are not yet delivered", "optional"),
    "search": ("an index, which can be built anew", "optional"),
    "cache": ("a cache, or sessions", "optional"),
    "monitoring": ("metrics", "optional"),
    "logging": ("logs", "optional"),
    "tracing": ("traces", "no"),
    "ai": ("models", "optional"),
    "proxy": ("certificates and state of the proxy", "optional"),
    "tools": ("settings of a tool", "optional"),
    "emulator": ("data of an emulator", "no"),
}
_WHY: dict[Advice, str] = {
    "yes": "it cannot be made anew",
    "optional": "losing it costs time, not data",
    "no": "it can be made anew",
    "check": "nothing says what it holds",
}


class Mount(Struct, frozen=True):
    """What stands at *target* in the containers of *service*."""

    service: str
    kind: Kind
    source: str
    target: str
    read_only: bool
    location: Location

    @property
    def is_docker_socket(self) -> bool:
        """True where the container controls the Docker daemon, and so the host."""
        return bool(_SOCKET.fullmatch(self.source) or _SOCKET.fullmatch(self.target))

    @property
    def names_file(self) -> bool:
        """True where source and target have the name of a file, not of a directory."""
        return bool(_FILE.fullmatch(self.source) and _FILE.fullmatch(self.target))


class StoredData(Struct, frozen=True):
    """A named volume, or a directory of the host, with all its *mounts*.

    *holds* says what is in it as far as that is known, *backup* whether to back it up, and *why*.
    """

    name: str
    kind: Kind
    mounts: tuple[Mount, ...]
    holds: str
    backup: Advice
    why: str
    location: Location
    declared: bool = True
    external: bool = False
    driver: str = ""
    full_name: str = ""


def mounts(model: StartModel, service: Service, directory: str) -> tuple[Mount, ...]:
    """Return what is mounted in *service*; paths of the host are relative to the project root.

    *directory* is the project directory.
    """
    found: dict[str, Mount] = {}
    for value in service.values("volumes"):
        for volume in listed_volumes(value.node):
            # A variable may hold several parts of a short form, so it is replaced before they are.
            short = expand(scalar_text(volume.node) or "", model.variables)
            text = parse_volume(short) or volume.text
            source = expand(text.source or "", model.variables)
            target = expand(text.target, model.variables)
            kind = _kind(text.kind, source)
            if text.source and not source:  # a variable that nothing sets
                kind, source = "other", text.source
            elif kind == "bind":
                source = _path(source, directory)
            at = value.file.source.location(volume.node.start)
            found[target] = Mount(service.name, kind, source, target, text.read_only, at)
    for item in service.items("tmpfs"):
        target = (scalar_text(item.node) or "").partition(":")[0]
        found[target] = Mount(service.name, "tmpfs", "", target, False, item.location)  # noqa: FBT003
    return tuple(found.values())


def stored(model: StartModel, every: tuple[Mount, ...], catalog: Catalog) -> tuple[StoredData, ...]:
    """Return the volumes of *model*: those declared or in use, and directories of the host."""
    groups: dict[tuple[Kind, str], list[Mount]] = {}
    for mount in every:
        if mount.kind in {"volume", "bind", "anonymous"}:
            name = mount.source or f"(anonymous, {mount.service}:{mount.target})"
            groups.setdefault((mount.kind, name), []).append(mount)
    declared = model.declared("volumes")
    for name in declared:
        groups.setdefault(("volume", name), [])
    found = []
    for (kind, name), users in groups.items():
        bodies = declared.get(name, []) if kind == "volume" else []
        holds, backup, why = _contents(model, name, kind, users, catalog)
        at = bodies[0].location if bodies else users[0].location
        body = bodies[-1].node if bodies else None
        found.append(
            StoredData(
                name,
                kind,
                tuple(users),
                holds,
                backup,
                why,
                at,
                declared=bool(bodies) or kind != "volume",
                external=_is_external(body),
                driver=scalar_text(merged_get(body, "driver")) or "",
                full_name=expand(scalar_text(merged_get(body, "name")) or "", model.variables),
            )
        )
    return tuple(sorted(found, key=lambda each: _ORDER.index(each.kind)))


def _is_external(body: Node | None) -> bool:
    external = merged_get(body, "external")
    return external is not None and scalar_text(external) not in {"false", "False", "no"}


def _kind(kind: str, source: str) -> Kind:
    if kind == "":  # a variable decides
        kind = "bind" if source.startswith((".", "/", "~")) else "volume"
    if kind == "volume":
        return "volume" if source else "anonymous"
    if kind in {"bind", "tmpfs"}:
        return "bind" if kind == "bind" else "tmpfs"
    return "other"


def _path(source: str, directory: str) -> str:
    if source.startswith(("/", "~")) or re.match(r"[A-Za-z]:[\\/]", source):
        return source
    return posixpath.normpath(posixpath.join(directory, source))


def _contents(
    model: StartModel, name: str, kind: Kind, users: list[Mount], catalog: Catalog
) -> tuple[str, Advice, str]:
    """Return what a volume holds, whether to back it up, and why."""
    if not users:
        return "nothing mounts it", "check", "no service of this entry point uses it"
    if any(mount.is_docker_socket for mount in users):
        return "the Docker socket", "no", "it is no data"
    if kind == "bind" and all(_is_given(mount) for mount in users):
        return "configuration or source", "no", "it is given to the container, not written by it"
    writers = [mount for mount in users if not mount.read_only] or users
    if kind == "bind" and all(_is_source(model, mount) for mount in writers):
        return "source or configuration", "no", "it belongs to the repository"
    told = [
        *(_of_image(model, each, catalog) for each in writers),
        *(_of_words(each, name) for each in writers),
        *(_of_category(model, each) for each in writers),
    ]
    for known in told:
        if known is not None:
            return known[0], known[1], _WHY[known[1]]
    names = ", ".join(dict.fromkeys(mount.service for mount in writers))
    return f"data of {names}", "check", _WHY["check"]


def _is_given(mount: Mount) -> bool:
    return mount.read_only or mount.names_file


def _is_source(model: StartModel, mount: Mount) -> bool:
    """Return whether *mount* puts code or settings of the repository into the container."""
    if mount.source.startswith(("/", "~", "../")):
        return False
    last = posixpath.basename(mount.source).lower()
    words = {last, posixpath.basename(mount.target).lower()}
    if any(words.intersection(known.split()) for known, _, _ in _BY_PATH):
        return False
    is_built = model.services[mount.service].value("build") is not None
    return last in _SOURCE or (
        is_built and placement(model, model.services[mount.service]) == APPLICATION
    )


def _of_image(model: StartModel, mount: Mount, catalog: Catalog) -> tuple[str, Advice] | None:
    """Return what the catalogue says on the path that *mount* covers, or None."""
    image = model.services[mount.service].text("image")
    entry = catalog.match(expand(image, model.variables)) if image else None
    if entry is None:
        return None
    for path in entry.data:
        if _covers(mount.target, path.path):
            holds, advice = _BY_CATEGORY.get(entry.category, ("data", "yes"))
            if path.optional and advice == "yes":
                advice = "optional"
            return f"{holds} ({entry.id})", advice
    return None


def _of_words(mount: Mount, name: str) -> tuple[str, Advice] | None:
    words = {*mount.target.lower().split("/"), *re.split(r"[_/-]", name.lower())}
    for known, holds, advice in _BY_PATH:
        if words.intersection(known.split()):
            return holds, advice
    return None


def _of_category(model: StartModel, mount: Mount) -> tuple[str, Advice] | None:
    category = placement(model, model.services[mount.service]).category
    return _BY_CATEGORY.get(category) if mount.kind != "bind" else None


def _covers(target: str, path: str) -> bool:
    target, path = target.rstrip("/"), path.rstrip("/")
    return target == path or path.startswith(f"{target}/") or target.startswith(f"{path}/")
