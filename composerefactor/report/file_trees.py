"""The Compose files of a project before and after a plan, as trees side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest

from composerefactor.planning.propose import Proposal
from composerefactor.report.text import Style


def trees(proposal: Proposal, style: Style) -> tuple[str, ...]:
    """Return the Compose files before and after side by side, each with its number of lines."""
    after = proposal.changes.as_mapping()
    old = {
        path: len(file.source.text.splitlines()) for path, file in proposal.project.files.items()
    }
    new = {path: old.get(path, 0) for path in old if after.get(path, b"") is not None}
    new |= {path: len(text.splitlines()) for path, text in after.items() if text is not None}
    columns = [list(_tree(files)) for files in (old, new)]
    width = max(30, *(len(line) + 3 for line in columns[0]))
    lines = [style(f"{'Before':<{width}}After", "cyan")]
    for left, right in zip_longest(*columns, fillvalue=""):
        lines.append(f"{left:<{width}}{right}")
    return tuple(lines)


def _tree(files: Mapping[str, int]) -> Iterator[str]:
    """Yield *files* as a tree, with their numbers of lines."""
    shown: set[str] = set()
    for path in sorted(files, key=lambda path: ("/" in path, path)):
        *parents, name = path.split("/")
        for depth in range(len(parents)):
            directory = "/".join(parents[: depth + 1])
            if directory not in shown:
                shown.add(directory)
                yield f"{'  ' * depth}{parents[depth]}/"
        yield f"{'  ' * len(parents)}{name}  {files[path]}"
