"""pre-commit runs hooks for the files that `files` matches and `exclude` does not.

A regular expression that matches the root file gets the directory of the modules as an alternative.
The hook `docker-compose-check` gives each file that it finds to Docker Compose by itself. By
default these are root files; where its `files` match modules too, that is pointed out, since a
module that uses services or volumes of another file is rejected.
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
    value_of,
)
from composerefactor.yaml.nodes import MappingNode, ScalarNode, walk

_SETTINGS = re.compile(r"\.pre-commit-config\.ya?ml")
_CHECKS_ALONE = "docker-compose-check"
_CHECKS_BY_DEFAULT = r"(docker-)?compose.y[a]{0,1}ml$"
"""The files of the hook (IamTheFij/docker-pre-commit, ``.pre-commit-hooks.yaml``)."""

_MAX_PATTERN = 300
_LAST_ALTERNATIVE = re.compile(r"\|(\^[^|()\[\]\n]{1,200})$")


@reader("pre-commit", reads=".pre-commit-config.yaml", include="told")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each regular expression that matches a file which is split."""
    for file in around.files(_SETTINGS):
        for node in walk(file.root) if file.root else ():
            if not isinstance(node, MappingNode):
                continue
            hook = value_of(node, "id")
            if isinstance(hook, ScalarNode) and hook.value == _CHECKS_ALONE:
                yield from _checks_alone(file, node, hook, split)
                continue
            for key, verb in (("files", "checks"), ("exclude", "excludes")):
                value = node.get(key)
                if isinstance(value, ScalarNode):
                    yield from _follow_pattern(file, value, verb, split)


def _follow_pattern(
    file: ReaderFile, node: ScalarNode, verb: str, split: PlannedSplit
) -> Iterator[Outcome]:
    pattern = _compiled(node.value)
    if pattern is None:
        return

    yield from _stale(file, node, split)

    covers = partial(_finds, pattern)
    named = [each for each in split.splits if covers(each.path)]
    missing = dict.fromkeys(m for each in named for m in each.missing(covers))
    if not named:
        return
    said = f"{verb} {named_paths(each.path for each in named)}"
    if not missing:
        yield Outcome("fine", file.location(node), said)
        return
    added = "".join(f"|^{_escaped(target)}" for target in split.covering(missing))
    raw = file.text[node.start : node.end]
    plain = "\n" not in raw and "(?x)" not in raw and node.style in {"", "'"}
    new = _compiled(node.value + added)
    works = plain and new is not None and all(map(new.search, missing))
    at = node.end - len(node.style)
    yield Outcome(
        "followed" if works else "named",
        file.location(node),
        said,
        f"add {added.lstrip('|')} as an alternative",
        (Replacement(at, at, added),) if works else (),
    )


def _stale(file: ReaderFile, node: ScalarNode, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield the alternatives at the end of a pattern for files that no longer exist."""
    end = node.end - len(node.style)
    start = node.start + len(node.style)
    while match := _LAST_ALTERNATIVE.search(file.text, start, end):
        pattern = _compiled(match[1])
        if pattern is None or not split.is_stale(partial(_finds, pattern)):
            return
        end = match.start()
        yield Outcome(
            "followed",
            file.location(node),
            f"names {match[1]}, which no longer exists",
            f"remove {match[1]}",
            (Replacement(match.start(), match.end(), ""),),
        )


def _finds(pattern: re.Pattern[str], path: str) -> bool:
    return pattern.search(path) is not None


def _escaped(target: str) -> str:
    name = target.replace(".", r"\.").replace("+", r"\+")
    return name if target.endswith("/") else f"{name}$"


def _compiled(pattern: str) -> re.Pattern[str] | None:
    if not pattern or len(pattern) > _MAX_PATTERN:
        return None
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _checks_alone(
    file: ReaderFile, node: MappingNode, hook: ScalarNode, split: PlannedSplit
) -> Iterator[Outcome]:
    files = value_of(node, "files")
    given = files.value if isinstance(files, ScalarNode) else _CHECKS_BY_DEFAULT
    pattern = _compiled(given)
    if pattern is None:
        return
    named = [each for each in split.splits if pattern.search(each.path)]
    modules = {m for each in named for m in each.modules if pattern.search(m)}
    roots = named_paths(each.path for each in named)
    if named and not modules:
        yield Outcome("fine", file.location(hook), f"checks {roots} with its modules")
    if not modules:
        return
    yield Outcome(
        "named",
        file.location(hook),
        f"gives each of {len(modules)} modules to Docker Compose by itself, "
        "which rejects one that uses services of another",
        f"limit it to root files: files: ^{_escaped(named[0].path)}",
    )
