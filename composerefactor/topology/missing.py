"""What services name and nothing defines: services, resources and hosts."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from composerefactor.catalog.starters import Starter, starter_for
from composerefactor.compose.file import ComposeFile
from composerefactor.compose.references import resources
from composerefactor.topology.conversations import HostMention, host_mentions
from composerefactor.topology.names import Names
from composerefactor.topology.naming import is_dns_label
from composerefactor.topology.servicereferences import Reference, references
from composerefactor.topology.stack import Definition, Stack

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


def missing_services(stack: Stack) -> list[MissingService]:
    """Return what depends_on, links, volumes_from and ``service:`` values name in vain."""
    found: dict[str, list[Reference]] = {}
    for reference in references(stack):
        if reference.name not in stack.services and "$" not in reference.name:
            found.setdefault(reference.name, []).append(reference)
    return [MissingService(name, tuple(by)) for name, by in found.items()]


def missing_resources(stack: Stack, section: str) -> list[MissingResource]:
    """Return what services name in *section* and no file of *stack* declares.

    The network ``default`` needs no declaration (Compose specification).
    """
    found: dict[str, list[tuple[str, Definition]]] = {}
    for service in stack.services.values():
        for definition in service.definitions:
            for kind, name in sorted(resources(definition.body)):
                is_implicit = (kind, name) == ("networks", "default")
                if kind == section and not is_implicit and "$" not in name:
                    found.setdefault(name, []).append((service.name, definition))
    return [
        MissingResource(section, name, tuple(users))
        for name, users in found.items()
        if not stack.declares(section, name)
    ]


def missing_hosts(
    stack: Stack,
    others: Iterable[ComposeFile] = (),
    mentions: Iterable[HostMention] | None = None,
) -> list[MissingHost]:
    """Return the hosts that variables and commands name and nothing defines.

    A host is looked for only where it is meant as one: in URLs of known schemes, in addresses, and
    in variables whose name says so. Names with dots, of the caller itself and of services in
    *others*, further files of the project, are left out. *mentions* are all that *stack* names,
    where they are known already.
    """
    names = Names(stack)
    known = {name.lower() for file in others for name in file.services}
    found: dict[str, list[HostMention]] = {}
    for each in host_mentions(stack) if mentions is None else mentions:
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
