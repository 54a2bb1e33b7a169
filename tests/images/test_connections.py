from __future__ import annotations

import itertools

from composerefactor.compose.dependencies import cycles, dependencies, start_order
from composerefactor.images.connections import connections
from support.models import stack_of

SHOP = """
services:
  web:
    image: nginx
    depends_on: [api]
  api:
    build: .
    environment:
      - DATABASE_URL=postgresql://app:${PW}@pg:5432/app
      - CACHE_HOST=store
      - DB_TYPE=mail
    links: ["search:index"]
    command: ["./wait", "index:9200", "--mail-host", "mail"]
  db: {image: postgres, container_name: pg}
  cache:
    image: redis
    networks: {back: {aliases: [store]}}
  search: {image: elasticsearch, hostname: elastic}
  mail: {image: axllent/mailpit, network_mode: "service:web"}
  logs: {image: busybox, volumes_from: ["db:ro", "container:other"]}
networks: {back: {}}
"""


def pairs(*args: str, files: dict[str, str] | None = None) -> dict[str, list[str]]:
    found = connections(stack_of(*args, files=files))
    return {f"{c.caller} {c.callee}": [str(hint) for hint in c.hints] for c in found}


def test_every_kind() -> None:
    assert pairs(SHOP) == {
        "web api": ["compose.yaml:5: depends_on"],
        "api db": ["compose.yaml:9: DATABASE_URL: postgresql://pg:5432"],
        "api cache": ["compose.yaml:10: CACHE_HOST: store"],
        "api search": ["compose.yaml:12: links", "compose.yaml:13: command: index:9200"],
        "api mail": ["compose.yaml:13: command: mail"],
        "mail web": ["compose.yaml:19: network_mode: service:web"],
        "logs db": ["compose.yaml:20: volumes_from"],
    }


def test_a_dependency_named_by_a_variable() -> None:
    text = """
services:
  app: {image: a, depends_on: ["${DATABASE:-db}"]}
  db: {image: postgres}
"""
    assert pairs(text) == {"app db": ["compose.yaml:3: depends_on"]}


def test_only_some_need_a_network() -> None:
    found = connections(stack_of(SHOP))
    assert {f"{c.caller} {c.callee}" for c in found if not c.needs_network} == {
        "mail web",
        "logs db",
    }


def test_an_override_replaces_a_variable() -> None:
    base = """
services:
  app: {image: a, environment: {DB_HOST: db, CACHE_HOST: cache}}
  db: {image: postgres}
  cache: {image: redis}
"""
    override = """
services:
  app:
    environment: [DB_HOST=db.example.com]
    depends_on: {cache: {condition: service_healthy}}
"""
    assert pairs(base, override) == {
        "app cache": ["0.yaml:5: depends_on", "compose.yaml:3: CACHE_HOST: cache"]
    }


def test_env_files_extends_and_includes() -> None:
    text = """
include: [more.yaml]
services:
  app:
    extends: {file: base.yaml, service: base}
    env_file: [app.env]
    environment: [QUEUE_URL]
"""
    found = pairs(
        text,
        files={
            "base.yaml": "services: {base: {image: a, environment: {DB_HOST: db}}}",
            "more.yaml": "services: {db: {image: pg}, redis: {image: redis}, mq: {image: rabbit}}",
            "app.env": "# redis\nREDIS_URL='redis://redis:6379' # cache\n",
            ".env": "QUEUE_URL=amqp://u:p@mq:5672\n",
        },
    )
    assert found == {
        "app db": ["base.yaml:1: DB_HOST: db"],
        "app redis": ["app.env:2: REDIS_URL: redis://redis:6379"],
        "app mq": ["compose.yaml:7: QUEUE_URL: amqp://mq:5672"],
    }


def test_merge_keys_and_names_that_compose_gives() -> None:
    text = """
x-env: &env {REDIS: "shop_redis_1:6379"}
services:
  app: {image: a, environment: {<<: *env, SELF_URL: "http://app:80"}}
  redis: {image: redis}
"""
    assert list(pairs(text)) == ["app redis"]


def test_names_that_the_caller_has_from_elsewhere() -> None:
    text = """
services:
  app:
    image: a
    environment: {DB_HOST: db, MQ_HOST: mq}
    extra_hosts: ["db:10.0.0.1"]
    external_links: ["x:mq"]
  db: {image: postgres}
  mq: {image: rabbitmq}
"""
    assert pairs(text) == {}


def test_a_shared_env_file_says_nothing_on_a_data_store() -> None:
    text = """
services:
  app: {image: a, env_file: all.env}
  db: {image: postgres, env_file: all.env}
  redis: {image: redis}
"""
    assert list(pairs(text, files={"all.env": "REDIS_HOST=redis\n"})) == ["app redis"]


def test_proxies_that_discover() -> None:
    text = """
services:
  traefik: {image: "traefik:v3"}
  web: {image: a, labels: ["traefik.http.routers.web.rule=Host(`a`)"]}
  off: {image: a, labels: {traefik.enable: "false", traefik.http.x: y}}
  proxy: {image: nginxproxy/nginx-proxy}
  site: {image: a, environment: [VIRTUAL_HOST=example.com]}
"""
    assert list(pairs(text)) == ["traefik web", "proxy site"]


def test_start_order_and_cycles() -> None:
    needed = dependencies(stack_of(SHOP))
    assert needed["logs"] == ["db"]
    assert start_order(needed) == [["db", "cache", "search"], ["api", "logs"], ["web"], ["mail"]]
    assert cycles(needed) == []


def test_a_cycle_is_named_and_kept_out_of_the_order() -> None:
    needed = {"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"], "e": ["e"], "f": []}
    found = cycles(needed)
    assert {frozenset(cycle) for cycle in found} == {frozenset("abc"), frozenset("e")}
    for cycle in found:
        assert cycle[0] == cycle[-1]
        assert all(after in needed[name] for name, after in itertools.pairwise(cycle))
    assert start_order(needed) == [["f"]]
