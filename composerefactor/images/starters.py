"""What to start where a project names a service and does not define it: starters.yml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from msgspec import Struct

from composerefactor.compose.connections import Reference, references
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.hosts import is_dns_label
from composerefactor.compose.references import resources
from composerefactor.compose.services import Definition, StartModel
from composerefactor.images.catalog import load, read_json
from composerefactor.images.connections import HostMention, HostNames, host_mentions
from composerefactor.images.entries import CatalogEntry

_SCHEME_END = re.compile(r"(?:\+.*|s|\+srv)$")
_ADDITION = re.compile(
    r"[-_.]?(?:[0-9]+|v[0-9]+|server|service|svc|db|cache|queue|broker|primary|master|main|node|host)$"
)
_PLAIN_WORDS = frozenset(
    {
        *("host", "hosts", "hostname", "name", "url", "urls", "uri", "uris", "addr", "address"),
        *("server", "servers", "endpoint", "endpoints", "brokers", "seeds", "nodes", "connect"),
        *("bootstrap", "db", "database", "cache", "queue", "primary", "master", "connection"),
    }
)
_WORD = re.compile(r"[A-Za-z0-9]+?(?=[A-Z][a-z])|[A-Za-z0-9]+")


class Starter(Struct, frozen=True):
    """How a service of the catalogue's entry *id* is written; the fields are those of the file."""

    id: str
    image: str
    schemes: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    port: bool = False
    environment: Mapping[str, str] = {}
    required: frozenset[str] = frozenset()
    hostname: bool = False
    default_user: str = ""
    command: str = ""
    command_with_password: str = ""

    @property
    def entry(self) -> CatalogEntry:
        """What the catalogue knows about the image."""
        return load().entry(self.id)


@cache
def starters() -> tuple[Starter, ...]:
    """Return all starters, in the order of the file."""
    found = []
    for id_, values in read_json("starters.json")["starters"].items():
        sets = {
            name: frozenset(values.get(name, ()))
            for name in ("schemes", "hosts", "words", "required")
        }
        sets["hosts"] |= {id_}
        found.append(Starter(id_, **{**values, **sets}))
    return tuple(found)


def starter_for(
    scheme: str = "", host: str = "", port: str = "", variable: str = ""
) -> Starter | None:
    """Return what is probably meant, or None.

    *scheme* and *host* are of a URL or address, *variable* is the name of the variable that has it.
    A scheme decides (``rediss``, ``postgresql+asyncpg``), then the host's name (``redis-cache``),
    the variable's (``POSTGRES_HOST: db``), and a *port* that no other image uses.
    """
    base = scheme.lower()
    while base:
        found = _first("schemes", base)
        if found is not None:
            other = load().category_of_name(host)
            return found if other in {None, found.entry.category} else None
        shorter = _SCHEME_END.sub("", base)
        base = shorter if shorter != base else ""
    return _by_host(host) or _by_variable(variable) or _by_port(port)


def _first(attribute: str, value: str) -> Starter | None:
    return next((s for s in starters() if value in getattr(s, attribute)), None)


def _by_host(host: str) -> Starter | None:
    name = host.lower()
    while name:
        found = _first("hosts", re.split(r"[-_.]", name)[-1])
        if found is not None:
            return found
        shorter = _ADDITION.sub("", name)
        if shorter == name:
            return None
        name = shorter
    return None


def _by_variable(variable: str) -> Starter | None:
    """Return what the last word says that is neither about hosts nor an addition."""
    for word in reversed(_WORD.findall(variable)):
        found = _first("words", word.lower())
        if found is not None or word.lower() not in _PLAIN_WORDS:
            return found
    return None


def _by_port(port: str) -> Starter | None:
    if not port:
        return None
    return next((s for s in starters() if s.port and s.entry.ports[:1] == (port,)), None)


_SCHEMES = frozenset({"http", "https", "ws", "wss", "tcp", "grpc", "smtp", "ldap", "ftp", "sftp"})
"""Schemes of URLs in which a host is meant; those of the catalogue's images come on top."""


class MissingService(Struct, frozen=True):
    """A service *name* that *references* need and nothing defines: the engine rejects it."""

    name: str
    references: tuple[Reference, ...]


class MissingResource(Struct, frozen=True):
    """A resource of *section* that *users* (service, place) name and nothing declares."""

    section: str
    name: str
    users: tuple[tuple[str, Definition], ...]


class MissingHost(Struct, frozen=True):
    """A *host* that *mentions* name and nothing defines; it may be outside of the project.

    *starter* is what the catalogue would start under that name; with none it is a mere guess that
    a service is missing.
    """

    host: str
    mentions: tuple[HostMention, ...]
    starter: Starter | None

    @property
    def is_likely(self) -> bool:
        """True where the catalogue knows what is meant, and one service alone says so."""
        return self.starter is not None and not all(each.is_shared for each in self.mentions)


def missing_services(model: StartModel) -> list[MissingService]:
    """Return what depends_on, links, volumes_from and ``service:`` values name in vain."""
    found: dict[str, list[Reference]] = {}
    for reference in references(model):
        if reference.name not in model.services and "$" not in reference.name:
            found.setdefault(reference.name, []).append(reference)
    return [MissingService(name, tuple(by)) for name, by in found.items()]


def missing_resources(model: StartModel, section: str) -> list[MissingResource]:
    """Return what services name in *section* and no file of *model* declares.

    The network ``default`` needs no declaration (Compose specification).
    """
    found: dict[str, list[tuple[str, Definition]]] = {}
    for service in model.services.values():
        for definition in service.definitions:
            for kind, name in sorted(resources(definition.body)):
                is_implicit = (kind, name) == ("networks", "default")
                if kind == section and not is_implicit and "$" not in name:
                    found.setdefault(name, []).append((service.name, definition))
    return [
        MissingResource(section, name, tuple(users))
        for name, users in found.items()
        if not model.declares(section, name)
    ]


def missing_hosts(
    model: StartModel,
    others: Iterable[ComposeFile] = (),
    mentions: Iterable[HostMention] | None = None,
) -> list[MissingHost]:
    """Return the hosts that variables and commands name and nothing defines.

    A host is looked for only where it is meant as one: in URLs of known schemes, in addresses, and
    in variables whose name says so. Names with dots, of the caller itself and of services in
    *others*, further files of the project, are left out. *mentions* are all that *model* names,
    where they are known already.
    """
    names = HostNames(model)
    known = {name.lower() for file in others for name in file.services}
    found: dict[str, list[HostMention]] = {}
    for each in host_mentions(model) if mentions is None else mentions:
        host = each.mention.host
        if host.lower() not in known and not names.is_known(each.caller, host) and _is_meant(each):
            found.setdefault(host, []).append(each)
    return [MissingHost(host, tuple(by), _starter(host, by)) for host, by in found.items()]


def _is_meant(each: HostMention) -> bool:
    mention = each.mention
    if not is_dns_label(mention.host) or each.variable.upper() in {"HOSTNAME", "CLUSTER_HOSTNAME"}:
        return False
    if mention.form == "url":
        return mention.scheme in _SCHEMES or starter_for(mention.scheme) is not None
    return each.variable not in {"command", "entrypoint"}


def _starter(host: str, mentions: list[HostMention]) -> Starter | None:
    for each in mentions:
        found = starter_for(each.mention.scheme, host, each.mention.port, each.variable)
        if found is not None:
            return found
    return None
