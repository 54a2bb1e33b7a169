"""In which order the parts of several files stand in one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from composerefactor.factoring.kinds import APPENDED, KEY_VALUE, NAMED, Path

_USUAL = (
    "<<",
    "extends",
    "image",
    "build",
    "platform",
    "container_name",
    "hostname",
    "profiles",
    "restart",
    "user",
    "working_dir",
    "entrypoint",
    "command",
    "env_file",
    "environment",
    "ports",
    "expose",
    "volumes",
    "tmpfs",
    "depends_on",
    "networks",
    "healthcheck",
    "deploy",
    "logging",
    "labels",
)
"""The order in which most people write the attributes of a service."""


def arranged(first: Sequence[str], second: Sequence[str], path: Path) -> list[str]:
    """Return the keys of both. In lists and pairs those that only *second* has come last.

    Attributes keep the order of their own file as far as the two agree, and stand where most people
    would write them.
    """
    if path in APPENDED or path in KEY_VALUE or path in NAMED:
        return list(dict.fromkeys((*first, *second)))
    usual = {name: n for n, name in enumerate(_USUAL)} if path == () else {}
    return merged_order(first, second, usual)


def merged_order(
    first: Sequence[str], second: Sequence[str], rank: dict[str, int] | None = None
) -> list[str]:
    """Return *first* with what else *second* has, put between the neighbours that it has there.

    Where they leave room, *rank* decides, and without it the end of the room.
    """
    rank = rank or {}
    result = list(first)
    earliest = 0
    for n, key in enumerate(second):
        if key in result:
            earliest = max(earliest, result.index(key) + 1)
            continue
        later = [result.index(k) for k in second[n + 1 :] if k in result]
        latest = min([at for at in later if at >= earliest], default=len(result))
        at = latest
        if key in rank:
            ranked = (i for i in range(earliest, latest) if _rank(rank, result[i]) > rank[key])
            at = next(ranked, latest)
        result.insert(at, key)
        earliest = at + 1
    return result


def _rank(rank: dict[str, int], name: str) -> int:
    return rank.get(name, len(rank))


def like(names: Iterable[str], pattern: Sequence[str]) -> list[str]:
    """Return *names* in the order of *pattern*; others behind the one that they follow now."""
    given = list(names)
    known = [name for name in pattern if name in given]
    return merged_order(known, given)
