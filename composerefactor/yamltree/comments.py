"""Counting comments."""

from __future__ import annotations

import re

_FULL_LINE = re.compile(r"^[ \t]*#", re.MULTILINE)


def comment_lines(text: str) -> int:
    """Return how many lines of a YAML text are comments and nothing else."""
    return len(_FULL_LINE.findall(text))
