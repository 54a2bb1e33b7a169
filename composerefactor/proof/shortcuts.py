"""Scenarios that follow from others, if both states of a project are known beforehand.

Without ``include``, all files of a start command have the same variables and the same project
directory. Then equal uninterpolated configurations are equal with any variables, in any directory.

With ``include``, values of variables show what an uninterpolated configuration does: if no
expression was added or lost, and each variable has its own values, an expression that has another
place, or became text, shows in one of two runs with different values. Two more things show only in
the uninterpolated configuration: a resource that no service uses, and the path of an env file.

A start command that merges unchanged files over those of another one has the same scenarios.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.interpolation import Variable, expressions
from composerefactor.compose.invocation import Invocation
from composerefactor.proof.scenarios import merge_variables


class Needed(Struct, frozen=True):
    """The scenarios that a start command needs besides the one of the command itself.

    Attributes:
        raw: Whether the uninterpolated configuration is needed.
        combined: Whether the combined scenario is needed. Without *raw*, the uninterpolated
            configuration is needed all the same if two variables have the same values, or if no
            service uses one of the *resources*.
        resources: The section and the name of the resources that the files define.
        follows: The start command from whose scenarios those of this one follow, if Docker Compose
            accepts it.
    """

    raw: bool = True
    combined: bool = True
    resources: frozenset[tuple[str, str]] = frozenset()
    follows: Invocation | None = None


class Definitions(Struct, frozen=True):
    """What the files of one state of a project define.

    Attributes:
        compose_files: The paths of the Compose files, as they are called in the old state.
        env_files: The paths of the env files that services name.
        resources: The section and the name of each network, volume, secret and config.
    """

    compose_files: frozenset[str]
    env_files: frozenset[str]
    resources: frozenset[tuple[str, str]]


def needed_scenarios(
    entries: Sequence[Invocation],
    texts: Mapping[str, bytes],
    changes: Mapping[str, bytes | None],
    old: Definitions,
    new: Definitions,
) -> dict[Invocation, Needed]:
    """Return what each of *entries* needs to be compared before and after *changes*.

    Args:
        entries: The start commands.
        texts: The old content of all files that Docker Compose reads, by path.
        changes: The new content of changed files by path, None for a deleted file.
        old: What the old state defines.
        new: What the new state defines.
    """
    compose_files = old.compose_files | new.compose_files
    for path, content in changes.items():
        if path not in compose_files and any(map(_has_values, (content, texts.get(path)))):
            return {}  # the content of env files has variables, too
    needed = _needed(texts, changes, old, new)
    result: dict[Invocation, Needed] = {}
    for entry in entries:
        base = next((each for each in entries if _extends(entry, each, texts, changes)), None)
        if base is None:
            result[entry] = needed
        else:
            result[entry] = Needed(raw=False, combined=False, follows=base)
    return result


def _has_values(content: bytes | None) -> bool:
    """Return whether an env file has more than comments."""
    lines = (line.strip() for line in (content or b"").splitlines())
    return any(line and not line.startswith(b"#") for line in lines)


def _needed(
    texts: Mapping[str, bytes],
    changes: Mapping[str, bytes | None],
    old: Definitions,
    new: Definitions,
) -> Needed:
    if not changes:
        return Needed(raw=False, combined=False)
    paths = old.compose_files | new.compose_files
    before = _text(texts[path] for path in paths & texts.keys())
    after = _text(changes.get(path, texts.get(path)) for path in paths)
    if "include" not in before + after:
        return Needed(combined=False)
    is_kept = (
        old.resources == new.resources
        and _keeps_expressions(before, after)
        and all(
            _count(PurePosixPath(path).name, before) <= _count(PurePosixPath(path).name, after)
            for path in old.env_files
        )
    )
    return Needed(raw=not is_kept, resources=old.resources)


def _text(contents: Iterable[bytes | None]) -> str:
    return "\n".join((content or b"").decode("utf-8", "replace") for content in contents)


def _count(name: str, text: str) -> int:
    """Return how often *text* has the file name *name*."""
    return len(re.findall(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text))


def _keeps_expressions(before: str, after: str) -> bool:
    """Return whether all expressions stay, none is new, and each variable has only one."""
    old, new = _expressions(before), _expressions(after)
    names = [name for name, _ in old]
    return (
        old.keys() == new.keys()
        and all(new[each] >= number for each, number in old.items())
        and len(names) == len({*names})
        and len(names) == len(merge_variables(Variable(name) for name in names))
    )


def _expressions(text: str) -> Counter[tuple[str, str]]:
    """Return how often each expression occurs in *text*, with the name of its variable."""
    return Counter((each.name, text[each.start : each.end]) for each in expressions(text))


def _extends(
    entry: Invocation,
    base: Invocation,
    texts: Mapping[str, bytes],
    changes: Mapping[str, bytes | None],
) -> bool:
    """Return whether *entry* is *base* with more files, which are unchanged and read no others."""
    number = len(base.files)
    more = entry.files[number:]
    if not more or entry.files[:number] != base.files or base.assumed:
        return False
    same_but_files = replace(
        entry, files=base.files, profiles=base.profiles, implicit=base.implicit, assumed=False
    )
    return same_but_files == base and all(
        path in texts
        and path not in changes
        and not any(word in texts[path] for word in (b"include", b"extends"))
        for path in more
    )
