# ruff: noqa: E501 - a row of a table is one line
"""The health check for a service, from its Compose file, its Dockerfile and its source."""

from __future__ import annotations

import pytest

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import load_project
from composerefactor.compose.services import start_model
from composerefactor.images.catalog import Catalog, load_catalog
from composerefactor.images.health.built import (
    Answer,
    NoCheckNeeded,
    NoPossibleCheck,
    ProposedCheck,
)
from composerefactor.images.health.check import healthcheck_for, reports_health
from composerefactor.images.health.usage import usage
from composerefactor.planning.settings import load_settings
from support.memory import Memory


def check_of(
    service: str,
    dockerfile: str | None = None,
    files: dict[str, str] | None = None,
    catalog: Catalog | None = None,
) -> Answer:
    """Return the health check of the service ``app``, whose body is *service*, a flow mapping."""
    texts = {"compose.yaml": f"services:\n  app: {service}\n", **(files or {})}
    if dockerfile is not None:
        texts["Dockerfile"] = dockerfile
    entry = Invocation(("compose.yaml",))
    project = load_project([entry], Library(Memory(texts)))
    assert not project.errors, project.errors
    of = start_model(project, entry)
    use = usage(project, of, of.services["app"])
    return healthcheck_for(project, of, use, catalog or load_catalog())


@pytest.mark.parametrize(
    ("service", "dockerfile", "words"),
    [
        ("{image: 'grafana/grafana:12.0.0', volumes: ['./jwt.key:/keys/jwt.key']}", None, "/api/health"),
        ("{image: 'nginx:1.27', volumes: ['./a.key:/etc/ssl/a.key']}", None, "http://127.0.0.1:80/"),
        ("{build: ., command: celery -A a worker}", "FROM python:3\nHEALTHCHECK CMD curl http://localhost:80/", "celery -A a inspect ping"),
        ("{build: .}", "FROM node:20-alpine\nEXPOSE 3000\nCMD [node, server.js]", "nc -z 127.0.0.1 3000"),
        ("{build: .}", 'FROM node:20-slim\nENV PORT=8080\nCMD ["next", "start"]', "('http').get"),
        ("{build: .}", 'FROM node:20\nCMD ["npx", "next", "start", "-p", "4000"]', "curl -s -o /dev/null http://127.0.0.1:4000/"),
        ("{build: .}", "FROM python:3.12-slim\nCMD uvicorn app:app --port 9000", "127.0.0.1', 9000"),
        ("{build: .}", "FROM python:3.12\nCMD gunicorn -w 2 -b 0.0.0.0:5000 app:app", "curl -s -o /dev/null http://127.0.0.1:5000/"),
        ("{build: .}", "FROM python:3.12-slim\nENV PORT=7000\nCMD gunicorn -b :$PORT app", "7000"),
        ('{build: ., environment: {PORT: "${APP:-81}"}}', "FROM alpine\nCMD ./app --port $PORT", "nc -z 127.0.0.1 ${APP:-81}"),
        ('{build: ., ports: ["8080:80"]}', "FROM alpine\nEXPOSE 9999\nCMD ./app", "nc -z 127.0.0.1 80"),
        ('{build: ., ports: ["9229:9229", "80:4000"]}', "FROM alpine\nCMD ./app", "nc -z 127.0.0.1 4000"),
        ('{build: ., ports: ["1:5000", "2:4000"]}', "FROM alpine\nEXPOSE 4000\nCMD ./app", "127.0.0.1 4000"),
        ('{build: ., ports: ["${P:-5}:${P:-5}"]}', "FROM alpine\nCMD ./app", "nc -z 127.0.0.1 ${P:-5}"),
        ('{build: ., expose: ["7000"]}', "FROM debian:12-slim\nCMD ./app", "bash -c : > /dev/tcp/127.0.0.1/7000"),
        ("{build: {context: ., target: dev}}", "FROM node:20 AS dev\nCMD vite\nFROM nginx\n", "http://127.0.0.1:5173/"),
        ("{build: {context: ., args: {V: 20-alpine}}}", "ARG V=20\nFROM node:$V\nEXPOSE 10\nCMD x", "nc -z 127.0.0.1 10"),
        ("{build: .}", "FROM nginx:alpine\nCOPY . /usr/share/nginx/html", "wget -S -q --spider http://127.0.0.1:80/"),
        ("{build: .}", 'FROM nginx:1.27\nEXPOSE 8080\nCMD ["nginx", "-g", "daemon off;"]', "/dev/tcp/127.0.0.1/8080"),
        ("{build: .}", "FROM postgres:16\nCOPY init.sql /docker-entrypoint-initdb.d/", "pg_isready"),
        ("{build: .}", "FROM php:8.3-apache\nCOPY . .", "curl -s -o /dev/null http://127.0.0.1:80/"),
        ("{build: .}", "FROM php:8.3-fpm-alpine\nCOPY . .", "nc -z 127.0.0.1 9000"),
        ("{build: .}", 'FROM mcr.microsoft.com/dotnet/aspnet:8.0\nENTRYPOINT ["dotnet", "a.dll"]', "127.0.0.1/8080"),
        ("{build: .}", "FROM acme/base\nRUN apk add curl\nCMD rails server", "http://127.0.0.1:3000/"),
        ("{build: ., command: ./webui --listen --port 7860}", "FROM debian:12-slim", "/dev/tcp/127.0.0.1/7860"),
        ("{build: ., command: celery -A shop worker}", "FROM python:3", "celery -A shop inspect ping"),
        (
            "{build: ., command: /app/.venv/bin/celery -A shop.tasks worker}",
            "FROM python:3",
            "/app/.venv/bin/celery -A shop.tasks inspect ping",
        ),
        (
            "{build: ., command: uv run celery --app=shop worker}",
            "FROM python:3",
            "uv run celery -A shop inspect ping",
        ),
        (
            "{build: ., command: sh -c 'cd /srv && python3 -m celery -A shop worker'}",
            "FROM python:3",
            "python3 -m celery -A shop inspect ping",
        ),
        ("{build: {dockerfile_inline: 'FROM alpine'}, expose: [80]}", None, "nc -z 127.0.0.1 80"),
        ("{build: ., ports: [80]}", None, "nc -z 127.0.0.1 80 || bash -c ': > /dev/tcp/127.0.0.1/80'"),
        ("{build: ./elsewhere, command: uvicorn a:b}", None, "python -c import http.client"),
        ("{build: 'https://example.com/x.git', ports: [80]}", None, "nc -z"),
        ("{image: 'node:20', command: node x.js, ports: ['3000:3000']}", None, "bash -c : > /dev/tcp/127.0.0.1/3000"),
        ("{image: 'mongo:4.4'}", None, "mongo --quiet"),
        ("{image: ollama/ollama, entrypoint: sh -c 'ollama serve & ollama pull x; wait'}", None, "ollama ps"),
        ("{image: lscr.io/linuxserver/sonarr:latest, ports: ['8989:8989']}", None, "http://127.0.0.1:8989/ping"),
        ("{image: 'mariadb:lts'}", None, "mariadb-admin"),
        ("{image: 'mysql:8', command: sh -c 'exec mysqld --skip-name-resolve'}", None, "mysqladmin"),
        ("{image: 'node:22', environment: {SERVER_HOST: 0.0.0.0, SERVER_PORT: 81}}", None, "127.0.0.1/81"),
        ("{image: 'postgres:16', profiles: [test]}", None, "pg_isready"),
        ("{image: 'redis:7', command: [redis-server, --requirepass, x]}", None, "PONG|NOAUTH"),
    ],
)  # fmt: skip
def test_proposed(service: str, dockerfile: str | None, words: str) -> None:
    found = check_of(service, dockerfile)
    assert isinstance(found, ProposedCheck), found
    assert words in " ".join(found.test[1:])
    assert found.test[0] in {"CMD", "CMD-SHELL"}
    assert found.evidence


@pytest.mark.parametrize(
    ("service", "dockerfile", "reason", "remedy"),
    [
        ("{build: ., ports: [80]}", "FROM scratch\nCMD [/app]", "based on scratch, contains no program", "install curl"),
        ("{build: ., ports: [80]}", "FROM gcr.io/distroless/static\nCMD [/app]", "contains no program", "install curl"),
        ("{build: ., ports: [80]}", "FROM acme/base\nCMD [/app]", "is not known to contain a program", "install curl"),
        ("{build: .}", "FROM node:20\nCMD node worker.js", "on which port", "expose its port"),
        ("{build: ., command: node worker.js}", "FROM node:20\nEXPOSE 80\nCMD node x", "on which port", ""),
        ("{build: ., command: bundle exec sidekiq}", "FROM ruby:3\nEXPOSE 80", "sidekiq takes jobs", ""),
        ("{build: ., command: celery -A a beat}", "FROM python:3\nHEALTHCHECK CMD curl http://localhost:80/\nCMD gunicorn a", "(line 2) asks a port, but celery beat", "disable: true"),
        ("{build: ., command: sleep infinity, ports: [80]}", "FROM node:20", "keeps the container up", ""),
        ("{build: {context: ., target: x}}", "FROM node:20", "has no stage 'x'", ""),
        ("{build: .}", None, "Dockerfile is not in the project", "publish or expose"),
        ("{build: ., ports: [2345]}", "FROM golang:1.25\nEXPOSE 2345\nCMD ./run", "on which port", "publish"),
        ("{image: traefik/whoami, ports: [80]}", None, "traefik/whoami contains no program", "contains curl"),
        ("{image: 'acme/api:1'}", None, "the image acme/api:1 is not in the image catalog", ".composerefactor.yml"),
        ("{image: '${IMAGE}'}", None, "the image ${IMAGE} is not in the image catalog", ""),
        ("{image: 'mongo:${TAG}'}", None, "depends on the tag of the image", ""),
        ("{image: 'mongo@sha256:0123'}", None, "depends on the tag of the image", ""),
        ("{image: 'postgres:16', command: ['sh', '-c', 'pg_dump -h db > x']}", None, "not the server", ""),
        ("{image: 'postgres:16', entrypoint: /backup.sh}", None, "not the server", ""),
        ("{image: 'scylladb/scylla', entrypoint: bash -c 'cqlsh scylla -f /init.cql'}", None, "not the server", ""),
        ("{image: 'mysql:8', command: sh -c 'mysql -h db < /seed.sql'}", None, "not the server", ""),
        ("{image: ollama/ollama, entrypoint: sh, command: ['-c', 'sleep 3; ollama pull x']}", None, "not the server", ""),
        ("{image: 'elasticsearch:8.15.0', command: bin/elasticsearch-certutil ca}", None, "not the server", ""),
        ("{image: 'node:22', environment: {SERVER_HOST: api, SERVER_PORT: 80}}", None, "on which port", ""),
        ("{image: 'kibana:8.14.0', secrets: [{source: k, target: /certs/kibana.key}]}", None, "HTTPS only", ""),
        ("{image: 'registry:2', volumes: ['./tls/privkey.pem:/tls/privkey.pem:ro']}", None, "HTTPS only", ""),
    ],
)  # fmt: skip
def test_impossible(service: str, dockerfile: str | None, reason: str, remedy: str) -> None:
    found = check_of(service, dockerfile)
    assert isinstance(found, NoPossibleCheck), found
    assert reason in found.reason
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("service", "dockerfile", "has_check"),
    [
        ("{image: redis, healthcheck: {test: x}}", None, True),
        ("{image: redis, healthcheck: {disable: true}}", None, True),
        ("{image: axllent/mailpit}", None, True),
        (
            "{image: 'graylog/graylog:7.1', entrypoint: /usr/bin/tini -- /docker-entrypoint.sh}",
            None,
            True,
        ),
        ("{image: ghcr.io/immich-app/postgres:14-vectorchord0.3.0}", None, True),
        ("{build: .}", "FROM redis\nHEALTHCHECK CMD redis-cli ping", True),
        (
            "{build: ., command: celery -A a worker}",
            "FROM python:3\nHEALTHCHECK CMD python check.py",
            True,
        ),
        ("{build: .}", "FROM redis\nHEALTHCHECK NONE", False),
        ("{image: migrate/migrate, command: migrate up, restart: 'no'}", None, False),
        (
            "{image: 'node:22', profiles: [test], environment: {SERVER_PORT: 80}}",
            None,
            False,
        ),
        ("{build: ., profiles: [test]}", "FROM node:22\nEXPOSE 80\nCMD node a.js", False),
        ("{build: ., profiles: [test]}", "FROM node:22\nHEALTHCHECK CMD true", True),
    ],
)
def test_unneeded(service: str, dockerfile: str | None, has_check: bool) -> None:  # noqa: FBT001
    found = check_of(service, dockerfile)
    assert isinstance(found, NoCheckNeeded), found
    assert found.has_check is has_check


@pytest.mark.parametrize(
    ("dockerfile", "files", "path"),
    [
        ("FROM node:20\nEXPOSE 3000\nCMD node src/server.js", {"src/server.js": "app.get('/healthz', ok)"}, ":3000/healthz"),
        (
            "FROM node:20\nEXPOSE 3000\nCMD npm ci && npm start",
            {"package.json": '{"scripts": {"start": "node a.js"}}', "a.js": 'router.get("/api/health", f)'},
            ":3000/api/health",
        ),
        (
            "FROM node:20\nCMD npm start",
            {
                "package.json": '{"scripts": {"start": "next start"}, "dependencies": {"next": "14"}}',
                "src/app/api/health/route.ts": "",
            },
            ":3000/api/health",
        ),
        ("FROM python:3\nCMD uvicorn app.main:api", {"app/main.py": '@app.get("/health")\ndef f(): ...'}, ":8000/health"),
        ("FROM python:3\nCMD streamlit run a.py", {}, ":8501/_stcore/health"),
        (
            "FROM eclipse-temurin:21-jre-alpine\nCMD java -jar a.jar",
            {"pom.xml": "<x>spring-boot-starter-actuator</x>"},
            ":8080/actuator/health",
        ),
        (
            "FROM eclipse-temurin:21-jre-alpine\nCMD java -jar a.jar",
            {"pom.xml": "spring-boot-starter-actuator", "src/main/resources/application.properties": "server.port=9090\n"},
            ":9090/actuator/health",
        ),
        ("FROM ruby:3\nCMD rails server", {"config/routes.rb": 'get "up" => "rails/health#show"'}, ":3000/up"),
    ],
)  # fmt: skip
def test_a_page_for_health_checks_is_requested(
    dockerfile: str, files: dict[str, str], path: str
) -> None:
    found = check_of("{build: .}", dockerfile, files)
    assert isinstance(found, ProposedCheck), found
    assert f"http://127.0.0.1{path}" in " ".join(found.test)
    assert "-s " not in " ".join(found.test), "an error status must fail"


def test_a_moved_actuator_is_not_requested() -> None:
    found = check_of(
        "{build: .}",
        "FROM eclipse-temurin:21-jre-alpine\nCMD java -jar a.jar",
        {
            "build.gradle": "org.springframework.boot:spring-boot-starter-actuator",
            "src/main/resources/application.yml": "management:\n  server:\n    port: 1\n",
        },
    )
    assert isinstance(found, ProposedCheck)
    assert "actuator" not in " ".join(found.test)


@pytest.mark.parametrize(
    ("command", "start_period"),
    [
        ("flask run", "30s"),
        ("sh -c 'pip install -r requirements.txt && flask run'", "300s"),
        ("sh -c 'npm ci && npm run dev'", "300s"),
        ("./mvnw spring-boot:run", "300s"),
        ("celery -A app worker", "60s"),
        ("sh -c 'pip install -r requirements.txt && celery -A app worker'", "300s"),
    ],
)
def test_a_command_that_prepares_itself_has_time(command: str, start_period: str) -> None:
    service = f'{{image: "python:3.12", command: "{command}", ports: [5000]}}'
    found = check_of(service)
    assert isinstance(found, ProposedCheck), found
    assert found.times.start_period == start_period


def test_a_service_with_a_gpu_has_time() -> None:
    service = "{image: 'python:3.12', command: uvicorn app:app, gpus: all}"
    found = check_of(service)
    assert isinstance(found, ProposedCheck), found
    assert found.times.start_period == "300s"


def test_a_script_that_prepares_has_time() -> None:
    dockerfile = 'FROM node:22\nCOPY start.sh /\nEXPOSE 3000\nCMD ["/start.sh"]'
    found = check_of("{build: .}", dockerfile, {"start.sh": "yarn install\nyarn serve\n"})
    assert isinstance(found, ProposedCheck), found
    assert found.times.start_period == "300s"


def test_settings_describe_images() -> None:
    text = b"catalog: [{id: api, names: [acme/api], healthcheck: {test: [CMD, /probe]}}]"
    found = check_of("{image: 'acme/api:1'}", catalog=load_settings(text).catalog)
    assert isinstance(found, ProposedCheck)
    assert (found.test, found.confidence) == (("CMD", "/probe"), "verified")


@pytest.mark.parametrize(
    "service",
    [
        "{image: 'postgres:16', command: ['pg_dump -W hidden']}",
        "{image: 'postgres:16', command: /backup.sh --password=hidden}",
        "{build: ., command: node x.js --token=hidden, ports: ['80:80']}",
        "{image: 'redis:7', command: redis-server --requirepass hidden}",
        "{image: 'python:3', command: uvicorn --key=hidden a:b}",
    ],
)
def test_no_argument_is_shown(service: str) -> None:
    assert "hidden" not in repr(check_of(service, "FROM node:20-alpine"))


@pytest.mark.parametrize(
    ("ports", "expected"), [("9000:9000", "guess"), ("8080:8080", "likely"), ("80:81", "likely")]
)
def test_a_variable_may_move_the_port(ports: str, expected: str) -> None:
    image = "semitechnologies/weaviate:1.24.10"
    found = check_of(f"{{image: '{image}', environment: {{X_PORT: 9000}}, ports: ['{ports}']}}")
    assert isinstance(found, ProposedCheck)
    assert (found.confidence == "guess") is (expected == "guess")


def test_env_files_count() -> None:
    service = "{image: 'apache/kafka:3.9', env_file: kafka.env}"
    found = check_of(service, files={"kafka.env": "KAFKA_LISTENERS=PLAINTEXT://:9092\n"})
    assert isinstance(found, ProposedCheck)
    absent = check_of(service)
    assert isinstance(absent, NoPossibleCheck)
    assert "kafka.env is missing" in absent.reason


_LIKELY = "[CMD, wget, -q, --spider, 'http://127.0.0.1:5678/healthz']"
_GUESS = "\"nc -z 127.0.0.1 80 || bash -c ': > /dev/tcp/127.0.0.1/80'\""


@pytest.mark.parametrize(
    ("service", "reports"),
    [
        ("{image: redis, healthcheck: {test: x}}", True),
        ("{image: redis, healthcheck: {test: [CMD, x]}}", True),
        ("{image: redis, healthcheck: {test: [NONE]}}", False),
        ("{image: redis, healthcheck: {test: x, disable: true}}", False),
        ("{image: redis, healthcheck: {interval: 5s}}", False),
        ("{image: redis}", False),
        ("{image: axllent/mailpit}", True),
        ("{image: acme/api}", False),
        # Checks that are proposed: that of redis is verified, that of n8n likely, the last a guess.
        ("{image: redis, healthcheck: {test: \"redis-cli ping | grep -qE 'PONG|NOAUTH'\"}}", True),
        (f"{{image: n8nio/n8n, healthcheck: {{test: {_LIKELY}}}}}", False),
        (f"{{image: n8nio/n8n, healthcheck: {{test: {_LIKELY[:-1]}, -S]}}}}", True),
        (f"{{build: ./gone, ports: ['80'], healthcheck: {{test: {_GUESS}}}}}", False),
        ("{image: containrrr/watchtower}", False),
    ],
)
def test_reports_health(service: str, reports: bool) -> None:  # noqa: FBT001
    entry = Invocation(("compose.yaml",))
    texts = {"compose.yaml": f"services:\n  app: {service}\n"}
    project = load_project([entry], Library(Memory(texts)))
    assert reports_health(project, start_model(project, entry), "app", load_catalog()) is reports
