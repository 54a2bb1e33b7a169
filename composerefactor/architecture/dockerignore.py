"""Which files of a build context ``.dockerignore`` leaves out (Docker's build documentation)."""

from __future__ import annotations

import re

from msgspec import Struct


class Ignored(Struct, frozen=True):
    """*patterns* are expressions for paths relative to the context; True takes a path back in."""

    patterns: tuple[tuple[re.Pattern[str], bool], ...]

    def leaves_out(self, path: str) -> bool:
        """Return whether *path* stays out of the build: the last pattern that fits decides."""
        out = False
        for pattern, takes_back in self.patterns:
            if pattern.fullmatch(path):
                out = not takes_back
        return out


def read_ignored(text: str) -> Ignored:
    """Return what the ``.dockerignore`` *text* says; a pattern also stands for what is below it."""
    found = []
    for line in text.removeprefix("\ufeff").splitlines():
        written = line.strip()
        if not written or line.startswith("#"):
            continue
        takes_back = written.startswith("!")
        pattern = written.removeprefix("!").strip().strip("/").removeprefix("./")
        if pattern:
            found.append((re.compile(f"{_expression(pattern)}(?:/.*)?"), takes_back))
    return Ignored(tuple(found))


def _expression(pattern: str) -> str:
    """Return *pattern*, Go's ``filepath.Match`` with ``**``, as a regular expression."""
    parts = []
    for token in re.findall(r"\*\*/?|\*|\?|\[[^\]]*\]|\\.|.", pattern, re.DOTALL):
        match token:
            case "**/":
                parts.append("(?:.*/)?")
            case "**":
                parts.append(".*")
            case "*":
                parts.append("[^/]*")
            case "?":
                parts.append("[^/]")
            case _ if token.startswith("["):
                parts.append(token)
            case _:
                parts.append(re.escape(token.removeprefix("\\") if len(token) > 1 else token))
    return "".join(parts)
