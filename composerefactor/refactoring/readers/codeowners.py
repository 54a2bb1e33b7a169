"""Who reviews changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from msgspec import Struct

from composerefactor.edit.planned_files import Replacement
from composerefactor.refactoring.reader import (
    Outcome,
    PlannedSplit,
    ReaderFile,
    Surroundings,
    named_paths,
    reader,
)
from composerefactor.refactoring.readers._patterns import matches, stale

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
