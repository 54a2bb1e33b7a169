"""Patterns for paths, lists of them in YAML and JSON files, and places that carry files away.

:func:`follow_list` makes a list of patterns follow a split; items are added and removed as they are
written there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import islice
from typing import TypeAlias

from composerefactor.edit.planned_files import Replacement
from composerefactor.errors import Location
from composerefactor.refactoring.reader import (
    Outcome,
    PlannedSplit,
    ReaderFile,
    Surroundings,
    named_paths,
)
from composerefactor.yaml.nodes import AliasNode, Node, ScalarNode, SequenceNode, resolve

Matcher: TypeAlias = Callable[[str, str], bool]
"""Returns whether a pattern matches a path from the repository's top level."""

_TOKENS = r"(?s)\*\*/|\*\*|\*|\?|\+|\[[^\]]{1,80}\]|\{[^{}]{1,400}\}|\\.|."
_MAX_PATTERN = 300
_SAFE_PLAIN = r"[A-Za-z0-9./_][\w./*+-]*"


def pattern_for(target: str) -> str:
    """Return the pattern for a directory, which ends in ``/``, or for a file."""
    return f"{target}**" if target.endswith("/") else target


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
    parts = [_part(part, repeats=repeats) for part in re.findall(_TOKENS, pattern)]
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
        return "(?:" + "|".join("".join(map(_plain, re.findall(_TOKENS, n))) for n in names) + ")"
    return re.escape(part.removeprefix("\\") if len(part) > 1 else part)


def _plain(part: str) -> str:
    return _part(part, repeats=False)


def regular_expression(text: str) -> re.Pattern[str] | None:
    """Return *text*, a pattern of the user, compiled; None if it is empty, too long or invalid."""
    if not text or len(text) > _MAX_PATTERN:
        return None
    try:
        return re.compile(text)
    except re.error:
        return None


def quoted(value: str, like: ScalarNode) -> str:
    """Return *value* as a scalar in the style of *like*, with quotes if it needs them."""
    quote = like.style if like.style in {"'", '"'} else ""
    if not quote and not re.fullmatch(_SAFE_PLAIN, value):
        quote = '"'
    return f"{quote}{value}{quote}"


def strings(node: Node | None) -> list[ScalarNode]:
    """Return the items of the list *node* that are written in it as scalars; none if it is none."""
    items = node.items if isinstance(node, SequenceNode) else ()
    return [item for item in items if isinstance(item, ScalarNode)]


def insertion(
    file: ReaderFile, sequence: SequenceNode, after: ScalarNode, values: Sequence[str]
) -> Replacement | None:
    """Return the edit that adds *values* to *sequence* after the item *after*.

    None where the item shares its line in a way that is not understood.
    """
    source = file.source
    texts = [quoted(value, after) for value in values]
    if sequence.flow:
        before = source.text[source.line_start(after.start) : after.outer_start]
        if not before.strip():  # an item on each line
            lines = "".join(f",{source.newline}{before}{text}" for text in texts)
            return Replacement(after.end, after.end, lines)
        return Replacement(after.end, after.end, "".join(f", {text}" for text in texts))
    start = source.line_start(after.outer_start)
    prefix = source.text[start : after.outer_start]
    last_line = source.line_start(max(after.end - 1, after.start))
    if not re.fullmatch(r"[ ]*-[ ]+", prefix) or last_line != start:
        return None
    at = source.next_line(after.end)
    begin = "" if source.text[at - 1 : at] == "\n" else source.newline
    lines = source.newline.join(f"{prefix}{text}" for text in texts)
    return Replacement(at, at, begin + lines + ("" if begin else source.newline))


def removals(
    file: ReaderFile, sequence: SequenceNode, items: Sequence[ScalarNode]
) -> list[Replacement] | None:
    """Return the edits that remove *items* from *sequence*; None where a comment would go, too."""
    edits: list[Replacement] = []
    source = file.source
    for item in items:
        start, end = source.line_start(item.outer_start), source.next_line(item.end)
        if sequence.flow:
            before = source.text[: item.outer_start].rstrip()
            if not before.endswith(","):
                return None
            edits.append(Replacement(len(before) - 1, item.end, ""))
            continue
        line = source.text[start:end].strip()
        if line != f"- {source.text[item.outer_start : item.end]}":
            return None
        edits.append(Replacement(start, end, ""))
    return edits


def added(
    file: ReaderFile, at: Node | int, said: str, patterns: Sequence[str], edit: Replacement | None
) -> Outcome:
    """Return the outcome for a list that lacks *patterns*, which *edit* adds; None if none can."""
    return Outcome(
        "named" if edit is None else "followed",
        file.location(at),
        said,
        f"add {', '.join(patterns)}",
        () if edit is None else (edit,),
    )


def stale(file: ReaderFile, at: Node | int, pattern: str, *edits: Replacement) -> Outcome:
    """Return the outcome for *pattern*, which names no file any more; *edits* remove it."""
    return Outcome(
        "followed" if edits else "named",
        file.location(at),
        f"names {pattern}, which no longer exists",
        f"remove {pattern}",
        edits,
    )


def follow_list(
    file: ReaderFile,
    node: Node | None,
    split: PlannedSplit,
    matches: Matcher,
    pattern_for: Callable[[str], str],
    statement: str,
) -> Iterator[Outcome]:
    """Yield what becomes of a list of patterns that names files which are split.

    Args:
        file: The file with the list.
        node: The list.
        split: The planned split.
        matches: How a pattern matches a path. A pattern that begins with ``!`` excludes paths.
        pattern_for: Returns the pattern for a directory, which ends in ``/``, or a file.
        statement: What the reader does with the list, with ``{}`` for the file that is split.
    """
    sequence = resolve(node)
    if not isinstance(sequence, SequenceNode):
        return
    patterns = [
        target.value for item in sequence.items if isinstance(target := resolve(item), ScalarNode)
    ]

    def selects(path: str, listed: Sequence[str] = patterns) -> bool:
        selected = False
        for pattern in listed:
            if matches(pattern.removeprefix("!"), path):
                selected = not pattern.startswith("!")
        return selected

    gone = [
        item
        for item in strings(sequence)
        if not item.value.startswith("!") and split.is_stale(partial(matches, item.value))
    ]
    if gone and len(gone) < len(sequence.items):
        names = ", ".join(item.value for item in gone)
        yield stale(file, gone[0], names, *(removals(file, sequence, gone) or ()))
    named, missing = split.covered(selects)
    if not named:
        return
    anchor = _last_matching(sequence, named[0], matches)
    place = anchor if anchor is not None else sequence
    said = statement.format(named_paths(named))
    if not missing:
        yield Outcome("fine", file.location(place), said)
        return
    new = [pattern_for(target) for target in split.covering(missing)]
    edit = insertion(file, sequence, anchor, new) if anchor is not None else None
    index = sequence.items.index(anchor) + 1 if anchor is not None else 0
    result = [*patterns[:index], *new, *patterns[index:]]
    works = len(patterns) == len(sequence.items) and all(selects(m, result) for m in missing)
    yield added(file, place, said, new, edit if works else None)


def _last_matching(sequence: SequenceNode, path: str, matches: Matcher) -> ScalarNode | None:
    """Return the last item of *sequence* that selects *path*, None if it is an alias."""
    found: ScalarNode | None = None
    for item in sequence.items:
        target = resolve(item)
        if not isinstance(target, ScalarNode) or target.value.startswith("!"):
            continue
        if matches(target.value, path):
            found = None if isinstance(item, AliasNode) else target
    return found


MAX_FILES = 600
"""Files of one kind that are read, at most."""


def files_that_name(
    around: Surroundings, split: PlannedSplit, pattern: re.Pattern[str]
) -> Iterator[ReaderFile]:
    """Yield the files at any depth that match *pattern* and contain the name of a split file.

    At most :data:`MAX_FILES` of those that match are read.
    """
    for file in islice(around.files(pattern, anywhere=True), MAX_FILES):
        if split.is_named_in(file.text):
            yield file


def carried(path: str, paths: Collection[str]) -> bool:
    """Return whether *path* is one of *paths*, in a directory of them, or matches a pattern."""
    return any(
        each in {path, "."} or path.startswith(f"{each.rstrip('/')}/") or matches(each, path)
        for each in paths
    )


def alone(
    split: PlannedSplit,
    named: Iterable[tuple[str, Location, str]],
    everything: Collection[str],
    action: str,
) -> Iterator[Outcome]:
    """Yield the outcomes for places that carry split files away.

    Args:
        split: The planned split.
        named: The files that are named, from the repository's top level, with the places and what
            the reader does there, with ``{}`` for the file.
        everything: The files and directories that the same file carries in all.
        action: What to do, with ``{}`` for the directories of the modules.
    """
    by_path: Mapping[str, tuple[str, ...]] = {each.path: each.modules for each in split.splits}
    for path, location, verb in dict.fromkeys(named):
        modules = by_path.get(path)
        if not modules:
            continue
        missing = [module for module in modules if not carried(module, everything)]
        targets = ", ".join(split.covering(missing))
        if missing and path not in split.files:
            said = f"{verb.format(path)}, which moves"
            instead = action.format(targets).replace(" too", " instead")
            yield Outcome("named", location, said, instead)
        elif missing:
            said = f"{verb.format(path)} without its modules"
            yield Outcome("named", location, said, action.format(targets))
        else:
            yield Outcome("fine", location, f"{verb.format(path)} with its modules")
