"""The image catalog: its data files, its entries and categories, and placements by category.

The data files are YAML in ``data``; the program reads JSON files that are made from them.
"""

from __future__ import annotations

import json
import pkgutil
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, convert
from msgspec.json import decode

from composerefactor.compose.definitions import text_of
from composerefactor.compose.image_references import (
    equivalent_repositories,
    parse_image,
    repository_of,
)
from composerefactor.images.entries import CatalogEntry, parse_tag
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

if TYPE_CHECKING:
    from composerefactor.compose.project import Project
    from composerefactor.compose.services import Service, StartModel


INDEX = "index.json"
COPIED = ("bases", "hardening", "images", "observability", "starters")
"""The names without ending of the YAML files of which there is a copy in JSON."""

GENERATED = (INDEX, *(f"{name}.json" for name in COPIED))
"""The names of the JSON files that the build makes of the YAML files."""


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
    """Return the values of the JSON file *name*, one of :data:`GENERATED`.

    Building the package writes these files, since JSON is read faster. Without one the YAML files
    are parsed. Raises FileNotFoundError for another name.
    """
    try:
        text = read(name)
    except OSError:
        if name not in GENERATED:
            raise
        text = generate(name).encode()
    return decode(text)


def generate_all() -> dict[str, str]:
    """Return the text of each JSON file, by its name, as the YAML files have it now."""
    return {name: generate(name) for name in GENERATED}


def generate(name: str) -> str:
    """Return the text of the JSON file *name* as the YAML files have it now."""
    return make_index() if name == INDEX else make_copy(name.removesuffix(".json"))


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


_HEALTH_CHECK_KEYS = ("builtin", "listens", "needs", "profile", "requires", "variants")
_INSTANCE = re.compile(
    r"[-_.]?(?:[0-9]+|(?<=[-_.])(?:primary|replica|secondary|standby|master|slave|leader|follower))$",
    re.ASCII | re.IGNORECASE,
)
"""The end of a name that tells the instances of one service apart."""


_WITHOUT = re.compile(r"(?:^|-)(?:no|non|without|wo)-")
"""Before a word for what a service does not have, as in ``app-no-db``."""


def without_instance(service: str) -> str:
    """Return the name *service* without its number and its role in a cluster.

    ``redis_2``, ``redis-replica-1`` and ``redis-primary`` all give ``redis``.
    """
    shorter = _INSTANCE.sub("", service)
    return without_instance(shorter) if shorter not in {service, ""} else service


class Category(Struct, frozen=True):
    """A category of services.

    Attributes:
        name: The name of the category.
        section: The folder to which ``split`` moves its services.
        counts_as: The heading under which summaries count its services.
        about: One line on what its services do.
    """

    name: str
    section: Literal["services", "infrastructure"]
    counts_as: Literal["applications", "data stores", "infrastructure"]
    about: str


class NamePatterns:
    """Shell patterns with at most one ``*``, at the beginning or at the end."""

    def __init__(self, patterns: Iterable[str]) -> None:
        texts = tuple(patterns)
        self.whole = frozenset(texts)
        self.starts = tuple(t.removesuffix("*") for t in texts if t.endswith("*"))
        self.ends = tuple(t.removeprefix("*") for t in texts if t.startswith("*"))

    def match(self, name: str) -> bool:
        """Return whether one of the patterns matches *name*."""
        return name in self.whole or name.startswith(self.starts) or name.endswith(self.ends)


class Catalog:
    """The entries and categories of images; :func:`load_catalog` returns the one that ships.

    *index* is the content of index.json. *changes* are entries of a project, in the form of
    images.yml; see :meth:`with_entries` for the errors raised.
    """

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
        """Return the category of *image*, a reference from a Compose file, or None.

        The last part of the name decides for other builds of an image (``bitnami/nginx``,
        ``example.com/shop/my-nginx``). ``shop/exporter`` is a part of an application: that of
        Prometheus says from what it exports.
        """
        name = repository_of(image)
        if name is None:
            return None
        last = name.rpartition("/")[2]
        for candidate in (*equivalent_repositories(name), last):
            if candidate in self._images:
                return self._images[candidate]
        return APPLICATION if last == "exporter" else self.category_of_name(last)

    def category_of_name(self, service: str) -> str | None:
        """Return the category that the name of a service suggests, or None.

        This is for services that are built in the repository; otherwise the image decides. A name
        that says what the service is without suggests none.
        """
        name = service.lower().replace("_", "-")
        if _WITHOUT.search(name):
            return None
        unnumbered = without_instance(name)
        if self._any_name.match(name) or self._any_name.match(unnumbered):
            for patterns, category in self._names:
                if patterns.match(name) or patterns.match(unnumbered):
                    return category
        return None

    def store_category(self, image: str) -> str:
        """Return the category of the data store *image*, ``""`` for any other image."""
        category = self.category(image)
        is_store = category is not None and self.categories[category].counts_as == "data stores"
        return category or "" if is_store else ""

    def with_entries(self, changes: Sequence[Mapping[str, Any]]) -> Catalog:
        """Return this catalog with the entries of a project, in the form of images.yml.

        An entry with a known ``id`` replaces the values that it sets; any other is added.
        Raises ValueError for an undefined category, a new entry without names, and an invalid
        version range.
        """
        return Catalog(self._index, [*self._changes, *changes]) if changes else self

    def match(self, image: str) -> CatalogEntry | None:
        """Return the entry for *image*, a reference from a Compose file, or None.

        Only the same repository counts, from any registry: other builds of an image may contain
        other programs, and so may a tag for a command-line tool (``wordpress:cli``).
        """
        name = self.known_name(image)
        entry = None if name is None else self.entry(self._ids_by_name[name])
        if entry and entry.tools:
            tag = parse_tag(parse_image(image).tag or "")
            return entry if tag.flavours.isdisjoint(entry.tools) else None
        return entry

    def known_name(self, image: str) -> str | None:
        """Return the repository under which an entry lists *image*, or None."""
        name = repository_of(image)
        if name is None:
            return None
        return next((n for n in equivalent_repositories(name) if n in self._ids_by_name), None)

    def entry(self, id_: str) -> CatalogEntry:
        """Return the entry with the id *id_*; raises KeyError if there is none."""
        if id_ not in self._entries:
            self._entries[id_] = convert(self._values[id_], CatalogEntry)
        return self._entries[id_]

    @property
    def entries(self) -> tuple[CatalogEntry, ...]:
        """All entries of images.yml, in its order, and those of the project."""
        return tuple(map(self.entry, self._values))

    @cached_property
    def _values(self) -> Mapping[str, Mapping[str, Any]]:
        """The raw values of each entry, by its id."""
        entries = {entry["id"]: entry for entry in read_json("images.json")["images"]}
        for change in self._changes:
            known = dict(entries.get(change["id"], {}))
            if "healthcheck" in change:  # A new check also replaces all that selects a check.
                for name in _HEALTH_CHECK_KEYS:
                    known.pop(name, None)
            entries[change["id"]] = {**known, "verified": "project", **change}
        for entry in entries.values():
            category = entry.get("category", "application")
            if category not in self.categories:
                raise ValueError(f"{entry['id']}: unknown category {category!r}")
            if not entry.get("names"):
                raise ValueError(f"{entry['id']}: a new entry needs 'names'")
        return entries

    @cached_property
    def _ids_by_name(self) -> Mapping[str, str]:
        return {name: id_ for id_, values in self._values.items() for name in values["names"]}


@cache
def load_catalog() -> Catalog:
    """Return the catalog that ships with the tool; its entries are read on first use."""
    return Catalog(read_json(INDEX))


def catalog_of(project: Project | StartModel) -> Catalog:
    """Return the catalog with the entries of the project's settings, if it has any."""
    return project.catalog if isinstance(project.catalog, Catalog) else load_catalog()


class Placement(Struct, frozen=True):
    """Where a service belongs in a split project.

    Attributes:
        directory: ``services`` or ``infrastructure``.
        category: The name of the category, and of a module for all services of the category.
        counts_as: The heading in a summary.
    """

    directory: str
    category: str
    counts_as: str


APPLICATION = "application"
"""The category of what is in no other one."""

DEFAULT_PLACEMENT = Placement("services", "apps", "applications")


@lru_cache(maxsize=1024)
def find_placement(service: str, image: str | None, catalog: Catalog) -> Placement:
    """Return the placement of the service called *service*.

    The category of *image* decides, or else the category that the name suggests, or else
    :data:`DEFAULT_PLACEMENT`.
    """
    category = catalog.category(image) if image else None
    if category is None:
        category = catalog.category_of_name(service)
    if category is None:
        return DEFAULT_PLACEMENT
    known = catalog.categories[category]
    if category == APPLICATION:
        return DEFAULT_PLACEMENT
    return Placement(known.section, category, known.counts_as)


_MODEL_FILE = r"(?i)\.(?:onnx|pth?|safetensors|gguf|ggml|tflite|h5|joblib)\b"
"""The suffix of a file with a model."""


def service_placement(service: Service, catalog: Catalog, image: str | None = None) -> Placement:
    """Return the placement of *service*, by its image or its name; see :func:`find_placement`.

    *image* counts instead of what the service itself names. An application whose settings name the
    file of an AI model is of the category ``ai``.
    """
    placement = find_placement(service.name, image or text_of(service.image) or None, catalog)
    if placement != DEFAULT_PLACEMENT:
        return placement
    if any(re.search(_MODEL_FILE, each.value or "") for each in service.settings.values()):
        models = catalog.categories["ai"]
        return Placement(models.section, models.name, models.counts_as)
    return placement
