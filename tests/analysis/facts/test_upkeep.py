"""Start-up time and recovery."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from composerefactor.analysis.facts.architecture import InvocationFacts
from composerefactor.analysis.facts.upkeep import (
    host_needs,
    ready_time,
    recoveries,
    start_times,
    stops,
)
from composerefactor.compose.sizes import MIB, seconds
from composerefactor.report.analysis.model import Table, TextBlock
from composerefactor.report.analysis.observability import observability
from composerefactor.report.analysis.operation import (
    checklist,
    commands,
    phases,
    recovery,
    troubleshooting,
)
from composerefactor.report.analysis.services import health
from support.analyses import MAIN, analysed, surveyed

COMPOSE = """\
services:
  db:
    image: postgres:16
    volumes: [data:/var/lib/postgresql/data, dumps:/dumps]
    healthcheck:
      test: pg_isready
      interval: 5s
      timeout: 2s
      retries: 4
      start_period: 1m
  migrate:
    image: acme/api:1
    command: migrate
    depends_on: {db: {condition: service_healthy}}
  api:
    image: acme/api:1
    healthcheck:
      test: curl -f localhost
    depends_on:
      migrate: {condition: service_completed_successfully}
      cache: {condition: service_started}
  web:
    image: acme/web:1
    depends_on: {api: {condition: service_healthy}}
    volumes: ["./uploads:/srv/uploads"]
  cache:
    image: redis:7
volumes:
  data:
  dumps:
"""


@pytest.fixture
def facts() -> InvocationFacts:
    return surveyed(COMPOSE).entries[0]


def test_a_service_stops_once_those_that_need_it_have_stopped() -> None:
    architecture = surveyed(COMPOSE)
    steps = stops(architecture.project, architecture.entries[0])
    assert [[each.service for each in step] for step in steps] == [
        ["web"],
        ["api"],
        ["cache"],
        ["db"],
    ]
    assert steps[-1][0].need is not None
    assert not steps[0][0].is_notable


def test_a_script_is_the_first_process_unless_there_is_an_init() -> None:
    text = "services:\n  a: {build: .}\n  b: {build: ., init: true}\n"
    architecture = surveyed(text, {"Dockerfile": 'FROM node:22\nCMD ["node", "server.js"]'})
    [[a, b]] = stops(architecture.project, architecture.entries[0])
    assert (a.script, b.script) == ("node server.js", "")


def test_start_times_follow_the_longest_path(facts: InvocationFacts) -> None:
    times = {each.service: each for each in start_times(facts)}
    assert (times["db"].latest, times["cache"].path) == (0.0, ())
    migrate, api, web = times["migrate"], times["api"], times["web"]
    assert (migrate.earliest, migrate.latest) == (5.0, 60.0 + 4 * (5.0 + 2.0))
    assert (api.latest, api.path, api.tasks) == (88.0, ("db", "migrate"), ("migrate",))
    assert (web.earliest, web.latest) == (5.0 + 30.0, 88.0 + 3 * (30.0 + 30.0))
    assert web.path == ("db", "migrate", "api")


def test_all_are_ready_when_the_last_one_is(facts: InvocationFacts) -> None:
    whole = ready_time(facts)
    assert whole is not None
    assert (whole.earliest, whole.latest) == (5.0 + 30.0, 88.0 + 3 * (30.0 + 30.0))
    assert whole.path == ("db", "migrate", "api")
    assert ready_time(surveyed("services:\n  web: {image: acme/web:1}\n").entries[0]) is None


NEEDS = """\
services:
  db:
    image: postgres:16
    deploy: {resources: {limits: {cpus: "2", memory: 2G}}}
  heap:
    image: acme/heap:1
    environment: {JAVA_OPTS: -Xmx2g}
  api:
    image: acme/api:1
    deploy: {replicas: 2, resources: {limits: {memory: 200M}, reservations: {memory: 100M}}}
  page-ui:
    image: acme/page:1
  train:
    image: acme/train:1
    deploy: {resources: {reservations: {memory: 8G}}}
  once:
    image: acme/once:1
    profiles: [tools]
"""


def test_what_a_host_needs_is_known_or_assumed() -> None:
    least, comfortable = host_needs(surveyed(NEEDS).entries[0])
    assert (least.cpus, comfortable.cpus) == (2, 7)
    assert least.known["train"] == comfortable.assumed["train"] == 8192 * MIB
    assert least.known["db"] == 512 * MIB
    assert least.known["heap"] >= 2048 * MIB
    assert least.known["api"] == 200 * MIB
    assert (least.assumed, comfortable.assumed["page-ui"]) == ({"page-ui": 256 * MIB}, 512 * MIB)
    assert comfortable.known == {"db": 2048 * MIB, "api": 400 * MIB}


SCRAPED = """\
services:
  api:
    image: acme/api:1
    ports: ["8080:80", "9101:9100"]
    labels: {traefik.http.services.api.loadbalancer.healthcheck.path: /ready}
  web:
    image: acme/web:1
  collector:
    image: prom/prometheus:v3.1.0
    ports: ["9090:9090"]
    volumes: ["./prometheus.yml:/etc/prometheus/prometheus.yml:ro"]
"""
JOBS = """\
scrape_configs:
  - job_name: api
    metrics_path: /stats
    static_configs: [{targets: ["api:9100", "elsewhere:80"]}]
  - job_name: broken
    static_configs: {targets: 1}
  - static_configs: [{targets: 1}, 2]
"""


def test_what_prometheus_collects() -> None:
    analysis = analysed(SCRAPED, {"prometheus.yml": JOBS})
    parts = observability(analysis.architecture).parts
    rows = [part.rows for part in parts if isinstance(part, Table)]
    assert rows[1] == (
        ("api", ":9100/stats", "collector"),
        ("web", "nothing is collected", "-"),
    )
    text = str(troubleshooting(analysis))
    assert "http://localhost:8080/ready" in text
    assert "http://localhost:9101/stats" in text
    assert "http://localhost:9090/targets" in str(checklist(analysis))


def test_the_report_names_checks_with_other_times() -> None:
    check = "image: a, healthcheck: {test: [CMD, ok], interval: %s, retries: 2}"
    names = {"api": "5s", "web": "5s", "mail": "5s", "jobs": "1m"}
    lines = (f"  {name}: {{{check % interval}}}\n" for name, interval in names.items())
    text = "services:\n" + "".join(lines)
    assert "3 of 4 checks have interval 5s, timeout 30s" in str(health(surveyed(text)))
    assert "Others: jobs (1m, 30s, 2)" in str(health(surveyed(text)))
    assert "Others" not in str(health(surveyed(text.replace("1m", "5s"))))


@pytest.mark.parametrize("content", ["", "a: [", "scrape_configs: {}", "- 1"])
def test_an_odd_configuration_of_prometheus_is_passed_over(content: str) -> None:
    analysis = analysed(SCRAPED, {"prometheus.yml": content})
    assert "nothing is collected" not in str(observability(analysis.architecture))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1m30s", 90.0), ("500ms", 0.5), ("1.5h", 5400.0), ("", None), ("10", None), ("5 s", None)],
)
def test_durations(text: str, expected: float | None) -> None:
    assert seconds(text) == expected


def test_only_the_data_of_a_database_is_dumped(facts: InvocationFacts) -> None:
    found = {each.name: each for each in recoveries(facts)}
    assert found["data"].dump is not None
    assert "pg_dumpall" in found["data"].dump.save
    assert (found["dumps"].dump, found["dumps"].target) == (None, "/dumps")
    assert found["uploads"].service == "web"


def test_volumes_of_other_start_commands_are_backed_up_once() -> None:
    store = "services:\n  {0}:\n    image: {1}\n    volumes: [{2}]\nvolumes: {{{3}: }}\n"
    more = {
        "docker-compose.infra.yml": store.format("mongo", "mongo:7", "docs:/data/db", "docs"),
        "docker-compose.copy.yml": store.format(
            "db", "postgres:16", "data:/var/lib/postgresql/data", "data"
        ),
        "docker-compose.test.yml": store.format("my", "mysql:8.4", "my:/var/lib/mysql", "my"),
    }
    analysis = analysed(COMPOSE, more, entries=((MAIN,), *((name,) for name in more)))
    titles = [part.title for part in recovery(analysis).parts if "back up" in part.title]
    assert titles == [
        "data: back up, restore, each night by crontab",
        "docs of `docker-compose.infra.yml`: back up, restore, each night by crontab",
    ]


def test_a_phase_does_not_promise_guesses() -> None:
    analysis = analysed("services:\n  web: {image: acme/web:1}\n")
    found = tuple(
        replace(each, transform="add-logging" if n else "add-resource-limits", is_guess=not n)
        for n, each in enumerate(f for f in analysis.findings if f.transform)
    )
    text = str(phases(replace(analysis, findings=found)))
    assert "fix --unsafe --select add-logging`" in text
    assert "guesses of `composerefactor fix --unsafe --select add-resource-limits" in text


def test_what_to_do_once_comes_from_the_project() -> None:
    text = """\
services:
  api: {build: ./api, ports: ["8000:8000"]}
  web: {build: ./web}
  backend-seed: {image: "acme/api:1", profiles: [seed]}
  grafana:
    image: grafana/grafana:11.0.0
    ports: ["3001:3000"]
    environment: {GF_SECURITY_ADMIN_PASSWORD: "${GRAFANA_PASSWORD}"}
  ci: {image: "jenkins/jenkins:lts", ports: ["8080:8080"]}
  admin: {image: "portainer/portainer-ce:2.21.0", ports: ["9443:9443"]}
  hidden: {image: "sonarqube:10"}
"""
    files = {
        "api/manage.py": "import django",
        "web/package.json": '{"scripts": {"seed": "node seed.js", "seedling": "x"}}',
        "web/yarn.lock": "# yarn",
        "Makefile": "seed: up\nseed-all := 1\n",
    }
    analysis = analysed(text, files)
    (once,) = (p for p in checklist(analysis).parts if p.title == "After the first start")
    assert isinstance(once, TextBlock)
    assert [line.partition(": `")[2].rstrip("`") or line for line in once.lines] == [
        "Log in to grafana at http://localhost:3001 as admin with GF_SECURITY_ADMIN_PASSWORD",
        "docker compose exec ci cat /var/jenkins_home/secrets/initialAdminPassword",
        "Create the first user of admin at https://localhost:9443, before somebody else does",
        "docker compose --profile seed run --rm backend-seed",
        "docker compose exec api python manage.py createsuperuser",
        "docker compose exec web yarn seed",
        "make seed",
    ]


def test_new_versions_of_images_are_proposed_or_the_settings_for_it_are() -> None:
    text = "services:\n  db: {image: 'postgres:16'}\n  api: {build: ./api}\n"
    files = {"api/Dockerfile": "FROM node:22\n"}
    found = str(commands(analysed(text, files)))
    assert "package-ecosystem: docker-compose" in found
    assert '["/api"]' in found
    settings = {".github/dependabot.yml": "updates:\n- package-ecosystem: docker\n"}
    found = str(commands(analysed(text, files | settings)))
    assert "with this in .github/dependabot.yml" in found
    assert '["/api"]' not in found
    assert "Renovate proposes them" in str(commands(analysed(text, {"renovate.json": "{}"})))


def test_services_that_test_the_others_have_a_command() -> None:
    text = """\
services:
  api:
    image: acme/api:1
    entrypoint: [sh, -c, "echo run pytest; serve"]
  unit:
    image: acme/api:1
    command: python -m pytest -q
    profiles: [testing]
"""
    blocks = (part for part in commands(analysed(text)).parts if isinstance(part, TextBlock))
    (tests,) = (block for block in blocks if block.title == "Tests")
    assert tests.lines == (
        "docker compose --profile testing up --abort-on-container-exit --exit-code-from unit",
    )
