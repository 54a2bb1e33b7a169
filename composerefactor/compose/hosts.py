"""The hosts that the value of a variable, or a command, names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Literal

from msgspec import Struct

from composerefactor.compose.interpolation import MASK, expand, expressions, masked
from composerefactor.compose.interpolation import variables as variables_in

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ASCII_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.\-]{0,251}[A-Za-z0-9])?")

_LABEL = re.compile(r"(?!0x)(?=.*[a-z])[a-z0-9](?:[a-z0-9_\-]{0,61}[a-z0-9])?")
_NO_HOSTS = frozenset(
    {
        *("true", "false", "yes", "no", "on", "off", "none", "null", "nil", "default", "auto"),
        *("any", "all", "disabled", "enabled", "stub", "fake", "mock", "dummy", "example", "test"),
        *("changeme", "your-host", "your_host", "hostname", "host", "local"),
    }
)
"""What stands in variables for hosts without being one."""

_HOST_WORDS = (
    "host",
    "hosts",
    "hostname",
    "hostnames",
    "server",
    "servers",
    "addr",
    "addrs",
    "address",
    "addresses",
    "endpoint",
    "endpoints",
    "url",
    "urls",
    "uri",
    "uris",
    "upstream",
    "upstreams",
    "brokers",
    "seeds",
    "peers",
    "fqdn",
)
"""A name that ends with one of these, joined or not, has a host as its value: ``PGHOST``."""

_MORE_HOST_WORDS = frozenset({"nodes", "node", "connect", "voters", "ip", "target", "targets"})
"""As above, as a word of its own."""

_OTHERS_CALL = frozenset(
    {
        *("allowed", "trusted", "cors", "csrf", "origin", "origins", "redirect"),
        *("virtual", "letsencrypt", "bind", "listen", "listener", "listeners"),
        *("advertised", "advertise", "announce", "noproxy"),
    }
)
"""Words of variables with hosts that the service does not call."""

_NO_ADDRESS = frozenset(
    {
        *("image", "images", "tag", "version", "user", "users", "owner", "uid", "gid", "group"),
        *("chown", "volume", "volumes", "mount", "ports", "expression", "cron", "schedule", "time"),
        *("restrictedtags", "package", "packages", "artifact", "dependency", "password", "secret"),
    }
)
"""Words of variables in whose values ``name:number`` is no address."""


@cache
def words(name: str) -> tuple[str, ...]:
    """Return the words of a variable's name: ``ConnectionStrings__RedisHost`` has four."""
    return tuple(word.lower() for word in _WORD.findall(name))


def names_host(name: str) -> bool:
    """Return whether a variable or option called *name* has the name of a host as its value."""
    found = words(name)
    if not found or calls_nobody(name):
        return False
    last = found[-1]
    if last == "name" and found[-2:-1] == ("host",):
        return True
    return last in _MORE_HOST_WORDS or (last.endswith(_HOST_WORDS) and last != "localhost")


@cache
def calls_nobody(name: str) -> bool:
    """Return whether a variable called *name* holds hosts that others call, or that none does."""
    found = words(name)
    return (
        bool(_OTHERS_CALL.intersection(found))
        or found[:2] == ("no", "proxy")
        or found[-2:] == ("development", "hosts")  # Rails: the names under which it is called
    )


def holds_addresses(name: str) -> bool:
    """Return whether ``name:number`` in a variable called *name* can be an address."""
    return not calls_nobody(name) and not _NO_ADDRESS.intersection(words(name))


def is_host(text: str) -> bool:
    """Return whether *text* can be the name of a host, and is no number or IP address."""
    return bool(_ASCII_HOST.fullmatch(text)) and not text.replace(".", "").isdigit()


def is_local(host: str) -> bool:
    """Return whether *host* is the container itself or the machine that it runs on."""
    name = host.lower()
    return name in {"localhost", "ip6-localhost"} or name.endswith((".localhost", ".internal"))


def is_dns_label(text: str) -> bool:
    """Return whether *text* can name a container: lower case, without dots, and no mere word."""
    return bool(_LABEL.fullmatch(text)) and text not in _NO_HOSTS


_PART = r"[^\s/?#\"'<>()\\;,|`]"
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+._\-]*)://"
    rf"(?P<authority>(?:{_PART}|,(?![A-Za-z][A-Za-z0-9+._\-]*://))*)"
    r"(?:/(?P<path>[^\s?#\"'<>()\\;,|`]*))?"
)


class Url(Struct, frozen=True):
    """``scheme://user:password@host:port,host:port/path`` at ``text[start:end]``, as written.

    *hosts* are (host, port) pairs, the port ``""`` where none is written; they begin at
    *host_start*.
    """

    scheme: str
    hosts: tuple[tuple[str, str], ...]
    start: int
    end: int
    host_start: int
    user: str = ""
    password: str = ""
    path: str = ""

    def __repr__(self) -> str:  # without user and password
        return f"Url({self.scheme!r}, {self.hosts!r}, {self.start}, {self.end}, path={self.path!r})"


def urls(text: str) -> list[Url]:
    """Return the URLs in *text* that have a scheme and ``//``; variables stay as written."""
    if "://" not in text:
        return []
    mask = masked(text)
    return [_url(text, mask, match) for match in _URL.finditer(mask)]


def _url(text: str, mask: str, match: re.Match[str]) -> Url:
    start, end = match.span("authority")
    user = password = ""
    at = mask.rfind("@", start, end)
    if at >= 0:
        colon = mask.find(":", start, at)
        user = text[start : colon if colon >= 0 else at]
        password = text[colon + 1 : at] if colon >= 0 else ""
        start = at + 1
    hosts, host_start = [], start
    for part in mask[start:end].split(","):
        colon = part.rfind(":")
        host_end = len(part) if colon < 0 else colon
        hosts.append(
            (text[start : start + host_end], text[start + host_end + 1 : start + len(part)])
        )
        start += len(part) + 1
    path = text[slice(*match.span("path"))] if match["path"] else ""
    return Url(
        match["scheme"].lower(), tuple(hosts), *match.span(), host_start, user, password, path
    )


def unwrapped(text: str, variables: Mapping[str, str]) -> str:
    """Return what the one expression that *text* consists of stands for, else *text* itself.

    A variable of *variables* gives its value, another one its default.
    """
    for _ in range(10):
        if "$" not in text:
            return text
        stripped = text.strip()
        whole = next((e for e in expressions(stripped) if e.depth == 0), None)
        if whole is None or (whole.start, whole.end) != (0, len(stripped)):
            return text
        value = variables.get(whole.name)
        if value is None and whole.operator in {"-", ":-"}:
            value = whole.argument
        if value is None or value == text:
            return text
        text = value
    return text


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
_ADDRESS = re.compile(
    rf"(?:[\w.\-]+[=@])?(?:[A-Za-z][\w\-]*:)??(?P<host>{_HOST}):(?P<port>[0-9]{{1,5}})"
    r"(?::[0-9]{1,5})*(?:/[^\s]*)?"
)
_INNER_ADDRESS = re.compile(
    rf"(?<![\w.:/@$\-\x00])(?P<host>{_HOST}):(?P<port>[0-9]{{2,5}})(?![\w.:\-])"
)
_KEY_VALUE = re.compile(
    r"""(?:^|[;,(\s&?:{])["']?
    (?:host|hostname|hostaddr|server|data\ source|datasource|addr|address|network\ address)
    ["']?\s*[=:]\s*["']?(?:tcp:|np:)?
    (?P<host>[A-Za-z0-9][\w.\-]*)(?:[,:](?P<port>[0-9]{2,5}))?""",
    re.IGNORECASE | re.VERBOSE,
)
_GO_DSN = re.compile(rf"@(?:tcp|udp)\((?P<host>{_HOST})(?::(?P<port>[0-9]+))?\)")
_GO_PROTOCOL = re.compile(r"@(?:tcp|udp)\(")
_ORACLE = re.compile(rf"jdbc:oracle:\w+:[^@\s]*@(?P<host>{_HOST})(?::(?P<port>[0-9]+))?")
_SOCKET = re.compile(rf"/dev/(?:tcp|udp)/(?P<host>{_HOST})/(?P<port>[0-9]+)")
_PROBE = re.compile(
    rf"\b(?:nc|ncat|netcat|telnet)\b(?:\s+-[\w]+(?:\s+[0-9]+)?)*\s+(?P<host>{_HOST})\s+(?P<port>[0-9]+)"
)
_OPTION = re.compile(
    r"""(?:^|(?<=[\s"'`(;&|]))
    (?:(?P<dashes>--?)|-D)?(?P<name>[A-Za-z][\w.\-]*)(?:=|(?(dashes)\s+|=))
    ["']?(?P<value>[^\s"'`;&|()]+)""",
    re.VERBOSE,
)
_SHORT_OPTION = re.compile(rf"(?<!\S)-[hH]\s*(?P<host>{_HOST})(?!\S)")
_SEPARATORS = re.compile(r"[,;\s]+")
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
