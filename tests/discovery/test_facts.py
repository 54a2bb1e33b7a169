from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from composerefactor.discovery.files import TreeFacts

Facts = Callable[[Mapping[str, str]], TreeFacts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("services:\n  a:\n    image: x\n", True),
        ("\ufeffservices:\n  a:\n    image: x\n", True),
        ("services:\n  a: &a {image: x}\n  b: *a\n", True),
        ("include:\n  - a.yml\n", True),
        ("networks: {}\nvolumes: {}\nx-a: 1\n", True),
        ("web:\n  image: x\ndb:\n  build: .\n", True),
        ("services:\n  - docker\n", False),
        ("services:\n  web: text\n", False),
        ("services:\n  web: {project: ./src, language: csharp, host: appservice}\n", False),
        ("a: 1\n", False),
        ("- a\n", False),
        ("", False),
        ("a: [", False),
        ("a: 1\na: 2\n", False),
    ],
)
def test_is_compose(facts: Facts, text: str, expected: bool) -> None:  # noqa: FBT001
    assert facts({"a.yml": text}).is_compose("a.yml") is expected


def test_services(facts: Facts) -> None:
    text = """
x-base: &base
  image: x
services:
  image: {image: x}
  build: {build: .}
  extends: {extends: {service: image}}
  provider: {provider: {type: x}}
  merged: {<<: *base}
  merged_list:
    <<: [{restart: always}, *base]
  neither: {restart: always}
"""
    found = facts({"a.yml": text}).services("a.yml")
    assert [name for name, whole in found.items() if not whole] == ["neither"]


def test_a_mount_of_an_extended_service_is_replaced(facts: Facts) -> None:
    extended = "services: {db: {image: x, volumes: ['data:/data', 'log:/log']}}\n"
    text = "services: {db: {extends: {file: b.yml, service: db}, volumes: ['./data:/data']}}\n"
    assert facts({"a.yml": text, "b.yml": extended}).undefined("a.yml") == {"log"}


def test_undefined(facts: Facts) -> None:
    text = """
services:
  a:
    image: x
    networks: [default, front, back]
    volumes: [data:/data, "./x:/x", "/y:/y", "~/z:/z", "$HOME:/h", /anonymous, lost:/l]
    secrets: [key, {source: other}]
    depends_on: {b: {condition: service_started}, gone: {condition: service_started}}
  b:
    image: x
    network_mode: service:vpn
    links: ["db:database"]
    volumes:
      - {type: bind, source: here, target: /x}
      - {type: volume, source: there, target: /x}
networks: {front: {}}
volumes: {data: {}}
secrets: {key: {file: x}}
"""
    assert facts({"a.yml": text}).undefined("a.yml") == {
        *("back", "lost", "other", "gone", "vpn", "db", "there")
    }


def test_a_file_with_include_may_use_anything(facts: Facts) -> None:
    found = facts({"a.yml": "include: [b.yml]\nservices: {a: {image: x, networks: [n]}}\n"})
    assert found.undefined("a.yml") == frozenset()
    assert found.has_include("a.yml")


@pytest.mark.parametrize(("tag", "expected"), [("!reset", True), ("!override", True), ("", False)])
def test_override_tags(facts: Facts, tag: str, expected: bool) -> None:  # noqa: FBT001
    text = f"services:\n  a:\n    image: x\n    ports: {tag} []\n"
    assert facts({"a.yml": text}).has_override_tags("a.yml") is expected


def test_referenced_by(facts: Facts) -> None:
    service = "services:\n  a:\n    image: x\n"
    found = facts(
        {
            "a.yml": "include:\n  - sub/b.yml\n  - {path: [c.yml]}\n",
            "sub/b.yml": "services:\n  a:\n    extends: {file: ../c.yml, service: a}\n",
            "c.yml": service,
            "d.yml": service,
        }
    )
    assert found.referenced_by("c.yml") == {"a.yml", "sub/b.yml"}
    assert found.referenced_by("sub/b.yml") == {"a.yml"}
    assert found.referenced_by("d.yml") == frozenset()


def test_what_included_files_write_of_a_service_is_put_together(facts: Facts) -> None:
    found = facts(
        {
            "a.yml": "include: [{path: [shared.yml, own.yml]}]\n",
            "shared.yml": "services: {a: {image: x}, b: {restart: always}}\n",
            "own.yml": "services: {a: {restart: always}}\n",
        }
    )
    assert found.services("a.yml") == {"a": True, "b": False}


def test_files_that_may_override_a_service(facts: Facts) -> None:
    found = facts(
        {
            "a.yml": "services: {web: {image: x}, db: {image: y}}\n",
            "b.yml": "services: {web: {image: z}}\n",
            "overrides/tls.yml": "services: {web: {labels: [tls]}}\n",
            "other/a.yml": "services: {db: {image: y}}\n",
        }
    )
    assert found.overriding("a.yml", "web") == {"b.yml", "overrides/tls.yml"}
    assert found.overriding("a.yml", "db") == frozenset()
