"""Programs that update images: Dependabot, Renovate, updatecli."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import partial

from composerefactor.edit.planned_files import Replacement
from composerefactor.refactoring.reader import (
    Outcome,
    PlannedSplit,
    ReaderFile,
    Surroundings,
    entries_of,
    reader,
    text_of,
    value_of,
)
from composerefactor.refactoring.readers._patterns import (
    follow_list,
    insertion,
    matches,
    pattern_for,
    quoted,
    regular_expression,
    removals,
    strings,
)
from composerefactor.yaml.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode, resolve

_DEPENDABOT = re.compile(r"\.github/dependabot\.ya?ml")
_READ_BY_DEPENDABOT = r"(?i)(docker-)?compose(-\w+)?(\.[\w-]+)?\.ya?ml"
"""Names of the files that it reads (dependabot-core, ``FILENAME_REGEX``: anywhere in the name)."""


@reader("Dependabot", reads=".github/dependabot.yml", include="told")
def dependabot(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Dependabot updates the images in the directories that its settings name, and in no other.

    An entry for `docker-compose` reads the Compose files directly in its `directory`
    (dependabot-core, `docker_compose/file_fetcher.rb`). The directories of modules that name an
    image are added, in `directories`; a `join` removes them. Files are found by their names, which
    begin like `docker-compose.` or `compose.`; a module with another name is pointed out. Entries
    for `docker` read Dockerfiles and Kubernetes manifests and are left alone.
    """
    for file in around.files(_DEPENDABOT):
        updates = value_of(file.root, "updates")
        for item in updates.items if isinstance(updates, SequenceNode) else ():
            update = resolve(item)
            is_compose = text_of(update, "package-ecosystem") == "docker-compose"
            if is_compose and isinstance(update, MappingNode):
                yield from _follow_update(file, update, split)


def _follow_update(file: ReaderFile, update: MappingNode, split: PlannedSplit) -> Iterator[Outcome]:
    entry = update.entry("directories") or update.entry("directory")
    if entry is None:
        return
    value = entry.value
    target = resolve(value)
    nodes = target.items if isinstance(target, SequenceNode) else [target]
    patterns = [node.value for node in map(resolve, nodes) if isinstance(node, ScalarNode)]

    def covers(path: str) -> bool:
        return any(_is_in(pattern, path) for pattern in patterns)

    if isinstance(value, SequenceNode) and (removed := _removed(file, entry, value, split)):
        yield removed
        return
    # What an entry reads without a split file in it belongs to another project.
    named = [each for each in split.splits if covers(each.path) and _is_read(each.path)]
    if not named:
        return
    modules = {m for each in named for m in each.modules if m in split.with_images}
    missing = {m for m in modules if not covers(m)}
    places = ", ".join(patterns)
    said = f"updates the images in {places}" + (" only" if missing else "")
    created = {m for each in named for m in each.created}
    unread = sorted(m for m in modules & created if not _is_read(m))
    if unread:
        names = ", ".join(unread)
        yield Outcome(
            "named",
            file.location(entry.key),
            f"does not read {names}, since it looks for names like docker-compose.NAME.yml",
            "rename it, or update its images by hand",
        )
    missing = {m for m in missing if _is_read(m)}
    if not missing:
        if not unread:
            yield Outcome("fine", file.location(entry.key), said)
        return
    added = sorted({f"/{posixpath.dirname(m)}" for m in missing})
    edits = _additions(file, update, entry, added, split)
    yield Outcome(
        "followed" if edits else "named",
        file.location(entry.key),
        said,
        f"add {', '.join(added)} to `directories`",
        tuple(edits),
    )


def _is_read(path: str) -> bool:
    return re.search(_READ_BY_DEPENDABOT, posixpath.basename(path)) is not None


def _is_in(pattern: str, path: str) -> bool:
    """Return whether *pattern*, a directory or a glob for directories, has the file *path*."""
    return matches(posixpath.normpath(f"/{pattern}").lstrip("/"), posixpath.dirname(path))


def _reads(pattern: str, path: str) -> bool:
    return _is_read(path) and _is_in(pattern, path)


def _additions(
    file: ReaderFile, update: MappingNode, entry: Entry, added: list[str], split: PlannedSplit
) -> list[Replacement]:
    """Return the edits that add directories to *entry*; none where it uses anchors.

    A single directory is replaced if its only Compose file moves.
    """
    value, source = entry.value, file.source
    if isinstance(value, SequenceNode):
        items = strings(value)
        edit = insertion(file, value, items[-1], added) if items else None
        return [edit] if edit is not None and value.anchor is None else []
    if not isinstance(value, ScalarNode) or value.anchor is not None or value.style in {"|", ">"}:
        return []
    texts = [quoted(each, value) for each in added]
    if any(_reads(value.value, path) for path in split.files):
        texts.insert(0, source.text[value.start : value.end])
    key = Replacement(entry.key.start, entry.key.end, _renamed(file, entry, "directories"))
    if update.flow:
        return [key, Replacement(value.start, value.end, f"[{', '.join(texts)}]")]
    colon = source.text.index(":", entry.key.end) + 1
    indent = " " * (source.column(entry.key.start) + 2)
    end = source.next_line(value.end)
    begin = "" if source.text[end - 1 : end] == "\n" else source.newline
    lines = begin + source.newline.join(f"{indent}- {text}" for text in texts)
    lines += "" if begin else source.newline
    return [key, Replacement(colon, value.end, ""), Replacement(end, end, lines)]


def _renamed(file: ReaderFile, entry: Entry, name: str) -> str:
    """Return the key *name* with the quotes of the key of *entry*."""
    quote = file.text[entry.key.start]
    return f"{quote}{name}{quote}" if quote in "'\"" else name


def _removed(
    file: ReaderFile, entry: Entry, value: SequenceNode, split: PlannedSplit
) -> Outcome | None:
    """Return the outcome for directories that have no Compose file any more, None without any."""
    stale = [item for item in strings(value) if split.is_stale(partial(_reads, item.value))]
    if not stale or len(stale) == len(value.items):
        return None
    edits = removals(file, value, stale)
    rest = [item for item in value.items if item not in stale]
    if edits is not None and len(rest) == 1:
        edits = _single(file, entry, value, rest[0], edits)
    gone = ", ".join(item.value for item in stale)
    return Outcome(
        "followed" if edits else "named",
        file.location(entry.key),
        f"updates the images in {gone}, where no Compose file is left",
        f"remove {gone} from `directories`",
        tuple(edits or ()),
    )


def _single(
    file: ReaderFile,
    entry: Entry,
    value: SequenceNode,
    item: object,
    edits: list[Replacement],
) -> list[Replacement]:
    """Return the edits that write `directory: ITEM` instead of a list with one item."""
    if not isinstance(item, ScalarNode):
        return edits
    source = file.source
    text = source.text[item.start : item.end]
    key = Replacement(entry.key.start, entry.key.end, _renamed(file, entry, "directory"))
    if value.flow:
        return [key, Replacement(value.start, value.end, text)]
    line = removals(file, value, [item])
    if line is None:
        return edits
    colon = source.text.index(":", entry.key.end) + 1
    return [key, Replacement(colon, colon, f" {text}"), *line, *edits]


_RENOVATE = re.compile(
    r"(?:\.github/|\.gitlab/|\.renovate/)?(?:renovate\.json5?|\.renovaterc(?:\.json5?)?)"
)
_FOUND_BY_RENOVATE = re.compile(r"(?:^|/)(?:docker-)?compose[^/]*\.ya?ml$")


@reader("Renovate", reads="renovate.json, .renovaterc", include="yes")
def renovate(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Renovate updates the images in files whose names begin like `docker-compose` or `compose`.

    It finds them in all directories (Renovate documentation, manager `docker-compose`), so that
    modules are found, too. Patterns in its settings are added to that, and `includePaths` limits
    it: the directory of the modules is added there. What cannot be added is pointed out: a module
    with another name, a rule for the root file alone, and a path that is ignored.
    """
    for file in around.files(_RENOVATE):
        if file.root is None or not _updates_compose_files(file.root):
            continue
        yield from follow_list(
            file, value_of(file.root, "includePaths"), split, matches, pattern_for, "updates {}"
        )
        patterns = [_FOUND_BY_RENOVATE, *_renovate_patterns(file.root)]
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
        yield from _package_rules(file, split)


def _updates_compose_files(root: MappingNode) -> bool:
    managers = value_of(root, "enabledManagers")
    if text_of(root, "docker-compose", "enabled") == "false":
        return False
    if not isinstance(managers, SequenceNode):
        return True
    return "docker-compose" in {node.value for node in strings(managers)}


def _renovate_patterns(root: MappingNode) -> Iterator[re.Pattern[str]]:
    """Yield the patterns of the settings for Compose files; globs are not regular expressions."""
    for key in ("fileMatch", "managerFilePatterns"):
        for node in strings(value_of(root, "docker-compose", key)):
            text = node.value
            if key == "managerFilePatterns":
                if not re.fullmatch(r"/.*/i?", text):
                    continue
                text = text[1:].rpartition("/")[0]
            pattern = regular_expression(text)
            if pattern is not None:
                yield pattern


def _is_ignored(root: MappingNode, path: str) -> bool:
    patterns = [node.value for node in strings(value_of(root, "ignorePaths"))]
    return any(matches(p, path) or path.startswith(f"{p.rstrip('/')}/") for p in patterns)


def _package_rules(file: ReaderFile, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield the outcomes for package rules that name a file which is split."""
    rules = value_of(file.root, "packageRules")
    for rule in rules.items if isinstance(rules, SequenceNode) else ():
        for key in ("matchFileNames", "matchPaths"):
            listed: Node | None = value_of(rule, key)
            said = "has a rule for the images in {}"
            yield from follow_list(file, listed, split, matches, pattern_for, said)


_UPDATECLI = re.compile(r"(?:.*/)?(?:updatecli[^/]*\.ya?ml|updatecli(?:\.d)?/.*\.ya?ml)")
_TARGET_KEYS = ("file", "files")


@reader("updatecli", reads="updatecli.yaml, updatecli.d/*.yaml", include="no")
def updatecli(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """updatecli changes versions in the files that its targets name.

    A target finds a line or a key in one file, which may be in a module after a split. Only its
    author knows which, so each target is pointed out.
    """
    modules = {each.path: each.modules for each in split.splits if each.created}
    for file in around.files(_UPDATECLI, anywhere=True):
        for entry in entries_of(file.root, "targets"):
            for key in _TARGET_KEYS:
                value = value_of(entry.value, "spec", key)
                nodes = value.items if isinstance(value, SequenceNode) else [value]
                for node in nodes:
                    path = posixpath.normpath(node.value) if isinstance(node, ScalarNode) else ""
                    if isinstance(node, ScalarNode) and path in modules:
                        place = ", ".join(split.covering(modules[path]))
                        yield Outcome(
                            "named",
                            file.location(node),
                            f"target {entry.name} changes {path}; its line may be in a module",
                            f"name the file in {place} that has it",
                        )
