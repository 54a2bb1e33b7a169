"""Facts that are read from the text."""

from __future__ import annotations

from composerefactor.analysis.facts.architecture import InvocationFacts
from support.analyses import MAIN, surveyed

STACK = """\
services:
  web:
    build: {context: ./web, target: run}
    ports: ["${WEB_PORT:-8080}:80", "127.0.0.1:9229:9229", "[::1]:53:53/udp"]
    depends_on:
      api: {condition: service_healthy}
    networks: [front, back]
    profiles: []
  api:
    image: ghcr.io/acme/api:${TAG}
    restart: unless-stopped
    user: "1000:1000"
    environment:
      DATABASE_URL: postgres://app:${DB_PASSWORD:?}@db/app
      LOG_LEVEL: ${LOG_LEVEL:-info}
    healthcheck:
      test: ["CMD-SHELL", "redis-cli -a hunter2-unlikely ping || exit 1"]
      interval: 10s
    depends_on: [db, migrate]
    networks: [back]
    deploy:
      replicas: 2
      resources:
        limits: {cpus: "0.5", memory: 512M}
        reservations: {memory: 256M}
  migrate:
    image: flyway/flyway:10
    command: migrate
    restart: "no"
    networks: [back]
  db:
    image: postgres:16-alpine
    volumes:
      - pgdata:/var/lib/postgresql/data
      - ./init:/docker-entrypoint-initdb.d:ro
      - ./uploads:/srv/uploads
      - /var/run/docker.sock:/var/run/docker.sock
    networks: [back]
    mem_limit: 1g
networks:
  front: {}
  back:
    driver: bridge
    internal: true
    ipam: {config: [{subnet: 172.20.0.0/16}]}
volumes:
  pgdata: {name: shop-pgdata}
  spare: {external: true}
"""
FILES = {
    "web/Dockerfile": "ARG V=22\nFROM node:$V AS build\nCOPY . .\nFROM build AS run\n"
    "EXPOSE 80\nUSER node\nHEALTHCHECK CMD node x.js\n",
    "web/.dockerignore": "node_modules\n",
    ".env": "TAG=3\nLOG_LEVEL=debug\nUNUSED=1\n",
    ".env.example": "TAG=\nDB_PASSWORD=\n",
}


def entry() -> InvocationFacts:
    return surveyed(STACK, FILES).entries[0]


def test_the_inventory() -> None:
    services = {each.name: each for each in entry().services}
    assert [
        (each.name, each.source, each.category, each.purpose, each.status)
        for each in services.values()
    ] == [
        ("web", "build web", "apps", "web frontend (Node.js)", "build"),
        ("api", "ghcr.io/acme/api:3", "apps", "API", "ready"),
        ("migrate", "flyway/flyway:10", "apps", "one-off task", "ready"),
        ("db", "postgres:16-alpine", "database", "database", "ready"),
    ]
    assert services["api"].written_image == "ghcr.io/acme/api:${TAG}"
    assert services["api"].restart == "unless-stopped"
    assert services["api"].user == "1000:1000"
    shown = {each.name: each.shown for each in services["api"].variables}
    assert shown["LOG_LEVEL"] == "debug"
    assert shown["DATABASE_URL"] == "postgres://app:@db/app"  # no value, so no secret


def test_ports_have_their_defaults() -> None:
    assert [(each.text, each.written, each.is_open) for each in entry().ports] == [
        ("8080:80", "${WEB_PORT:-8080}", True),
        ("127.0.0.1:9229:9229", "", False),
        ("::1:53:53/udp", "", False),
    ]


def test_ranges_are_taken_apart() -> None:
    text = (
        "services:\n  a:\n    image: nginx\n    ports: ['8000-8001:80-81', '9000-9010:90', '70']\n"
    )
    ports = surveyed(text).entries[0].ports
    assert [each.text for each in ports] == ["8000:80", "8001:81", "9000-9010:90", "70"]


def test_an_override_replaces_the_ports() -> None:
    text = "services:\n  a:\n    image: nginx\n    ports: ['80:80']\n"
    more = {"more.yaml": "services:\n  a:\n    ports: !override ['81:81']\n"}
    ports = surveyed(text, more, entries=((MAIN, "more.yaml"),)).entries[0].ports
    assert [each.text for each in ports] == ["81:81"]


def test_the_networks() -> None:
    networks = {each.name: each for each in entry().networks}
    assert networks["front"].members == ("web",)
    assert networks["back"].members == ("web", "api", "migrate", "db")
    assert networks["back"].subnets == ("172.20.0.0/16",)
    assert networks["back"].internal


def test_who_needs_whom() -> None:
    edges = {(each.caller, each.callee): each for each in entry().edges}
    assert edges["web", "api"].condition == "service_healthy"
    assert edges["api", "db"].kinds == ("depends_on", "url")
    assert edges["api", "db"].condition == "service_started"
    assert edges["api", "db"].is_declared


def test_start_order_and_tree() -> None:
    found = entry().dependencies
    assert found.steps == (("migrate", "db"), ("api",), ("web",))
    assert list(found.tree()) == [
        (0, "web", False),
        (1, "api", False),
        (2, "db", False),
        (2, "migrate", False),
    ]
    assert found.step_of("api") == 2


def test_a_cycle_has_no_step_and_ends_the_tree() -> None:
    text = (
        "services:\n  a: {image: x, depends_on: [b]}\n"
        "  b: {image: x, depends_on: [a]}\n  c: {image: x}\n"
    )
    found = surveyed(text).entries[0].dependencies
    assert found.cycles == (("a", "b", "a"),)
    assert found.step_of("a") is None
    assert [name for _, name, _ in found.tree()] == ["c", "a", "b", "a"]


def test_health_checks() -> None:
    health = {each.service: each for each in entry().health}
    assert health["web"].state == "in the image"
    assert health["api"].state == "written"
    assert health["api"].test == "redis-cli -a *** ping || exit 1"
    assert health["api"].program == "redis-cli"
    assert (health["api"].interval, health["api"].retries) == ("10s", "")
    assert health["migrate"].state == "not needed"
    assert health["db"].state == "missing"
    assert "pg_isready" in health["db"].proposal


def test_volumes_with_what_they_hold() -> None:
    volumes = {each.name: each for each in entry().volumes}
    assert volumes["pgdata"].content == "the database (postgres)"
    assert volumes["pgdata"].backup == "yes"
    assert volumes["pgdata"].full_name == "shop-pgdata"
    assert volumes["init"].backup == "no"
    assert volumes["uploads"].content == "user files"
    assert volumes["/var/run/docker.sock"].backup == "no"
    assert volumes["spare"].external
    assert volumes["spare"].mounts == ()


def test_what_is_mounted_is_called_by_its_place() -> None:
    text = """\
services:
  api:
    build: ./api
    volumes: [./api:/app, ./models:/app/models:ro, ./shop.db:/app/shop.db, ./data:/app/data]
  redis:
    image: redis:7
    volumes: [redis_config:/etc/redis]
  node-exporter:
    image: prom/node-exporter
    volumes: [/proc:/host/proc:ro]
  mongo:
    image: mongo:7
    volumes: [mongo_config:/data/configdb, mongo_dumps:/data/db/dumps]
  nginx:
    image: nginx
    volumes: [./nginx.conf:/etc/nginx/conf.d, ./log/log4j.yml:/app/log/log4j.yml:ro]
  alertmanager:
    image: prom/alertmanager
    volumes: [alerts:/alertmanager]
volumes: {redis_config: {}, mongo_config: {}, mongo_dumps: {}, alerts: {}}
"""
    volumes = {each.name: (each.content, each.backup) for each in surveyed(text).entries[0].volumes}
    assert volumes == {
        "api": ("configuration or source", "no"),
        "models": ("models", "no"),
        "shop.db": ("a database", "yes"),
        "data": ("data of api", "check"),
        "redis_config": ("settings", "optional"),
        "/proc": ("files of the host", "no"),
        "mongo_config": ("settings (mongo)", "optional"),
        "mongo_dumps": ("backups", "yes"),
        "nginx.conf": ("configuration or source", "no"),
        "log/log4j.yml": ("configuration or source", "no"),
        "alerts": ("silences and notifications (alertmanager)", "optional"),
    }


def test_a_variable_can_hold_a_whole_volume() -> None:
    text = """\
services:
  a:
    image: nginx
    volumes: ["${MOUNT:-./public:/app/public}", "${GONE}:/gone", {type: tmpfs, target: /t}]
"""
    mounts = surveyed(text).entries[0].services[0].mounts
    assert [(each.kind, each.source, each.target) for each in mounts] == [
        ("bind", "public", "/app/public"),
        ("other", "${GONE}", "/gone"),
        ("tmpfs", "", "/t"),
    ]


def test_variables_and_env_files() -> None:
    found = {each.name: each for each in entry().variables}
    assert found["TAG"].source == "env file"
    assert str(found["TAG"].set_at) == ".env:1"
    assert found["DB_PASSWORD"].source == "required"
    assert found["DB_PASSWORD"].is_secret
    assert found["DB_PASSWORD"].in_example == ".env.example"
    assert found["WEB_PORT"].defaults == ("8080",)
    assert found["WEB_PORT"].source == "default"
    assert found["LOG_LEVEL"].services == ("api",)
    (env,) = entry().env_files
    assert env.exists
    assert [name for name, _ in env.unused] == ["UNUSED"]
    assert env.missing == ("DB_PASSWORD",)


def test_resources_are_summed_over_replicas() -> None:
    totals = entry().totals
    assert totals.containers == 5
    assert totals.cpu_limit == 1.0
    assert totals.memory_limit == 2 * 512 * 1024**2 + 1024**3
    assert totals.memory_reserved == 2 * 256 * 1024**2
    assert totals.without_memory == ("web", "migrate")


def test_builds() -> None:
    (build,) = entry().builds
    assert (build.context, build.dockerfile, build.target) == ("web", "web/Dockerfile", "run")
    assert build.stages == ("node:22", "build (stage)")
    assert build.base == "node:22"
    assert str(build.base_location) == "web/Dockerfile:2"
    assert build.user == "node"
    assert not build.runs_as_root
    assert build.healthcheck == "yes"
    assert build.exposes == ("80",)
    assert build.ignore_file == "web/.dockerignore"
    assert str(build.copies_context) == "web/Dockerfile:3"


def test_limitations_are_listed() -> None:
    text = "services:\n  a:\n    build: ./a\n    env_file: [a.env]\n    environment: [X=$GONE]\n"
    assert surveyed(text).unresolved == (
        "a: env_file a.env does not exist; its variables are unknown",
        "not set, read as empty: GONE",
    )


def test_repetition_of_environments() -> None:
    body = "services:\n  web:\n    image: nginx:1.27\n    restart: always\n    user: {}\n"
    files = {"compose.prod.yaml": body.format("'2'")}
    found = surveyed(body.format("'1'"), files, entries=((MAIN,), ("compose.prod.yaml",)))
    (repetition,) = found.repetitions
    assert repetition.services == ("web",)
    assert (repetition.definitions, repetition.lines, repetition.repeated) == (2, 8, 3)
    assert repetition.differences == 1


def test_a_stopgap_has_to_be_replaced() -> None:
    text = """\
services:
  web:
    image: nginx:1.27
    environment:
      API_TOKEN: ${API_TOKEN:-x7Kq2mP9}
      DOMAIN: ${DOMAIN:-your-domain.com}
      LEVEL: ${LEVEL:-info}
      MAILER: ${MAILER}
"""
    example = "# Where users reach the shop\nDOMAIN=shop.example\n"
    found = {v.name: v for v in surveyed(text, {".env.example": example}).entries[0].variables}
    assert [name for name, each in found.items() if each.must_be_set] == [
        *("API_TOKEN", "DOMAIN", "MAILER")
    ]
    assert found["DOMAIN"].description == "Where users reach the shop"
