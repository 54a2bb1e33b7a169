"""What to start where a project names a service and does not define it: starters.yml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from msgspec import Struct

from composerefactor.catalog.catalog import load
from composerefactor.catalog.facts import CatalogEntry
from composerefactor.catalog.index import read_json
from composerefactor.patterns import regex

_SCHEME_END = regex(r"(?:\+.*|s|\+srv)$")
_ADDITION = regex(
    r"[-_.]?(?:[0-9]+|v[0-9]+|server|service|svc|db|cache|queue|broker|primary|master|main|node|host)$"
)
_PLAIN_WORDS = frozenset(
    {
        *("host", "hosts", "hostname", "name", "url", "urls", "uri", "uris", "addr", "address"),
        *("server", "servers", "endpoint", "endpoints", "brokers", "seeds", "nodes", "connect"),
        *("bootstrap", "db", "database", "cache", "queue", "primary", "master", "connection"),
    }
)
_WORD = regex(r"[A-Za-z0-9]+?(?=[A-Z][a-z])|[A-Za-z0-9]+")


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
