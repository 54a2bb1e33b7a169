"""What a container runs: images and builds."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from composerefactor.catalog.catalog import load
from composerefactor.catalog.tags import parse_tag
from composerefactor.compose.image import ImageReference, parse_image
from composerefactor.impact.change import Change, Effect, Risk, ServicePair, change
from composerefactor.impact.rules import (
    BUILD_CHANGED,
    DATA_MAJOR,
    IMAGE_BASE,
    IMAGE_CHANGED,
    IMAGE_OLDER,
    IMAGE_SWITCHED,
    IMAGE_UNPINNED,
)
from composerefactor.verify.masking import mask_value

_KEEPING = frozenset({"database", "search", "vector-db", "storage"})
"""Categories of data stores whose data nobody can make anew."""


def image(pair: ServicePair) -> Iterator[Change]:
    """Yield that the image is another one."""
    old, new = str(pair.old.get("image") or ""), str(pair.new.get("image") or "")
    if not pair.old or not pair.new or old == new:
        return
    place = pair.at("image")
    built = bool(pair.old.get("build")), bool(pair.new.get("build"))
    if not old or not new:
        if not new:
            words = f"is built here, no longer pulled as {_shown(old)}"
        else:
            words = f"is pulled as {_shown(new)}" + (
                ", no longer built here" if built == (True, False) else ""
            )
        rule = IMAGE_SWITCHED if built[0] != built[1] else IMAGE_CHANGED
        if built == (True, True):
            words = f"the image that is built is called {_shown(new or old)} " + (
                "" if new else "no more"
            )
        yield change(rule, place, words.strip(), was=not new)
        return
    words = f"image {_shown(old)} -> {_shown(new)}"
    yield _compared(parse_image(old), parse_image(new), words, place)


def build(pair: ServicePair) -> Iterator[Change]:
    """Yield that the image is built in another way; the container itself is not told apart."""
    old, new = pair.old.get("build"), pair.new.get("build")
    if not pair.old or not pair.new or old == new:
        return
    place = pair.at("build")
    if not old or not new:
        words = "is built here" if new else "is no longer built here"
        rule, risk = BUILD_CHANGED, Risk.LOW
    else:
        keys = [key for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key)]
        words = f"its image is built with another {', '.join(keys)}"
        if keys == ["context"]:
            words += f": {old['context']} -> {new['context']}"
        rule, risk = BUILD_CHANGED, Risk.LOW
    yield change(rule, place, words, effect=Effect.BUILD, risk=risk, was=not new)


def _compared(
    old: ImageReference, new: ImageReference, words: str, place: tuple[str, ...]
) -> Change:
    if old.name != new.name:
        same = old.repository.rpartition("/")[2] == new.repository.rpartition("/")[2]
        words += " (from elsewhere)" if same else ""
        return change(IMAGE_SWITCHED, place, words)
    if (old.tag, old.digest) == (new.tag, new.digest):
        return change(IMAGE_CHANGED, place, f"{words}: the same image", risk=Risk.NONE)
    if old.digest and not new.digest:
        return change(IMAGE_UNPINNED, place, f"{words}: no digest pins it any more")
    if _floats(new) and not _floats(old):
        return change(IMAGE_UNPINNED, place, f"{words}: whatever is newest")
    return _other_version(old, new, words, place)


def _other_version(
    old: ImageReference, new: ImageReference, words: str, place: tuple[str, ...]
) -> Change:
    kind = _kept_as(new)
    was, now = _version(old), _version(new)
    if was and now:
        is_older = _written(now) < _written(was)[: len(_written(now))]
        if kind and _major(new, was) != _major(new, now):
            words += ": another major version of a data store, which may not read the old data"
            risk = Risk.HIGH if is_older or kind in _KEEPING else Risk.MEDIUM
            return change(DATA_MAJOR, place, words, risk=risk)
        if is_older:
            older = Risk.HIGH if kind in _KEEPING else IMAGE_OLDER.risk
            return change(IMAGE_OLDER, place, f"{words}: an older version", risk=older)
    if kind == "database" and _is_alpine(old) != _is_alpine(new):
        words += ": another C library, which may sort text otherwise than the indexes were built"
        return change(IMAGE_BASE, place, words)
    return change(IMAGE_CHANGED, place, words)


def _kept_as(reference: ImageReference) -> str:
    """Return the category of a data store, ``""`` for anything else."""
    catalog = load()
    category = catalog.category(reference.text)
    is_store = category is not None and catalog.categories[category].counts_as == "data stores"
    return category or "" if is_store else ""


def _written(version: tuple[float, ...]) -> tuple[float, ...]:
    """Return the numbers of *version* that its tag has."""
    return tuple(number for number in version if number != inf)


def _is_alpine(reference: ImageReference) -> bool:
    return "alpine" in parse_tag(reference.tag or "").flavours


def _major(reference: ImageReference, version: tuple[float, ...]) -> tuple[float, ...]:
    """Return the part of *version* that says which data it reads, empty where it is not written.

    Before 10, PostgreSQL, and always MariaDB and MongoDB, have two numbers for it.
    """
    name = reference.repository.rpartition("/")[2]
    two = name in {"mariadb", "mongo", "mysql"} or (name == "postgres" and version[0] < 10)  # noqa: PLR2004
    return _written(version)[: 2 if two else 1]


def _version(reference: ImageReference) -> tuple[float, ...] | None:
    """Return the version in the tag, None where it names none."""
    found = parse_tag(reference.tag or "").version
    return found if found and found[0] != inf else None


def _shown(image: str) -> str:
    return str(mask_value(image, "image"))


def _floats(reference: ImageReference) -> bool:
    return not reference.digest and (reference.tag or "latest") in {"latest", "stable", "edge"}
