"""Services, resources and hosts that a project names but does not define.

For a missing service, :func:`starter_for` returns how to start it, from starters.yml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from msgspec import Struct

from composerefactor.compose.definitions import Definition, text_of
from composerefactor.compose.dependencies import Reference, service_references
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.hosts import is_dns_label
from composerefactor.compose.references import referenced_resources
from composerefactor.compose.resources import destination_file, is_only_part_of_another, networks_of
from composerefactor.compose.services import StartModel
from composerefactor.images.catalog import catalog_of, load_catalog, read_json
from composerefactor.images.connections import HostMention, HostNames, host_mentions
from composerefactor.images.entries import CatalogEntry
from composerefactor.yaml.values import text_below

_SCHEME_SUFFIX = r"(?:\+.*|s|\+srv)$"
_NAME_SUFFIX = re.compile(
    r"[-_.]?(?:[0-9]+|v[0-9]+|server|service|svc|db|cache|queue|broker|primary|master|main|node|host)$"
)
_GENERIC_WORDS = frozenset(
    {
        *("host", "hosts", "hostname", "name", "url", "urls", "uri", "uris", "addr", "address"),
        *("server", "servers", "endpoint", "endpoints", "brokers", "seeds", "nodes", "connect"),
        *("bootstrap", "db", "database", "cache", "queue", "primary", "master", "connection"),
    }
)
_WORD = re.compile(r"[A-Za-z0-9]+?(?=[A-Z][a-z])|[A-Za-z0-9]+")
_GENERIC_SCHEMES = frozenset(
    {"http", "https", "ws", "wss", "tcp", "grpc", "smtp", "ldap", "ftp", "sftp"}
)
"""Schemes of URLs that contain a host, in addition to the schemes of the starters."""


class Starter(Struct, frozen=True):
    """How to start a service of a catalog entry.

    Attributes:
        id: The id of the catalog entry.
        image: The image with a tag.
        schemes: URL schemes that mean this image.
        hosts: Names of services that mean this image.
        words: Words in names of variables that mean this image.
        port: Whether the main port is unique to this image, so that an address is enough.
        environment: Variables of the image, with placeholders such as ``{password}``.
        required: The variables without which the image does not start.
        hostname: Whether the stored data depends on the host name of the container.
        default_user: A user that exists without configuration, or ``""``.
        command: The command that the image needs, or ``""``.
        command_with_password: The command for clients that log in, or ``""``.
    """

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
        """The catalog entry of the image."""
        return load_catalog().entry(self.id)


@cache
def starters() -> tuple[Starter, ...]:
    """Return all starters, in the order of the file."""
    all_starters = []
    for id_, values in read_json("starters.json")["starters"].items():
        sets = {
            name: frozenset(values.get(name, ()))
            for name in ("schemes", "hosts", "words", "required")
        }
        sets["hosts"] |= {id_}
        all_starters.append(Starter(id_, **{**values, **sets}))
    return tuple(all_starters)


def starter_for(
    scheme: str = "", host: str = "", port: str = "", variable: str = ""
) -> Starter | None:
    """Return the starter that a URL or address probably means, or None.

    *scheme*, *host* and *port* are parts of the URL or address, *variable* is the name of the
    variable that contains it. The scheme decides first (``rediss``, ``postgresql+asyncpg``), then
    the name of the host (``redis-cache``), the name of the variable (``POSTGRES_HOST: db``), and
    at last a port that no other image uses.
    """
    current = scheme.lower()
    while current:
        starter = _first_starter("schemes", current)
        if starter is not None:
            category = load_catalog().category_of_name(host)
            return starter if category in {None, starter.entry.category} else None
        shorter = re.sub(_SCHEME_SUFFIX, "", current)
        current = shorter if shorter != current else ""
    return _by_host(host) or _by_variable(variable) or _by_port(port)


def _first_starter(attribute: str, value: str) -> Starter | None:
    return next((s for s in starters() if value in getattr(s, attribute)), None)


def _by_host(host: str) -> Starter | None:
    name = host.lower()
    while name:
        starter = _first_starter("hosts", re.split(r"[-_.]", name)[-1])
        if starter is not None:
            return starter
        shorter = _NAME_SUFFIX.sub("", name)
        if shorter == name:
            return None
        name = shorter
    return None


def _by_variable(variable: str) -> Starter | None:
    """Return the starter for the last word of *variable* that is not a generic one."""
    for word in reversed(_WORD.findall(variable)):
        starter = _first_starter("words", word.lower())
        if starter is not None or word.lower() not in _GENERIC_WORDS:
            return starter
    return None


def _by_port(port: str) -> Starter | None:
    if not port:
        return None
    return next((s for s in starters() if s.port and s.entry.main_port == port), None)


class MissingService(Struct, frozen=True):
    """A service that is referenced and not defined: Docker Compose rejects the project.

    Attributes:
        name: The name of the missing service.
        references: The references to it.
    """

    name: str
    references: tuple[Reference, ...]


class MissingResource(Struct, frozen=True):
    """A resource that services use and no file declares.

    Attributes:
        section: ``networks``, ``volumes``, ``configs`` or ``secrets``.
        name: The name of the resource.
        users: The name of each service that uses it, and the definition that does.
    """

    section: str
    name: str
    users: tuple[tuple[str, Definition], ...]


class MissingHost(Struct, frozen=True):
    """A host that services name and no service defines. It may be outside the project.

    Attributes:
        host: The host as written.
        mentions: The places that name it.
        starter: How to start a service under that name. None if the catalog has no suggestion:
            then it is only a guess that a service is missing.
    """

    host: str
    mentions: tuple[HostMention, ...]
    starter: Starter | None

    @property
    def is_default(self) -> bool:
        """Whether only the defaults of variables name it: with a value, another host is used."""
        return all(mention.is_default for mention in self.mentions)

    @property
    def is_likely(self) -> bool:
        """Whether there is a starter, and some mention is not in a shared env file."""
        return self.starter is not None and not all(mention.is_shared for mention in self.mentions)


def missing_services(model: StartModel) -> list[MissingService]:
    """Return the undefined services that ``depends_on``, ``links`` ... of *model* refer to.

    References with a variable are ignored.
    """
    references_by_name: dict[str, list[Reference]] = {}
    for reference in service_references(model):
        if reference.name not in model.services and "$" not in reference.name:
            references_by_name.setdefault(reference.name, []).append(reference)
    return [MissingService(name, tuple(by)) for name, by in references_by_name.items()]


def missing_resources(model: StartModel, section: str) -> list[MissingResource]:
    """Return the resources of *section* that services use and no file of *model* declares.

    The network ``default`` needs no declaration (Compose specification).
    """
    users_by_name: dict[str, list[tuple[str, Definition]]] = {}
    for service in model.services.values():
        mounted = {v.value.source for v in service.volumes if v.value.kind == "volume"}
        for number, definition in enumerate(service.definitions):
            later = (each.entries.get(section) for each in service.definitions[number + 1 :])
            if any(each and each.value.tag in {"!reset", "!override"} for each in later):
                continue  # what it refers to is discarded
            for kind, name in sorted(referenced_resources(definition.body)):
                is_implicit = (kind, name) == ("networks", "default")
                if (kind, section) == ("volumes", "volumes") and name not in mounted:
                    continue  # another mount at the same place replaces it
                if kind == section and not is_implicit and "$" not in name:
                    users_by_name.setdefault(name, []).append((service.name, definition))
    return [
        MissingResource(section, name, tuple(users))
        for name, users in users_by_name.items()
        if not model.declares(section, name)
    ]


def undeclared_resources(
    models: list[StartModel], section: str
) -> Iterator[tuple[StartModel, MissingResource, ComposeFile]]:
    """Yield what *models* do not declare in *section*, once for each file that should declare it.

    A model that is only a part of another one, which declares the resource, does not lack it.
    """
    seen: set[tuple[str, str]] = set()
    for model in models:
        for missing in missing_resources(model, section):
            if is_only_part_of_another(model, models, section, missing.name):
                continue
            file = destination_file(model, missing.users)
            if (file.path, missing.name) not in seen:
                seen.add((file.path, missing.name))
                yield model, missing, file


def missing_hosts(
    model: StartModel,
    others: Iterable[ComposeFile] = (),
    mentions: Iterable[HostMention] | None = None,
) -> list[MissingHost]:
    """Return the hosts that variables and commands name and no service defines.

    A host is searched in URLs of known schemes, in addresses, and in variables that are named
    like one. Names with dots, the name of the caller itself, what a server calls itself
    (``MARIADB_HOST: shop`` of a MariaDB), and names of services and containers in *others*, further
    files of the project, are excluded, and so is what a caller may find on an external network.
    *mentions* are the results of
    :func:`~composerefactor.images.connections.host_mentions` if the caller has them already.
    """
    names = HostNames(model)
    known = {name.lower() for file in others for name in _names_of_services(file)}
    mentions_by_host: dict[str, list[HostMention]] = {}
    for mention in host_mentions(model) if mentions is None else mentions:
        host = mention.mention.host
        if (
            host.lower() not in known
            and not names.is_known(mention.caller, host)
            and _is_host(mention)
            and not _is_on_external_network(model, mention.caller)
            and not _is_own_name(model, mention)
        ):
            mentions_by_host.setdefault(host, []).append(mention)
    return [
        MissingHost(host, tuple(by), _likely_starter(host, by))
        for host, by in mentions_by_host.items()
    ]


def _is_on_external_network(model: StartModel, caller: str) -> bool:
    """Return whether other projects may have services on a network of *caller*."""
    declared = model.resources("networks")
    names = networks_of(model, caller) or []
    return any(name in declared and declared[name].external for name in names)


_OF_ANOTHER = r"(?i)master|primary|leader|source|seed|replica|slave|peer"


def _is_own_name(model: StartModel, mention: HostMention) -> bool:
    """Return whether the service of *mention* is itself the server that it names."""
    named = mention.mention
    starter = starter_for(named.scheme, named.host, named.port, mention.variable)
    entry = catalog_of(model).match(text_of(model.services[mention.caller].image))
    is_same = entry is not None and starter is not None and entry.id == starter.id
    return is_same and not re.search(_OF_ANOTHER, mention.variable)


def _names_of_services(file: ComposeFile) -> Iterator[str]:
    """Yield the names of the services in *file*, and of their containers."""
    for name, body in file.services.items():
        yield name
        yield text_below(body, "container_name") or name


_NO_HOSTS = frozenset({"disabled", "dummy", "ignored", "none", "null", "placeholder", "unused"})
"""What stands for no host where a program insists on a value."""


def _is_host(mention: HostMention) -> bool:
    """Return whether *mention* most likely names a host of the same network."""
    named = mention.mention
    own_names = {"HOSTNAME", "CLUSTER_HOSTNAME"}
    if not is_dns_label(named.host) or mention.variable.upper() in own_names:
        return False
    if named.host.lower() in _NO_HOSTS:
        return False
    if named.form == "url":
        return named.scheme in _GENERIC_SCHEMES or starter_for(named.scheme) is not None
    return mention.variable not in {"command", "entrypoint"}


def _likely_starter(host: str, mentions: list[HostMention]) -> Starter | None:
    for mention in mentions:
        starter = starter_for(mention.mention.scheme, host, mention.mention.port, mention.variable)
        if starter is not None:
            return starter
    return None
