"""The report contains what people write about their projects by hand.

Five kinds of documents: the summary of a repair, the handbook of a project with a development
environment, an assessment with ratings and priorities, a deployment plan, and the plan of a move to
modules. For each there is a small project of its kind, and what a reader looks for.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from composerefactor.report.analysis.model import Table
from composerefactor.report.analysis.summary import sections
from support.analyses import MAIN, analysed

Files = Mapping[str, str]
Wanted = tuple[tuple[str, str], ...]
"""Section and text."""

REPAIR: tuple[str, Files, tuple[tuple[str, ...], ...], Wanted] = (
    """\
services:
  app:
    build: {context: ./app, dockerfile: Dockerfile}
    ports: ["3000:3000"]
    environment: [NODE_ENV=production, REDIS_URL=redis://redis:6379, QDRANT_HOST=qdrant]
    depends_on: [qdrant, redis]
    networks: [shop-network]
  qdrant:
    image: qdrant/qdrant:latest
    volumes: [qdrant_storage:/qdrant/storage]
    networks: [shop-network]
  nginx:
    image: nginx:alpine
    ports: ["80:80"]
    depends_on: [app]
    networks: [shop-network]
volumes: {qdrant_storage: {}}
""",
    {"app/Dockerfile": "FROM node:22-alpine\n"},
    ((MAIN,),),
    (
        ("priorities", "undefined-resource"),
        ("priorities", "undefined-service"),
        ("priorities", "missing-healthcheck"),
        ("priorities", "missing-memory-limit"),
        ("priorities", "unbounded-logs"),
        ("inventory", "vector database"),
        ("topology", "shop-network"),
        ("containers", "redis://redis:6379"),
        ("volumes", "qdrant_storage"),
        ("commands", "docker compose config --quiet"),
        ("checklist", 'Fix: app refers to undefined service "redis" (undefined-service)'),
        ("phases", "--select add-missing-services,declare-networks`"),
        ("phases", "by hand floating-tag (1)"),
        ("dependencies", "qdrant"),
        ("scaling", "app  after a change  host port 3000  nginx"),
        ("scaling", "host port 3000  a range of ports"),
        ("scaling", "qdrant  a cluster of three nodes"),
        ("scaling", "nginx  asks DNS once, at its start"),
        ("beyond", "One host: all 3 services"),
        ("beyond", "Nothing answers meanwhile for app, nginx"),
        ("beyond", "No port 443 is published"),
    ),
)
HANDBOOK = (
    """\
services:
  app:
    build: {context: ., dockerfile: Dockerfile}
    ports: ["3000:3000"]
    environment: {REDIS_URL: "redis://redis:6379"}
    depends_on: {redis: {condition: service_healthy}}
    volumes: [app_logs:/app/logs, ./public/models:/app/models:ro]
    healthcheck: {test: [CMD, wget, --spider, http://localhost:3000/api/health], interval: 30s}
  redis:
    image: redis:7-alpine
    ports: ["6381:6379"]
    volumes: [redis_data:/data]
    command: redis-server --requirepass ${REDIS_PASSWORD:-}
    healthcheck: {test: [CMD, redis-cli, ping]}
  qdrant:
    image: qdrant/qdrant:v1.13.0
    ports: ["6334:6333"]
    volumes: [vectors:/qdrant/storage]
  worker:
    image: acme/worker:1
    healthcheck: {test: [CMD, pgrep, -f, worker.js]}
volumes: {app_logs: {}, redis_data: {}, vectors: {}}
""",
    {
        "compose.dev.yaml": """\
services:
  app:
    build: {context: ., dockerfile: Dockerfile.dev}
    profiles: [dev]
    ports: ["3000:3000"]
    volumes: [.:/app]
""",
        "Dockerfile": "FROM node:22 AS build\nFROM node:22-alpine\nUSER node\n",
        "Dockerfile.dev": "FROM node:22\n",
    },
    ((MAIN,), ("compose.dev.yaml",)),
    (
        ("overview", "compose.dev.yaml"),
        ("inventory", "web frontend|application (Node.js) (profile dev)"),
        ("builds", "node:22 > node:22-alpine"),
        ("builds", "Dockerfile.dev"),
        ("topology", "a fixed one may clash"),
        ("health", "wget --spider http://localhost:3000/api/health"),
        ("volumes", "redis:/data"),
        ("volumes", "public/models"),
        ("ports", "6381"),
        ("variables", "REDIS_PASSWORD"),
        ("topology", "redis"),
        ("environments", "compose.dev.yaml"),
        ("commands", "docker compose -f compose.dev.yaml --profile dev up --build --detach"),
        ("commands", "xargs -n 1 docker scout cves"),
        ("troubleshooting", "http://localhost:6334/readyz"),
        ("troubleshooting", "docker compose exec worker pgrep -f worker.js"),
        ("recovery", "czf /backup/$FILE"),
        ("recovery", "docker compose ps $SERVICE"),
        ("troubleshooting", "docker stats --no-stream"),
        ("troubleshooting", "busybox ls -ldn $TARGET"),
        ("troubleshooting", "curl -ik -w '%{time_total} s' http://localhost:3000/api/health"),
        ("troubleshooting", "busybox ping -c 1 $OTHER"),
        ("priorities", "open-data-port"),
        ("scaling", "app  after a change  host port 3000, shared volume app_logs"),
        ("beyond", "only the network protects 1 connection"),
    ),
)
ASSESSMENT = (
    """\
services:
  api_server:
    build: ./api
    ports: ["${API_PORT:-2030}:2030"]
    environment: ["JWT_SECRET=${JWT_SECRET:-change-me-now}"]
    restart: unless-stopped
  ai_server:
    build: ./ai
    restart: unless-stopped
  redis:
    image: redis:7-alpine
    volumes: [redis_data:/data]
    restart: unless-stopped
volumes: {redis_data: {}}
""",
    {
        "api/Dockerfile": "FROM golang:1.24 AS build\nFROM alpine:3.20\nUSER appuser\n",
        "ai/Dockerfile": "FROM python:3.9-slim\nCOPY . .\nEXPOSE 9999\n",
        "ai/.env": "KEY=1\n",
    },
    ((MAIN,),),
    (
        ("rating", "Overall"),
        ("rating", "Security"),
        ("rating", "Reliability"),
        ("rating", "data store"),
        ("priorities", "secret-file-in-image"),
        ("priorities", "runs-as-root"),
        ("priorities", "missing-memory-limit"),
        ("priorities", "missing-dockerignore"),
        ("priorities", "default-secret"),
        ("builds", "golang:1.24 > alpine:3.20"),
        ("builds", "appuser"),
        ("builds", "No image is built from the root directory"),
        ("builds", "no  excellent"),
        ("builds", "no  poor (secret-file-in-image, runs-as-root, missing-dockerignore)"),
        ("inventory", "API (Go)"),
        ("inventory", "API (Python)"),
        ("health", "none"),
        ("resources", "api_server, ai_server, redis"),
        ("checklist", "create-env.first-start=true"),
    ),
)
DEPLOYMENT = (
    """\
services:
  postgres:
    image: postgres:15-alpine
    environment: {POSTGRES_PASSWORD: "${POSTGRES_PASSWORD:?}", POSTGRES_DB: "${POSTGRES_DB:-shop}"}
    ports: ["${POSTGRES_PORT:-5432}:5432"]
    volumes: [postgres_data:/var/lib/postgresql/data]
    healthcheck: {test: pg_isready, interval: 10s, timeout: 5s, retries: 5, start_period: 30s}
    deploy: {resources: {limits: {cpus: "2", memory: 2G}}}
    networks: [shop]
  backend:
    build: .
    environment: {DATABASE_URL: "postgres://shop:${POSTGRES_PASSWORD}@postgres/shop"}
    depends_on: {postgres: {condition: service_healthy}}
    volumes: [uploads_data:/app/uploads, logs_data:/app/logs]
    networks: [shop]
  frontend:
    build: ./frontend
    ports: ["1000:80"]
    depends_on: [backend]
    networks: [shop]
networks: {shop: {driver: bridge}}
volumes: {postgres_data: {}, uploads_data: {}, logs_data: {}}
""",
    {
        "Dockerfile": "FROM rust:1.80\n",
        "frontend/Dockerfile": "FROM node:22 AS b\nFROM nginx:1.27\n",
        ".env.example": "POSTGRES_PASSWORD=\n",
    },
    ((MAIN,),),
    (
        ("overview", "Services: 3 (2 applications, 1 data store)"),
        ("overview", "Images to build: 2, to pull: 1"),
        ("inventory", "needs a build"),
        ("inventory", "API (Rust)"),
        ("topology", "bridge"),
        ("volumes", "the database (postgres)"),
        ("volumes", "user files"),
        ("volumes", "logs"),
        ("dependencies", "postgres (healthy)"),
        ("dependencies", "3. frontend"),
        ("health", "pg_isready"),
        ("health", "30s"),
        ("builds", "rust:1.80"),
        ("variables", "MISSING, required (in .env.example)"),
        ("variables", "missing"),
        ("variables", "database that the first start creates (postgres)"),
        ("ports", "5432  all  postgres:5432"),
        ("resources", "2G"),
        ("resources", "backend, frontend"),
        ("checklist", "Create .env with random secrets: `composerefactor fix --select create-env "),
        ("beyond", "1 of 1 connections (backend -> postgres)"),
        ("resources", "minimum  2 GB  2  postgres 512M  backend 512M, frontend 256M"),
        ("resources", "recommended  4 GB  4  postgres 2G  backend 1G, frontend 512M"),
        ("startup", "backend  10 s to 105 s  -  postgres"),
        ("startup", "10 s to 105 s  postgres"),
        ("checklist", "Start Docker: `docker info`"),
        ("checklist", "better 4 GB of memory and 4 CPUs"),
        ("checklist", "disk space for 1 image, 2 builds, 3 volumes"),
        ("checklist", "shows 3 services as running, 1 of them as healthy"),
        ("checklist", "grep -iE 'error|fatal'"),
        ("checklist", "Set in .env (see .env.example): POSTGRES_PASSWORD"),
        ("checklist", ": 5432, 1000"),
        ("checklist", ": postgres_data, uploads_data"),
        ("commands", "http://localhost:1000"),
        ("troubleshooting", "docker compose top backend"),
        ("commands", "docker compose pull --ignore-buildable"),
        ("commands", "docker compose up --detach --wait"),
        ("commands", "docker image prune"),
        ("recovery", "0 3 * * * cd /path/to/project && docker compose exec -T postgres"),
        ("recovery", "docker run --detach --rm --name restore-test"),
        ("recovery", "tar tzf $FILE"),
        ("troubleshooting", "docker info"),
        ("troubleshooting", "docker ps --filter publish=$PORT"),
        ("troubleshooting", "Or set its variable in .env"),
        ("troubleshooting", "docker compose build --progress plain $SERVICE"),
    ),
)
_MOVE = """\
services:
  api:
    image: ghcr.io/acme/api:1
    environment: {NODE_ENV: %s, LOG_LEVEL: info, PORT: "4001"}
    depends_on: {mongodb: {condition: service_healthy}}
    restart: unless-stopped
    read_only: %s
    stop_grace_period: 30s
    init: true
    tty: false
    working_dir: /srv
    hostname: api
    domainname: example.com
    stdin_open: false
  mongodb:
    image: mongo:7.0
    volumes: [mongodb_data:/data/db]
    healthcheck: {test: [CMD, mongosh, --eval, ping]}
    restart: unless-stopped
    stop_grace_period: 60s
  grafana:
    image: grafana/grafana:10.2.0
    depends_on: [api]
volumes: {mongodb_data: {}}
"""
MOVE = (
    _MOVE % ("development", "false"),
    {"compose.production.yaml": _MOVE % ("production", "true")},
    ((MAIN,), ("compose.production.yaml",)),
    (
        ("overview", "compose.production.yaml"),
        ("environments", "repeat another file"),
        ("environments", "api: read_only: false in development, true in production"),
        ("environments", "api: environment.NODE_ENV: development in development, production in"),
        ("inventory", "applications: apps"),
        ("inventory", "data stores: database"),
        ("inventory", "infrastructure: monitoring"),
        ("dependencies", "mongodb (healthy)"),
        ("priorities", "repeated-services"),
        ("priorities", "split"),
        ("resources", "grafana"),
    ),
)
DOCUMENTS = {
    "repair": REPAIR,
    "handbook": HANDBOOK,
    "assessment": ASSESSMENT,
    "deployment": DEPLOYMENT,
    "move": MOVE,
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_report_holds_what_the_document_holds(kind: str) -> None:
    text, files, entries, wanted = DOCUMENTS[kind]
    found = {}
    for section in sections(analysed(text, files, entries=entries)):
        lines = [section.intro]
        for part in section.parts:
            lines.append(part.title)
            if isinstance(part, Table):
                lines += ["  ".join(row) for row in (part.columns, *part.rows)]
            else:
                lines += part.lines
        found[section.id] = "\n".join(lines)
    missing = [
        (section, words)
        for section, words in wanted
        if not any(each in found[section] for each in words.split("|"))
    ]
    assert missing == [], "\n".join(found[section] for section, _ in missing)
