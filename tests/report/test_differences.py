"""What differs between environments, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import load_project
from composerefactor.refactoring.deduplicate.variants import comparisons
from composerefactor.report.differences import comparison_document, sentences
from support.memory import Memory

FILES = {
    "docker-compose.yml": """\
services:
  api:
    image: shop/api:1
    environment: {LOG: info, API_TOKEN: abcdef, A: x, B: x}
    healthcheck: {test: [CMD, "true"]}
    ports: ["80:80", "53:53/udp"]
    command: run --password abcdef
  db: {image: postgres:15, healthcheck: {test: [CMD, "true"]}}
  cache: {image: redis:7, environment: {REDIS_PASSWORD: abcdef}}
""",
    "docker-compose.dev.yml": """\
services:
  api:
    image: shop/api:1
    environment: {LOG: debug, API_TOKEN: ghijkl, A: y, B: y}
    ports: ["80:80"]
    command: run --password ghijkl
    user: root
  db: {image: postgres:16}
  cache: {image: redis:7, environment: {REDIS_PASSWORD: ghijkl}}
""",
    "docker-compose.prod.yml": """\
services:
  api:
    image: shop/api:1
    environment: {LOG: info, API_TOKEN: abcdef, A: x, B: x}
    healthcheck: {test: [CMD, "true"]}
    ports: ["80:80", "53:53/udp"]
    command: run --password abcdef
  db: {image: postgres:15, healthcheck: {test: [CMD, "true"]}}
""",
}


@pytest.fixture
def lines() -> list[str]:
    return described(verbose=False)


def described(files: Mapping[str, str] = FILES, *, verbose: bool) -> list[str]:
    project = load_project([Invocation((path,)) for path in files], Library(Memory(files)))
    (comparison,) = comparisons(project)
    return sentences(comparison, verbose=verbose)


def test_a_sentence_for_each_attribute(lines: list[str]) -> None:
    assert lines == [
        "cache: not in prod",
        "db: image: postgres:15 in base and prod, postgres:16 in dev",
        "api, db: no healthcheck in dev",
        "api: user only in dev (root)",
        "api: ports only in base and prod (53:53/udp)",
        "api: environment: 4 settings differ, LOG, API_TOKEN, A, B",
        "api: command is not the same in base, dev and prod",
        "cache: environment.REDIS_PASSWORD is not the same in base and dev",
    ]


def test_verbose_has_one_for_each_setting() -> None:
    found = described(verbose=True)
    assert "api: environment.LOG: info in base and prod, debug in dev" in found
    assert "api: environment.A: x in base and prod, y in dev" in found


def test_no_secret_is_shown(lines: list[str]) -> None:
    project = load_project([Invocation((path,)) for path in FILES], Library(Memory(FILES)))
    document = comparison_document(comparisons(project)[0])
    shown = "\n".join([*lines, *described(verbose=True), repr(document)])
    assert "abcdef" not in shown
    assert "ghijkl" not in shown
    token = next(s for s in document.settings if s.path[-1] == "API_TOKEN")
    assert set(token.values.values()) == {"***"}


def test_a_definition_that_is_no_mapping() -> None:
    other = FILES["docker-compose.dev.yml"].replace("{image: postgres:16}", "[postgres]")
    assert "db: the definition: set in base and prod, postgres in dev" in described(
        FILES | {"docker-compose.dev.yml": other}, verbose=True
    )


def test_many_services_with_one_difference_are_counted() -> None:
    names = [f"worker-{number}" for number in range(12)]
    files = {
        f"docker-compose.{environment}.yml": "services:\n"
        + "".join(f"  {name}: {{image: shop/worker, restart: {policy}}}\n" for name in names)
        for environment, policy in (("dev", "no"), ("prod", "always"))
    }
    (line,) = described(files, verbose=False)
    assert line.startswith("worker-0, worker-1,")
    assert "worker-7 and 4 more: restart:" in line
    assert described(files, verbose=True)[0].startswith(f"{', '.join(names)}: restart:")
