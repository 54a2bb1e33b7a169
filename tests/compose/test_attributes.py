"""The table of attributes against the JSON schema and against Docker Compose."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from composerefactor.compose.attributes import SERVICE, TOP, Attribute, find_attribute, keys_below

SCHEMA = json.loads((Path(__file__).parent / "data" / "compose-spec.json").read_text("utf-8"))
OTHERS = {("jobs",), ("volumes", "*", "driver_opts", "device")}
"""Attributes that the schema lacks: one that only v5.6.1 has, and one of the driver ``local``."""

Place = tuple[str, ...]
TYPES = {"string": "text", "integer": "number", "object": "mapping"}
PAIRS = {"#/$defs/list_or_dict", "#/$defs/extra_hosts"}


def alternatives(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schemas of which one must match, with references resolved."""
    if "$ref" in schema:
        if schema["$ref"] in PAIRS:
            yield {"type": "pairs"}
        else:
            yield from alternatives(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
        return
    options = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    if not options or "properties" in schema:
        yield schema
        return
    for option in options:
        yield from alternatives(option)


def values(schema: dict[str, Any]) -> set[str]:
    """Return the values that *schema* allows, in the words of the table."""
    words: set[str] = set()
    for each in alternatives(schema):
        types = each["type"] if isinstance(each["type"], list) else [each["type"]]
        for kind in types:
            items = values(each["items"]) if kind == "array" else set()
            if kind != "array":
                words.add(str(TYPES.get(kind, kind)))
            elif "mapping" in items:
                words |= {"items" if "text" in items else "mappings"} | (
                    {"scalars"} if "number" in items else set()
                )
            else:
                words.add("scalars" if "number" in items else "texts")
    return {"names"} | (words - {"texts", "mapping"}) if {"texts", "mapping"} <= words else words


def attributes(schema: dict[str, Any], place: Place = ()) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield the paths and schemas of all attributes below *schema*."""
    for each in alternatives(schema):
        for key, below in each.get("properties", {}).items():
            yield (*place, key), below
            yield from attributes(below, (*place, key))
        named = [s for name, s in each.get("patternProperties", {}).items() if name != "^x-"]
        if isinstance(each.get("additionalProperties"), dict):
            named.append(each["additionalProperties"])
        for below in named:
            if "mapping" in values(below):
                yield (*place, "*"), below
                yield from attributes(below, (*place, "*"))
        if each.get("type") == "array":
            yield from attributes(each["items"], (*place, "*"))


def known() -> dict[Place, Attribute]:
    services = {("services", "*", *path): row for path, row in SERVICE.items()}
    return {**TOP, **services}


def in_schema() -> dict[Place, dict[str, Any]]:
    found = dict(attributes(SCHEMA))
    del found["services", "*"]
    return found


def test_all_keys_of_the_schema_and_no_others() -> None:
    assert known().keys() - OTHERS == in_schema().keys()


def test_values() -> None:
    table = {path: row.values for path, row in known().items() if path not in OTHERS}
    plain = {p: {"text" if v == "duration" else v for v in row} for p, row in table.items()}
    assert plain == {path: values(schema) for path, schema in in_schema().items()}


def test_distinct_lists_are_unique_in_the_schema() -> None:
    unique = {
        path
        for path, schema in in_schema().items()
        if any(each.get("uniqueItems") for each in alternatives(schema))
    }
    assert {path for path, row in known().items() if "distinct" in row.options} <= unique


def test_mappings_of_a_service_allow_no_other_keys() -> None:
    schemas = in_schema()
    parents = {path[:-1] for path in SERVICE if len(path) > 1 and "*" not in path}
    closed = {
        path
        for path in parents
        for each in alternatives(schemas["services", "*", *path])
        if each.get("additionalProperties") is False
    }
    assert parents == closed


def test_words_of_the_table() -> None:
    rows = known().values()
    assert {row.merge for row in rows} == {
        *("replaced", "cleared", "keys", "pairs", "appended", "unique", "driver", "subnets", "-")
    }
    assert {name for row in rows for name in row.options} == {
        *("by", "parts", "main", "distinct", "short", "variables", "path", "remote", "since")
    }
    assert all(("by" in row.options) == (row.merge == "unique") for row in rows)


@pytest.mark.parametrize(
    ("table", "path", "name"),
    [
        (SERVICE, ("build", "args"), "build.args"),
        (SERVICE, ("post_start", "0", "environment"), "post_start.environment"),
        (SERVICE, ("networks", "aliases", "aliases"), "networks.aliases"),
        (TOP, ("volumes", "name", "labels"), "volumes.labels"),
    ],
)
def test_find(table: Mapping[Place, Attribute], path: Place, name: str) -> None:
    attribute = find_attribute(table, path)
    assert attribute is not None
    assert attribute.name == name


@pytest.mark.parametrize("path", [("x-data", "labels"), ("build", "x-data", "labels"), ("web",)])
def test_no_attribute(path: Place) -> None:
    assert find_attribute(SERVICE, path) is None


def test_keys_below() -> None:
    assert keys_below(SERVICE, ("logging",)) == ("driver", "options")
    assert keys_below(TOP, ("volumes", "*"))[:2] == ("name", "driver")
