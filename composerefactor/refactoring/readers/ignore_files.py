"""Files such as `.prettierignore` exclude files from a formatter, a linter or an upload.

The directory of the modules is added below a line that names the root file, as in a `.gitignore`.
`.dockerignore` is not among them: a split says what it does to build contexts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from composerefactor.edit.planned_files import Replacement
from composerefactor.refactoring.reader import (
    Outcome,
    PlannedSplit,
    ReaderFile,
    Surroundings,
    named_paths,
    reader,
)
from composerefactor.refactoring.readers._globs import matches

_TOOLS = "prettier|eslint|semgrep|markdownlint|npm|vercel|gcloud|helm|stylelint|yamllint|biome"
_FILE = re.compile(rf"\.(?:{_TOOLS})ignore")


@reader("Ignore files", reads=".prettierignore, .npmignore and others", include="told")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each file that excludes a file which is split."""
    for file in around.files(_FILE):
        starts = [at for at in file.source.line_starts if _pattern(file, at)]
        yield from _stale(file, starts, split)

        def excludes(path: str, file: ReaderFile = file, starts: list[int] = starts) -> bool:
            excluded = False
            for at in starts:
                if _applies(_pattern(file, at).removeprefix("!"), path):
                    excluded = not _pattern(file, at).startswith("!")
            return excluded

        named = [each for each in split.splits if excludes(each.path)]
        if not named:
            continue
        at = next(at for at in reversed(starts) if _applies(_pattern(file, at), named[0].path))
        said = f"excludes {named_paths(each.path for each in named)}"
        missing = dict.fromkeys(m for each in named for m in each.missing(excludes))
        if not missing:
            yield Outcome("fine", file.location(at), said)
            continue
        patterns = [f"/{target}" for target in split.covering(missing)]
        newline = file.source.newline
        end = file.source.next_line(at)
        ends_line = file.text[end - 1 : end] == "\n"
        lines = "".join(f"{pattern}{newline}" for pattern in patterns)
        text = lines if ends_line else newline + lines.removesuffix(newline)
        later = [start for start in starts if start > at and _pattern(file, start).startswith("!")]
        yield Outcome(
            "named" if later else "followed",
            file.location(at),
            said,
            f"add {', '.join(patterns)}",
            () if later else (Replacement(end, end, text),),
        )


def _pattern(file: ReaderFile, at: int) -> str:
    """Return the pattern on the line at *at*, ``""`` for a comment or an empty line."""
    line = file.source.line(at).rstrip()
    return "" if line.startswith("#") else line


def _applies(pattern: str, path: str) -> bool:
    """Return whether *pattern*, of the syntax of a ``.gitignore``, matches *path*."""
    name = pattern.strip("/")
    name = name if "/" in pattern.rstrip("/") else f"**/{name}"
    is_file = not pattern.endswith("/") and matches(name, path)
    return is_file or matches(f"{name}/**", path)


def _stale(file: ReaderFile, starts: list[int], split: PlannedSplit) -> Iterator[Outcome]:
    """Yield the lines for files that the plan deletes, and for no other file."""
    for at in starts:
        if split.is_stale(partial(_applies, _pattern(file, at))):
            yield Outcome(
                "followed",
                file.location(at),
                f"names {_pattern(file, at)}, which no longer exists",
                f"remove {_pattern(file, at)}",
                (Replacement(at, file.source.next_line(at), ""),),
            )
