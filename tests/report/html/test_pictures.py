"""What pictures say, in SVG and in Mermaid."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

from composerefactor.analysis.facts.architecture import InvocationFacts
from composerefactor.report.html.graph import graph, topology_mermaid
from composerefactor.report.html.svg import topology_element, topology_svg
from support.largeproject import SECRET, large_project

Survey = Callable[[str], InvocationFacts]
HOSTILE = """a"b<script>alert(1)</script>#`x`|"""
TEXT = f"""\
services:
  web:
    build: .
    ports: ["80:8080", "127.0.0.1:9000:9000", "53:53/udp"]
    networks: [front, back]
    depends_on:
      db: {{condition: service_healthy}}
      migrate: {{condition: service_completed_successfully}}
      cache: {{condition: service_started}}
  db:
    image: postgres:16
    networks: [back]
    healthcheck: {{test: [CMD, pg_isready]}}
  cache:
    image: redis:7
    networks: [back]
    healthcheck: {{disable: true}}
  migrate:
    build: .
    command: alembic upgrade head
    networks: [back]
  worker:
    build: .
    networks: [back]
    profiles: [jobs]
    environment: {{DATABASE_URL: "postgres://shop:{SECRET}@db/shop"}}
  '{HOSTILE}':
    image: "x:\\a"
    network_mode: host
networks:
  front: {{external: true}}
  back: {{internal: true}}
"""


def nodes(svg: str) -> dict[str, ET.Element]:
    found = ET.fromstring(svg).iter()  # noqa: S314 - our own
    return {e.attrib["data-service"]: e for e in found if "data-service" in e.attrib}


def classes(element: ET.Element) -> set[str]:
    return set(element.attrib["class"].split())


def test_svg_shows_kind_health_ports_and_profiles(entry: Survey) -> None:
    found = nodes(topology_element(graph(entry(TEXT)), "compose.yaml"))
    assert {name: classes(each) - {"node"} for name, each in found.items()} == {
        "web": {"application", "missing"},
        "db": {"store", "checked"},
        "cache": {"store", "off"},
        "migrate": {"application", "ends"},
        "worker": {"application", "missing", "optional"},
        HOSTILE: {"application", "missing"},
    }
    texts = [
        "".join(each.itertext()) for each in found["web"].iter() if "port" in each.attrib.values()
    ]
    assert texts == ["80 9000 53/udp"]


def test_svg_shows_that_a_health_check_cannot_run(entry: Survey) -> None:
    facts = entry(TEXT)
    health = facts.health_of("db")
    assert health is not None
    found = nodes(topology_element(graph(facts, {health.location}), "compose.yaml"))
    assert classes(found["db"]) == {"node", "store", "broken"}


def test_svg_shows_who_needs_whom_and_how(entry: Survey) -> None:
    root = ET.fromstring(topology_element(graph(entry(TEXT)), "compose.yaml"))  # noqa: S314
    lines = {
        (e.attrib["data-caller"], e.attrib["data-callee"]): classes(e) - {"line"}
        for e in root.iter()
        if "data-caller" in e.attrib
    }
    assert lines == {
        ("web", "db"): {"healthy"},
        ("web", "migrate"): {"ended"},
        ("web", "cache"): {"started"},
        ("worker", "db"): {"found"},
    }


def test_a_service_that_is_not_defined_is_shown(entry: Survey) -> None:
    text = """\
services:
  web: {image: x, networks: [front], depends_on: [db, cache]}
  worker: {image: x, networks: [back], depends_on: [cache]}
  db: {image: "postgres:16", networks: [front]}
networks: {front: {}, back: {}}
"""
    topology = graph(entry(text))
    (absent,) = (node for node in topology.nodes if node.kind == "absent")
    assert absent.name == "cache"
    assert [line.caller for line in topology.lines if line.callee == "cache"] == ["web", "worker"]
    assert [group.title for group in topology.groups if "cache" in group.members] == ["front"]
    svg = topology_element(graph(entry(text)), "compose.yaml")
    assert classes(nodes(svg)["cache"]) == {"node", "absent", "missing"}
    assert "href" not in nodes(svg)["cache"].attrib
    assert '{{"cache"}}' in topology_mermaid(entry(text))


def test_svg_groups_by_networks(entry: Survey) -> None:
    root = ET.fromstring(topology_element(graph(entry(TEXT)), "compose.yaml"))  # noqa: S314
    labels = ["".join(e.itertext()) for e in root.iter() if e.attrib.get("class") == "network"]
    assert sorted(labels) == [
        "backinternal",
        "front + backfront: external; back: internal",
        "host network",
    ]


def test_a_file_of_its_own_has_its_colours_and_nothing_from_elsewhere(entry: Survey) -> None:
    text = topology_svg(graph(entry(TEXT)), "compose.yaml")
    root = ET.fromstring(text)  # noqa: S314
    assert "prefers-color-scheme: dark" in text
    assert "one-off task" in text
    assert not [e for e in root.iter() if "href" in e.attrib or e.tag.endswith("script")]
    assert text == topology_svg(graph(entry(TEXT)), "compose.yaml")


def test_mermaid(entry: Survey) -> None:
    text = topology_mermaid(entry(TEXT))
    assert (
        text
        == """\
flowchart LR
  subgraph n0["front + back (front: external; back: internal)"]
    s0["web<br/>published: 80, 9000, 53/udp"]
  end
  subgraph n1["back (internal)"]
    s1[("db")]
    s2[("cache")]
    s3["migrate"]
    s4["worker"]
  end
  subgraph n2["host network"]
    s5["a#34;b#60;script#62;alert(1)#60;/script#62;#35;#96;x#96;#124;"]
  end
  s0 ==> s1
  s0 --> s2
  s0 ==> s3
  s4 -.-> s1
"""
    )


def test_mermaid_stays_below_what_is_drawn(entry: Survey) -> None:
    names = [f"s{n}" for n in range(40)]
    body = "".join(
        f"  {n}: {{image: x, depends_on: [{', '.join(names[:i])}]}}\n" for i, n in enumerate(names)
    )
    text = topology_mermaid(entry(f"services:\n{body}"))
    assert text.count("-->") == 480
    assert "300 more lines are omitted" in text


def test_no_picture_shows_a_secret(entry: Survey) -> None:
    for text in (TEXT, large_project()):
        found = entry(text)
        assert SECRET in text
        pictures = [draw(graph(found), found.title) for draw in (topology_element, topology_svg)]
        assert SECRET not in "".join([*pictures, topology_mermaid(found)])
