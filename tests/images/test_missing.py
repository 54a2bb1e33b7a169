from __future__ import annotations

import pytest

from composerefactor.images.starters import (
    missing_hosts,
    missing_resources,
    missing_services,
    starter_for,
)
from support.models import stack_of

TEXT = """
services:
  app:
    image: a
    depends_on: [qdrant, db]
    links: ["mq:rabbit"]
    network_mode: "service:vpn"
    environment:
      - REDIS_URL=redis://redis:6379
      - POSTGRES_HOST=primary
      - BILLING_URL=http://billing:8080
      - PUBLIC_URL=https://shop.example.com
      - FEATURE_HOST=true
    volumes: [data:/d, "./x:/x", "C:\\\\x:/y", "${V}:/v", /anonymous]
    networks: [front, default]
  db: {image: postgres, volumes: [{type: volume, source: db-data, target: /d}]}
volumes: {db-data: {}}
"""


def test_services_and_resources() -> None:
    model = stack_of(TEXT)
    assert [m.name for m in missing_services(model)] == ["qdrant", "mq", "vpn"]
    assert [m.name for m in missing_resources(model, "volumes")] == ["data"]
    (network,) = missing_resources(model, "networks")
    assert (network.name, [name for name, _ in network.users]) == ("front", ["app"])


def test_hosts_and_what_they_are() -> None:
    found = missing_hosts(stack_of(TEXT))
    assert [(m.host, m.starter.id if m.starter else None, m.is_likely) for m in found] == [
        ("redis", "redis", True),
        ("primary", "postgres", True),
        ("billing", None, False),
    ]


def test_a_host_that_another_file_defines_is_not_missing() -> None:
    other = stack_of("services: {redis: {image: redis}}").files
    assert [m.host for m in missing_hosts(stack_of(TEXT), other)] == ["primary", "billing"]


def test_a_server_that_names_itself_misses_nothing() -> None:
    text = """
services:
  db: {image: "mariadb:11", environment: {MARIADB_HOST: shop}}
  copy: {image: "bitnami/mariadb:11", environment: {MARIADB_MASTER_HOST: first}}
"""
    assert [m.host for m in missing_hosts(stack_of(text))] == ["first"]


def test_what_only_a_shared_env_file_names_is_a_guess() -> None:
    text = "services: {a: {image: a, env_file: .env}, b: {image: b, env_file: .env}}"
    (found,) = missing_hosts(stack_of(text, files={".env": "REDIS_HOST=redis"}))
    assert (found.host, found.is_likely) == ("redis", False)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ({"scheme": "rediss", "host": "x"}, "redis"),
        ({"scheme": "postgresql+asyncpg", "host": "x"}, "postgres"),
        ({"scheme": "mongodb+srv", "host": "x"}, "mongo"),
        ({"scheme": "http", "host": "qdrant"}, "qdrant"),
        ({"host": "redis-cache"}, "redis"),
        ({"host": "orders-postgres-13"}, "postgres"),
        ({"host": "redis-exporter"}, None),
        ({"host": "kafka-ui"}, None),
        ({"host": "db"}, None),
        ({"host": "db", "variable": "QUEUE_MYSQL_HOST"}, "mysql"),
        ({"host": "db", "variable": "POSTGRES_DB_HOST"}, "postgres"),
        ({"host": "writer", "variable": "POSTGRES_WRITER_HTTP_HOST"}, None),
        ({"host": "db", "port": "5432"}, "postgres"),
        ({"host": "x", "port": "8080"}, None),
        ({"scheme": "amqp", "host": "nginx"}, None),
        ({}, None),
    ],
)
def test_what_is_meant(question: dict[str, str], expected: str | None) -> None:
    found = starter_for(**question)
    assert (found.id if found else None) == expected
