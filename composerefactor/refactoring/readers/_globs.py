"""Patterns for paths, as regular expressions."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

Matcher: TypeAlias = Callable[[str, str], bool]
"""Returns whether a pattern matches a path from the repository's top level."""

_TOKENS = re.compile(r"\*\*/|\*\*|\*|\?|\+|\[[^\]]{1,80}\]|\{[^{}]{1,400}\}|\\.|.", re.DOTALL)


def github_matches(pattern: str, path: str) -> bool:
    """Match as the filters of a GitHub workflow do.

    ``?`` and ``+`` repeat the character before them (GitHub documentation, workflow syntax, "filter
    pattern cheat sheet").
    """
    return _fullmatch(pattern, path, repeats=True)


def matches(pattern: str, path: str) -> bool:
    """Match with ``*`` within a directory, ``**`` across directories, ``?``, ``[]`` and ``{a,b}``.

    So do GitLab, Bitbucket, Woodpecker, Dependabot and minimatch (their documentation).
    """
    return _fullmatch(pattern, path, repeats=False)


def gitignore_matches(pattern: str, path: str) -> bool:
    """Match as a line of a ``.gitignore`` does, without the ``!`` at its beginning.

    A pattern without a slash matches in every directory, and one for a directory all files below.
    """
    name = pattern.strip("/")
    name = name if "/" in pattern.rstrip("/") else f"**/{name}"
    is_file = not pattern.endswith("/") and matches(name, path)
    return is_file or matches(f"{name}/**", path)


def _fullmatch(pattern: str, path: str, *, repeats: bool) -> bool:
    compiled = _compiled(pattern.removeprefix("./"), repeats)
    return compiled is not None and compiled.fullmatch(path) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str, repeats: bool) -> re.Pattern[str] | None:  # noqa: FBT001 - for the cache
    if len(pattern) > 400 or "$" in pattern:  # noqa: PLR2004
        return None
    parts = [_part(part, repeats=repeats) for part in _TOKENS.findall(pattern)]
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error:
        return None


def _part(part: str, *, repeats: bool) -> str:
    if part in {"**/", "**", "*"}:
        return {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}[part]
    if part == "?":
        return "?" if repeats else "[^/]"
    if part == "+" and repeats:
        return "+"
    if part.startswith("[") and len(part) > 1:
        return "[" + part[1:-1].replace("!", "^", 1).replace("\\", "") + "]"
    if part.startswith("{") and len(part) > 1 and not repeats:
        names = part[1:-1].split(",")
        return "(?:" + "|".join("".join(map(_plain, _TOKENS.findall(n))) for n in names) + ")"
    return re.escape(part.removeprefix("\\") if len(part) > 1 else part)


def _plain(part: str) -> str:
    return _part(part, repeats=False)
