"""Renovate updates the images in files whose names begin like `docker-compose` or `compose`.

It finds them in all directories (Renovate documentation, manager `docker-compose`), so that modules
are found, too. Patterns in its settings are added to that, and `includePaths` limits it: the
directory of the modules is added there. What cannot be added is pointed out: a module with another
name, a rule for the root file alone, and a path that is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.refactoring.reader import (
    Outcome,
    PlannedSplit,
    ReaderFile,
    Surroundings,
    reader,
    value_of,
)
from composerefactor.refactoring.readers._globs import matches
from composerefactor.refactoring.readers._lists import follow_list, strings
from composerefactor.refactoring.readers.github_paths import pattern_for
from composerefactor.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_SETTINGS = re.compile(
    r"(?:\.github/|\.gitlab/|\.renovate/)?(?:renovate\.json5?|\.renovaterc(?:\.json5?)?)"
)
_DEFAULT = re.compile(r"(?:^|/)(?:docker-)?compose[^/]*\.ya?ml$")
_MAX_PATTERN = 300


@reader("Renovate", reads="renovate.json, .renovaterc", include="yes")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for the settings, and for what in them names a file that is split."""
    for file in around.files(_SETTINGS):
        if file.root is None or not _updates_compose_files(file.root):
            continue
        yield from follow_list(
            file, value_of(file.root, "includePaths"), split, matches, pattern_for, "updates {}"
        )
        patterns = [_DEFAULT, *_patterns(file.root)]
        named = [each for each in split.splits if any(p.search(each.path) for p in patterns)]
        modules = sorted({m for each in named for m in each.created if m in split.with_images})
        if not named:
            continue
        unread = [m for m in modules if not any(p.search(m) for p in patterns)]
        ignored = [m for m in modules if m not in unread and _is_ignored(file.root, m)]
        for paths, why, what in (
            (unread, "does not find", "add it to managerFilePatterns of docker-compose"),
            (ignored, "ignores", "name the modules in another directory with --into"),
        ):
            if paths:
                said = f"{why} {', '.join(paths)}"
                yield Outcome("named", file.location(file.root), said, what)
        if not unread and not ignored:
            yield Outcome("fine", file.location(file.root), "finds Compose files by their names")
        yield from _rules(file, split)


def _updates_compose_files(root: MappingNode) -> bool:
    managers = value_of(root, "enabledManagers")
    enabled = value_of(root, "docker-compose", "enabled")
    if isinstance(enabled, ScalarNode) and enabled.value == "false":
        return False
    if not isinstance(managers, SequenceNode):
        return True
    return "docker-compose" in {node.value for node in strings(managers)}


def _patterns(root: MappingNode) -> Iterator[re.Pattern[str]]:
    """Yield the patterns of the settings for Compose files; globs are not regular expressions."""
    for key in ("fileMatch", "managerFilePatterns"):
        listed = value_of(root, "docker-compose", key)
        for node in strings(listed) if isinstance(listed, SequenceNode) else ():
            text = node.value
            if key == "managerFilePatterns":
                if not re.fullmatch(r"/.*/i?", text):
                    continue
                text = text[1:].rpartition("/")[0]
            if len(text) <= _MAX_PATTERN:
                try:
                    yield re.compile(text)
                except re.error:
                    continue


def _is_ignored(root: MappingNode, path: str) -> bool:
    listed = value_of(root, "ignorePaths")
    patterns = [n.value for n in strings(listed)] if isinstance(listed, SequenceNode) else []
    return any(matches(p, path) or path.startswith(f"{p.rstrip('/')}/") for p in patterns)


def _rules(file: ReaderFile, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield the outcomes for package rules that name a file which is split."""
    rules = value_of(file.root, "packageRules")
    for rule in rules.items if isinstance(rules, SequenceNode) else ():
        for key in ("matchFileNames", "matchPaths"):
            listed: Node | None = value_of(rule, key)
            said = "has a rule for the images in {}"
            yield from follow_list(file, listed, split, matches, pattern_for, said)
