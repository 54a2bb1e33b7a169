"""Which secrets a project chooses itself, and random values for them."""

from __future__ import annotations

import base64
import re
from collections.abc import Container
from secrets import token_bytes

from composerefactor.compose.hosts import name_words
from composerefactor.compose.secrets import PASSWORD_WORDS, is_credential

FIRST_START = "--set create-env.first-start=true"
"""The option of create-env for a project of which no service has run yet."""

_COMMAND = r"openssl\s+rand\s+-(?P<form>hex|base64)\s+(?P<size>\d{1,3})"
_LENGTH = r"(?i)(?P<size>\d{2,3})[-_ ]*(?:char|long\b)"
_LENGTHS = frozenset({24, 32, 48, 64, 128})
_CIPHERS = frozenset({"encryption", "crypto", "cipher", "aes"})
_CIPHER_KEY = r"(?:[0-9a-fA-F]{16}|[0-9a-fA-F]{24}|[0-9a-fA-F]{32}|[0-9a-fA-F]{64})"
_FORMS = {
    "APP_KEY": ("laravel", 32),
    "SECRET_KEY_BASE": ("hex", 64),  # Rails, Phoenix
    "SA_PASSWORD": ("mixed", 16),
}
_ISSUED = frozenset(
    {
        *("smtp", "mail", "email", "mailgun", "sendgrid", "twilio", "slack", "telegram", "sentry"),
        *("openai", "anthropic", "stripe", "paypal", "github", "gitlab", "google", "gcp", "aws"),
        *("azure", "cloudflare", "facebook", "oauth", "oidc", "client", "recaptcha", "huggingface"),
        *("license", "registry", "supabase", "firebase", "auth0", "okta", "discord", "webhook"),
        *("aliyun", "oss", "wechat", "alipay", "apple", "microsoft", "linkedin", "twitter"),
        *("cloudinary", "razorpay", "plaid", "hcaptcha", "turnstile", "dropbox", "mapbox"),
        *("whatsapp", "teams", "feishu", "lark", "line", "channel", "irc", "twitch", "zoom"),
        *("dingtalk", "instagram", "tiktok", "shopify", "jira", "notion", "bot", "hub", "pinata"),
        *("backblaze", "linode", "wasabi", "spaces", "digitalocean"),
    }
)
"""Words in the name of a secret that somebody else issues: a random one would not work."""

SESSIONS = frozenset({"jwt", "session", "cookie", "csrf", "nextauth"})
"""Words in the name of a secret that signs what users have, and nothing that is stored."""

SIGNING = SESSIONS | {"encryption", "signing", "salt", "hmac", "fernet"}
_OWN = SIGNING | {"secret", *PASSWORD_WORDS}
"""Words in the name of a secret that the project chooses."""

SIGNING_KEYS = frozenset({"SECRET_KEY", "SECRET_KEY_BASE", "APP_SECRET", "AUTH_SECRET"})
"""Names of secrets by which frameworks sign sessions (Django, Flask, Rails, Symfony, Auth.js)."""

_SERVERS = frozenset(
    {
        *("db", "database", "mysql", "mariadb", "postgres", "postgresql", "pg", "redis", "valkey"),
        *("mongo", "mongodb", "rabbitmq", "amqp", "clickhouse", "elastic", "elasticsearch"),
        *("opensearch", "neo4j", "minio", "s3", "influxdb", "couchdb", "cassandra", "mssql"),
    }
)
"""Words in the name of a password that a server asks for."""


def is_of_server(name: str) -> bool:
    """Return whether *name* is that of a password that a server asks for."""
    words = set(name_words(name))
    return bool(words & _SERVERS) or {"access", "key"} <= words


def is_chosen(name: str, known: Container[str]) -> bool:
    """Return whether the project chooses the secret *name*; *known* are secrets of its images."""
    words = set(name_words(name))
    last = name_words(name)[-2:]
    is_issued = words & _ISSUED or last == ("api", "key")
    is_chosen = name in known or (bool(words & _OWN) and not is_issued)
    is_key = last == ("encryption", "key") or last[-1:] == ("salt",)
    return (is_chosen or name in SIGNING_KEYS or name == "APP_KEY") and (
        is_key or is_credential(name, "unknown value", known)
    )


class RandomValues:
    """Random secrets; the same one again for the same name, so that all plans of a run agree."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str, int], str] = {}

    def secret(self, name: str, comment: str, old: str = "") -> str:
        """Return a secret for the variable *name*, of the form that it or its *comment* asks for.

        *old* is the value that it replaces: it may say in words which form is needed, and the key
        of a cipher has the same length.
        """
        form, size = _form(name, comment, old)
        key = (name, form, size)
        if key not in self._values:
            self._values[key] = _formatted(token_bytes(size), form)
        return self._values[key]


def _formatted(data: bytes, form: str) -> str:
    """Return *data* as text: ``hex``, ``base64``, ``fernet``, ``laravel`` or ``mixed``."""
    match form:
        case "base64":
            return base64.b64encode(data).decode()
        case "fernet":
            return base64.urlsafe_b64encode(data).decode()
        case "laravel":
            return f"base64:{base64.b64encode(data).decode()}"
        case "mixed":  # upper case, lower case and digits, as SQL Server demands
            return f"Aa1{data.hex()}"
    return data.hex()


def _form(name: str, comment: str, old: str) -> tuple[str, int]:
    """Return the form and the size in bytes of a secret for the variable *name*."""
    words = set(name_words(name))
    comment = f"{comment} {old}"
    if command := re.search(_COMMAND, comment):
        return command["form"], int(command["size"])
    if "fernet" in words:
        return "fernet", 32
    if name in _FORMS:
        return _FORMS[name]
    if {"mssql", "sqlserver"} & words:
        return "mixed", 16
    length = re.search(_LENGTH, comment)
    if length and int(length["size"]) in _LENGTHS:
        size = int(length["size"]) // 2
    elif words & _CIPHERS and re.fullmatch(_CIPHER_KEY, old):
        size = len(old) // 2
    else:
        size = 16 if words.intersection(PASSWORD_WORDS) else 32
    return "hex", size
