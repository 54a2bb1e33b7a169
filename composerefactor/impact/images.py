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
    IMAGE_CHANGED,
    IMAGE_OLDER,
    IMAGE_SWITCHED,
    IMAGE_UNPINNED,
)
from composerefactor.verify.masking import mask_text


def image(pair: ServicePair) -> Iterator[Change]:
    """Yield that the image is another one."""
    old, new = str(pair.old.get("image") or ""), str(pair.new.get("image") or "")
    if not pair.old or not pair.new or old == new:
        return
    place = pair.at("image")
    built = bool(pair.old.get("build")), bool(pair.new.get("build"))
    if not old or not new:
        if not new:
            words = f"is built here, no longer pulled as {mask_text(old)}"
        else:
            words = f"is pulled as {mask_text(new)}" + (
                ", no longer built here" if built == (True, False) else ""
            )
        rule = IMAGE_SWITCHED if built[0] != built[1] else IMAGE_CHANGED
        if built == (True, True):
            words = f"the image that is built is called {mask_text(new or old)} " + (
                "" if new else "no more"
            )
        yield change(rule, place, words.strip(), was=not new)
        return
    words = f"image {mask_text(old)} -> {mask_text(new)}"
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
    if old.digest and not new.digest:
        return change(IMAGE_UNPINNED, place, f"{words}: no digest pins it any more")
    if _floats(new) and not _floats(old):
        return change(IMAGE_UNPINNED, place, f"{words}: whatever is newest")
    return _other_version(old, new, words, place)


def _other_version(
    old: ImageReference, new: ImageReference, words: str, place: tuple[str, ...]
) -> Change:
    was, now = _version(old), _version(new)
    if was is None or now is None or inf in {was[0], now[0]}:
        return change(IMAGE_CHANGED, place, words)
    if _keeps_data(new) and _major(new, was) != _major(new, now):
        words += ": another major version of a data store, which may not read the old data"
        return change(DATA_MAJOR, place, words)
    if now < was:
        return change(IMAGE_OLDER, place, f"{words}: an older version")
    return change(IMAGE_CHANGED, place, words)


def _keeps_data(reference: ImageReference) -> bool:
    catalog = load()
    category = catalog.category(reference.text)
    return category is not None and catalog.categories[category].counts_as == "data stores"


def _major(reference: ImageReference, version: tuple[float, ...]) -> tuple[float, ...]:
    """Return the part of *version* that says which data it reads.

    Before 10, PostgreSQL, and always MariaDB and MongoDB, have two numbers for it.
    """
    name = reference.repository.rpartition("/")[2]
    two = name in {"mariadb", "mongo", "mysql"} or (name == "postgres" and version[0] < 10)  # noqa: PLR2004
    return version[: 2 if two and len(version) > 1 and version[1] != inf else 1]


def _version(reference: ImageReference) -> tuple[float, ...] | None:
    return parse_tag(reference.tag or "").version


def _floats(reference: ImageReference) -> bool:
    return not reference.digest and (reference.tag or "latest") in {"latest", "stable", "edge"}
