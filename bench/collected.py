"""Figures of benches that compare many projects: kept in a file, so that a later call goes on."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

Figures: TypeAlias = dict[str, Any]


def collected(
    results: Path, projects: Iterable[Path], compare: Callable[[Path, Path], Iterator[Figures]]
) -> list[Figures]:
    """Return the figures in the file *results*, and those of *projects*, which are added to it.

    *compare* yields the figures of a project; it may write to the directory that is its second
    argument. They are also printed on stderr.
    """
    earlier = results.read_text("utf-8") if results.exists() else ""
    found: list[Figures] = list(map(json.loads, earlier.splitlines()))
    with results.open("a", encoding="utf-8") as file:
        for project in projects:
            with tempfile.TemporaryDirectory() as temporary:
                for figures in compare(project, Path(temporary)):
                    found.append(figures)
                    print(json.dumps(figures), file=file, flush=True)
                    print(*figures.values(), file=sys.stderr, flush=True)
    return found
