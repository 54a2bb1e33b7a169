"""Logs, metrics, traces, alerts and dashboards."""

from __future__ import annotations

from composerefactor.analysis.facts.observability import Observation, observations
from support.analyses import surveyed

COMPOSE = """\
services:
  prometheus:
    image: prom/prometheus:v3.5.0
    volumes: ["./prometheus:/etc/prometheus"]
  redis-exporter:
    image: oliver006/redis_exporter
    environment: {REDIS_ADDR: "redis://cache:6379"}
  cadvisor: {image: gcr.io/cadvisor/cadvisor}
  grafana: {image: grafana/grafana, volumes: ["boards:/var/lib/grafana"]}
  loki: {image: grafana/loki:3.4.0}
  collector:
    image: otel/opentelemetry-collector-contrib:0.130.0
    command: [--config=/etc/otel.yaml]
    volumes: ["./otel.yaml:/etc/otel.yaml", "/var/run/docker.sock:/var/run/docker.sock"]
  api:
    image: acme/api
    environment: {OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4317"}
    logging: {driver: loki}
  web: {image: acme/web, environment: {API_URL: "http://api:8000"}}
  cache: {image: redis:7}
  db: {image: postgres:17}
volumes: {boards: {}}
"""
PROMETHEUS = """\
rule_files: [rules/*.yml]
scrape_configs:
  - static_configs: [{targets: ["localhost:9090", "redis-exporter:9121", "cadvisor:8080"]}]
"""
COLLECTOR = "service: {pipelines: {traces: {receivers: [otlp]}}}\n"


def rows(compose: str, files: dict[str, str]) -> dict[str, Observation]:
    facts = surveyed(compose, files)
    assert facts.main is not None
    return {each.kind: each for each in observations(facts.project, facts.main)}


def test_what_the_configurations_say() -> None:
    found = rows(
        COMPOSE,
        {
            "prometheus/prometheus.yml": PROMETHEUS,
            "prometheus/rules/up.yml": "groups: []\n",
            "otel.yaml": COLLECTOR,
        },
    )
    assert found["logs"].by == ("the logging driver loki", "loki")
    assert found["logs"].covered == ("api",)
    assert found["metrics"].by == ("prometheus",)
    assert found["metrics"].covered == ("cache", "all containers of the host")
    assert found["metrics"].uncovered == ("api", "web", "db")
    assert "15 days" in found["metrics"].retention
    assert "no volume" in found["metrics"].retention
    assert "prometheuscommunity/postgres-exporter for db" in found["metrics"].next_step
    assert found["traces"].covered == ("api",)
    assert found["traces"].uncovered == ("web",)
    assert found["alerts"].by == ("prometheus by prometheus/rules/up.yml",)
    assert "sends its alerts to nobody" in found["alerts"].next_step
    assert "boards" in found["dashboards"].next_step


def test_a_configuration_that_is_not_in_the_project_decides_nothing() -> None:
    found = rows(COMPOSE, {})
    assert found["metrics"].uncovered == ()
    assert "not in the files" in found["metrics"].next_step
    assert found["alerts"].by[0].startswith("unknown")


def test_without_observers_logs_stay_on_the_host() -> None:
    logging = "{driver: json-file, options: {max-size: 10m, max-file: '3'}}"
    found = rows(f"services:\n  api: {{image: acme/api, logging: {logging}}}\n", {})
    assert not any(each.by for each in found.values())
    assert found["logs"].retention == "on this host, 3 files of 10m each"
    assert "not needed" in found["traces"].next_step
