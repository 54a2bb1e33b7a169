"""A root file as it is named in a command, and what leads to its directory."""

from __future__ import annotations

import re
from collections.abc import Iterable

from composerefactor.moving.lines import Span
from composerefactor.moving.words import VARIABLE
from composerefactor.patterns import regex

_QUOTES = "\"'\\"
_DEFAULT = regex(r".*\$\{\w+:?-(.*)")
_ACTIONS = regex(r"\$\{\{[^{}]{0,200}\}\}")


def name_at(text: str, span: Span, names: Iterable[str]) -> int | None:
    """Return where in ``text[span]`` the name of one of the files *names* begins, or None.

    A name that holds variables counts where one of *names* has its form.
    """
    names = list(names)
    literal = tokens(names).search(text, span.start, span.end)
    if literal is not None:
        return literal.start()
    raw = text[span.start : span.end]
    blank = VARIABLE.sub(_same_length, _ACTIONS.sub(_same_length, raw))
    at = blank.rfind("/") + 1
    at += len(blank[at:]) - len(blank[at:].lstrip(_QUOTES))
    written = blank[at:].rstrip(_QUOTES)
    fixed = re.sub("\0+", "\0", written)
    if not re.search(r"\w", fixed.replace("\0", "").partition(".")[0]):
        return None
    form = re.compile(r"[\w.-]{1,80}".join(map(re.escape, fixed.split("\0"))))
    return span.start + at if any(form.fullmatch(name) for name in names) else None


def tokens(names: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern that finds each of *names* where it stands as a word or ends a path."""
    ordered = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![\w.-])(?:{ordered})(?![\w-]|\.\w)")


def directory_before(text: str, span: Span, at: int) -> str | None:
    """Return how ``text[span]``, whose file name begins at *at*, spells the directory of it.

    Of a default (``${FILE:-$HERE/x.yml}``) that is what stands in the default. None where it cannot
    be told.
    """
    raw = text[span.start : at]
    quote = next((q for q in ('\\"', "\\'", '"', "'") if raw.startswith(q)), "")
    path = raw.rstrip("/") or ("/" if raw.startswith("/") else "")
    if not _is_balanced(path):
        default = _DEFAULT.fullmatch(path)
        if default is None:
            return None
        path = quote + default.group(1)
    if path.strip(_QUOTES) in {"", "."}:
        return "."
    if not _is_balanced(path):
        return None
    opened = path.count(quote) % 2 if quote else 0
    return path + quote if opened else path


def _is_balanced(path: str) -> bool:
    return all(path.count(one) == path.count(other) for one, other in ("{}", "()"))


def _same_length(match: re.Match[str]) -> str:
    return "\0" * len(match.group())
