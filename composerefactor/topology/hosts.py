"""The hosts that the value of a variable, or a command, names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from composerefactor.compose.expand import expand
from composerefactor.compose.interpolate import variables as variables_in
from composerefactor.compose.masking import MASK
from composerefactor.patterns import regex
from composerefactor.topology.naming import (
    calls_nobody,
    holds_addresses,
    is_host,
    is_local,
    names_host,
)
from composerefactor.topology.urls import Url, unwrapped, urls

Form = Literal["url", "address", "name"]

_NO_NETWORK = frozenset(
    {
        *("file", "unix", "npipe", "sqlite", "sqlite3", "fd", "data", "memory", "mem", "s3", "s3a"),
        *("gs", "gcs", "arn", "urn", "azblob", "oci", "docker", "docker-daemon", "classpath"),
        *("local", "dir", "jar", "vault", "awssm", "chrome", "app", "ipc", "git", "php", "api"),
    }
)
"""Schemes of URLs whose first part is no host, or none of the project."""

_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9_.\-]*[A-Za-z0-9])?"
_ADDRESS = regex(
    rf"(?:[\w.\-]+[=@])?(?:[A-Za-z][\w\-]*:)??(?P<host>{_HOST}):(?P<port>[0-9]{{1,5}})"
    r"(?::[0-9]{1,5})*(?:/[^\s]*)?"
)
_INNER_ADDRESS = regex(rf"(?<![\w.:/@$\-\x00])(?P<host>{_HOST}):(?P<port>[0-9]{{2,5}})(?![\w.:\-])")
_KEY_VALUE = regex(
    r"""(?:^|[;,(\s&?:{])["']?
    (?:host|hostname|hostaddr|server|data\ source|datasource|addr|address|network\ address)
    ["']?\s*[=:]\s*["']?(?:tcp:|np:)?
    (?P<host>[A-Za-z0-9][\w.\-]*)(?:[,:](?P<port>[0-9]{2,5}))?""",
    re.IGNORECASE | re.VERBOSE,
)
_GO_DSN = regex(rf"@(?:tcp|udp)\((?P<host>{_HOST})(?::(?P<port>[0-9]+))?\)")
_GO_PROTOCOL = regex(r"@(?:tcp|udp)\(")
_ORACLE = regex(rf"jdbc:oracle:\w+:[^@\s]*@(?P<host>{_HOST})(?::(?P<port>[0-9]+))?")
_SOCKET = regex(rf"/dev/(?:tcp|udp)/(?P<host>{_HOST})/(?P<port>[0-9]+)")
_PROBE = regex(
    rf"\b(?:nc|ncat|netcat|telnet)\b(?:\s+-[\w]+(?:\s+[0-9]+)?)*\s+(?P<host>{_HOST})\s+(?P<port>[0-9]+)"
)
_OPTION = regex(
    r"""(?:^|(?<=[\s"'`(;&|]))
    (?:(?P<dashes>--?)|-D)?(?P<name>[A-Za-z][\w.\-]*)(?:=|(?(dashes)\s+|=))
    ["']?(?P<value>[^\s"'`;&|()]+)""",
    re.VERBOSE,
)
_SHORT_OPTION = regex(rf"(?<!\S)-[hH]\s*(?P<host>{_HOST})(?!\S)")
_SEPARATORS = regex(r"[,;\s]+")
_MIN_PORT = 80
"""Below it, ``redis:7`` is an image rather than an address, unless the variable is a host's."""


class Mention(Struct, frozen=True):
    """A host that a text names, and the *form* in which it does.

    *port* and *scheme* are ``""`` where none is written.
    """

    host: str
    form: Form
    port: str = ""
    scheme: str = ""

    @property
    def words(self) -> str:
        """The mention without credentials: ``redis://redis:6379``."""
        scheme = f"{self.scheme}://" if self.scheme else ""
        return f"{scheme}{self.host}" + (f":{self.port}" if self.port else "")


def in_variable(name: str, value: str, variables: Mapping[str, str]) -> list[Mention]:
    """Return the hosts that the variable *name* with *value*, as written, names.

    Variables in the value stand for what *variables* has, else for their defaults; a host in which
    one of neither kind stands is left out. So are the container itself and IP addresses.
    """
    if calls_nobody(name):
        return []
    text = unwrapped(value, variables)
    known = with_marks(text, variables)
    found = list(_in_urls(text, known))
    if not found:
        found = _in_plain_value(name, expand(text, known))
    return _distinct(found)


def in_command(text: str, variables: Mapping[str, str]) -> list[Mention]:
    """Return the hosts that the words of a command, joined by spaces, name."""
    known = with_marks(text, variables)
    found = list(_in_urls(text, known))
    plain = expand(text, known)
    for pattern in (_SOCKET, _PROBE, _ORACLE, _GO_DSN):
        found += [Mention(m["host"], "address", m["port"] or "") for m in pattern.finditer(plain)]
    found += _inner_addresses(plain)
    found += [Mention(m["host"], "name") for m in _SHORT_OPTION.finditer(plain)]
    for match in _OPTION.finditer(plain):
        if "://" not in match["value"]:
            found += _in_plain_value(match["name"], match["value"].rstrip("\"'"))
    return _distinct(found)


def with_marks(text: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Return those of *variables* that *text* names, and a mark for each that has no value."""
    found = variables_in(text)
    defaults = {v.name for v in found if v.default is not None}
    marks = {v.name: MASK for v in found if v.name not in defaults}
    return {**marks, **{v.name: value for v in found if (value := variables.get(v.name))}}


def _in_urls(text: str, variables: Mapping[str, str]) -> Iterator[Mention]:
    for url in urls(text):
        if url.scheme in _NO_NETWORK or _GO_PROTOCOL.match(text, url.host_start - 1):
            continue
        for host, port in _hosts(url, variables):
            yield Mention(host, "url", port if port.isdigit() else "", url.scheme)


def _hosts(url: Url, variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for host, port in url.hosts:
        name, colon, inner = expand(host, variables).partition(":")
        yield name, inner if colon else expand(port, variables)


def _in_plain_value(name: str, text: str) -> list[Mention]:
    is_word = not any(mark in text for mark in ":=@")  # as most values are
    found = [
        Mention(m["host"], "address", m["port"] or "")
        for pattern in (() if is_word else (_ORACLE, _GO_DSN, _KEY_VALUE))
        for m in pattern.finditer(text)
    ]
    if found or not holds_addresses(name):
        return found
    is_host_name = names_host(name)
    if not is_host_name and ":" not in text:
        return []
    for part in _SEPARATORS.split(text.strip("[] ")):
        item = part.strip("\"'")
        match = _ADDRESS.fullmatch(item)
        if match is not None:
            if is_host_name or int(match["port"]) >= _MIN_PORT:
                found.append(Mention(match["host"], "address", match["port"]))
        elif is_host_name and is_host(item):
            found.append(Mention(item, "name"))
    return found or _inner_addresses(text)


def _inner_addresses(text: str) -> list[Mention]:
    return [
        Mention(m["host"], "address", m["port"])
        for m in _INNER_ADDRESS.finditer(text)
        if int(m["port"]) >= _MIN_PORT
    ]


def _distinct(found: list[Mention]) -> list[Mention]:
    return list(dict.fromkeys(m for m in found if is_host(m.host) and not is_local(m.host)))
