"""Lists of patterns in the syntax of a ``.gitignore``, a pattern a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from composerefactor.edit.planned_files import Replacement
from composerefactor.refactoring.reader import Outcome, PlannedSplit, ReaderFile, named_paths
from composerefactor.refactoring.readers._globs import gitignore_matches


def follow_lines(file: ReaderFile, lines: Sequence[int], split: PlannedSplit) -> Iterator[Outcome]:
    """Yield what becomes of the patterns of *file* that exclude a file which is split.

    Args:
        file: The file with the patterns.
        lines: The offsets of the starts of the lines with a pattern.
        split: The planned split.
    """
    starts = [at for at in lines if _pattern(file, at)]
    yield from _stale(file, starts, split)

    def excludes(path: str) -> bool:
        excluded = False
        for at in starts:
            if gitignore_matches(_pattern(file, at).removeprefix("!"), path):
                excluded = not _pattern(file, at).startswith("!")
        return excluded

    named = [each for each in split.splits if excludes(each.path)]
    if not named:
        return
    at = next(s for s in reversed(starts) if gitignore_matches(_pattern(file, s), named[0].path))
    said = f"excludes {named_paths(each.path for each in named)}"
    missing = dict.fromkeys(m for each in named for m in each.missing(excludes))
    if not missing:
        yield Outcome("fine", file.location(at), said)
        return
    patterns = [f"/{target}" for target in split.covering(missing)]
    newline = file.source.newline
    line = file.source.line(at)
    indentation = line[: len(line) - len(line.lstrip())]
    end = file.source.next_line(at)
    ends_line = file.text[end - 1 : end] == "\n"
    added = "".join(f"{indentation}{pattern}{newline}" for pattern in patterns)
    text = added if ends_line else newline + added.removesuffix(newline)
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
    line = file.source.line(at).strip()
    return "" if line.startswith("#") else line


def _stale(file: ReaderFile, starts: Sequence[int], split: PlannedSplit) -> Iterator[Outcome]:
    """Yield the lines for files that the plan deletes, and for no other file."""
    for at in starts:
        if split.is_stale(partial(gitignore_matches, _pattern(file, at))):
            yield Outcome(
                "followed",
                file.location(at),
                f"names {_pattern(file, at)}, which no longer exists",
                f"remove {_pattern(file, at)}",
                (Replacement(at, file.source.next_line(at), ""),),
            )
