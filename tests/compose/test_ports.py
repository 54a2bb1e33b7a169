from __future__ import annotations

import json
from pathlib import Path

import pytest

from composerefactor.compose.short_forms import Port, PortText, parse_port, ports
from support.engine import config, model
from support.nodes import mapping

# A short form and its parts: target, published, host address, protocol.
SHORT: list[tuple[str, tuple[str, str | None, str | None, str]]] = [
    ("80", ("80", None, None, "tcp")),
    ("8080:80", ("80", "8080", None, "tcp")),
    ("127.0.0.1:8080:80", ("80", "8080", "127.0.0.1", "tcp")),
    ("127.0.0.1::80", ("80", None, "127.0.0.1", "tcp")),
    (":80", ("80", None, None, "tcp")),
    ("80/udp", ("80", None, None, "udp")),
    ("80/UDP", ("80", None, None, "udp")),
    ("80/", ("80", None, None, "tcp")),
    ("[::1]:8080:80", ("80", "8080", "::1", "tcp")),
    ("::1:8080:80", ("80", "8080", "::1", "tcp")),
    ("80-82", ("80-82", None, None, "tcp")),
    ("8000-8002:80-82/udp", ("80-82", "8000-8002", None, "udp")),
    ("8000-8002:80", ("80", "8000-8002", None, "tcp")),
    ("08080:80", ("80", "08080", None, "tcp")),
]

WITH_VARIABLES: list[tuple[str, tuple[str, str | None, str | None, str]]] = [
    ("${PORT}:80", ("80", "${PORT}", None, "tcp")),
    ("${PORT:-8080}:80/udp", ("80", "${PORT:-8080}", None, "udp")),
    ("${IP:-127.0.0.1}:${PORT:-80}:80", ("80", "${PORT:-80}", "${IP:-127.0.0.1}", "tcp")),
    ("${BIND:-127.0.0.1:}8080:80", ("80", "${BIND:-127.0.0.1:}8080", None, "tcp")),
    ("${ALL:-1:2/udp}", ("${ALL:-1:2/udp}", None, None, "tcp")),
    ("$PORT:80", ("80", "$PORT", None, "tcp")),
]

NO_PORT = ["80:", "80/tcp/udp", ""]


@pytest.mark.parametrize(("text", "expected"), [*SHORT, *WITH_VARIABLES])
def test_short_form(text: str, expected: tuple[str, str | None, str | None, str]) -> None:
    assert parse_port(text) == PortText(*expected)


@pytest.mark.parametrize("text", NO_PORT)
def test_invalid_short_form(text: str) -> None:
    assert parse_port(text) is None


@pytest.mark.parametrize(
    "text", [*(t for t, _ in WITH_VARIABLES), "8000-8001:80-82", "80:80-82", "82-80", "x", "1:-2"]
)
def test_unknown_bindings(text: str) -> None:
    assert [port.bindings() for port in ports(mapping(f"ports: ['{text}']"))] == [None]


def test_long_form_merges_and_aliases() -> None:
    service = mapping(
        """
x: &base
  ports: &ports
    - target: 80
      published: "8080-8081"
      host_ip: 127.0.0.1
      protocol: udp
    - {target: 81, published: 8082}
    - {target: 82, published: ""}
    - published: 1
    - 83
    - [84]
y: &other {ports: *ports}
s: {<<: *other}
"""
    ).get("s")
    assert service is not None
    found = list(ports(service))
    assert [port.text for port in found] == [
        PortText("80", "8080-8081", "127.0.0.1", "udp"),
        PortText("81", "8082"),
        PortText("82"),
        PortText("83"),
    ]
    assert [port.is_long for port in found] == [True, True, True, False]


def test_items_that_are_not_ports() -> None:
    assert list(ports(mapping("image: a"))) == []
    assert list(ports(mapping("ports:"))) == []


def test_docker_compose_agrees(engine: Path, tmp_path: Path) -> None:
    services = {f"s{i}": {"image": "a", "ports": [t]} for i, (t, _) in enumerate(SHORT)}
    loaded = model(engine, tmp_path, json.dumps({"services": services}))
    for name, service in services.items():
        items = ports(mapping(json.dumps(service)))
        found = [
            (b.target, b.published and b.published.lstrip("0"), b.host_ip, b.protocol)
            for port in items
            for b in port.bindings() or []
        ]
        expected = [
            (p["target"], p.get("published"), p.get("host_ip"), p["protocol"])
            for p in loaded["services"][name]["ports"]
        ]
        assert found == expected, service


@pytest.mark.parametrize("text", ["80:", "8000-8001:80-82", "82-80"])
def test_ports_that_docker_compose_cannot_read_have_no_bindings(
    text: str, engine: Path, tmp_path: Path
) -> None:
    service = {"image": "a", "ports": [text]}
    (tmp_path / "compose.yaml").write_text(json.dumps({"services": {"a": service}}))
    run = config(engine, tmp_path)
    assert run.returncode != 0 or text in run.stdout  # v2.24.7 prints the text unchanged
    found: list[Port] = list(ports(mapping(json.dumps(service))))
    assert all(port.bindings() is None for port in found)
