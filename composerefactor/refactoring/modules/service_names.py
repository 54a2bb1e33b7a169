"""What the names of services say: words, roles, and what several of them are called together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from composerefactor.images.catalog import without_instance
from composerefactor.refactoring.modules.grouping import kebab

ROLES = {
    "api": "apis",
    "worker": "workers",
    "service": "services",
    "handler": "handlers",
    "gateway": "gateways",
    "frontend": "frontends",
    "ui": "ui",
    "web": "web",
    "job": "jobs",
    "db": "databases",
}
"""What names end with that say what a service does, and the name for a module of them."""

_NOT_IN_NAME = r"^(?:default|common|base|shared)s?(?:-|$)|-(?:default|common|base)s?$"


def block_name(block: str) -> str:
    """Return the name for a module after an ``x-`` block; ``""`` where it means nothing."""
    name = kebab(block.removeprefix("x-"))
    plain = re.sub(_NOT_IN_NAME, "", name)
    return "" if plain in {"", "service", "services", "default", "template"} else plain


def common_name(group: Sequence[str], services: Iterable[str]) -> str:
    """Return what the names of all services in *group* begin with.

    That is the name of the first one where the names have no first word in common, or where another
    of *services* has that name. Whole words count: ``snuba-api`` and ``snuba-errors`` give
    ``snuba``.
    """
    others = {kebab(name) for name in services if name not in group}
    for plain in (lambda name: without_instance(kebab(name)), stem_of):
        names = list(map(plain, group))
        head = min(names, key=len)
        if all(name.startswith(head) for name in names) and head in map(kebab, group):
            return head
        columns = zip(*(name.split("-") for name in names), strict=False)
        equal_columns = takewhile(lambda words: len(set(words)) == 1, columns)
        common = "-".join(words[0] for words in equal_columns)
        if common and common not in others:
            return common
    return kebab(group[0])


def stem_of(name: str) -> str:
    """Return *name* without its numbers and its role in a cluster.

    ``node1-db`` and ``node2-db`` give ``node-db``. A name without letters stays as it is.
    """
    plain = without_instance(kebab(name))
    words = [re.sub(r"\d+", "", word) for word in plain.split("-")]
    return "-".join(filter(None, words)) or plain


def range_name(units: Sequence[tuple[str, ...]]) -> str:
    """Return a name for a part of a list: its first and its last service."""
    first, last = kebab(units[0][0]).split("-"), kebab(units[-1][-1]).split("-")
    if first == last:
        return "-".join(first)
    same = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    )
    return "-".join([*first, "to", *last[min(same, len(last) - 1) :]])


def natural_key(name: str) -> list[str | int]:
    """Return *name* in parts that sort as people do: ``node-2`` is before ``node-10``."""
    parts = re.split(r"(\d+)", kebab(name), flags=re.ASCII)
    return [int(part) if n % 2 else part for n, part in enumerate(parts)]


def role_of(name: str) -> str:
    """Return the word at the end of *name* that says what the service does; ``""`` for none."""
    last = kebab(name).rpartition("-")[2]
    return next((role for role in ROLES if last.endswith(role)), "")


def last_word(name: str) -> str:
    """Return the last word of *name*; ``""`` where it has only one, or where it says nothing."""
    first, _, last = stem_of(name).rpartition("-")
    return last if first and last != "service" else ""


def heads_of(stem: str) -> Iterator[str]:
    """Yield the shorter names that *stem* may belong to, the longest first."""
    if stem.endswith("db"):
        yield stem.removesuffix("db").rstrip("-")
    words = stem.split("-")
    for count in range(len(words) - 1, 0, -1):
        yield "-".join(words[:count])


def common_words(services: Sequence[str]) -> int:
    """Return the number of words with which the names of all *services* begin."""
    words = [kebab(service).split("-") for service in services]
    return len(list(takewhile(lambda column: len(set(column)) == 1, zip(*words, strict=False))))


def first_words(name: str, count: int) -> str:
    """Return the first *count* words of *name*."""
    return "-".join(kebab(name).split("-")[:count])
