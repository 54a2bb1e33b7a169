"""A made-up project of 60 services, always the same."""

from __future__ import annotations

import random

SECRET = "hunter2-planted"
_STORES = (
    ("postgres-main", "postgres:16"),
    ("postgres-billing", "postgres:16"),
    ("redis-cache", "redis:7"),
    ("redis-queue", "redis:7"),
    ("mongo-catalog", "mongo:7"),
    ("rabbitmq", "rabbitmq:3.13-management"),
    ("kafka", "apache/kafka:3.7.0"),
    ("elasticsearch", "elasticsearch:8.13.0"),
    ("minio", "minio/minio"),
    ("clickhouse", "clickhouse/clickhouse-server:24"),
)
_APIS = (
    *("accounts", "billing", "catalog", "cart", "checkout", "orders", "payments", "shipping"),
    *("inventory", "pricing", "search", "reviews", "recommendations", "notifications", "email"),
    *("sms", "media", "reports", "audit", "identity", "sessions", "webhooks", "partners"),
    *("imports", "exports"),
)
_OBSERVABILITY = ("prometheus", "grafana", "loki", "promtail", "tempo", "alertmanager", "cadvisor")


def large_project() -> str:
    """Return its Compose file."""
    choose = random.Random(7)  # noqa: S311 - the same each time, no secret
    lines = ["services:"]

    def service(name: str, *body: str) -> None:
        lines.extend([f"  {name}:", *(f"    {line}" for line in body)])

    for name, image in _STORES:
        service(name, f"image: {image}", "networks: [data]", f"volumes: ['{name}:/data']")
    for number, name in enumerate(_APIS):
        needs = {choose.choice(_STORES)[0] for _ in range(3)}
        peer = _APIS[number - 1] if number else "audit"
        service(
            f"{name}-api",
            f"build: ./services/{name}",
            "networks: [app, data]",
            f"environment: {{DB_PASSWORD: {SECRET}-{name}, PEER: 'http://{peer}-api:8080'}}",
            "depends_on:",
            *(f"  {each}: {{condition: service_healthy}}" for each in sorted(needs)),
            "healthcheck: {test: [CMD, curl, -f, 'http://localhost:8080/health']}",
            *([f"ports: ['127.0.0.1:{8000 + number}:8080']"] if number % 3 == 0 else []),
        )
    for name in _APIS[:10]:
        service(
            f"{name}-worker",
            f"build: ./services/{name}",
            "networks: [data]",
            "depends_on: [rabbitmq]",
        )
    service(
        "migrate",
        "build: ./services/orders",
        "command: alembic upgrade head",
        "restart: 'no'",
        "networks: [data]",
    )
    for name in ("storefront", "admin", "portal"):
        service(name, f"build: ./web/{name}", "networks: [edge, app]", "depends_on: [cart-api]")
    service(
        "traefik",
        "image: traefik:v3.0",
        "ports: ['80:80', '443:443']",
        "networks: [edge]",
        "depends_on: [storefront, admin, portal]",
    )
    for name in _OBSERVABILITY:
        service(name, f"image: example/{name}:1", "networks: [observability]")
    for name in ("mailhog", "adminer", "kafka-ui"):
        service(name, f"image: {name}/{name}", "profiles: [debug]", "networks: [data]")
    networks = "{edge: {}, app: {}, data: {internal: true}, observability: {}}"
    volumes = ", ".join(f"{name}: {{}}" for name, _ in _STORES)
    return "\n".join([*lines, f"networks: {networks}", f"volumes: {{{volumes}}}"]) + "\n"
