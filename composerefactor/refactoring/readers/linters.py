"""Linters, hooks and editors: which files they check, or start a project with."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from functools import partial

from composerefactor.compose.paths import path_from
from composerefactor.edit.planned_files import Replacement
from composerefactor.refactoring.reader import (
    Outcome,
    PlannedSplit,
    ReaderFile,
    Surroundings,
    entries_of,
    named_paths,
    reader,
    value_of,
)
from composerefactor.refactoring.readers._patterns import (
    added,
    follow_list,
    gitignore_matches,
    matches,
    pattern_for,
    regular_expression,
    stale,
    strings,
)
from composerefactor.yaml.nodes import MappingNode, ScalarNode, SequenceNode, resolve

_PRE_COMMIT = re.compile(r"\.pre-commit-config\.ya?ml")
_CHECKS_ALONE = "docker-compose-check"
_CHECKS_BY_DEFAULT = r"(docker-)?compose.y[a]{0,1}ml$"
"""The files of the hook (IamTheFij/docker-pre-commit, ``.pre-commit-hooks.yaml``)."""

_LAST_ALTERNATIVE = re.compile(r"\|(\^[^|()\[\]\n]{1,200})$")


@reader("pre-commit", reads=".pre-commit-config.yaml", include="told")
def pre_commit(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """pre-commit runs hooks for the files that `files` matches and `exclude` does not.

    A regular expression that matches the root file gets the directory of the modules as an
    alternative. The hook `docker-compose-check` gives each file that it finds to Docker Compose by
    itself. By default these are root files; where its `files` match modules too, that is pointed
    out, since a module that uses services or volumes of another file is rejected.
    """
    for file in around.files(_PRE_COMMIT):
        for node in file.mappings:
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
    pattern = regular_expression(node.value)
    if pattern is None:
        return

    yield from _stale_alternatives(file, node, split)

    covers = partial(_finds, pattern)
    named, missing = split.covered(covers)
    if not named:
        return
    said = f"{verb} {named_paths(named)}"
    if not missing:
        yield Outcome("fine", file.location(node), said)
        return
    added = "".join(f"|^{_escaped(target)}" for target in split.covering(missing))
    raw = file.text[node.start : node.end]
    plain = "\n" not in raw and "(?x)" not in raw and node.style in {"", "'"}
    new = regular_expression(node.value + added)
    works = plain and new is not None and all(map(new.search, missing))
    at = node.end - len(node.style)
    yield Outcome(
        "followed" if works else "named",
        file.location(node),
        said,
        f"add {added.lstrip('|')} as an alternative",
        (Replacement(at, at, added),) if works else (),
    )


def _stale_alternatives(
    file: ReaderFile, node: ScalarNode, split: PlannedSplit
) -> Iterator[Outcome]:
    """Yield the alternatives at the end of a pattern for files that no longer exist."""
    end = node.end - len(node.style)
    start = node.start + len(node.style)
    while match := _LAST_ALTERNATIVE.search(file.text, start, end):
        pattern = regular_expression(match[1])
        if pattern is None or not split.is_stale(partial(_finds, pattern)):
            return
        end = match.start()
        yield stale(file, node, match[1], Replacement(match.start(), match.end(), ""))


def _finds(pattern: re.Pattern[str], path: str) -> bool:
    return pattern.search(path) is not None


def _escaped(target: str) -> str:
    name = target.replace(".", r"\.").replace("+", r"\+")
    return name if target.endswith("/") else f"{name}$"


def _checks_alone(
    file: ReaderFile, node: MappingNode, hook: ScalarNode, split: PlannedSplit
) -> Iterator[Outcome]:
    files = value_of(node, "files")
    given = files.value if isinstance(files, ScalarNode) else _CHECKS_BY_DEFAULT
    pattern = regular_expression(given)
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


_YAMLLINT = re.compile(r"\.yamllint(?:\.ya?ml)?")


@reader("yamllint", reads=".yamllint", include="told")
def yamllint(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """yamllint checks all YAML files but those that `ignore` excludes.

    The directory of the modules is added to an `ignore` that names the root file, a list or a block
    of lines, for all rules or for one.
    """
    for file in around.files(_YAMLLINT):
        for node in file.mappings:
            ignored = node.get("ignore")
            if isinstance(ignored, SequenceNode):
                yield from follow_list(
                    file, ignored, split, gitignore_matches, "/{}".format, "excludes {}"
                )
            elif isinstance(ignored, ScalarNode) and ignored.style in {"|", ">"}:
                yield from _follow_lines(file, _lines_of(file, ignored), split)


def _lines_of(file: ReaderFile, block: ScalarNode) -> list[int]:
    """Return the offsets of the lines in *block*, a block scalar."""
    first = file.source.next_line(block.start)
    return [start for start in file.source.line_starts if first <= start < block.end]


_TOOLS = "prettier|eslint|semgrep|markdownlint|npm|vercel|gcloud|helm|stylelint|yamllint|biome"
_IGNORE_FILE = re.compile(rf"\.(?:{_TOOLS})ignore")


@reader("Ignore files", reads=".prettierignore, .npmignore and others", include="told")
def ignore_files(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Files such as `.prettierignore` exclude files from a formatter, a linter or an upload.

    The directory of the modules is added below a line that names the root file, as in a
    `.gitignore`. `.dockerignore` is not among them: a split says what it does to build contexts.
    """
    for file in around.files(_IGNORE_FILE):
        yield from _follow_lines(file, file.source.line_starts, split)


def _follow_lines(file: ReaderFile, lines: Sequence[int], split: PlannedSplit) -> Iterator[Outcome]:
    """Yield what becomes of the patterns of *file* that exclude a file which is split.

    Args:
        file: The file with the patterns.
        lines: The offsets of the starts of the lines with a pattern.
        split: The planned split.
    """
    starts = [at for at in lines if _pattern(file, at)]
    yield from _stale_lines(file, starts, split)

    def excludes(path: str) -> bool:
        excluded = False
        for at in starts:
            if gitignore_matches(_pattern(file, at).removeprefix("!"), path):
                excluded = not _pattern(file, at).startswith("!")
        return excluded

    named, missing = split.covered(excludes)
    if not named:
        return
    at = next(s for s in reversed(starts) if gitignore_matches(_pattern(file, s), named[0]))
    said = f"excludes {named_paths(named)}"
    if not missing:
        yield Outcome("fine", file.location(at), said)
        return
    patterns = [f"/{target}" for target in split.covering(missing)]
    newline = file.source.newline
    line = file.source.line(at)
    indentation = line[: len(line) - len(line.lstrip())]
    end = file.source.next_line(at)
    ends_line = file.text[end - 1 : end] == "\n"
    new = "".join(f"{indentation}{pattern}{newline}" for pattern in patterns)
    text = new if ends_line else newline + new.removesuffix(newline)
    is_taken_back = any(s > at and _pattern(file, s).startswith("!") for s in starts)
    edit = None if is_taken_back else Replacement(end, end, text)
    yield added(file, at, said, patterns, edit)


def _pattern(file: ReaderFile, at: int) -> str:
    """Return the pattern on the line at *at*, ``""`` for a comment or an empty line."""
    line = file.source.line(at).strip()
    return "" if line.startswith("#") else line


def _stale_lines(file: ReaderFile, starts: Sequence[int], split: PlannedSplit) -> Iterator[Outcome]:
    """Yield the lines for files that the plan deletes, and for no other file."""
    for at in starts:
        if split.is_stale(partial(gitignore_matches, _pattern(file, at))):
            removal = Replacement(at, file.source.next_line(at), "")
            yield stale(file, at, _pattern(file, at), removal)


_VSCODE = re.compile(r"(?:.*/)?(?:\.vscode/(?:tasks|settings)\.json|[^/]+\.code-workspace)")
_WORKSPACE = r"\$\{workspaceFolder\}/"
_SCHEMAS = "yaml.schemas"


@reader("VS Code", reads=".vscode/tasks.json, .vscode/settings.json", include="told")
def vscode(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """VS Code starts Docker Compose in tasks, and checks files by the schemas of settings.

    A task of the type `docker-compose` runs Docker Compose, so that it follows. The directory of
    the modules is added to a list of `yaml.schemas` that names the root file.
    """
    for file in around.files(_VSCODE):
        if not split.is_named_in(file.text):
            continue
        for node in file.mappings:
            yield from _tasks(file, node, split)
            yield from _schemas(file, node, split)


def _tasks(file: ReaderFile, node: MappingNode, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield the files that a task starts."""
    for item in strings(value_of(node, "dockerCompose", "files")):
        path = posixpath.normpath(re.sub(_WORKSPACE, "", item.value))
        if path in split.paths:
            yield Outcome("fine", file.location(item), f"starts {path} with Docker Compose")


def _schemas(file: ReaderFile, node: MappingNode, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield the patterns that give a schema to a split file."""
    for entry in entries_of(node, _SCHEMAS):
        value = resolve(entry.value)
        if isinstance(value, SequenceNode):
            yield from follow_list(
                file, value, split, _schema_matches, pattern_for, "checks {} by a schema"
            )
        elif isinstance(value, ScalarNode):
            yield from _schema(file, value, split)


def _schema(file: ReaderFile, pattern: ScalarNode, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield the split files that *pattern*, which is no list, gives a schema to."""
    covers = partial(_schema_matches, pattern.value)
    for each in split.splits:
        if not covers(each.path):
            continue
        said, where = f"checks {each.path} by a schema", file.location(pattern)
        missing = each.missing(covers)
        if missing:
            added = ", ".join(map(pattern_for, split.covering(missing)))
            action = f"make it a list, and add {added}"
            yield Outcome("named", where, said, action, breaks=False)
        else:
            yield Outcome("fine", where, said)


def _schema_matches(pattern: str, path: str) -> bool:
    """Match as the YAML language server does: a name without a slash in every directory."""
    name = pattern.removeprefix("/")
    return matches(name if "/" in name else f"**/{name}", path)


_DEV_CONTAINER = re.compile(r"\.devcontainer/(?:[^/]+/)?devcontainer\.json|\.devcontainer\.json")


@reader("Dev containers", reads=".devcontainer/devcontainer.json", include="yes")
def devcontainer(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Dev containers start Docker Compose with the files in `dockerComposeFile`, and follow splits.

    What they start is verified as a start command.
    """
    for file in around.files(_DEV_CONTAINER):
        value = value_of(file.root, "dockerComposeFile")
        nodes = value.items if isinstance(value, SequenceNode) else [value]
        for node in nodes:
            if not isinstance(node, ScalarNode):
                continue
            path = path_from(posixpath.dirname(file.place), node.value)
            if path in split.paths and isinstance(file.root, MappingNode):
                yield Outcome("fine", file.location(node), f"starts {path} with Docker Compose")
