"""What is a credential, told by the name of a variable and by its value."""

from __future__ import annotations

import re
from collections.abc import Container
from functools import cache

from composerefactor.patterns import regex
from composerefactor.topology.naming import words

_AT_END = frozenset(
    {
        *("password", "passwd", "passphrase", "secret", "pass", "pwd", "pw", "token", "apikey"),
        *("secretkey", "accesskey", "credential", "credentials"),
    }
)
"""Words at the end of the name of a credential."""

_ENDINGS = ("password", "passwd", "passphrase", "secret", "apikey", "secretkey")
_AFTER = frozenset({"base", "value", "raw", "text", "b64", "base64", "plain", "default"})
"""Words behind those, which change nothing: ``SECRET_KEY_BASE``."""

_KEYS = frozenset(
    {
        *("api", "secret", "private", "encryption", "access", "signing", "master", "app", "auth"),
        *("jwt", "license", "account", "session", "cookie", "cipher", "role", "anon"),
        *("admin", "shared", "storage", "crypto", "hmac", "webhook", "deploy", "registration"),
    }
)
"""What stands before ``key`` where it is a credential: a ``primary key`` is none."""

_NO_CREDENTIAL = frozenset(
    {
        *("file", "files", "path", "dir", "directory", "name", "names", "id", "ids", "arn"),
        *("enabled", "enable", "disabled", "required", "ttl", "expiry", "expires", "expiration"),
        *("expire", "expiring", "length", "min", "max", "minimum", "maximum", "algorithm", "alg"),
        *("type", "policy", "header", "host", "port", "url", "uri", "endpoint", "issuer", "mode"),
        *("timeout", "lifetime", "duration", "minutes", "hours", "days", "seconds", "interval"),
        *("provider", "store", "backend", "manager", "engine", "version", "format", "encoding"),
        *("allow", "random", "cost", "rounds", "strength", "class", "converter", "serializer"),
        *("user", "username", "email", "location", "prefix", "claim", "audience", "scope", "age"),
        *("reset", "login", "auth", "validation", "retention", "count", "limit", "rotation"),
        *("secs", "hash", "public", "mechanism", "onetime", "from", "to", "mount", "volume"),
    }
)
"""Words at either end of a name that say something about a credential, not the credential."""

_NO_VALUE = regex(
    r"(?:|true|false|yes|no|on|off|none|null|disabled?|enabled?|[0-9]{1,2}|[0-9]+(?:ms|[smhd]))",
    re.IGNORECASE,
)
_PATH = regex(r"(?:\.{0,2}/|[A-Za-z]:\\|file:)|.*\.(?:pem|key|crt|cer|txt|json|p12|jks|pub)$")
_USERINFO = regex(r"[a-z][a-z0-9+.-]*://[^/\s:@?#]*:(?P<password>[^/\s@?#,]+)@", re.IGNORECASE)
_PAIR = regex(
    r"(?:^|[;&?\s])(?:password|pwd|passwd|sharedaccesskey|accountkey)=(?P<password>[^;&\s\"']+)",
    re.IGNORECASE,
)
_COMMON = frozenset(
    {
        *("admin", "root", "password", "postgres", "secret", "test", "guest", "changeme", "user"),
        *("redis", "mysql", "mongo", "minio", "minioadmin", "example", "default", "demo", "dev"),
        *("rabbitmq", "elastic", "123456", "12345678", "123456789", "1234567890", "letmein"),
        *("keycloak", "grafana", "password123", "pass", "changeit", "development", "mariadb"),
    }
)
_LONG = 8


def is_credential(name: str, value: str, known: Container[str] = ()) -> bool:
    """Return whether a variable called *name* with *value* is a credential.

    *known* are the credentials that the image takes.
    """
    is_one = (name in known and not name.endswith("USER")) or _names_one(name)
    return is_one and not _NO_VALUE.fullmatch(value) and not _PATH.match(value)


@cache
def _names_one(name: str) -> bool:
    found = list(words(name))
    while len(found) > 1 and (found[-1].isdigit() or found[-1] in _AFTER):
        found.pop()
    if not found or name == "PWD" or {found[0], found[-1]} & _NO_CREDENTIAL:
        return False
    last = found[-1]
    if last == "key":
        return bool(_KEYS.intersection(found[:-1]))
    if last == "credentials" and {"ssl", "keystore", "truststore"} & set(found):
        return False  # names of files, for Kafka
    return last in _AT_END or last.endswith(_ENDINGS)


def passwords(text: str) -> list[tuple[int, int]]:
    """Return where passwords stand in *text*, a URL or a connection string."""
    if "=" not in text and "://" not in text:  # as most
        return []
    matches = [*_USERINFO.finditer(text)] if "://" in text else []
    matches += _PAIR.finditer(text) if "=" in text else ()
    return sorted({match.span("password") for match in matches})


def is_common(value: str) -> bool:
    """Return whether unrelated services may have *value* by chance."""
    return len(value) < _LONG or is_common_word(value)


def is_common_word(value: str) -> bool:
    """Return whether *value* is a word that stands in many places without being a secret there."""
    return value.lower() in _COMMON


def variable_name(text: str) -> str:
    """Return *text*, the name of a service or of a container's variable, as that of a variable."""
    found = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    if found not in {found.upper(), found.lower()}:
        found = "_".join(words(found))
    found = found.upper()
    return f"_{found}" if not found or found[0].isdigit() else found


def password_name(name: str) -> str:
    """Return a variable for the password in the connection string that *name* holds."""
    text = re.sub(r"_?(?:URL|URI|DSN|STRING|CONNECTION)S?$", "", variable_name(name))
    return f"{text or 'DATABASE'}_PASSWORD"
