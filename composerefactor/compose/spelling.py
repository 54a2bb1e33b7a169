"""Which known word a misspelt one stands for."""

from __future__ import annotations

from collections.abc import Collection

_ALIKE = {
    "env": "environment",
    "envs": "environment",
    "env_vars": "environment",
    "environment_file": "env_file",
    "depend": "depends_on",
    "depends": "depends_on",
    "dependencies": "depends_on",
    "health_check": "healthcheck",
    "cmd": "command",
    "name": "container_name",
    "network": "networks",
    "volume": "volumes",
    "mounts": "volumes",
    "workdir": "working_dir",
    "memory": "mem_limit",
}
"""What people write who do not look it up; only where the place knows the word."""
_FAR = 6
"""Words of at least this length may be two letters away, shorter ones one."""


def nearest(word: str, known: Collection[str]) -> str | None:
    """Return the one of *known* that *word* obviously stands for, or None.

    Case, ``-`` for ``_``, a plural, letters that are swapped, left out or doubled; None where two
    words are as near.
    """
    simple = _simple(word)
    same = [each for each in known if _simple(each) == simple]
    if len(same) == 1:
        return same[0]
    alike = _ALIKE.get(word.lower().replace("-", "_"))
    if alike in known:
        return alike
    if len(simple) < 4:  # noqa: PLR2004 - too short to tell
        return None
    distances = {each: distance(simple, _simple(each)) for each in known}
    least = min(distances.values())
    near = [each for each, far in distances.items() if far == least]
    return near[0] if len(near) == 1 and least <= (2 if len(simple) >= _FAR else 1) else None


def distance(a: str, b: str) -> int:
    """Return how many letters are to be put in, left out, changed or swapped from *a* to *b*."""
    above: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, above, row = above, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _simple(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")
