"""Host names in the values of variables and in commands.

The parts of the module: what the name of a variable says about its value, URLs in a text, and the
hosts that a variable or a command mentions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Literal

from msgspec import Struct

from composerefactor.compose.interpolation import (
    EXPRESSION_MASK,
    expand,
    expressions,
    mask_expressions,
)
from composerefactor.compose.interpolation import variables as variables_in

HOST = "host.docker.internal"
"""The name of the host in containers (Docker Desktop, or ``host-gateway`` in ``extra_hosts``)."""

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
"""Values of host variables that are not the name of a host."""

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
"""The value of a variable is a host if its name ends with one of these, such as ``PGHOST``."""

_MORE_HOST_WORDS = frozenset({"nodes", "node", "connect", "voters", "ip", "target", "targets"})
"""Likewise, but only as a separate word of the name."""

_NOT_CALLED_BY_SERVICE = frozenset(
    {
        *("allowed", "trusted", "cors", "csrf", "origin", "origins", "redirect"),
        *("virtual", "letsencrypt", "bind", "listen", "listener", "listeners"),
        *("advertised", "advertise", "announce", "noproxy"),
    }
)
"""Words in names of variables whose hosts the service itself does not call."""

_NO_ADDRESS = frozenset(
    {
        *("image", "images", "tag", "version", "user", "users", "owner", "uid", "gid", "group"),
        *("chown", "volume", "volumes", "mount", "ports", "expression", "cron", "schedule", "time"),
        *("restrictedtags", "package", "packages", "artifact", "dependency", "password", "secret"),
    }
)
"""Words in names of variables for which ``name:number`` is not an address."""


@cache
def name_words(name: str) -> tuple[str, ...]:
    """Return the words of a name, in lower case.

    ``ConnectionStrings__RedisHost`` becomes ``connection``, ``strings``, ``redis``, ``host``.
    """
    return tuple(word.lower() for word in _WORD.findall(name))


def names_host(name: str) -> bool:
    """Return whether the value of a variable or option called *name* is the name of a host."""
    parts = name_words(name)
    if not parts or calls_nobody(name):
        return False
    last = parts[-1]
    if last == "name" and parts[-2:-1] == ("host",):
        return True
    return last in _MORE_HOST_WORDS or (last.endswith(_HOST_WORDS) and last != "localhost")


@cache
def calls_nobody(name: str) -> bool:
    """Return whether the service does not call the hosts in a variable called *name*."""
    parts = name_words(name)
    return (
        bool(_NOT_CALLED_BY_SERVICE.intersection(parts))
        or parts[:2] == ("no", "proxy")
        or parts[-2:] == ("development", "hosts")  # Rails: the names under which others call it
    )


def may_contain_addresses(name: str) -> bool:
    """Return whether ``name:number`` in a variable called *name* can be a host and port."""
    return not calls_nobody(name) and not _NO_ADDRESS.intersection(name_words(name))


def is_host(text: str) -> bool:
    """Return whether *text* can be the name of a host, and is not a number or IP address."""
    return bool(_ASCII_HOST.fullmatch(text)) and not text.replace(".", "").isdigit()


def is_local(host: str) -> bool:
    """Return whether *host* is the container itself or the machine on which it runs."""
    name = host.lower()
    return name in {"localhost", "ip6-localhost"} or name.endswith((".localhost", ".internal"))


def is_dns_label(text: str) -> bool:
    """Return whether *text* can be the name of a container.

    It is in lower case, has no dots, and is not a common word such as ``true``.
    """
    return bool(_LABEL.fullmatch(text)) and text not in _NO_HOSTS


_PART = r"[^\s/?#\"'<>()\\;,|`]"
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+._\-]*)://"
    rf"(?P<authority>(?:{_PART}|,(?![A-Za-z][A-Za-z0-9+._\-]*://))*)"
    r"(?:/(?P<path>[^\s?#\"'<>()\\;,|`]*))?"
)


class Url(Struct, frozen=True):
    """``scheme://user:password@host:port,host:port/path`` at ``text[start:end]``, as written.

    A part that is not written is ``""``.

    Attributes:
        scheme: The scheme in lower case.
        hosts: The (host, port) pairs.
        start: Offset of the scheme.
        end: Offset just after the path.
        host_start: Offset of the first host.
        user: The user name.
        password: The password.
        path: The path without its first slash.
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
    """Return the URLs with a scheme and ``//`` in *text*; variables are not expanded."""
    if "://" not in text:
        return []
    mask = mask_expressions(text)
    return [_url(text, mask, match) for match in _URL.finditer(mask)]


def _url(text: str, mask: str, match: re.Match[str]) -> Url:
    """Return the URL of *match*, which was found in *mask*, the masked *text*."""
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


def unwrap_expression(text: str, variables: Mapping[str, str]) -> str:
    """Return the value of *text* if it consists of a single expression, else *text* itself.

    The value is the one in *variables*, else the default of the expression.
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
"""Schemes of URLs whose first part is not a host, or not a host of the project."""

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
"""With a lower number, ``redis:7`` is rather an image, unless the variable is for a host."""


class Mention(Struct, frozen=True):
    """A host that a text mentions.

    Attributes:
        host: The name of the host.
        form: How it is written: in a URL, as ``host:port``, or as a name alone.
        port: The port, or ``""``.
        scheme: The scheme of the URL, or ``""``.
    """

    host: str
    form: Form
    port: str = ""
    scheme: str = ""

    @property
    def text(self) -> str:
        """The mention as text for messages, without credentials: ``redis://redis:6379``."""
        scheme = f"{self.scheme}://" if self.scheme else ""
        return f"{scheme}{self.host}" + (f":{self.port}" if self.port else "")


def hosts_in_variable(name: str, value: str, variables: Mapping[str, str]) -> list[Mention]:
    """Return the hosts that the variable *name* mentions; *value* is its value as written.

    Variables in the value are replaced by their value in *variables* or by their default. Hosts
    that contain another variable are omitted, and so are the container itself and IP addresses.
    """
    if calls_nobody(name):
        return []
    text = unwrap_expression(value, variables)
    values = values_or_marks(text, variables)
    mentions = list(_mentions_in_urls(text, values))
    if not mentions:
        mentions = _mentions_in_plain_value(name, expand(text, values))
    return _distinct(mentions)


def hosts_in_command(text: str, variables: Mapping[str, str]) -> list[Mention]:
    """Return the hosts that a command mentions; *text* is its words, joined by spaces."""
    values = values_or_marks(text, variables)
    mentions = list(_mentions_in_urls(text, values))
    plain = expand(text, values)
    for pattern in (_SOCKET, _PROBE, _ORACLE, _GO_DSN):
        mentions += [
            Mention(m["host"], "address", m["port"] or "") for m in pattern.finditer(plain)
        ]
    mentions += _embedded_addresses(plain)
    mentions += [Mention(m["host"], "name") for m in _SHORT_OPTION.finditer(plain)]
    for match in _OPTION.finditer(plain):
        if "://" not in match["value"]:
            mentions += _mentions_in_plain_value(match["name"], match["value"].rstrip("\"'"))
    return _distinct(mentions)


def values_or_marks(text: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the variables in *text*, and a mark for each one without a value."""
    used = variables_in(text)
    defaults = {v.name for v in used if v.default is not None}
    marks = {v.name: EXPRESSION_MASK for v in used if v.name not in defaults}
    return {**marks, **{v.name: value for v in used if (value := variables.get(v.name))}}


def _mentions_in_urls(text: str, variables: Mapping[str, str]) -> Iterator[Mention]:
    """Yield the hosts in the URLs of *text*, with *variables* expanded."""
    for url in urls(text):
        if url.scheme in _NO_NETWORK or _GO_PROTOCOL.match(text, url.host_start - 1):
            continue
        for host, port in _hosts(url, variables):
            yield Mention(host, "url", port if port.isdigit() else "", url.scheme)


def _hosts(url: Url, variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for host, port in url.hosts:
        name, colon, inner = expand(host, variables).partition(":")
        yield name, inner if colon else expand(port, variables)


def _mentions_in_plain_value(name: str, text: str) -> list[Mention]:
    """Return the hosts in *text*, a value of the variable or option *name* without URLs."""
    is_word = not any(mark in text for mark in ":=@")  # as most values are
    mentions = [
        Mention(m["host"], "address", m["port"] or "")
        for pattern in (() if is_word else (_ORACLE, _GO_DSN, _KEY_VALUE))
        for m in pattern.finditer(text)
    ]
    if mentions or not may_contain_addresses(name):
        return mentions
    is_host_name = names_host(name)
    if not is_host_name and ":" not in text:
        return []
    for part in _SEPARATORS.split(text.strip("[] ")):
        item = part.strip("\"'")
        match = _ADDRESS.fullmatch(item)
        if match is not None:
            if is_host_name or int(match["port"]) >= _MIN_PORT:
                mentions.append(Mention(match["host"], "address", match["port"]))
        elif is_host_name and is_host(item):
            mentions.append(Mention(item, "name"))
    return mentions or _embedded_addresses(text)


def _embedded_addresses(text: str) -> list[Mention]:
    """Return the ``host:port`` addresses anywhere in *text*."""
    return [
        Mention(m["host"], "address", m["port"])
        for m in _INNER_ADDRESS.finditer(text)
        if int(m["port"]) >= _MIN_PORT
    ]


def _distinct(mentions: list[Mention]) -> list[Mention]:
    """Return the distinct mentions of hosts that are names and not local."""
    return list(dict.fromkeys(m for m in mentions if is_host(m.host) and not is_local(m.host)))
