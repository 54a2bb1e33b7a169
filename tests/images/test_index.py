from __future__ import annotations

import json
import re
from typing import Any

import pytest

from composerefactor.images import catalog as index
from composerefactor.images.catalog import (
    GENERATED,
    INDEX,
    generate,
    make_index,
    read,
    read_json,
    read_yaml,
)

SECRET_KEYS = ("secret_name_patterns", "not_secret_name_patterns")


@pytest.mark.parametrize("name", GENERATED)
def test_the_json_has_what_the_yaml_has(name: str) -> None:
    assert read_json(name) == json.loads(generate(name)), "run `make catalog`"


@pytest.mark.parametrize("name", GENERATED)
def test_without_the_json_the_yaml_is_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = read_json(name)
    monkeypatch.setattr(index, "read", only_yaml)
    assert read_json(name) == expected


def only_yaml(name: str) -> bytes:
    if name.endswith(".json"):
        raise FileNotFoundError(name)
    return read(name)


def test_every_section_and_heading_is_known() -> None:
    categories = read_json(INDEX)["categories"]
    assert {c["section"] for c in categories.values()} == {"services", "infrastructure"}
    for category in categories.values():
        is_infrastructure = category["section"] == "infrastructure"
        assert is_infrastructure == (category["counts_as"] == "infrastructure")


def test_patterns_are_written_as_they_are_compared() -> None:
    for patterns in read_json(INDEX)["names"].values():
        for pattern in patterns:
            assert re.fullmatch(r"\*?[a-z0-9-]+|[a-z0-9-]+\*", pattern), pattern


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_secret_patterns_compile(key: str) -> None:
    for pattern in read_yaml("images.yml")[key]:
        re.compile(pattern)


@pytest.mark.parametrize(
    ("images", "problem"),
    [
        ([{"category": "nonsense", "names": ["a"]}], "no category 'nonsense'"),
        ([{"category": "proxy", "names": ["a", "a"]}], "a is listed twice"),
        ([{"category": "proxy", "names": ["known"]}], "known is listed twice"),
    ],
)
def test_mistakes_in_the_data_are_found(
    monkeypatch: pytest.MonkeyPatch, images: list[dict[str, Any]], problem: str
) -> None:
    proxy = {
        "section": "infrastructure",
        "counts_as": "infrastructure",
        "about": "",
        "images": ["known"],
        "names": [],
    }
    data = {"images.yml": {"images": images}, "categories.yml": {"categories": {"proxy": proxy}}}
    monkeypatch.setattr(index, "read_yaml", data.__getitem__)
    with pytest.raises(ValueError, match=problem):
        make_index()


def test_missing_file() -> None:
    with pytest.raises(FileNotFoundError):
        read("missing.yml")
    with pytest.raises(FileNotFoundError):
        read_json("missing.json")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        *(("bases", part) for part in ("bases", "servers")),
        *(("hardening", part) for part in ("images", "gains", "files")),
    ],
)
def test_patterns_of_images_have_no_star_inside(name: str, part: str) -> None:
    for entry in read_json(f"{name}.json")[part]:
        for pattern in entry["names"]:
            assert re.fullmatch(r"\*?[^*?\[\]]+|[^*?\[\]]+\*", pattern), pattern
