"""What the name of a variable or an option says of its value: a host, or something else."""

from __future__ import annotations

from functools import cache

from composerefactor.patterns import regex

_WORD = regex(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ASCII_HOST = regex(r"[A-Za-z0-9](?:[A-Za-z0-9_.\-]{0,251}[A-Za-z0-9])?")

_LABEL = regex(r"(?!0x)(?=.*[a-z])[a-z0-9](?:[a-z0-9_\-]{0,61}[a-z0-9])?")
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
