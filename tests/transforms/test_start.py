"""What a new service or volume needs from those that are there."""

from __future__ import annotations

import pytest

from composerefactor.compose.resources import (
    destination_file,
    is_mounted,
    mount_targets,
    networks_of,
    networks_to_reach,
    unshared_body,
    volume_name,
)
from composerefactor.images.catalog import load_catalog
from composerefactor.images.connections import host_mentions
from composerefactor.images.lookup import data_paths
from composerefactor.images.starters import starters
from composerefactor.transforms._start import Login, NewService, find_login, new_service
from support.models import stack_of

LOGINS = [
    (["URL=postgresql://app:pw@db:5432/shop?x=1"], Login("app", "pw", "shop")),
    (["URL=postgresql://app:p%40w@db/shop"], Login("app", "p@w", "shop")),
    (["URL=redis://:${PW:-x}@db/0"], Login("", "${PW:-x}", "0")),
    (["URL=${URL:-mysql://${U}:${P}@db/${D}}"], Login("${U}", "${P}", "${D}")),
    (
        ["DB_HOST=db", "DB_USER=app", "DB_PASSWORD=$PW", "DB_NAME=shop", "MQ_USER=x"],
        Login("app", "$PW", "shop"),
    ),
    (["PG_DB_HOST=db", "PG_DB_USERNAME=a", "PG_DB_PASS=b"], Login("a", "b", "")),
    (["HOST=db", "USER=me", "PASSWORD=x"], Login()),
    (["URL=postgresql://app:pw@other/shop", "DB_HOST=db"], Login()),
]


@pytest.mark.parametrize(("variables", "expected"), LOGINS)
def test_login(variables: list[str], expected: Login) -> None:
    text = f"services: {{app: {{image: a, environment: {variables}}}}}"
    model = stack_of(text)
    found = find_login(model, [m for m in host_mentions(model) if m.mention.host == "db"])
    assert found == expected


def test_no_login_is_shown() -> None:
    assert "pw" not in repr(Login("app", "pw", "shop"))


NETWORKS = """
services:
  a: {image: a, networks: [x, y]}
  b: {image: a, networks: {y: {}, z: null}}
  c: {image: a}
  d: {image: a, network_mode: "service:b"}
  e: {image: a, network_mode: host}
  f: {image: a, network_mode: "service:f"}
"""


def test_networks() -> None:
    model = stack_of(NETWORKS)
    assert {name: networks_of(model, name) for name in model.services} == {
        "a": ["x", "y"],
        "b": ["y", "z"],
        "c": ["default"],
        "d": ["y", "z"],
        "e": None,
        "f": None,
    }
    assert networks_to_reach(model, ["a", "d"]) == ["y"]
    assert networks_to_reach(model, ["a", "c", "e"]) == ["x", "default"]
    assert networks_to_reach(model, ["e"]) == []


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("postgres:16-alpine", ["/var/lib/postgresql/data"]),
        ("postgres:18", ["/var/lib/postgresql"]),
        ("postgres", ["/var/lib/postgresql"]),
        ("postgres@sha256:abc", None),
        ("timescale/timescaledb:latest-pg16", ["/var/lib/postgresql/data"]),
        ("mongo:7", ["/data/db"]),
        ("getmeili/meilisearch:v0.25.2", ["/data.ms"]),
        ("memcached:1", []),
        ("acme/unknown", []),
    ],
)
def test_where_images_keep_data(image: str, expected: list[str] | None) -> None:
    found = data_paths(image, load_catalog())
    assert (None if found is None else [path.path for path in found]) == expected


def test_mounts() -> None:
    text = """
services:
  db:
    image: a
    volumes: ["data:/var/lib/db/", {type: bind, source: ./x, target: /y}]
    tmpfs: "/t:size=1m"
"""
    model = stack_of(text, "services: {db: {volumes: ['${WHERE:-/z}']}}")
    targets = list(mount_targets(model.services["db"]))
    assert targets == ["/var/lib/db", "/y", "/z", "/t"]
    assert is_mounted(targets, "/var/lib/db")
    assert is_mounted(targets, "/var/lib/db/data")
    assert is_mounted(targets, "/var/lib")
    assert not is_mounted(targets, "/var/lib/dba")


def test_volume_names_follow_the_project() -> None:
    known = {"web-files", "mail-box"}
    assert volume_name("user_db", "/data", known) == "user-db-data"
    assert volume_name("user_db", "/data/logs", known) == "user-db-logs"
    assert volume_name("user_db", "/more/logs", known) == "user-db-data-2"
    assert volume_name("user-db", "/data", set()) == "user_db_data"


def test_homes() -> None:
    model = stack_of(
        "services: {a: &a {image: a}, b: *a, c: {image: a}}",
        "services: {c: {image: b}, d: {extends: {file: base.yaml, service: d}}}",
        files={"base.yaml": "services: {d: {image: d, networks: [n]}}"},
    )
    c, d = model.services["c"], model.services["d"]
    assert destination_file(model, [("c", each) for each in c.definitions]).path == "compose.yaml"
    assert destination_file(model, [("c", c.definitions[1])]).path == "0.yaml"
    assert destination_file(model, [("d", d.definitions[0])]).path == "0.yaml"
    assert [each.file.path for each in d.own_definitions] == ["0.yaml"]
    base = model.files[0]
    assert [unshared_body(base, name) is not None for name in "abcx"] == [False, False, True, False]


def start(id_: str, found: Login, taken: dict[str, str] | None = None) -> NewService:
    starter = next(each for each in starters() if each.id == id_)
    return new_service(
        starter, starter.image, "my-db", found, {}, [], "", taken or {}, load_catalog()
    )


@pytest.mark.parametrize(
    ("id_", "found", "environment"),
    [
        (
            "postgres",
            Login("app", "${PW}", "shop"),
            {"POSTGRES_USER": "app", "POSTGRES_PASSWORD": "${PW}", "POSTGRES_DB": "shop"},
        ),
        ("postgres", Login(), {"POSTGRES_PASSWORD": "${POSTGRES_PASSWORD:?set it in .env}"}),
        (
            "mysql",
            Login("root", "made-up", "shop"),
            {
                "MYSQL_ROOT_PASSWORD": "${MYSQL_ROOT_PASSWORD:?set it in .env}",
                "MYSQL_DATABASE": "shop",
            },
        ),
        (
            "mariadb",
            Login("app", "${PW}", "shop"),
            {
                "MARIADB_RANDOM_ROOT_PASSWORD": "yes",
                "MARIADB_USER": "app",
                "MARIADB_PASSWORD": "${PW}",
                "MARIADB_DATABASE": "shop",
            },
        ),
        ("mysql", Login(), {"MYSQL_ROOT_PASSWORD": "${MYSQL_ROOT_PASSWORD:?set it in .env}"}),
        ("mongo", Login("", "", "shop"), None),
        ("rabbitmq", Login("guest", "guest", ""), None),
        (
            "rabbitmq",
            Login("me", "${P:-made-up}", ""),
            {"RABBITMQ_DEFAULT_USER": "me", "RABBITMQ_DEFAULT_PASS": "${P:?set it in .env}"},
        ),
        ("neo4j", Login("neo4j", "${P}", ""), {"NEO4J_AUTH": "neo4j/${P}"}),
    ],
)
def test_environment(id_: str, found: Login, environment: dict[str, str] | None) -> None:
    body = start(id_, found).body
    assert body.get("environment") == environment
    assert "made-up" not in repr(body)


def test_a_variable_that_has_another_value_is_not_taken() -> None:
    (required,) = start("postgres", Login("", "made-up"), {"POSTGRES_PASSWORD": "x"}).requires
    assert (required.name, required.value) == ("MY_DB_POSTGRES_PASSWORD", "made-up")


def test_a_password_for_a_command() -> None:
    body = start("redis", Login("", "${REDIS_PASSWORD}")).body
    assert body["command"] == "redis-server --requirepass ${REDIS_PASSWORD}"
    assert "NOAUTH" in repr(body["healthcheck"])
