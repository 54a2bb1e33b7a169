"""Secrets by their names: which variables, options and headers contain one.

:func:`is_credential` decides for findings and fixes, where a false alarm has a cost,
:func:`is_secret_name` for masking, where a missed secret has one. ``secret_spans.py`` finds secrets
in texts.
"""

from __future__ import annotations

import re
from collections.abc import Container
from functools import cache

from composerefactor.compose.hosts import name_words
from composerefactor.compose.interpolation import expand, expressions

PASSWORD_WORDS = (
    *("password", "pass", "passwd", "pwd", "pw", "passphrase"),
    *("passwort", "kennwort", "contrasena", "senha"),
)
"""Words in the name of a password, the usual one first."""

_LAST_WORDS = frozenset(
    {
        *PASSWORD_WORDS,
        *("secret", "token", "apikey", "secretkey", "accesskey", "credential", "credentials"),
    }
)
"""The last word in the name of a credential."""

_ENDINGS = ("password", "passwd", "passphrase", "secret", "apikey", "secretkey")
_IGNORED_LAST_WORDS = frozenset(
    {"base", "value", "raw", "text", "b64", "base64", "plain", "default"}
)
"""Words that may follow, as in ``SECRET_KEY_BASE``."""

_WORDS_BEFORE_KEY = frozenset(
    {
        *("api", "secret", "private", "encryption", "access", "signing", "master", "app", "auth"),
        *("jwt", "license", "account", "session", "cookie", "cipher", "role", "anon"),
        *("admin", "shared", "storage", "crypto", "hmac", "webhook", "deploy", "registration"),
        "fernet",
    }
)
"""Words before ``key`` that make it a credential: a ``primary key`` is not one."""

_PROPERTIES = frozenset(
    {
        *("file", "files", "path", "dir", "directory", "name", "names", "image", "tag", "arn"),
        *("enabled", "enable", "disabled", "required", "ttl", "expiry", "expires", "expiration"),
        *("expire", "expiring", "length", "min", "max", "minimum", "maximum", "algorithm", "alg"),
        *("type", "policy", "host", "hosts", "port", "ports", "mode", "method", "version"),
        *("timeout", "lifetime", "duration", "minutes", "hours", "days", "seconds", "interval"),
        *("provider", "store", "backend", "manager", "engine", "format", "encoding", "domain"),
        *("user", "username", "email", "prefix", "claim", "audience", "scope", "age", "retention"),
        *("count", "limit", "rotation", "secs", "mechanism", "mount", "volume", "rounds", "cost"),
        *("clients", "source", "warning"),
    }
)
"""Last words in the name of a property of a credential, whose value is not secret."""

_NO_CREDENTIAL = _PROPERTIES | {
    *("id", "ids", "header", "url", "uri", "endpoint", "issuer", "allow", "random", "strength"),
    *("class", "converter", "serializer", "location", "reset", "login", "auth", "validation"),
    *("hash", "public", "onetime", "from", "to"),
}
"""First or last words in the name of what is no credential, although it may contain one."""

_PROTOCOLS_OF_NGINX = frozenset({"uwsgi", "fastcgi", "scgi"})
"""Words before ``pass`` in the names of directives of nginx: their values are addresses.

``grpc_pass`` is one in lower case only: ``GRPC_PASS`` is the password of a gRPC server.
"""

_ADDRESS_WORDS = frozenset({"url", "uri", "endpoint", "issuer", "location"})
_SECRET_WORDS = frozenset(
    {
        *("passwords", "secrets", "tokens", "keys", "key", "private", "auth", "authorization"),
        *("salt", "signature", "sig", "cookie", "dsn", "webhook", "pepper", "userpwd", "pin"),
        *("psk", "mnemonic"),
    }
)
"""Words in a name whose value may be secret, or contain a secret."""

_SECRET_ENDINGS = (
    *("pass", "pwd", "passwd", "password", "passphrase", "secret", "token", "credential"),
    *("credentials", "apikey", "secretkey", "accesskey", "privatekey", "masterkey", "auth"),
    *("sshkey", "signingkey", "encryptionkey", "authkey"),
    *("passwort", "kennwort", "contrasena", "senha"),
)
_NO_SECRET_WORDS = frozenset({"bypass", "compass", "oauth"})
_STRUCTURE = frozenset({"secrets", "x-secrets", "keys"})
"""Keys of Compose files that list names of secrets, not values."""

NO_VALUE = re.compile(
    r"|true|false|yes|no|on|off|none|null|disabled?|enabled?|[0-9]{1,2}|[0-9]+(?:ms|[smhd])"
    r"|v?[0-9]+(?:\.[0-9]+){1,3}",
    re.IGNORECASE,
)
_ADDRESS = r"(?i:[a-z][a-z0-9+.-]*://[\w.-]+(?::[0-9]+)?(?:/[a-z/_-]*)?)"
ORDINARY_VALUE = rf"[0-9]{{1,5}}|{_ADDRESS}"
"""Values that are not secret unless the name is that of a credential: ports, addresses."""

PATH_VALUE = re.compile(
    r"(?:[A-Za-z]:\\|file:).*|(?:\.{1,2}|~)?/[\w./@-]*"
    r"|[\w./\\%-]+\.(?:pem|key|crt|cer|txt|json|p12|jks|pub)"
)
_NO_SECRETS = (NO_VALUE, PATH_VALUE, _ADDRESS)
"""Values that are not secret, whatever the name is: ``PROXY_PASS`` of nginx is an address."""

_COMMON_VALUES = frozenset(
    {
        *("admin", "root", "password", "postgres", "secret", "test", "guest", "changeme", "user"),
        *("redis", "mysql", "mongo", "minio", "minioadmin", "example", "default", "demo", "dev"),
        *("rabbitmq", "elastic", "123456", "12345678", "123456789", "1234567890", "letmein"),
        *("keycloak", "grafana", "password123", "pass", "changeit", "development", "mariadb"),
        *("local", "cassandra", "neo4j", "influxdb", "clickhouse", "kafka", "airflow", "sonar"),
        *("couchdb", "zabbix", "wordpress", "nextcloud", "debezium", "scylla"),
    }
)
_MIN_UNCOMMON_LENGTH = 8


def is_credential(name: str, value: str, known: Container[str] = ()) -> bool:
    """Return whether the variable *name* with *value* certainly is a credential.

    *known* are the names of the credentials that the image reads.
    """
    is_one = (name in known and not name.endswith("USER")) or _is_credential_name(name)
    return is_one and not any(re.fullmatch(each, value) for each in _NO_SECRETS)


@cache
def _is_credential_name(name: str) -> bool:
    """Return whether *name* is the name of a credential by its words alone."""
    parts = _significant_words(name)
    if not parts or name in {"PWD", "grpc_pass"} or {parts[0], parts[-1]} & _NO_CREDENTIAL:
        return False
    last = parts[-1]
    if last == "pass" and _PROTOCOLS_OF_NGINX.intersection(parts[:-1]):
        return False
    if last == "key":
        return bool(_WORDS_BEFORE_KEY.intersection(parts[:-1]))
    if last == "credentials" and {"ssl", "keystore", "truststore"} & set(parts):
        return False  # for Kafka, these are names of files
    return last in _LAST_WORDS or last.endswith(_ENDINGS)


def _significant_words(name: str) -> list[str]:
    parts = list(name_words(name))
    while len(parts) > 1 and (parts[-1].isdigit() or parts[-1] in _IGNORED_LAST_WORDS):
        parts.pop()
    return parts


@cache
def is_secret_name(name: str) -> bool:
    """Return whether a value called *name* may be secret: a credential, a salt, a webhook.

    Every name of a credential is such a name; the others are masked, but are no finding.
    """
    if name == "PWD" or name in _STRUCTURE:
        return False
    if _is_credential_name(name):
        return True
    parts = _significant_words(name)
    if not parts or parts[-1] in _PROPERTIES:
        return False
    if parts[-2:] == ["honeycomb", "team"]:
        return True
    if parts[-1] in _ADDRESS_WORDS:
        return bool({"webhook", "dsn"} & set(parts))
    return any(
        part in _SECRET_WORDS or (part.endswith(_SECRET_ENDINGS) and part not in _NO_SECRET_WORDS)
        for part in parts
    )


_KEY_HEADER = r"(?i)x(?:-[a-z0-9]+){2,6}"
"""A header of a vendor, whose value may be a key: ``x-honeycomb-team``."""
_KEY = r"\w{16,}"


def is_secret(name: str, value: str) -> bool:
    """Return whether *value* of the variable, option or header *name* is to be masked."""
    if not value or is_reference(value):
        return False
    if not is_secret_name(name):
        is_key = re.fullmatch(_KEY_HEADER, name) and re.fullmatch(_KEY, value)
        return bool(is_key) and is_mixed(value) and name_words(name)[-1] not in _NO_CREDENTIAL
    if any(re.fullmatch(each, value) for each in _NO_SECRETS):
        return False
    if name_words(name)[-1:] == ("dsn",) and re.fullmatch(r"[a-z]+", value):
        return False  # the name of a driver: DSN=memory
    return _is_credential_name(name) or not re.fullmatch(ORDINARY_VALUE, value)


_LONGEST_REFERENCE = 2000
"""Characters of a text that is looked through for variables alone, as in nested defaults."""


def is_reference(value: str) -> bool:
    """Return whether *value* contains no text of its own, only variables or shell commands."""
    text = value.strip().strip("\"'")
    if "$" not in text:
        return text.startswith("`")
    if text.startswith(("$(", "$$(", "`")) or re.fullmatch(r"\$\$?\{?\w*\}?", text):
        return True
    if len(text) > _LONGEST_REFERENCE:
        return False
    if any(each.operator.endswith("+") for each in expressions(text)):
        return False
    return not expand(text, {}).strip(":-_@/ ")


def is_common(value: str) -> bool:
    """Return whether unrelated services may use *value* by chance."""
    return len(value) < _MIN_UNCOMMON_LENGTH or is_common_word(value)


def is_common_word(value: str) -> bool:
    """Return whether *value* is a word that is common in texts without being a secret there."""
    return value.lower() in _COMMON_VALUES


_PLACEHOLDER = (
    r"(?i)change[-_ ]?(?:me|it|this)|\byour[-_ ]|placeholder|replace[-_ ]?(?:me|this)"
    r"|\.\.\.|<[^>]+>|^\[[^\]]+\]$|^x{4,}$|^(?:sample|example)[-_]|EXAMPLEKEY$"
)


def is_placeholder(value: str) -> bool:
    """Return whether *value* is a placeholder such as ``your-api-key``."""
    return re.search(_PLACEHOLDER, value) is not None


_PUBLISHED = frozenset(
    {
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
        "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==",
    }
)
"""Microsoft's documentation: the keys of Azurite and of the Azure Cosmos DB emulator."""


def is_published(value: str) -> bool:
    """Return whether *value* is the key of an emulator, which everybody knows."""
    return value in _PUBLISHED


def is_mixed(text: str) -> bool:
    """Return whether *text* has letters and digits, as few words have."""
    return any(map(str.isdigit, text)) and any(map(str.isalpha, text))


def variable_name(text: str) -> str:
    """Return the name of a variable for *text*, the name of a service or of a setting."""
    variable = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    if variable not in {variable.upper(), variable.lower()}:
        variable = "_".join(name_words(variable))
    variable = variable.upper()
    return f"_{variable}" if not variable or variable[0].isdigit() else variable


def password_variable_name(name: str) -> str:
    """Return the name of a variable for the password in the connection string *name*."""
    text = re.sub(r"_?(?:URL|URI|DSN|STRING|CONNECTION|AUTH)S?$", "", variable_name(name))
    return f"{text or 'DATABASE'}_PASSWORD"
