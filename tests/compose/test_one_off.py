from __future__ import annotations

import pytest

from composerefactor.compose.one_off import one_off
from support.models import stack_of

ENDS = [
    '{image: a, restart: "no", command: alembic upgrade head}',
    "{image: flyway/flyway, restart: on-failure}",
    "{image: a, command: [npx, prisma, migrate, deploy], restart: 'no'}",
    "{image: minio/mc, entrypoint: sh -c 'mc alias set m http://m && mc mb m/b'}",
    '{build: ., entrypoint: ["true"]}',
    "{build: ., command: /bin/true}",
    "{image: a, entrypoint: python manage.py}",
    '{build: ., entrypoint: ["php", "artisan"]}',
    "{build: ., command: echo built}",
    "{build: ., entrypoint: [sh, -c, exit 0]}",
    "{build: ., command: bash, tty: false}",
]
LASTS = [
    "{image: a}",
    '{image: a, restart: "no"}',
    "{image: a, restart: always, command: alembic upgrade head}",
    '{image: a, restart: "no", command: "alembic upgrade head && exec gunicorn app"}',
    '{image: flyway/flyway, restart: "no", ports: ["1:1"]}',
    '{image: a, restart: "no", command: npm start}',
    '{image: a, entrypoint: /start.sh, command: "true"}',
    '{image: a, entrypoint: [sh, -c, "echo start; exec app"]}',
    "{image: a, command: truestory}",
    "{image: a, entrypoint: python manage.py, command: runserver}",
    "{build: ., command: bash, tty: true}",
]


@pytest.mark.parametrize("body", ENDS)
def test_one_off_services(body: str) -> None:
    found = one_off(stack_of(f"services:\n  job: {body}\n"), "job")
    assert found is not None
    assert not found.is_certain
    assert all(at.line == 2 for _, at in found.reasons)


@pytest.mark.parametrize("body", LASTS)
def test_services_that_keep_running(body: str) -> None:
    assert one_off(stack_of(f"services:\n  job: {body}\n"), "job") is None


def test_reasons() -> None:
    text = "services: {db-migrate: {image: a, command: rake db:migrate}}"
    found = one_off(stack_of(text), "db-migrate")
    assert found is not None
    assert [words for words, _ in found.reasons] == [
        "name db-migrate",
        "command db:migrate",
    ]


def test_another_service_waits_for_completion() -> None:
    text = """
services:
  x: {image: a, restart: always}
  app:
    image: a
    depends_on:
      x: {condition: service_completed_successfully}
"""
    found = one_off(stack_of(text), "x")
    assert found is not None
    assert found.is_certain
    assert [str(at) for _, at in found.reasons] == ["compose.yaml:7"]
