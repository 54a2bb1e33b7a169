from __future__ import annotations

import pytest

from composerefactor.images.catalog import load_catalog
from composerefactor.images.entries import Condition, ImageUse, Truth, parse_tag
from composerefactor.images.lookup import HealthCheckChoice, NoHealthCheck, choose_check

CATALOG = load_catalog()


def use(
    image: str, *command: str, unread: tuple[str, ...] = (), **environment: str | None
) -> ImageUse:
    name, _, tag = image.partition(":")
    known = None if tag == "?" else parse_tag(tag)
    return ImageUse(
        name, known, {k.replace("__", "."): v for k, v in environment.items()}, unread, command
    )


@pytest.mark.parametrize(
    ("used", "published", "words"),
    [
        (use("postgres:16"), (), ("CMD-SHELL", "pg_isready")),
        (use("postgres:?"), (), ("CMD-SHELL", "pg_isready")),
        (use("postgres:16", "postgres", "-p", "5433"), (), ("CMD-SHELL", "-p 5433")),
        (use("mongo:7"), (), ("CMD-SHELL", 'mongosh --quiet --host "$$HOSTNAME"')),
        (use("mongo:4.4"), (), ("CMD-SHELL", 'mongo --quiet --host "$$HOSTNAME"')),
        (use("mongo", "mongod", "--port", "27018"), (), ("CMD-SHELL", "--port 27018")),
        (use("grafana/grafana", GF_SERVER_HTTP_PORT="80"), (), ("CMD-SHELL", "127.0.0.1:80/api")),
        (use("minio/minio", MINIO_ADDRESS=":9500"), (), ("CMD-SHELL", "127.0.0.1:9500/minio")),
        (use("temporalio/server:1.25", SERVICES="frontend:matching"), (), ("CMD-SHELL", ":7233")),
        (use("temporalio/server:1", FRONTEND_GRPC_PORT="7236"), (), ("CMD-SHELL", ":7236")),
        (use("grafana/promtail:2.9.0"), (), ("CMD", "bash")),
        (use("mariadb:10.3"), (), ("CMD", "mysqladmin")),
        (use("mariadb:11-jammy"), (), ("CMD", "mariadb-admin")),
        (use("redis:7", "redis-server", "--port", "6380"), (), ("CMD-SHELL", "-p 6380")),
        (use("redis:7", "redis-server", "--port=6379"), (), ("CMD-SHELL", "redis-cli ping")),
        (use("redis:7", "redis-sentinel", "/s.conf"), (), ("CMD-SHELL", "redis-cli -p 26379 ping")),
        (use("valkey/valkey:8", "/s.conf", "--sentinel"), (), ("CMD-SHELL", "-p 26379")),
        (use("memcached:1.6"), (), ("CMD", "bash")),
        (use("memcached:1.6-alpine", "memcached", "-S"), (), ("CMD", "nc -z 127.0.0.1 11211")),
        (use("nats:2-alpine"), (), ("CMD", "nc")),
        (use("nats:alpine", "-js", "-m", "8222"), (), ("CMD", "wget")),
        (use("nginx:1.27"), ("8080",), ("CMD", "/dev/tcp/127.0.0.1/8080")),
        (use("nginx:1.27"), ("80", "8080"), ("CMD", "http://127.0.0.1:80/")),
        (use("nginx:1.27-alpine"), ("443",), ("CMD", "443")),
        (use("nginx:1.14"), (), ("CMD", "bash")),
        (use("traefik:v3", "--ping=true"), (), ("CMD", "healthcheck")),
        (use("traefik:v3"), ("443",), ("CMD", "443")),
        (use("traefik:v3"), ("8080", "${HTTP:-80}"), ("CMD", "127.0.0.1 ${HTTP:-80}")),
        (use("traefik:v3", "--entryPoints.a.address=:81"), ("8080",), ("CMD", "127.0.0.1 81")),
        (use("prom/prometheus:v2.50.1", "--web.listen-address=:9091"), (), ("CMD", "http://127.0.0.1:9091/-/healthy")),
        (use("prom/prometheus:v3-distroless"), (), ("CMD", "promtool")),
        (use("grafana/loki:3.7.0"), (), ("CMD", "-health")),
        (use("grafana/loki:2.9.0"), (), ("CMD-SHELL", "wget")),
        (use("apache/kafka:3.9", KAFKA_LISTENERS="PLAINTEXT://:9092"), (), ("CMD-SHELL", ":9092")),
        (use("elasticsearch:7.17"), (), ("CMD-SHELL", "_cluster/health")),
        (use("elasticsearch:8.1"), (), ("CMD-SHELL", "missing authentication")),
        (use("elasticsearch:8.1", xpack__security__enabled="false"), (), ("CMD-SHELL", "_cluster")),
        (use("elasticsearch:?"), (), ("CMD-SHELL", "missing authentication")),
        (use("keycloak/keycloak:26", KC_HEALTH_ENABLED="true"), (), ("CMD-SHELL", "9000")),
        (use("keycloak/keycloak:24", KC_HEALTH_ENABLED="true"), (), ("CMD-SHELL", "/8080")),
        (use("keycloak/keycloak:24", unread=(".env",)), (), ("CMD", "bash")),
        (use("apache/airflow:2.9", "celery", "worker"), (), ("CMD-SHELL", "inspect ping")),
    ],
)  # fmt: skip
def test_choice(used: ImageUse, published: tuple[str, ...], words: tuple[str, str]) -> None:
    entry = CATALOG.match(used.repository)
    assert entry is not None
    found = choose_check(entry, used, published)
    assert isinstance(found, HealthCheckChoice), found
    assert found.test[0] == words[0]
    assert words[1] in " ".join(found.test)
    assert "PORT" not in " ".join(found.test)


@pytest.mark.parametrize(
    ("used", "reason", "remedy"),
    [
        (use("mongo:?"), "depends on the tag of the image", ""),
        (use("grafana/loki:3.6.1"), "no program in the image", "version 3.6.4"),
        (use("nats:2"), "no program in the image", "-alpine"),
        (use("prom/prometheus", "--web.route-prefix=/metrics"), "below --web.route-prefix", ""),
        (use("apache/kafka", KAFKA_LISTENERS="PLAINTEXT://:29092"), "cannot pass", "9092"),
        (use("apache/kafka", unread=("kafka.env",)), "kafka.env is missing", "KAFKA_LISTENERS"),
        (use("otel/opentelemetry-collector"), "no program in the image", ""),
    ],
)  # fmt: skip
def test_no_choice(used: ImageUse, reason: str, remedy: str) -> None:
    entry = CATALOG.match(used.repository)
    assert entry is not None
    found = choose_check(entry, used)
    assert isinstance(found, NoHealthCheck), found
    assert reason in found.reason
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        (Condition(), Truth.YES),
        (Condition(names=("other",)), Truth.NO),
        (Condition(tag="<3", flavours=("alpine",)), Truth.YES),
        (Condition(tag="<3", flavours=("debian",)), Truth.NO),
        (Condition(environment={"A": "*"}), Truth.YES),
        (Condition(environment={"A": "x*"}), Truth.YES),
        (Condition(environment={"A": None}), Truth.NO),
        (Condition(environment={"B": "1"}), Truth.UNKNOWN),
        (Condition(environment={"C": None}), Truth.UNKNOWN),
        (Condition(environment={"C": None}, command=("none",)), Truth.NO),
        (Condition(command=("--p*", "serve")), Truth.YES),
        (Condition(moved=True), Truth.NO),
    ],
)
def test_condition(condition: Condition, truth: Truth) -> None:
    used = use("img:2-alpine", "serve", "--port", A="xy", B=None, unread=("a.env",))
    assert condition.holds(used) is truth
    if truth is not Truth.NO:
        assert bool(condition.unknowns(used)) is (truth is Truth.UNKNOWN)
