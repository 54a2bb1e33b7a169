"""Who acts on changes of some paths: CI systems, and reviewers by CODEOWNERS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise

from msgspec import Struct

from composerefactor.edit.planned_files import Replacement
from composerefactor.refactoring.reader import (
    Outcome,
    PlannedSplit,
    ReaderFile,
    Surroundings,
    entries_of,
    named_paths,
    reader,
    text_of,
    value_of,
)
from composerefactor.refactoring.readers._patterns import (
    added,
    follow_list,
    github_matches,
    matches,
    pattern_for,
    stale,
)
from composerefactor.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode, resolve

_WORKFLOW = re.compile(r"\.(?:github|gitea|forgejo)/(?:workflows|actions)/.*\.ya?ml")
_MENTION = r"\bpaths(?:-ignore)?['\"]?\s*:|hashFiles\(|(?:changed-files|paths-filter)@"
_ACTION = r"(?:^|/)(?:paths-filter|changed-files)@"
_ITEM = r"(?P<before>[ ]*(?:- )?)(?P<quote>['\"]?)(?P<value>[^'\"\s#]+)(?P=quote)\s*"
_HASH_FILES = r"hashFiles\(([^()]{1,2000})\)"
_ARGUMENT = r"(?P<quote>''|'|\")(?P<value>[^'\"]+)(?P=quote)"


@reader("GitHub workflows", reads=".github/workflows/*.yml", include="told")
def github_paths(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """GitHub starts workflows for changes of the files in `paths` and `paths-ignore`.

    The directory of the modules is added to a list that names the root file, and to the lists of
    the actions `dorny/paths-filter` and `tj-actions/changed-files`. A key of a cache that is
    computed by `hashFiles` gets the modules, too. Gitea and Forgejo read the same files.
    """
    for file in around.files(_WORKFLOW):
        if not re.search(_MENTION, file.text) or file.root is None:
            continue
        followed: set[int] = set()
        for entry in entries_of(file.root, "on"):
            for key, verb in (("paths", "runs for changes of"), ("paths-ignore", "ignores")):
                value = value_of(entry.value, key)
                if value is not None and id(value) not in followed:
                    followed.add(id(value))  # an anchor may have several aliases
                    said = f"{verb} {{}}"
                    yield from follow_list(file, value, split, github_matches, pattern_for, said)
        yield from _actions(file, split)
        yield from _cache_keys(file, split)


def _actions(file: ReaderFile, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield the outcomes for the inputs of actions that filter paths."""
    for node in file.mappings:
        if not re.search(_ACTION, text_of(node, "uses")):
            continue
        for entry in entries_of(node, "with"):
            value = resolve(entry.value)
            if isinstance(value, ScalarNode) and value.style == "|":
                yield from _lines(file, value, split)


def _lines(file: ReaderFile, block: ScalarNode, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield the outcomes for the patterns in the lines of *block*, a literal block scalar."""
    source = file.source
    groups: list[list[tuple[int, re.Match[str]]]] = [[]]
    at = source.next_line(block.start)
    while at < block.end:
        match = re.fullmatch(_ITEM, source.line(at))
        if match and (not groups[-1] or groups[-1][-1][1]["before"] == match["before"]):
            groups[-1].append((at, match))
        else:
            groups.append([(at, match)] if match else [])
        at = source.next_line(at)
    for group in groups:
        yield from _stale_lines(file, group, split)

        def covers(path: str, group: list[tuple[int, re.Match[str]]] = group) -> bool:
            return any(matches(match["value"], path) for _, match in group)

        named, missing = split.covered(covers)
        if not named:
            continue
        at, match = next((a, m) for a, m in reversed(group) if matches(m["value"], named[0]))
        said = f"looks for changes of {named_paths(named)}"
        if not missing:
            yield Outcome("fine", file.location(at), said)
            continue
        new = [pattern_for(target) for target in split.covering(missing)]
        quote = match["quote"]
        lines = "".join(
            f"{match['before']}{quote}{pattern}{quote}{source.newline}" for pattern in new
        )
        end = source.next_line(at)
        ends_line = file.text[end - 1 : end] == "\n"
        yield added(file, at, said, new, Replacement(end, end, lines) if ends_line else None)


def _stale_lines(
    file: ReaderFile, group: list[tuple[int, re.Match[str]]], split: PlannedSplit
) -> Iterator[Outcome]:
    """Yield the lines of *group* with patterns for files that no longer exist."""
    gone = [(at, m) for at, m in group if split.is_stale(partial(matches, m["value"]))]
    for at, match in gone if len(gone) < len(group) else ():
        removal = Replacement(at, file.source.next_line(at), "")
        yield stale(file, at, match["value"], removal)


def _cache_keys(file: ReaderFile, split: PlannedSplit) -> Iterator[Outcome]:
    for call in re.finditer(_HASH_FILES, file.text):
        arguments = list(re.finditer(_ARGUMENT, call[1]))
        yield from _stale_arguments(file, call, arguments, split)

        def covers(path: str, arguments: list[re.Match[str]] = arguments) -> bool:
            return any(matches(each["value"], path) for each in arguments)

        named, missing = split.covered(covers)
        if not named:
            continue
        said = f"computes a cache key from {named_paths(named)}"
        if not missing:
            yield Outcome("fine", file.location(call.start()), said)
            continue
        last = arguments[-1]
        new = [pattern_for(target) for target in split.covering(missing)]
        text = "".join(f", {last['quote']}{each}{last['quote']}" for each in new)
        at = call.start(1) + last.end()
        yield added(file, call.start(), said, new, Replacement(at, at, text))


def _stale_arguments(
    file: ReaderFile, call: re.Match[str], arguments: list[re.Match[str]], split: PlannedSplit
) -> Iterator[Outcome]:
    """Yield the arguments of *call*, without the first, for files that no longer exist."""
    for before, argument in pairwise(arguments):
        if split.is_stale(partial(matches, argument["value"])):
            start, end = (call.start(1) + each.end() for each in (before, argument))
            yield stale(file, start, argument["value"], Replacement(start, end, ""))


_GITLAB = re.compile(r"\.gitlab-ci\.ya?ml|\.gitlab/.*\.ya?ml|.*\.gitlab-ci\.ya?ml")


def _gitlab_pattern_for(target: str) -> str:
    """Return the pattern: ``**`` at the end of one matches no deeper directory (GitLab)."""
    return f"{target}**/*" if target.endswith("/") else target


@reader("GitLab pipelines", reads=".gitlab-ci.yml", include="told")
def gitlab_changes(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """GitLab adds jobs to a pipeline for changes of the files in `changes`.

    The directory of the modules is added to a list that names the root file: in `rules`, and in
    `only` and `except` of older files.
    """
    for file in around.files(_GITLAB, anywhere=True):
        if "changes" not in file.text or file.root is None:
            continue
        followed: set[int] = set()
        for node in file.mappings:
            changes = value_of(node, "changes")
            listed = changes if isinstance(changes, SequenceNode) else value_of(changes, "paths")
            if listed is not None and id(listed) not in followed:
                followed.add(id(listed))
                yield from follow_list(
                    file, listed, split, matches, _gitlab_pattern_for, "runs for changes of {}"
                )


_BITBUCKET = re.compile(r"bitbucket-pipelines\.ya?ml")


@reader("Bitbucket pipelines", reads="bitbucket-pipelines.yml", include="told")
def bitbucket_changesets(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Bitbucket runs steps for changes of the files in `changesets`.

    The directory of the modules is added to a list `includePaths` or `excludePaths` that names the
    root file.
    """
    for file in around.files(_BITBUCKET):
        if "changesets" not in file.text or file.root is None:
            continue
        for node in file.mappings:
            changesets = value_of(node, "changesets")
            for key, verb in (("includePaths", "runs for changes of"), ("excludePaths", "ignores")):
                listed = value_of(changesets, key)
                said = f"{verb} {{}}"
                yield from follow_list(file, listed, split, matches, pattern_for, said)


_OTHER_PIPELINES = re.compile(
    r"\.?azure-pipelines[^/]*\.ya?ml|\.azure-pipelines/.*\.ya?ml|\.(?:woodpecker|drone)\.ya?ml"
    r"|\.woodpecker/.*\.ya?ml"
)


def _azure_matches(pattern: str, path: str) -> bool:
    """Match as Azure Pipelines and Drone do: the name of a directory has all files below it."""
    return matches(pattern, path) or matches(f"{pattern.rstrip('/')}/**", path)


@reader(
    "Azure, Woodpecker and Drone pipelines",
    reads="azure-pipelines.yml, .woodpecker.yml, .drone.yml",
    include="told",
)
def other_pipelines(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Azure Pipelines, Woodpecker and Drone start pipelines for changes of some paths.

    The directory of the modules is added to a list that names the root file: `paths` with `include`
    and `exclude` in triggers of Azure Pipelines and Drone, `path` in a `when` of Woodpecker.
    """
    for file in around.files(_OTHER_PIPELINES):
        if "path" not in file.text or file.root is None:
            continue
        for node in file.mappings:
            for listed, verb in _lists(node):
                said = f"{verb} {{}}"
                yield from follow_list(file, listed, split, _azure_matches, pattern_for, said)


def _lists(node: MappingNode) -> Iterator[tuple[Node | None, str]]:
    for key in ("paths", "path"):
        value = value_of(node, key)
        if isinstance(value, SequenceNode):
            yield value, "runs for changes of"
        yield value_of(value, "include"), "runs for changes of"
        yield value_of(value, "exclude"), "ignores"


_FILE = re.compile(r"(?:\.github/|\.gitlab/|docs/)?CODEOWNERS")
_SECTION = r"\^?\[[^\]]+\](?:\[\d+\])?"
_RULE = r"(?P<before>\s*)(?P<pattern>(?:\\.|[^\s\\#])+)(?P<owners>(?:\s+[^\s#]+)*)"


class _Rule(Struct, frozen=True):
    """A rule: its pattern, the offset of its line, the text before its owners, and its owners."""

    pattern: str
    at: int
    width: int
    owners: tuple[str, ...]

    def applies(self, path: str) -> bool:
        """Return whether the rule matches *path*, as a line of a ``.gitignore`` does."""
        pattern = self.pattern.replace("\\ ", " ").replace("\\#", "#")
        anchored = "/" in pattern.rstrip("/")
        name = pattern.strip("/")
        name = name if anchored else f"**/{name}"
        if not pattern.endswith("/") and matches(name, path):
            return True
        # A name of a directory has everything below it; ``docs/*`` has not (GitHub documentation).
        return not name.endswith("/*") and matches(f"{name}/**", path)


@reader("CODEOWNERS", reads="CODEOWNERS", include="told")
def codeowners(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """CODEOWNERS names who reviews changes; the last rule that matches a file decides.

    Modules get the owners of the root file: the same owners for their directory, in a line below
    the rule of the root file. A rule that gives modules other owners wins, and is pointed out. In a
    file with sections (GitLab) each section is considered alone.
    """
    for file in around.files(_FILE):
        for section in _sections(file):
            yield from _stale(file, section, split)
            yield from _follow_section(file, section, split)


def _sections(file: ReaderFile) -> list[list[_Rule]]:
    sections: list[list[_Rule]] = [[]]
    for start in file.source.line_starts:
        line = file.source.line(start)
        if re.match(_SECTION, line):
            sections.append([])
            continue
        rule = re.match(_RULE, line)
        if rule is not None and not line.lstrip().startswith("#"):
            owners = rule["owners"]
            width = rule.end("pattern") + len(owners) - len(owners.lstrip())
            pattern = rule["pattern"]
            sections[-1].append(_Rule(pattern, start, width, tuple(owners.split())))
    return sections


def _deciding(rules: Sequence[_Rule], path: str) -> _Rule | None:
    return next((rule for rule in reversed(rules) if rule.applies(path)), None)


def _has_owners(rules: Sequence[_Rule], owners: frozenset[str], path: str) -> bool:
    rule = _deciding(rules, path)
    return rule is not None and frozenset(rule.owners) == owners


def _follow_section(file: ReaderFile, rules: list[_Rule], split: PlannedSplit) -> Iterator[Outcome]:
    by_rule: dict[int, tuple[_Rule, list[str], list[str]]] = {}
    for each in split.splits:
        rule = _deciding(rules, each.path)
        if rule is None:
            continue
        owned = partial(_has_owners, rules, frozenset(rule.owners))
        missing = [
            module
            for module in each.missing(owned)
            if module in each.created or not _has_own_rule(rules, module, each.path)
        ]
        _, paths, modules = by_rule.setdefault(rule.at, (rule, [], []))
        paths.append(each.path)
        modules += missing
    for rule, paths, modules in by_rule.values():
        yield from _follow_rule(file, rules, rule, paths, modules, split)


def _has_own_rule(rules: Sequence[_Rule], module: str, path: str) -> bool:
    """Return whether the rule for *module* is not one for *path* too: then it was a choice."""
    rule = _deciding(rules, module)
    return rule is not None and not rule.applies(path)


def _follow_rule(
    file: ReaderFile,
    rules: list[_Rule],
    rule: _Rule,
    paths: Iterable[str],
    missing: Sequence[str],
    split: PlannedSplit,
) -> Iterator[Outcome]:
    said = f"has {' '.join(rule.owners) or 'nobody'} review {named_paths(paths)}"
    location = file.location(rule.at)
    if not missing:
        yield Outcome("fine", location, said)
        return
    patterns = [f"/{target}" for target in split.covering(dict.fromkeys(missing))]
    at = rules.index(rule) + 1
    new = [_Rule(pattern, rule.at, rule.width, rule.owners) for pattern in patterns]
    result = [*rules[:at], *new, *rules[at:]]
    works = all(_has_owners(result, frozenset(rule.owners), path) for path in missing)
    owners = " ".join(rule.owners)
    lines = "".join(
        f"{pattern:<{rule.width - 1}} {owners}".rstrip() + file.source.newline
        for pattern in patterns
    )
    end = file.source.next_line(rule.at)
    if file.text[end - 1 : end] != "\n":
        lines = file.source.newline + lines.removesuffix(file.source.newline)
    yield Outcome(
        "followed" if works else "named",
        location,
        said,
        f"add {', '.join(patterns)} with the same owners"
        if works
        else "decide who reviews "
        f"{', '.join(pattern.lstrip('/') for pattern in patterns)}: a later rule matches it",
        (Replacement(end, end, lines),) if works else (),
    )


def _stale(file: ReaderFile, rules: list[_Rule], split: PlannedSplit) -> Iterator[Outcome]:
    """Yield the rules for files that the plan deletes, and for no other file."""
    for rule in rules:
        if split.is_stale(rule.applies):
            removal = Replacement(rule.at, file.source.next_line(rule.at), "")
            yield stale(file, rule.at, rule.pattern, removal)
