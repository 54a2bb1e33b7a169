"""The recogniser of secrets in texts.

It returns their spans: :func:`secret_spans` in a value, a command or a message, :func:`file_spans`
in the text of a file or a patch. ``masking.py`` masks what it finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from composerefactor.compose.hosts import name_words
from composerefactor.compose.interpolation import expressions
from composerefactor.compose.secrets import (
    PATH_VALUE,
    is_mixed,
    is_reference,
    is_secret,
    is_secret_name,
)

Span = tuple[int, int]
"""Start and end of a secret in a text."""

TOKENS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{12,}"  # AWS
    r"|gh[pousr]_\w{20,}|github_pat_\w{20,}|gl[a-z]{2,4}-[\w-]{16,}|dckr_pat_[\w-]{20,}"
    r"|[rs]k_(?:live|test)_\w{10,}|whsec_[\w+/=]{10,}|sk-[\w-]{16,}"  # Stripe, OpenAI
    r"|xox[a-z]-[\w-]{10,}|xapp-[\w-]{10,}|npm_\w{20,}|pypi-[\w-]{16,}"
    r"|AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"  # Google
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|[0-9]{8,10}:[\w-]{35}(?![\w-])"  # SendGrid, Telegram
    r"|eyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*)?"  # JSON web tokens
    r"|hv[sb]\.[\w-]{20,}|do[opr]_v1_\w{40,}|glsa_\w{20,}|shp(?:at|ss|ca|pa)_\w{20,}|hf_\w{20,}"
    r"|key-[0-9a-f]{32}|SK[0-9a-f]{32}|AGE-SECRET-KEY-1[0-9A-Z]{20,}|NRAK-[0-9A-Z]{20,}"
    r"|xkeysib-[0-9a-f]{30,}[\w-]*|sq0[a-z]{3}-[\w-]{20,}|lin_api_\w{20,}|PMAK-[\w-]{20,}"
    r"|dapi[0-9a-f]{32}|sbp_[0-9a-f]{40}|pscale_\w{3,8}_[\w.-]{20,}|dp\.\w{2,7}\.[\w.-]{20,}"
    r"|(?:ntn|secret|r8|gsk|fm2|xai|pplx|rnd|ops|phc|phx|sntrys|glc)_[A-Za-z0-9+/=]{24,}"
    r"|LS0tLS1CRUdJTi[\w+/=]{20,}"  # a private key in Base64
    r"|figd_[\w-]{20,}|nvapi-[\w-]{20,}|xai-\w{20,}|re_[A-Za-z0-9]{6,}_\w{10,}"
    r"|(?:fly_|fly)?FlyV1[ _](?:fm2_)?[\w+/=]{20,}|tskey-[a-z]{3,9}-[\w-]{16,}|HRKU-[\w-]{20,}"
    r"|ATATT3[\w=-]{20,}|CCIPAT_\w{20,}"
    r"|(?:pul|pplx|fc|FLWSECK|e2b|sk|sq[apu]|bkua|rubygems|rdme|CLOJARS|sntryu|n8n_api|glptt"
    r"|shippo_(?:live|test)|lsv2_(?:pt|sk))[_-][0-9a-f]{32,}\w*"
    r"|(?:napi|pnu|hca[a-z]{2}|api_org|aio|tfp|nfp|dckr_oat|pdl_(?:live|sdbx)_apikey|pcsk|cfat"
    r"|CFPAT-|NRJS-)_?[\w-]{19,}"
    r"|(?:sdk|api|pat-[a-z]{2}[0-9]|access-(?:production|sandbox))-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-"
    r"[0-9a-f]{12}"  # LaunchDarkly, HubSpot, Plaid
    r"|dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}|pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"
    r"|[0-9a-f]{32}(?:-us[0-9]{1,2}|(?:-[0-9a-f]{8}){2})(?![\w-])"  # Mailchimp, Mailgun
    r"|[01]/[0-9]{16}:[0-9a-f]{32}|1//0[\w-]{40,}|oy2[a-z0-9]{43}|v1\.0-[0-9a-f]{24}-[0-9a-f]{146}"
    r"|[\w.~-]{3}8Q~[\w.~-]{34}|access_token\$\$?\w+\$\$?\w+\$\$?[0-9a-f]{32}"  # Azure, Braintree
    r")"
    r"|\$\$?argon2\w{1,2}\$[^\s\"':]{8,}"
    r"|\$\$?(?:apr1|2[abxy]|[156y]|pbkdf2[\w-]{0,10}|scrypt)\$\$?[^\s\"',:]{8,}"
    r"|\{S?(?:SHA|MD5)[0-9]{0,3}\}[\w+/=]{8,}"
    r"|-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:.*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|.*)",
    re.DOTALL,
)
_SHORTEST_TOKEN = 11

# Patterns that begin with literal text are found many times faster than others.
_URL = re.compile(
    r"//(?:(?<=[a-z0-9+.-]://)|(?<![^\s\"'=]//))(?P<userinfo>[^\s/\"'?#<>]{1,300})@", re.IGNORECASE
)
_DSN = r"(?i):(?<=[\w.-]:)(?P<dsn>[^\s:/\"'(]{1,200})@(?:tcp|unix)\("
_WEBHOOK = (
    r"(?i)hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/(?P<slack>[^\s\"'?#]+)"
    r"|discord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/(?P<discord>[^\s\"'?#]+)"
    r"|(?:webhook\.office\.com/webhookb2|outlook\.office\.com/webhook)/(?P<teams>[^\s\"'?#]+)"
    r"|api\.telegram\.org/bot(?P<bot>[^\s\"'/?#]+)"
    r"|/(?:hooks/catch|bot/v2/hook|hooks|with/key)/(?P<other>[\w/-]{16,})"
)
_WEBHOOK_WORDS = ("hook", "telegram", "with/key")
_HEADER = (
    r"(?<!\w)(?:Bearer|Basic|Token|ApiKey|Digest)\s+(?=[a-z]*[A-Z0-9+/=])(?P<value>[\w+/=.~-]{8,})"
)
_HEADER_WORDS = ("Bearer", "Basic", "Token", "ApiKey", "Digest")
_NAMED_HEADER = (
    r"(?i)(?<![\w./-])(?P<name>X(?:-[A-Za-z0-9]+){1,6}|(?:Proxy-)?Authorization|Api-?Key|PRIVATE-TOKEN"
    r"|JOB-TOKEN)\s{0,2}:\s{0,2}(?P<value>[^\s\"'$][^\"'\n]*)"
)
_WORD = r"(?:[^\s\"',;&`\\]|\\[^\s\"']|[,;&](?!\s|$|[\"'\\]|[\w.\[\] -]{1,80}=))+"
_QUOTED_CHARACTER = r"\\''(?=[^\s'])|\\'(?=[^'\n]*')|[^']"
"""A character in single quotes, or a quote that YAML doubles or an env file escapes.

The last escaped quote of a line ends the text.
"""

_QUOTED = r"\\*\"(?:\\\\.|\\[^\"]|[^\"\\])*|\\*'" + f"(?:{_QUOTED_CHARACTER})*"
_ASSIGNMENT = (
    r"(?<![\w.@-])-{0,2}(?P<name>[A-Za-z_][\w.\[\]-]{0,120})[\"']?[ \t]{0,2}:?=(?!=)[ \t]{0,2}"
    r"(?:\\{0,3}\"(?P<double>(?:\\[^\"]|[^\"\\])*(?:\\+\"(?!\s*(?:$|[,}\]\s]))(?:\\[^\"]|[^\"\\])*)*)"
    rf"|\\{{0,3}}'(?P<single>(?:{_QUOTED_CHARACTER})*)"
    rf"|(?P<value>\$\{{[^{{}}\n]{{0,200}}\}}(?=[\s,;&\"']|$)|{_WORD}))"
)
_JSON_PAIR = (
    r"(?P<quote>\\{0,3}[\"'])(?P<name>[A-Za-z_][\w.-]{0,80})(?P=quote)\s{0,4}[:,]\s{0,4}"
    r"(?:(?P=quote)(?P<quoted>(?:(?!(?P=quote))(?:\\.|[^\n]))*)|(?P<value>[\w.+/=-]+))"
)
_SAID = (
    r"(?i)(?<![\w./-])(?P<name>passwords?|passwd|passphrase|pwd|secret|token|api[ _-]?key"
    r"|credentials?"
    r"|passwort|kennwort|mot de passe|contrase[nñ]a|senha)"
    r"(?:\s+(?:is|was|to)\s+|\s*:\s+)[\"'`]?(?P<value>[^\s\"'`]{4,})"
)
_SAID_WORDS = ("pass", "pwd", "secret", "token", "key", "credential", "kenn", "contrase", "senha")
_ELEMENT = (
    r"<(?P<name>[A-Za-z_][\w.:-]{0,80})(?P<attributes>(?:\s[^<>]{0,300})?)"
    r">(?:(?P<value>[^<>\s][^<>\n]*)</)?"
)
_XML_ATTRIBUTE = r"\s(?P<name>[\w.:-]{1,80})=(?P<quote>[\"'])(?P<value>[^\"'<>\n]*)"
_WORDS = r"[A-Za-z]+(?:[._:-][A-Za-z]+)*"
_ANCHOR = r"&[A-Za-z]+(?:[._-][A-Za-z]+)*(?:\s+#.*)?"
"""An anchor of words. Other text after ``&`` may be a password that should have quotes."""
_ELEMENT_PARTS = ("</", "value=")
_LOGIN_LINE = (
    r"(?<!\w)(?:login|user(?:name)?)\s+\S{1,80}\s+(?:password|pass)\s+(?P<netrc>[^\s\"']+(?<!:)(?![^\s\"']))"
    r"|(?<![\w.:/*-])[\w.*-]{1,80}:(?:[0-9]{2,5}|\*):[\w*-]{1,60}:[\w*-]{1,60}:"
    r"(?P<pgpass>[^\s:\"']{4,})(?![\w:])"
)
"""A line of a ``.netrc``, or of a ``.pgpass``."""
_PGPASS_COLONS = 4
_FORMS = (
    r"user\s+\S{1,80}\s+on\s+>(?P<acl>[^\s\"']+)"  # of Redis
    r"|echo\s+(?:-n\s+)?[\"']?(?P<piped>[^\s\"'|]+)[\"']?\s*\|[^|\n]{0,200}--password-stdin"
    r"|jdbc:oracle:\w+:[\w$]+/(?P<oracle>[^\s@\"']{1,99})@|(?<![\w/:])\w+/(?P<sqlplus>[^\s/@]{1,99})@//"
    r"|azurewebsites\.net/[^\s\"'?]{0,300}\?(?:[^\s\"']{0,300}&)?code=(?P<function>[^\s\"'&]+)"
)
_FORM_WORDS = ("on >", "--password-stdin", "jdbc:oracle", "@//", "azurewebsites")
_JAAS_USER = r"user_[\w.-]{1,80}=\\?[\"'](?P<jaas>[^\"'\\]+)"
"""A user of Kafka, in a text with the name of a login module."""
_DOCKERFILE_ENV = r"(?m)^\s*ENV[ \t]+(?P<name>\w+)[ \t]+(?P<value>[^\s=].*)$"
_NAMED_VALUE = (
    r"(?<![\w-])(?:name|key)[\"']?[ \t]*:[ \t]*[\"']?(?P<name>[\w.-]{1,80})[\"']?\s{0,4}(?:,|\n)\s*"
    r"[\"']?value[\"']?[ \t]*:[ \t]*[\"']?(?P<value>[^\s\"',{}]+)"
)
"""An entry such as ``{name: DB_PASSWORD, value: ...}``, of Kubernetes and others."""
_RUN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{24,}")
_ONE_WORD = re.compile(r"\w[\w.-]*")
"""A text that is one word, such as most values, contains no secret of the other forms."""
_URL_USER = r"(?i)://(?<=[a-z0-9+.-]://)[^/\s:@?#]*:(?P<password>[^/\s@?#,]+)@"
_PAIR = (
    r"(?i)(?:^|[;&?\s])(?:password|pwd|passwd|sharedaccesskey|accountkey)=(?P<password>[^;&\s\"']+)"
)
_PAIR_WORDS = ("password=", "pwd=", "passwd=", "key=")
_USER_AND_PASSWORD = re.compile(r"[\w.@+-]{1,60}:(?P<password>[^\s:/@]{4,})")
_LOGIN_WORDS = frozenset({"login", "auth", "users", "admin", "account", "userpass"})


def password_spans(text: str) -> list[Span]:
    """Return the spans of the passwords in *text*, a URL or a connection string.

    Unlike those of :func:`secret_spans`, these are the passwords alone, so that a variable can
    replace them.
    """
    matches = [*re.finditer(_URL_USER, text)] if "://" in text else []
    matches += (
        re.finditer(_PAIR, text) if "=" in text and _has_any(text.lower(), _PAIR_WORDS) else ()
    )
    return sorted({match.span("password") for match in matches})


@lru_cache(maxsize=4096)  # services have many values in common
def secret_spans(text: str) -> Sequence[Span]:
    """Return the spans of the secrets in *text*: a value, a command or a message.

    ``name: value`` is a sentence on a service here, and only ``name=value`` an assignment.
    """
    return merged(_spans(text))


def file_spans(text: str) -> list[Span]:
    """Return the spans of the secrets in *text*, the text or a part of a YAML file or env file."""
    return merged((*_spans(text), *_line_spans(text)))


def secret_words(words: Sequence[str]) -> list[int]:
    """Return the indexes of those *words* of a command that are or contain a secret."""
    found = {n for n, _, _ in word_spans(words)}
    return sorted(found | {n for n, word in enumerate(words) if secret_spans(word)})


def _has_any(text: str, words: Iterable[str]) -> bool:
    """Return whether *text* contains one of *words*: without one, a pattern need not be tried."""
    return any(map(text.__contains__, words))


def _spans(text: str) -> Iterator[Span]:
    if len(text) >= _SHORTEST_TOKEN:
        yield from (match.span() for match in TOKENS.finditer(text))
        yield from (m.span() for m in _RUN.finditer(text) if is_random(m[0]))
    if _ONE_WORD.fullmatch(text):
        return
    if _has_any(text, _HEADER_WORDS):
        yield from (match.span("value") for match in re.finditer(_HEADER, text))
    if "/" in text or "@" in text:
        yield from url_spans(text)
    if "$" in text:
        yield from _default_spans(text)
    if ":" in text:
        headers = _named_spans(_NAMED_HEADER, text)
        yield from (span for span in headers if not re.fullmatch(_ANCHOR, text[slice(*span)]))
    if "=" in text:
        names = {*_name_spans(text)}
        yield from (span for span in _named_spans(_ASSIGNMENT, text) if span not in names)
    yield from (span for span in password_spans(text) if not is_reference(text[slice(*span)]))
    if '"' in text or "'" in text:
        yield from _named_spans(_JSON_PAIR, text)
    yield from _spans_of_other_files(text)
    yield from said_spans(text)
    if _has_any(text, _POSITION_WORDS) or _OPTION_START.search(text):
        yield from _command_spans(text)


def _spans_of_other_files(text: str) -> Iterator[Span]:
    """Yield the spans of secrets in XML, ``.netrc``, ``.pgpass``, Dockerfiles and other forms."""
    if _has_any(text, _ELEMENT_PARTS):
        yield from _element_spans(text)
    if "pass" in text or text.count(":") >= _PGPASS_COLONS:
        yield from _literal_groups(_LOGIN_LINE, text)
    if _has_any(text, _FORM_WORDS):
        yield from _literal_groups(_FORMS, text)
    if "LoginModule" in text:
        yield from _literal_groups(_JAAS_USER, text)
    if "ENV " in text:
        yield from _named_spans(_DOCKERFILE_ENV, text)
    if "value" in text:
        yield from _named_spans(_NAMED_VALUE, text)


def _element_spans(text: str) -> Iterator[Span]:
    """Yield the spans of secrets in XML: the text of an element, or its attribute ``value``.

    The name of the setting is that of the element, or in its attribute ``key`` or ``name``.
    """
    for match in re.finditer(_ELEMENT, text):
        attributes = {a["name"]: a for a in re.finditer(_XML_ATTRIBUTE, match["attributes"])}
        named = attributes.get("key") or attributes.get("name")
        name = named["value"] if named else match["name"]
        if match["value"] and is_secret(name, match["value"]):
            yield match.span("value")
        value = attributes.get("value")
        if value and is_secret(name, value["value"]):
            start = match.start("attributes")
            yield start + value.start("value"), start + value.end("value")


def _name_spans(text: str) -> Iterator[Span]:
    """Yield the spans of names in XML: ``Password`` in ``<add key="Password" value="..."/>``."""
    for match in re.finditer(_ELEMENT, text) if "<" in text and "key=" in text else ():
        for attribute in re.finditer(_XML_ATTRIBUTE, match["attributes"]):
            value = attribute["value"]
            is_name = attribute["name"] == "key" and is_secret_name(value)
            if is_name and "value=" in match["attributes"] and re.fullmatch(_WORDS, value):
                start = match.start("attributes")
                yield start + attribute.start("value"), start + attribute.end("value")


def said_spans(text: str) -> Iterator[Span]:
    """Yield the spans of secrets in sentences, such as "the password is x7f2kk"."""
    for match in re.finditer(_SAID, text) if _has_any(text.lower(), _SAID_WORDS) else ():
        if is_mixed(match["value"]) and is_secret("password", match["value"]):
            yield match.span("value")


def url_spans(text: str) -> Iterator[Span]:
    """Yield the spans of user and password in URLs, and of the secret part of webhooks."""
    for match in re.finditer(_DSN, text):
        if not is_reference(match["dsn"]):
            yield match.span("dsn")
    for match in _URL.finditer(text):
        user, colon, password = match["userinfo"].partition(":")
        is_token = len(user) >= 16 and is_mixed(user)  # noqa: PLR2004 - the key of a Sentry URL
        if (password and not is_reference(password)) if colon else is_token:
            if not match["userinfo"].startswith("${"):
                yield match.span("userinfo")
            else:
                start = match.start("userinfo") + len(user) + 1
                yield from () if ":-" in match["userinfo"] else [(start, match.end("userinfo"))]
    if _has_any(text.lower(), _WEBHOOK_WORDS):
        yield from _literal_groups(_WEBHOOK, text)


def _literal_groups(pattern: str, text: str) -> Iterator[Span]:
    """Yield the span of the group that matches in each match of *pattern*, if it is literal."""
    for match in re.finditer(pattern, text):
        if match.lastgroup and not is_reference(match[match.lastgroup]):
            yield match.span(match.lastgroup)


def _default_spans(text: str) -> Iterator[Span]:
    """Yield the literal defaults of variables with secret names, and generated words in messages.

    In ``${NAME:+text}``, the text need not be about the variable: a generated word is a secret.
    """
    for each in expressions(text):
        argument, start = each.argument or "", each.end - 1 - len(each.argument or "")
        if each.operator[-1:] in {"-", "+"} and is_secret(each.name, argument):
            yield start, each.end - 1
        elif each.operator[-1:] in {"?", "+"}:
            for word in re.finditer(_ARGUMENT_WORD, argument):
                if is_random(word[0]) or (is_secret_name(each.name) and _is_hexadecimal(word[0])):
                    yield start + word.start(), start + word.end()
    for match in re.finditer(_SHELL_DEFAULT, text):
        if is_secret(match["name"], match["value"]):
            yield match.span("value")


_ARGUMENT_WORD = r"(?<![\w./-])[A-Za-z0-9]{10,}(?![\w./-])"
_SHELL_DEFAULT = r"\$\{(?P<name>[A-Za-z_]\w*):?[=](?P<value>[^{}]+)\}"
"""Defaults of a shell, which Docker Compose does not support but people write."""


def _named_spans(pattern: str, text: str) -> Iterator[Span]:
    """Yield the spans of the values in *text* after a secret name."""
    for match in re.finditer(pattern, text):
        group = next((g for g in ("double", "single", "quoted", "value") if _group(match, g)), "")
        name = _group(match, "name") or _group(match, "key")
        if group and is_secret(name, match[group].rstrip("\\")):
            yield match.span(group)


def _group(match: re.Match[str], name: str) -> str:
    return match.groupdict().get(name) or ""


_HEXADECIMAL = r"(?:0[xX])?[0-9a-fA-F]+"
_HEXADECIMAL_KEY = r"[0-9a-f]{16,}|[0-9A-F]{16,}"
_CHANGES = 0.4
"""Changes between lower case, upper case and digits in a random text, for each character.

On average 0.62; at most 0.4 in a name of words such as ``ObjectMapperV2Customizer``.
"""


def is_random(text: str) -> bool:
    """Return whether *text*, letters and digits, looks like a token that a program made.

    Hexadecimal numbers do not: most are hashes and public addresses.
    """
    if re.fullmatch(_HEXADECIMAL, text):
        return False
    kinds = ["digit" if c.isdigit() else "upper" if c.isupper() else "lower" for c in text]
    changes = sum(before != after for before, after in pairwise(kinds))
    return len(set(kinds)) == 3 and changes > _CHANGES * len(text)  # noqa: PLR2004 - all three


def _is_hexadecimal(text: str) -> bool:
    """Return whether *text* is a number such as ``openssl rand -hex`` prints."""
    return bool(re.fullmatch(_HEXADECIMAL_KEY, text)) and is_mixed(text)


class _Program(NamedTuple):
    """Options with secrets of a program that have other names than in other programs.

    Attributes:
        options: Options whose argument is a password, in the next word or attached.
        pairs: Options whose argument is ``user:password``.
        after: A subcommand that the options belong to, ``""`` for all.
        names: Options whose argument is a name or a file, whatever they are called.
    """

    options: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    after: str = ""
    names: tuple[str, ...] = ()


_ANY = _Program()
"""A program that is not known: a word after ``-p`` may be a password, unless it is a port."""
_NO_PASSWORD = _Program()
"""A program of which ``-p`` is something else."""
_USER_OPTIONS = ("-u", "--user")
_OTHER_P = """
    bench cargo cp docker-compose dotnet du gradle gunicorn http-server install java jest kill
    kubectl lsof mc mkdir nc ncat netcat netstat next nginx npm npx perl pg_dump pg_isready pgrep
    php ping pip playwright pnpm ps pytest python python3 rmdir rsync scp serve sftp ssh tar telnet
    timeout tsc unzip uvicorn vite yarn
"""
_MYSQL = _Program(("-p",))
_LOGIN = _Program(("-p",), after="login")
_PROGRAMS = {
    **dict.fromkeys(("redis-cli", "valkey-cli", "keydb-cli", "redis-benchmark"), _Program(("-a",))),
    **dict.fromkeys(("mongo", "mongosh", "mongodump", "mongorestore", "mongoexport"), _MYSQL),
    **dict.fromkeys(("mongoimport", "mongostat", "cypher-shell", "cqlsh", "sshpass"), _MYSQL),
    **dict.fromkeys(("rabbitmqadmin", "couchbase-cli", "mysqlsh"), _MYSQL),
    **dict.fromkeys(("sqlcmd", "mosquitto_pub", "mosquitto_sub", "bcp"), _Program(("-P",))),
    **dict.fromkeys(("docker", "podman", "nerdctl", "skopeo", "oras", "helm", "az"), _LOGIN),
    **dict.fromkeys(("ldapsearch", "ldapadd", "ldapmodify", "ldapwhoami"), _Program(("-w",))),
    **dict.fromkeys(_OTHER_P.split(), _NO_PASSWORD),
    **dict.fromkeys(("aws", "garage"), _Program(names=("--key",))),
    "curl": _Program(pairs=("-u", "--user", "-U", "--proxy-user"), names=("--key",)),
    "http": _Program(pairs=("-a", "--auth")),
    "etcdctl": _Program(pairs=("--user",)),
    "psql": _Program(("-W",)),
    "influx": _Program(("-t",)),
    "zip": _Program(("-P",)),
    "7z": _Program(("-p",)),
}
_POSITIONS: dict[tuple[str, ...], int] = {
    **dict.fromkeys((("add_user",), ("change_password",)), 2),  # rabbitmqctl
    **dict.fromkeys((("alias", "set"), ("host", "add")), 4),  # mc of MinIO
    ("admin", "user", "add"): 3,
}
"""How many words after these ones, a subcommand of a program, the password follows.

Options, and the arguments of :data:`_POSITION_OPTIONS`, do not count.
"""
_POSITION_OPTIONS = frozenset({"--api", "--path", "--config-dir", "-C"})
_POSITION_WORDS = [words[0] for words in _POSITIONS]
_POSITION_ENDS = frozenset(words[-1] for words in _POSITIONS)

_OPERATORS = frozenset({";", "&", "&&", "|", "||"})
"""The words between two commands."""

_PORTS = r"[\d:.,/-]+(?:tcp|udp)?"
_SHELL_WORD = (
    r"\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'"
    r"|(?:\\[^\n]|\$\{[^{}\n]{0,200}\}|[^\s\"'\\\[\]]|(?<=[=\w])\"(?:\\.|[^\"\\\n])*\"|(?<=[=\w])'[^'\n]*')+"
)
_OPTION = r"--?[A-Za-z][\w.-]{0,80}"
_OPTION_START = re.compile(r"-(?<![^\s\"'\\\[\](]-)-?[A-Za-z]")


def _command_spans(text: str) -> Iterator[Span]:
    """Yield the spans of arguments of password options in *text*, one or more commands."""
    words: list[str] = []
    starts: list[int] = []
    for match in re.finditer(_SHELL_WORD, text):
        word, start = match[0], match.start()
        if word[0] in "\"'" and word[-1] == word[0] and len(word) > 1:
            word, start = word[1:-1], start + 1
            if " " in word:
                yield from ((start + s, start + e) for s, e in _command_spans(word))
        elif word in {",", "-"} or word == "\\":
            continue
        else:
            stripped = word.lstrip("\"'\\(")
            start += len(word) - len(stripped)
            word = stripped.rstrip("\"'\\),")
        if word:
            words.append(word)
            starts.append(start)
    for n, start, end in word_spans(words):
        yield starts[n] + start, starts[n] + end


def word_spans(words: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Yield (index, start, end) of the secrets in *words* that the words before them show."""
    program, subcommands = _ANY, set[str]()
    for n, (before, word) in enumerate(pairwise(["", *words])):
        started = _program(word)
        if started is _NO_PASSWORD and program is not _ANY:
            started = None  # a subcommand, as in `mysqladmin ping`
        if started or word in _OPERATORS:
            program, subcommands = started or _ANY, set()
        subcommands.add(word)
        active = program if not program.after or program.after in subcommands else _ANY
        at = _password_position(words, n) if word in _POSITION_ENDS else None
        if at is not None and _is_literal_word(words[at]):
            yield at, 0, len(words[at])
        if word.startswith("-"):
            yield from ((n, start, end) for start, end in _attached(word, active))
        elif before.startswith("-"):
            yield from ((n, start, end) for start, end in _argument(before, word, active))
            if before == "-p" and program is _ANY and _is_password_word(word):
                yield n, 0, len(word)
        if word.endswith((";", ":")):
            program, subcommands = _ANY, set()


def _password_position(words: Sequence[str], n: int) -> int | None:
    """Return the index of the password for a subcommand that ends with word *n*, or None."""
    ends = (tuple(words[max(n - before, 0) : n + 1]) for before in range(3))
    left, at = next((_POSITIONS[end] for end in ends if end in _POSITIONS), 0), n
    while left and at + 1 < len(words):
        at += 1
        if words[at] in _POSITION_OPTIONS:
            at += 1
        elif not words[at].startswith("-"):
            left -= 1
    return at if at > n and not left else None


def _program(word: str) -> _Program | None:
    """Return the program that *word* of a command starts, None if it is not a known one."""
    name = word.rpartition("/")[2]
    is_mysql = name.startswith(("mysql", "mariadb")) and ":" not in name
    return _PROGRAMS.get(name) or (_MYSQL if is_mysql else None)


def _argument(option: str, word: str, program: _Program) -> Iterator[Span]:
    """Yield the secret in *word*, which follows *option*."""
    if option in program.names:
        return
    if _takes_secret(option, word) or (option in program.options and _is_literal_word(word)):
        yield 0, len(word)
    elif option in (program.pairs or _USER_OPTIONS):
        yield from _password_of_pair(word, 0, program)
    elif option in {"-passin", "-passout"} and word.startswith("pass:"):
        yield len("pass:"), len(word)


def _takes_secret(option: str, word: str) -> bool:
    """Return whether *word* is the secret argument of a long *option*."""
    return (
        bool(re.fullmatch(_OPTION, option))
        and len(option) > 2  # noqa: PLR2004 - programs differ in what a letter means
        and not option.endswith(".")
        and is_secret(option.lstrip("-"), word)
    )


def _attached(word: str, program: _Program) -> Iterator[Span]:
    """Yield the password in *word*, an option with its argument such as ``-psecret``."""
    for option in program.options:
        if word.startswith(option) and len(word) > len(option):
            start = len(option) + (word[len(option)] == "=")
            if _is_literal_word(word[start:]):
                yield start, len(word)
    for option in program.pairs or _USER_OPTIONS:
        if word.startswith(option):
            start = len(option) + (word[len(option) :][:1] == "=")
            yield from _password_of_pair(word, start, program)


def _password_of_pair(word: str, start: int, program: _Program) -> Iterator[Span]:
    """Yield the password in ``user:password``, *word* from *start* on.

    Of a program that is not known to take one, it may be a group: this has no digits in its name,
    or no letters.
    """
    match = _USER_AND_PASSWORD.fullmatch(word, start)
    if match and not is_reference(match["password"]):
        yield from [match.span("password")] if program.pairs or is_mixed(match["password"]) else []


def _is_password_word(word: str) -> bool:
    """Return whether *word* may be a password: literal text that is no port or address."""
    return _is_literal_word(word) and word not in _OPERATORS and not re.fullmatch(_PORTS, word)


def _is_literal_word(word: str) -> bool:
    return bool(word) and not is_reference(word) and not PATH_VALUE.fullmatch(word)


_MAPPING_LINE = re.compile(
    r"^(?P<indent>[ \t]*(?:- +)*)(?P<quote>[\"']?)(?P<name>[A-Za-z_][\w.-]{0,120})(?P=quote)"
    r"[ \t]*:[ \t]+(?:[&!][^\s]+[ \t]+)*(?P<value>\S.*)$",
    re.MULTILINE,
)
_FLOW_PAIR = (
    r"[{\[,][ \t]*(?P<name>[A-Za-z_][\w.-]{0,80})[ \t]*:[ \t]+"
    r"(?:\"(?P<double>(?:\\.|[^\"\\])*)|'(?P<single>[^']*)|(?P<value>[^\s,{}\[\"'][^,}\n]*))"
)
_ITEM_LINE = re.compile(
    r"^(?P<indent>[ \t]*)(?P<dash>- +)?(?:export +)?(?P<quote>[\"']?)"
    r"(?P<name>[A-Za-z_][\w.-]{0,120})[ \t]*=[ \t]*(?P<value>\S.*)$",
    re.MULTILINE,
)
_COLON_ITEM = (
    r"(?m)^[ \t]*- +(?P<quote>[\"'])(?P<name>[A-Za-z_][\w.-]{0,120}):[ \t]+"
    r"(?P<value>[^\"'\n]+)(?P=quote)"
)
"""``- "NAME: value"``, a frequent mistake."""
_BLOCK = r"[|>][-+0-9]*\s*(?:#.*)?"


def _line_spans(text: str) -> Iterator[Span]:
    """Yield the values in the lines of a file: ``name: value``, ``- NAME=value``, block scalars."""
    for match in _MAPPING_LINE.finditer(text):
        if not is_secret_name(match["name"]):
            yield from login_spans(match["name"], match["value"], match.start("value"))
            continue
        end = match.end()
        indent = len(match["indent"].replace("- ", "  "))
        if re.fullmatch(_BLOCK, match["value"]):
            yield from _indented(text, end, indent)
        else:
            yield from _scalar_span(text, match, end)
            yield from _continued(text, match, end, indent)
    for match in _ITEM_LINE.finditer(text):
        if is_secret_name(match["name"]):
            yield from _scalar_span(text, match, match.end())
            if match["dash"]:
                yield from _continued(text, match, match.end(), len(match["indent"]))
        else:
            yield from login_spans(match["name"], match["value"], match.start("value"))
    yield from _named_spans(_FLOW_PAIR, text)
    yield from _named_spans(_COLON_ITEM, text)


def _scalar_span(text: str, match: re.Match[str], end: int) -> Iterator[Span]:
    """Yield the span of the scalar that is the group ``value`` of *match*."""
    start, value = match.start("value"), match["value"]
    quote = value[0] if value[0] in "\"'" else match["quote"] if match.re is _ITEM_LINE else ""
    if quote:
        start += value[0] == quote
        body = r"(?:\\.|[^\"\\])*" if quote == '"' else rf"(?:''|{_QUOTED_CHARACTER})*"
        closed = re.compile(body, re.DOTALL).match(text, start)
        end = closed.end() if closed else end
    elif value[0] in "{[*" or (match.re is _MAPPING_LINE and re.fullmatch(_ANCHOR, value)):
        return
    else:
        end = start + len(re.split(r"\s#", value)[0].rstrip())
    if is_secret(match["name"], text[start:end]):
        yield start, end


def _continued(text: str, match: re.Match[str], end: int, indent: int) -> Iterator[Span]:
    """Yield the further lines of the plain scalar that is the group ``value`` of *match*.

    They are deeper than *indent*, and neither comments nor entries. All lines are further ones if
    the group is an anchor.
    """
    is_quoted = match.re is _ITEM_LINE and match["quote"]
    is_anchor = re.fullmatch(r"&\S+", match["value"]) is not None
    is_other = not is_anchor and match["value"][0] in _NOT_PLAIN
    if is_quoted or is_other or " #" in match["value"]:
        return
    for start, stop in _indented(text, end, indent):
        if _ENTRY.match(text, start, stop):
            return
        yield start, stop


_NOT_PLAIN = "\"'{[*&!#"
_ENTRY = re.compile(r"#|- |-$|[^\n]*:(?:\s|$)", re.MULTILINE)
"""The beginning of a line that is no part of a plain scalar."""


def login_spans(name: str, value: str, offset: int) -> Iterator[Span]:
    """Yield the password in ``user:password``, the value of a name such as ``LOGIN``."""
    words = name_words(name)
    if not words or words[-1] not in _LOGIN_WORDS:
        return
    bare = value.strip("\"'")
    offset += len(value) - len(value.lstrip("\"'"))
    for part in re.finditer(r"[^\s,;]+", bare):
        match = _USER_AND_PASSWORD.fullmatch(bare, *part.span())
        if match and is_mixed(match["password"]) and not is_reference(match["password"]):
            yield offset + match.start("password"), offset + match.end("password")
    if words[-1] == "admin" and is_mixed(bare) and bare.isalnum() and len(bare) >= 8:  # noqa: PLR2004
        yield offset, offset + len(bare)


def _indented(text: str, at: int, indent: int) -> Iterator[Span]:
    """Yield the lines of *text* after *at* that are empty or deeper than *indent*."""
    at += 1
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        depth = len(line) - len(line.lstrip())
        if line.strip() and depth <= indent:
            return
        if line.strip() and not is_reference(line):
            yield at + depth, end
        at = end + 1


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return *spans* in order, overlapping ones as one."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return merged
