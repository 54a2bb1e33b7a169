"""The command line that does what a session did."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection
from pathlib import Path

from composerefactor.proposal.split_request import SplitRequest
from composerefactor.wizard.work import Request, Where


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


def shown(words: Collection[str]) -> str:
    """Return *words* as a shell takes them, on lines that a person can read."""
    return shlex.join(words)
