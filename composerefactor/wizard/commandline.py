"""The command line that does what a session did."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from composerefactor.request.split import SplitRequest
from composerefactor.wizard.work import Request, Where

_WIDEST = 74
"""A command is cut after so many characters: with its indentation it fits on 80 columns."""


def command_line(
    where: Where, request: Request, leave: Collection[str], *, allow_dirty: bool, engine: str
) -> list[str]:
    """Return the words of the command that writes what *request* without *leave* gives."""
    words = ["composerefactor", "split" if isinstance(request, SplitRequest) else "fix"]
    path = Path(os.path.relpath(where.path)) if where.path.is_absolute() else where.path
    words += [] if path == Path() else [str(path)]
    words += [word for name in where.file for word in ("-f", name)]
    words += [word for name in where.entry for word in ("--entry", name)]
    words += [word for name in where.env_file for word in ("--env-file", name)]
    words += request.arguments()
    words += [word for id_ in sorted(leave) for word in ("--leave", id_)]
    words += ["--allow-dirty"] if allow_dirty else []
    words += [] if engine == "auto" else ["--engine", engine]
    return [*words, "--yes"]


def shown(words: Sequence[str]) -> str:
    """Return *words* as a shell takes them, on lines as wide as a terminal at most."""
    lines = [""]
    for word in _options(words):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _WIDEST:
            lines.append(f"  {word}")
        else:
            lines[-1] = f"{lines[-1]} {word}".strip() if len(lines) == 1 else f"{lines[-1]} {word}"
    return " \\\n".join(lines)


def _options(words: Sequence[str]) -> Iterator[str]:
    """Yield *words* quoted, each option with its value."""
    at = 0
    while at < len(words):
        takes = words[at].startswith("-") and at + 1 < len(words) and words[at + 1][:1] != "-"
        yield shlex.join(words[at : at + 2] if takes else words[at : at + 1])
        at += 2 if takes else 1
