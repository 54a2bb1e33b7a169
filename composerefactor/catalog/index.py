"""The catalogue's files: YAML for people, and the JSON made from it, which is read faster.

Splitting asks only for categories; a small index answers that.
"""

from __future__ import annotations

import json
import pkgutil
from typing import Any

from msgspec.json import decode

from composerefactor.source import Source
from composerefactor.yamltree.build import parse
from composerefactor.yamltree.values import to_python

INDEX = "index.json"
COPIED = ("bases", "hardening", "images", "starters")
"""The names without ending of the YAML files of which there is a copy in JSON."""


def read(name: str) -> bytes:
    """Return the content of the package's file *name*; raises FileNotFoundError without one."""
    data = pkgutil.get_data(__package__ or "", name)
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
