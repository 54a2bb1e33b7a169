"""Start-up time and recovery."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from composerefactor.analysis.facts.architecture import InvocationFacts
from composerefactor.analysis.facts.upkeep import recoveries, start_times
from composerefactor.compose.sizes import seconds
from composerefactor.report.analysis.operation import phases, recovery
from support.analyses import MAIN, analysed, surveyed

COMPOSE = """\
services:
  db:
    image: postgres:16
    volumes: [data:/var/lib/postgresql/data, dumps:/dumps]
    healthcheck:
      test: pg_isready
      interval: 5s
      timeout: 2s
      retries: 4
      start_period: 1m
  migrate:
    image: acme/api:1
    command: migrate
    depends_on: {db: {condition: service_healthy}}
  api:
    image: acme/api:1
    healthcheck:
      test: curl -f localhost
    depends_on:
      migrate: {condition: service_completed_successfully}
      cache: {condition: service_started}
  web:
    image: acme/web:1
    depends_on: {api: {condition: service_healthy}}
    volumes: ["./uploads:/srv/uploads"]
  cache:
    image: redis:7
volumes:
  data:
  dumps:
"""


@pytest.fixture
def facts() -> InvocationFacts:
    return surveyed(COMPOSE).entries[0]


def test_start_times_follow_the_longest_path(facts: InvocationFacts) -> None:
    times = {each.service: each for each in start_times(facts)}
    assert (times["db"].latest, times["cache"].path) == (0.0, ())
    migrate, api, web = times["migrate"], times["api"], times["web"]
    assert (migrate.earliest, migrate.latest) == (5.0, 60.0 + 4 * (5.0 + 2.0))
    assert (api.latest, api.path, api.tasks) == (88.0, ("db", "migrate"), ("migrate",))
    assert (web.earliest, web.latest) == (5.0 + 30.0, 88.0 + 3 * (30.0 + 30.0))
    assert web.path == ("db", "migrate", "api")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1m30s", 90.0), ("500ms", 0.5), ("1.5h", 5400.0), ("", None), ("10", None), ("5 s", None)],
)
def test_durations(text: str, expected: float | None) -> None:
    assert seconds(text) == expected


def test_only_the_data_of_a_database_is_dumped(facts: InvocationFacts) -> None:
    found = {each.name: each for each in recoveries(facts)}
    assert found["data"].dump is not None
    assert "pg_dumpall" in found["data"].dump.save
    assert (found["dumps"].dump, found["dumps"].target) == (None, "/dumps")
    assert found["uploads"].service == "web"


def test_volumes_of_other_start_commands_are_backed_up_once() -> None:
    store = "services:\n  {0}:\n    image: {1}\n    volumes: [{2}]\nvolumes: {{{3}: }}\n"
    more = {
        "docker-compose.infra.yml": store.format("mongo", "mongo:7", "docs:/data/db", "docs"),
        "docker-compose.copy.yml": store.format(
            "db", "postgres:16", "data:/var/lib/postgresql/data", "data"
        ),
        "docker-compose.test.yml": store.format("my", "mysql:8.4", "my:/var/lib/mysql", "my"),
    }
    analysis = analysed(COMPOSE, more, entries=((MAIN,), *((name,) for name in more)))
    titles = [part.title for part in recovery(analysis).parts if "back up" in part.title]
    assert titles == [
        "data: back up, restore",
        "docs of `docker-compose.infra.yml`: back up, restore",
    ]


def test_a_phase_does_not_promise_guesses() -> None:
    analysis = analysed("services:\n  web: {image: acme/web:1}\n")
    found = tuple(
        replace(each, transform="add-logging" if n else "add-resource-limits", is_guess=not n)
        for n, each in enumerate(f for f in analysis.findings if f.transform)
    )
    text = str(phases(replace(analysis, findings=found)))
    assert "fix --unsafe --select add-logging`" in text
    assert "guesses of `composerefactor fix --unsafe --select add-resource-limits" in text
