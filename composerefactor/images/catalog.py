"""The catalogue of images: what one is for, and what is known about it."""

from __future__ import annotations

import json
import pkgutil
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from msgspec.json import decode

from composerefactor.compose.image_references import repository, same_image
from composerefactor.images.entries import entry_from
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

if TYPE_CHECKING:
    from composerefactor.images.entries import CatalogEntry


INDEX = "index.json"
COPIED = ("bases", "hardening", "images", "starters")
"""The names without ending of the YAML files of which there is a copy in JSON."""


def read(name: str) -> bytes:
    """Return the content of the package's file *name*; raises FileNotFoundError without one."""
    data = pkgutil.get_data(__package__ or "", f"data/{name}")
    if data is None:
        raise FileNotFoundError(name)
    return data


def read_yaml(name: str) -> Any:
    """Return the values in the package's YAML file *name*."""
    source = Source.decode(name, read(name))
    root = parse(source).root
    return None if root is None else to_python(root, source)


def read_json(name: str) -> Any:
    """Return the values in the package's JSON file *name*."""
    return decode(read(name))


def make_copy(name: str) -> str:
    """Return the text of the JSON file of *name*, one of :data:`COPIED`, as the YAML has it now."""
    return _text(read_yaml(f"{name}.yml"))


def make_index() -> str:
    """Return the text of :data:`INDEX` as the YAML files have it now.

    Raises ValueError for a category that is not defined and for a repository in two places.
    """
    categories = read_yaml("categories.yml")["categories"]
    images: dict[str, str] = {}
    listed = [
        (e["category"], name) for e in read_yaml("images.yml")["images"] for name in e["names"]
    ]
    listed += [(category, name) for category, c in categories.items() for name in c["images"]]
    for category, name in listed:
        if category not in categories:
            raise ValueError(f"{name}: no category {category!r} in categories.yml")
        if name in images:
            raise ValueError(f"{name} is listed twice")
        images[name] = category
    index = {
        "categories": {
            name: {key: c[key] for key in ("section", "counts_as", "about")}
            for name, c in categories.items()
        },
        "images": dict(sorted(images.items())),
        "names": {name: c["names"] for name, c in categories.items() if c["names"]},
    }
    return _text(index)


def _text(values: Any) -> str:
    return json.dumps(values, indent=1, ensure_ascii=False) + "\n"


_CHECK_KEYS = ("builtin", "listens", "needs", "profile", "requires", "variants")
_NUMBER_AT_END = re.compile(r"-?[0-9]+$", re.ASCII)


class Category(Struct, frozen=True):
    """A category of services.

    *section* is the folder that ``split`` puts its modules in, *counts_as* the heading under which
    summaries count its services, *about* one line on what they do.
    """

    name: str
    section: Literal["services", "infrastructure"]
    counts_as: Literal["applications", "data stores", "infrastructure"]
    about: str


class NamePatterns:
    """Shell patterns with no ``*`` but one at the beginning or at the end."""

    def __init__(self, patterns: Iterable[str]) -> None:
        texts = tuple(patterns)
        self.whole = frozenset(texts)
        self.starts = tuple(t.removesuffix("*") for t in texts if t.endswith("*"))
        self.ends = tuple(t.removeprefix("*") for t in texts if t.startswith("*"))

    def match(self, name: str) -> bool:
        """Return whether one of the patterns stands for *name*, which has no ``*``."""
        return name in self.whole or name.startswith(self.starts) or name.endswith(self.ends)


class Catalog:
    """Answers questions on images from the package's data; use :func:`load`."""

    def __init__(self, index: Mapping[str, Any], changes: Sequence[Mapping[str, Any]] = ()) -> None:
        self._index = index
        self._changes = tuple(changes)
        self.categories: Mapping[str, Category] = {
            name: Category(name, **values) for name, values in index["categories"].items()
        }
        self._images: dict[str, str] = dict(index["images"])
        self._entries: dict[str, CatalogEntry] = {}
        for entry in self.entries if changes else ():
            self._images.update(dict.fromkeys(entry.names, entry.category))
        self._names: list[tuple[NamePatterns, str]] = [
            (NamePatterns(patterns), category) for category, patterns in index["names"].items()
        ]
        self._any_name = NamePatterns(name for names in index["names"].values() for name in names)

    def category(self, image: str) -> str | None:
        """Return the category of *image*, a reference as a Compose file has it, or None.

        Somebody else's build of a known image (``bitnami/nginx``, ``example.com/shop/my-nginx``)
        counts by its last name.
        """
        name = repository(image)
        if name is None:
            return None
        last = name.rpartition("/")[2]
        for candidate in (*same_image(name), last):
            if candidate in self._images:
                return self._images[candidate]
        return self.category_of_name(last)

    def category_of_name(self, service: str) -> str | None:
        """Return the category that the name of a service suggests, or None.

        For services that are built in the repository; where there is an image, it decides.
        """
        name = service.lower().replace("_", "-")
        unnumbered = _NUMBER_AT_END.sub("", name)
        if self._any_name.match(name) or self._any_name.match(unnumbered):
            for patterns, category in self._names:
                if patterns.match(name) or patterns.match(unnumbered):
                    return category
        return None

    def with_entries(self, changes: Sequence[Mapping[str, Any]]) -> Catalog:
        """Return this catalogue with the entries of a project, in the form of images.yml.

        An entry whose ``id`` is known replaces what it gives of it; any other is added, and is
        asked first. Raises ValueError for a category that is not defined, a new entry without
        names, and a version range that is none.
        """
        return Catalog(self._index, [*self._changes, *changes]) if changes else self

    def match(self, image: str) -> CatalogEntry | None:
        """Return what is known about *image*, a reference as a Compose file has it, or None.

        Only the same image counts, from whichever registry: somebody else's build of it can hold
        other programs.
        """
        name = self.known_name(image)
        return None if name is None else self.entry(self._ids_by_name[name])

    def known_name(self, image: str) -> str | None:
        """Return the name by which an entry knows *image*, or None."""
        name = repository(image)
        if name is None:
            return None
        return next((n for n in same_image(name) if n in self._ids_by_name), None)

    def entry(self, id_: str) -> CatalogEntry:
        """Return the entry with *id_*; raises KeyError without one."""
        if id_ not in self._entries:
            values = self._values[id_]
            self._entries[id_] = entry_from(values, self._facts["defaults"])
        return self._entries[id_]

    @property
    def entries(self) -> tuple[CatalogEntry, ...]:
        """All entries of images.yml, in its order, and those of the project."""
        return tuple(map(self.entry, self._values))

    @cached_property
    def _facts(self) -> Mapping[str, Any]:
        facts: Mapping[str, Any] = read_json("images.json")
        return facts

    @cached_property
    def _values(self) -> Mapping[str, Mapping[str, Any]]:
        """What is written of each entry, by its id."""
        entries = {entry["id"]: entry for entry in self._facts["images"]}
        for change in self._changes:
            known = dict(entries.get(change["id"], {}))
            if "healthcheck" in change:  # what decides between the known checks goes with them
                for name in _CHECK_KEYS:
                    known.pop(name, None)
            entries[change["id"]] = {**known, "verified": "project", **change}
        for entry in entries.values():
            category = entry.get("category", "application")
            if category not in self.categories:
                raise ValueError(f"{entry['id']}: there is no category {category!r}")
            if not entry.get("names"):
                raise ValueError(f"{entry['id']}: a new entry needs 'names'")
        return entries

    @cached_property
    def _ids_by_name(self) -> Mapping[str, str]:
        return {name: id_ for id_, values in self._values.items() for name in values["names"]}


@cache
def load() -> Catalog:
    """Return the catalogue; the facts on images are read when they are first asked for."""
    return Catalog(read_json(INDEX))
