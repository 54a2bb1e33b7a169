"""With which user, password and database services log in to a host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from composerefactor.compose.expand import expand
from composerefactor.compose.interpolate import Expression, expressions
from composerefactor.topology.conversations import HostMention
from composerefactor.topology.naming import words
from composerefactor.topology.stack import Stack
from composerefactor.topology.urls import Url, unwrapped, urls

_USER = ("user", "username", "login")
_PASSWORD = ("password", "pass", "passwd", "pwd")
_DATABASE = ("database", "db", "name", "dbname", "schema", "vhost")
_HOST_WORDS = frozenset(
    {"host", "hosts", "hostname", "server", "url", "uri", "addr", "address", "endpoint", "name"}
)


@dataclass(frozen=True, slots=True)
class Login:
    """What is known of a login, each as written, with its variables; ``""`` where nothing is."""

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    database: str = ""


def login(stack: Stack, mentions: Iterable[HostMention]) -> Login:
    """Return how the callers of *mentions*, which name one host, log in there.

    A connection URL says it, or variables that are called like the one with the host:
    ``DB_HOST`` goes with ``DB_USER``, ``DB_PASSWORD`` and ``DB_NAME``.
    """
    user = password = database = ""
    for each in mentions:
        settings = {n: s.value or "" for n, s in stack.services[each.caller].settings.items()}
        for url in _urls(stack, each, settings.get(each.variable, "")):
            user, password = user or url.user, password or url.password
            database = database or url.path.partition("/")[0]
        stem = _stem(each.variable)
        user = user or _beside(settings, stem, _USER)
        password = password or _beside(settings, stem, _PASSWORD)
        database = database or _beside(settings, stem, _DATABASE)
    return Login(unquote(user), unquote(password) if "$" not in password else password, database)


def sole_expression(text: str) -> Expression | None:
    """Return the one ``${...}`` that *text* consists of, or None."""
    found = next((e for e in expressions(text) if e.depth == 0), None)
    return found if found is not None and (found.start, found.end) == (0, len(text)) else None


def _urls(stack: Stack, each: HostMention, text: str) -> Iterator[Url]:
    for url in urls(unwrapped(text, stack.variables)):
        hosts = {expand(host, stack.variables).partition(":")[0] for host, _ in url.hosts}
        if each.mention.host in hosts:
            yield url


def _stem(variable: str) -> tuple[str, ...]:
    found = words(variable)
    while found and found[-1] in _HOST_WORDS:
        found = found[:-1]
    return found


def _beside(settings: Mapping[str, str], stem: tuple[str, ...], endings: tuple[str, ...]) -> str:
    """Return the value of the variable that has the words of *stem* and then one of *endings*."""
    for ending in endings:
        for name, value in settings.items():
            if stem and words(name) == (*stem, ending):
                return value
    return ""
