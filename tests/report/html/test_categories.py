"""Diagrams of many services, by category."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from composerefactor.report.html.graph import (
    LEAST_SERVICES,
    Graph,
    GraphLine,
    GraphNode,
    Group,
    by_category,
    large_categories,
)


def node(
    name: str, *, kind: str = "application", health: str = "checked", port: str = ""
) -> GraphNode:
    ports = (port,) if port else ()
    return GraphNode(name, f"{name}:1", kind, health, ports, bool(port), False, "an image")  # noqa: FBT003


NODES = (
    node("web", port="80"),
    node("api", health="missing", port="8080"),
    node("db", kind="store"),
    node("cache", kind="store", health="ends"),
    node("proxy", kind="infrastructure"),
    node("unknown"),
)
LINES = (
    GraphLine("web", "api", "started", "depends_on"),
    GraphLine("web", "db", "found", "DATABASE_URL"),
    GraphLine("api", "db", "healthy", "depends_on"),
    GraphLine("api", "proxy", "started", "depends_on"),
    GraphLine("proxy", "unknown", "found", "a URL"),
)
CATEGORIES = {"web": "apps", "api": "apps", "db": "data", "cache": "data", "proxy": "proxy"}
SHOP = Graph(NODES, LINES, (Group("default", ("default",), tuple(n.name for n in NODES)),))


def test_a_category_is_one_node_with_what_is_worst_of_its_services() -> None:
    overview = by_category(SHOP, CATEGORIES)
    nodes = {each.name: each for each in overview.nodes}
    assert list(nodes) == ["apps (2)", "data (2)", "proxy", "unknown"]
    apps = nodes["apps (2)"]
    assert apps.members == ("web", "api")
    assert (apps.kind, apps.health, apps.is_open) == ("application", "missing", True)
    assert apps.tooltip == "web, api; 1 without a health check"
    assert nodes["data (2)"].kind == "store"
    assert nodes["proxy"] == NODES[4]
    assert apps.ports == ("2 ports",)
    assert overview.groups == (Group("6 services by category", (), tuple(nodes)),)


def test_lines_between_categories_are_one() -> None:
    lines = {(each.caller, each.callee): each for each in by_category(SHOP, CATEGORIES).lines}
    assert list(lines) == [("apps (2)", "data (2)"), ("apps (2)", "proxy"), ("proxy", "unknown")]
    assert lines["apps (2)", "data (2)"].kind == "healthy"
    assert lines["apps (2)", "data (2)"].tooltip == "web needs db, api needs db"
    assert lines["proxy", "unknown"] == LINES[4]


def test_an_open_category_has_its_services_and_their_neighbours() -> None:
    opened = by_category(SHOP, CATEGORIES, "data")
    assert [each.name for each in opened.nodes] == ["apps (2)", "db", "cache"]
    assert [(each.caller, each.callee) for each in opened.lines] == [("apps (2)", "db")]
    assert opened.groups[0].title == "data"


@pytest.mark.parametrize(("number", "expected"), [(LEAST_SERVICES, True), (3, False)])
def test_only_diagrams_of_many_services_have_categories(number: int, *, expected: bool) -> None:
    names = [f"s{each}" for each in range(number)]
    kinds = ("apps", "data", "")
    many = Graph(tuple(map(node, names)), (), ())
    found = large_categories(many, {name: kinds[at % 3] for at, name in enumerate(names)})
    assert bool(found) is expected
    assert "" not in found
    assert large_categories(many, dict.fromkeys(names, "apps")) == {}


def test_each_category_links_to_the_diagram_of_its_services(large: Path) -> None:
    text = large.read_text(encoding="utf-8")
    overview = text[text.index("60 services by category") - 10_000 :].split("</svg>")[0]
    targets = re.findall(r'data-service="[\w-]+ \(\d+\)" href="#([^"]+)"', overview)
    assert len(targets) > 3
    for target in targets:
        assert text.count(f'<figure class="picture" id="{target}">') == 1
