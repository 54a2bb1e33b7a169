"""The catalogue's files, and the small index made from them.

Splitting asks only for categories; the index answers that without a parse of the YAML files, which
takes the Python parser a fifth of a second.
"""

from __future__ import annotations

import json
import pkgutil
from typing import Any

from composerefactor.source import Source
from composerefactor.yamltree.build import parse
from composerefactor.yamltree.values import to_python

INDEX = "index.json"


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
    return json.dumps(index, indent=1, ensure_ascii=False) + "\n"
