from __future__ import annotations

import pytest

from composerefactor.images.catalog import load_catalog
from composerefactor.images.entries import DataPath, Secret

CATALOG = load_catalog()


@pytest.mark.parametrize(
    ("image", "category"),
    [
        ("nginx:1.27-alpine", "proxy"),
        ("docker.io/library/traefik:v3", "proxy"),
        ("caddy", "proxy"),
        ("haproxy:2.9", "proxy"),
        ("envoyproxy/envoy:v1.30", "proxy"),
        ("certbot/certbot", "proxy"),
        ("bitnami/nginx", "proxy"),
        ("registry.example.com/shop/my-nginx:3", "proxy"),
        ("prom/prometheus", "monitoring"),
        ("quay.io/prometheus/node-exporter:v1.8.0", "monitoring"),
        ("gcr.io/cadvisor/cadvisor", "monitoring"),
        ("prom/alertmanager:v0.27.0", "monitoring"),
        ("oliver006/redis_exporter", "monitoring"),
        ("acme/nginx-exporter", "monitoring"),
        ("acme/queue_exporter:2", "monitoring"),
        ("acme/exporter:2", "application"),
        ("${REGISTRY:-docker.io}/grafana/grafana:${GRAFANA_VERSION}", "monitoring"),
        ("grafana/loki:3.0.0", "logging"),
        ("grafana/promtail", "logging"),
        ("fluent/fluentd:v1.16", "logging"),
        ("docker.elastic.co/beats/filebeat:8.14.0", "logging"),
        ("logstash:8.14.0", "logging"),
        ("kibana:8.14.0", "logging"),
        ("timberio/vector:0.39.0-alpine", "logging"),
        ("jaegertracing/all-in-one", "tracing"),
        ("grafana/tempo", "tracing"),
        ("otel/opentelemetry-collector-contrib", "tracing"),
        ("islandora/blazegraph:${TAG}", "database"),
        ("oceanbase/oceanbase-ce:4.4", "database"),
        ("infiniflow/infinity:v0.7", "vector-db"),
        ("mailhog/mailhog", "tools"),
        ("axllent/mailpit", "tools"),
        ("adminer", "tools"),
        ("dpage/pgadmin4", "tools"),
        ("provectuslabs/kafka-ui:latest", "tools"),
        ("portainer/portainer-ce", "tools"),
        ("containrrr/watchtower", "tools"),
        ("postgres:16", "database"),
        ("arm64v8/postgres", "database"),
        ("mcr.microsoft.com/mssql/server:2022-latest", "database"),
        ("redis/redis-stack", "cache"),
        ("bitnami/redis", "cache"),
        ("rabbitmq:3-management", "queue"),
        ("confluentinc/cp-schema-registry", "queue"),
        ("docker.elastic.co/elasticsearch/elasticsearch:8.14.0", "search"),
        ("qdrant/qdrant", "vector-db"),
        ("minio/minio", "storage"),
        ("mcr.microsoft.com/azure-storage/azurite", "emulator"),
        ("quay.io/keycloak/keycloak", "auth"),
        ("ollama/ollama", "ai"),
        ("wordpress:6", "application"),
        ("acme/api", None),
        ("ghcr.io/acme/gateway:1", None),
        ("node:22", None),
        ("${IMAGE}", None),
        ("", None),
    ],
)
def test_category(image: str, category: str | None) -> None:
    assert CATALOG.category(image) == category


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("nginx", "proxy"),
        ("Nginx", "proxy"),
        ("shop_nginx_2", "proxy"),
        ("reverse-proxy", "proxy"),
        ("traefik", "proxy"),
        ("prometheus", "monitoring"),
        ("nginx-exporter", "monitoring"),
        ("postgres_exporter", "monitoring"),
        ("promtail", "logging"),
        ("fluentd", "logging"),
        ("otel-collector", "tracing"),
        ("mailhog", "tools"),
        ("kafka-ui", "tools"),
        ("db", "database"),
        ("orders-db", "database"),
        ("redis2", "cache"),
        ("redis-1", "cache"),
        ("s3", "storage"),
        ("postgres-primary", "database"),
        ("redis_replica-2", "cache"),
        ("order-replica", None),
        ("api", None),
        ("web", None),
        ("mcp-server", "ai"),
        ("rag_worker", "ai"),
        ("api-gateway", None),
        ("queue", None),
        ("vector", None),
        ("worker", None),
        ("7", None),
        ("", None),
        ("app-no-db", None),
        ("web_without_redis", None),
    ],
)
def test_category_of_name(name: str, category: str | None) -> None:
    assert CATALOG.category_of_name(name) == category


def test_match_returns_the_entry() -> None:
    entry = CATALOG.match("docker.io/library/postgres:16")
    assert entry is not None
    assert (entry.id, entry.category, entry.ports) == ("postgres", "database", (5432,))
    path = DataPath("/var/lib/postgresql/data", versions="<18", variable="PGDATA", own_volume=True)
    assert entry.data[0] == path
    secret = Secret("POSTGRES_PASSWORD", True, "POSTGRES_PASSWORD_FILE", change="ALTER USER")  # noqa: FBT003
    assert entry.secrets == (secret,)
    assert entry.healthcheck is not None
    assert entry.healthcheck.test[0] == "CMD-SHELL"
    assert "$${POSTGRES_USER:-postgres}" in entry.healthcheck.test[1]
    assert (entry.times.interval, entry.times.retries) == ("10s", 5)


def test_match_knows_other_names_of_secret_files() -> None:
    entry = CATALOG.match("grafana/grafana:11.1.0")
    assert entry is not None
    assert entry.secrets[0].file_name == "GF_SECURITY_ADMIN_PASSWORD__FILE"


def test_match_knows_where_no_check_can_run() -> None:
    entry = CATALOG.match("grafana/loki")
    assert entry is not None
    assert entry.healthcheck is None
    assert entry.has["sh"] is False


def test_match_leaves_out_the_tags_of_command_line_tools() -> None:
    assert CATALOG.match("wordpress:6.8-fpm") is not None
    assert CATALOG.match("wordpress:cli") is None
    assert CATALOG.match("docker.io/library/wordpress:cli-2.12-php8.3") is None


def test_match_takes_only_the_same_image() -> None:
    assert CATALOG.match("registry.example.com/hub/library/postgres:16") is not None
    assert CATALOG.match("acme/postgres:16") is None
    assert CATALOG.match("${IMAGE}") is None


def test_entries_are_complete() -> None:
    for entry in CATALOG.entries:
        assert entry.names
        assert entry.category in CATALOG.categories
        assert entry.verified in {"run", "dockerfile", "docs", "issue", "practice", "unverified"}
        assert all(CATALOG.category(name) == entry.category for name in entry.names)
        commands = [variant.test for variant in entry.variants]
        commands += [entry.healthcheck.test] if entry.healthcheck else []
        for command in commands:
            assert command is None or command[0] in {"CMD", "CMD-SHELL"}
            assert command is None or command[0] == "CMD" or len(command) == 2


def test_sections_of_categories() -> None:
    sections = {name: category.section for name, category in CATALOG.categories.items()}
    infrastructure = {name for name, section in sections.items() if section == "infrastructure"}
    assert infrastructure == {"proxy", "monitoring", "logging", "tracing", "tools"}


def test_catalog_is_read_once() -> None:
    assert load_catalog() is CATALOG
