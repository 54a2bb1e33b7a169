"""Keeps secret values out of everything that is shown."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from functools import cache
from typing import Any

from composerefactor.compose.hosts import words

MASK = "***"

_SECRET_PARTS = (
    *("pass", "pwd", "secret", "token", "credential", "private", "auth", "salt", "signature"),
    *("cookie", "dsn", "webhook"),
)
_SECRET_NAME = re.compile(
    "|".join(_SECRET_PARTS) + r"|(?:^|[^a-z])key|(?<!val)(?<!mon)key(?:$|[^a-z])|apikey",
    re.IGNORECASE,
)
_NO_SECRET = ("_FILE", "_IMAGE", "_TAG", "_VERSION", "_PORT", "_HOST")
"""How names end of which the value is where something is, or which, whatever it is called."""
_USERINFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]{0,30}://)[^\s/@\"']{1,300}@", re.IGNORECASE)
_ASSIGNMENT = re.compile(
    r"(?P<name>[A-Za-z_][\w.-]{0,80})(?P<equals>[\"']?\s{0,2}[=:]\s{0,2})"
    r"(?!invalid compose project)"
    r"(?P<value>\"[^\"]*\"|'[^']*'|\$\{[^{}\n]{0,200}\}(?=[\s,;&\"']|$)|[^\s,;&]+)"
)
_OPTION = re.compile(
    r"(?<![\w-])(?P<name>--?[A-Za-z][\w.-]{0,80})(?<!\.)(?P<space>\s+)(?P<value>[^\s-]\S*)"
)
_KNOWN_TOKEN = re.compile(
    r"AKIA[0-9A-Z]{12,}|gh[pousr]_\w{20,}|sk-[\w-]{16,}|xox[abprs]-[\w-]{10,}"
    r"|eyJ[\w-]{10,}\.[\w.-]{10,}|-----BEGIN [A-Z ]{0,40}PRIVATE KEY.*",
    re.DOTALL,
)

_BLOCK = re.compile(
    r"\s*(?:- )?[\"']?(?P<name>[\w.-]{1,80})[\"']?\s*[:=]\s*[|>][-+0-9]*\s*(?:#.*)?$"
)
_WORD_AFTER = re.compile(
    r"(?P<name>--?[A-Za-z][\w.-]{0,80})(?P<between>[\"']\s*,\s*[\"'])(?P<value>[^\"'-][^\"']*)"
)
_ITEM = re.compile(r"(?P<start>\s*- [\"']?)(?P<word>[^\"'#]*?)(?P<end>[\"']?\s*(?:#.*)?)$")
_KEY_BEGIN = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY")


@cache
def is_secret_name(name: str) -> bool:
    """Return whether a value under *name* is likely to be secret; file paths of secrets are not."""
    if not _may_name_secret(name):
        return False
    return bool(_SECRET_NAME.search(name)) and not name.upper().endswith(_NO_SECRET)


def is_known_token(text: str) -> bool:
    """Return whether a token of a known kind stands in *text*, or a private key."""
    return bool(_KNOWN_TOKEN.search(text))


def mask_text(text: str) -> str:
    """Return *text* without URLs' user names, values of secret names, and known kinds of tokens."""
    text = _KNOWN_TOKEN.sub(MASK, text)
    if "://" in text and "@" in text:
        text = _USERINFO.sub(rf"\g<scheme>{MASK}@", text)
    if not _may_name_secret(text):
        return text
    text = _ASSIGNMENT.sub(_mask_named, text)
    return _OPTION.sub(_mask_named, text)


def _may_name_secret(text: str) -> bool:
    """Return whether a secret name may stand in *text*; most texts have none, and this is quick."""
    lower = text.lower()
    return not text.isascii() or any(part in lower for part in (*_SECRET_PARTS, "key"))


def mask_value(value: Any, name: str = "") -> Any:
    """Return *value*, as YAML has it, with everything secret replaced; *name* is its key."""
    if isinstance(value, dict):
        return {key: mask_value(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [
            MASK if _is_option_of_secret(value, n) else mask_value(part, name)
            for n, part in enumerate(value)
        ]
    if value is None or isinstance(value, bool):
        return value
    if name == "image" and isinstance(value, str):  # valkey:8 is no key
        return _KNOWN_TOKEN.sub(MASK, value)
    if is_secret_name(name):
        return value if _is_reference(value) else MASK
    return mask_text(value) if isinstance(value, str) else value


def mask_lines(lines: Sequence[str]) -> list[str]:
    """Return the *lines* of a file or a patch with secret values masked.

    What a block scalar under a secret name holds, the text of a private key, and the word after an
    option like ``--password`` is masked too, in a list on one line or on several.
    """
    found: list[str] = []
    option = ""  # the last item of a list, if it is an option that takes a secret
    block = -1  # the indentation of the key whose text is masked
    in_key = False
    for line in lines:
        mark, text = (line[:1], line[1:]) if line[:1] in {"+", "-", " "} else ("", line)
        indent = len(text) - len(text.lstrip())
        if in_key or (block >= 0 and (indent > block or not text.strip())):
            in_key = in_key and "-----END" not in text
            found.append(mark + " " * indent + (MASK if text.strip() else ""))
            continue
        header = _BLOCK.match(text)
        block = indent if header and is_secret_name(header["name"]) else -1
        in_key = bool(_KEY_BEGIN.search(text)) and "-----END" not in text
        item = _ITEM.match(text)
        word = item["word"] if item else ""
        if item and option and word and not word.startswith("-"):
            found.append(f"{mark}{item['start']}{MASK}{item['end']}")
        else:
            shown = _WORD_AFTER.sub(_mask_named, mask_text(text))
            found.append(mark + (text if block >= 0 else shown))
        option = word if word.startswith("-") and "=" not in word and is_secret_name(word) else ""
    return found


def _mask_named(match: re.Match[str]) -> str:
    if not is_secret_name(match["name"]) or _is_reference(match["value"].strip("\"'")):
        return match[0]
    return match[0][: match.start("value") - match.start()] + MASK


def _is_option_of_secret(words: list[Any], n: int) -> bool:
    """Return whether word *n* of a command is the argument of an option like ``--requirepass``."""
    before = words[n - 1] if n else None
    return (
        isinstance(before, str)
        and before.startswith("-")
        and "=" not in before
        and is_secret_name(before)
        and not str(words[n]).startswith("-")
    )


def _is_reference(value: Any) -> bool:
    """Return whether *value* is only a variable's name, as uninterpolated models have it."""
    return isinstance(value, str) and bool(
        re.fullmatch(r"\$(?:\w+|\{\w+(?::?\?[^{}$]{0,200})?\})?", value)
    )


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

_NO_VALUE = re.compile(
    r"(?:|true|false|yes|no|on|off|none|null|disabled?|enabled?|[0-9]{1,2}|[0-9]+(?:ms|[smhd]))",
    re.IGNORECASE,
)
_PATH = re.compile(r"(?:\.{0,2}/|[A-Za-z]:\\|file:)|.*\.(?:pem|key|crt|cer|txt|json|p12|jks|pub)$")
_URL_PASSWORD = re.compile(
    r"[a-z][a-z0-9+.-]*://[^/\s:@?#]*:(?P<password>[^/\s@?#,]+)@", re.IGNORECASE
)
_PAIR = re.compile(
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
    matches = [*_URL_PASSWORD.finditer(text)] if "://" in text else []
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
