"""Connection URLs, in parts and as written; what stands in ``${...}`` is no punctuation of one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from composerefactor.compose.interpolate import expressions
from composerefactor.compose.masking import masked
from composerefactor.patterns import regex

_PART = r"[^\s/?#\"'<>()\\;,|`]"
_URL = regex(
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
