"""Which settings differ between root files, in whatever form they are written."""

from __future__ import annotations

from collections.abc import Mapping

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import load_project
from composerefactor.refactoring.deduplicate.variants import ABSENT, Comparison, comparisons
from support.memory import Memory

A, B, C = "docker-compose.yml", "docker-compose.prod.yml", "docker-compose.staging.yml"


def compared(files: Mapping[str, str]) -> list[Comparison]:
    return comparisons(
        load_project([Invocation((path,)) for path in files], Library(Memory(files)))
    )


def settings(files: Mapping[str, str]) -> dict[str, list[object]]:
    (comparison,) = compared(files)
    return {".".join((d.service, *d.path)): list(d.values.values()) for d in comparison.differences}


def test_other_spellings_are_no_difference() -> None:
    one = """\
x-c: &c
  restart: always
services:
  api:
    <<: *c
    build: ./api
    environment:
      A: 1
      B: x
    depends_on: [db]
    ports: ["80:80"]
    volumes: [data:/d]
"""
    other = """\
services:
  api:
    volumes:
      - {type: volume, source: data, target: /d, volume: {}}
    ports:
      - {mode: ingress, target: 80, published: "80", protocol: tcp}
    depends_on:
      db: {condition: service_started}
    environment: [B=x, "A=1"]
    build: {context: ./api}
    restart: 'always'
"""
    (comparison,) = compared({A: one, B: other})
    assert comparison.differences == ()
    assert comparison.services == {"api": (A, B)}


def test_differences_are_named_where_they_are() -> None:
    found = settings(
        {
            A: "services:\n  db: {image: postgres:15, environment: {P: 1, Q: 2}, ports: [1, 2]}\n",
            B: "services:\n  db: {image: postgres:16, environment: [P=1], ports: [2, 3]}\n",
            C: "services:\n  db: {image: postgres:16, environment: [P=1, Q=3], tty: true}\n",
        }
    )
    assert found["db.image"] == ["postgres:15", "postgres:16", "postgres:16"]
    assert found["db.environment.Q"] == ["2", ABSENT, "3"]
    assert found["db.tty"] == [ABSENT, ABSENT, True]
    assert set(found) == {"db.image", "db.environment.Q", "db.tty", "db.ports"}


def test_lists_show_what_not_all_have() -> None:
    text = "services:\n  db:\n    image: x\n    dns: [{}]\n"
    assert settings({A: text.format("1.1.1.1, 8.8.8.8"), B: text.format("1.1.1.1")}) == {
        "db.dns": [["8.8.8.8"], []]
    }
    assert settings({A: text.format("1.1.1.1, 8.8.8.8"), B: text.format("8.8.8.8, 1.1.1.1")}) == {
        "db.dns": [["1.1.1.1", "8.8.8.8"], ["8.8.8.8", "1.1.1.1"]]
    }


def test_only_files_with_a_common_service_are_compared() -> None:
    found = compared(
        {
            A: "services:\n  a: {image: x}\n  b: {image: x}\n",
            B: "services:\n  b: {image: y}\n",
            C: "services:\n  c: {image: z}\n",
        }
    )
    assert [(c.files, c.common) for c in found] == [((A, B), ["b"])]
