"""Start-up time and recovery."""

from __future__ import annotations

import pytest

from composerefactor.analysis.facts.architecture import InvocationFacts
from composerefactor.analysis.facts.recovery import recoveries
from composerefactor.analysis.facts.startup import seconds, start_times
from support.analyses import surveyed

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
