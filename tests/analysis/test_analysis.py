from __future__ import annotations

from pathlib import Path

from composerefactor.analysis.analysis import (
    REJECTED,
    Analysis,
    analyse,
    analyse_project,
    open_for_analysis,
)
from composerefactor.analysis.findings import Finding, Severity, baseline_text, read_baseline
from composerefactor.compose.project import ProtectedFile
from composerefactor.errors import Location
from composerefactor.planning.opening import ProjectSelection
from composerefactor.report.analysis.model import Table
from composerefactor.report.analysis.summary import findings
from support.analyses import MAIN, analysed, surveyed
from support.commandline import write

BASE = """\
services:
  web:
    image: nginx:1.27
"""
DEV = """\
services:
  web:
    image: nginx
  mail:
    image: mailhog/mailhog
"""


def floating(analysis: Analysis) -> list[str | None]:
    return [each.service for each in analysis.findings if each.rule == "floating-tag"]


def test_an_assumed_start_command_counts_for_services_of_its_own() -> None:
    files = {"dev.yaml": DEV}
    assert floating(analysed(BASE, files, assumed=((MAIN, "dev.yaml"),))) == ["mail"]
    assert floating(analysed(BASE, files, entries=((MAIN, "dev.yaml"),))) == ["web", "mail"]


def test_the_second_of_two_equal_findings_is_new() -> None:
    twice = [Finding(REJECTED.id, Severity.HIGH, "m", Location(MAIN, 1)) for _ in range(2)]
    baseline = read_baseline(baseline_text(twice[:1]), "b.json")
    analysis = analyse(surveyed(BASE), baseline=baseline, found_by_engine=twice)
    assert analysis.known == (twice[0],)
    assert twice[1] in analysis.findings


def test_a_default_secret_is_a_credential_in_plain_text() -> None:
    praise = "No Compose file contains a credential in plain text."
    environment = "    environment: {API_TOKEN: '${API_TOKEN:-x7Kq2mP9}'}\n"
    assert praise in analysed(BASE).strengths
    analysis = analysed(BASE + environment)
    assert praise not in analysis.strengths
    remedy = next(each.remedy for each in analysis.findings if each.rule == "default-secret")
    assert remedy.endswith("; `composerefactor fix --select create-env` writes .env")


def test_a_long_file_with_copies_is_not_well_maintainable() -> None:
    service = "    image: nginx:1.27\n    logging:\n      driver: local\n      options: {}\n"
    text = "services:\n" + "".join(f"  s{n}:\n{service}" for n in range(100))
    ratings = {each.area: each for each in analysed(text).ratings}
    assert [d.rule for d in ratings["maintainability"].deductions] == [
        "copied-blocks",
        "monolithic-file",
    ]
    assert ratings["maintainability"].score == 6.0


def test_a_project_with_a_high_finding_is_not_rated_good() -> None:
    unrelated = "".join(f"  s{n}: {{image: 'nginx:1.27', mem_limit: 1g}}\n" for n in range(9))
    privileged = f"services:\n{unrelated}  x: {{image: 'nginx:1.27', privileged: true}}\n"
    safe, unsafe = (analysed(text).rating for text in (f"services:\n{unrelated}", privileged))
    assert safe is not None
    assert unsafe is not None
    assert (safe.word, unsafe.word) == ("good", "fair")


def test_services_with_the_same_finding_share_a_row() -> None:
    text = f"{BASE}  a:\n    image: nginx:1.27\n  db:\n    image: postgres\n"
    analysis = analysed(text)
    assert sum(each.severity == Severity.INFO for each in analysis.findings) == 3
    table, _ = findings(analysis).parts
    assert isinstance(table, Table)
    rows = {row[4]: row[1:3] for row in table.rows}
    assert rows["privileges-can-be-gained"] == (
        "compose.yaml: 2, 4, 6",
        "a service lets its programs gain privileges by setuid: web, a, db",
    )
    assert rows["floating-tag"] == (
        "compose.yaml:7",
        "db uses postgres, which has no fixed version",
    )


def test_replicas_share_a_port_in_docker_swarm(tmp_path: Path) -> None:
    text = "services:\n  web: {image: nginx:1.27, ports: ['80:80'], deploy: {replicas: 2}}\n"
    for header, found in (("", ["web"]), ("# for Docker Swarm stacks only\n", [])):
        project = write(tmp_path / f"shop{len(header)}", {MAIN: f"{header}{text}"})
        analysis = analyse_project(open_for_analysis(ProjectSelection(project, environ={})))
        of_rule = [e.service for e in analysis.findings if e.rule == "replicas-with-fixed-name"]
        assert of_rule == found


def test_a_base_file_that_others_complete_lacks_nothing(tmp_path: Path) -> None:
    base = "services:\n  app:\n    depends_on: [db]\n  db:\n    image: postgres:16\n"
    over = (
        "services:\n  app:\n    image: acme/app:1\n"
        "  db:\n    volumes: [data:/var/lib/postgresql/data]\nvolumes:\n  data:\n"
    )
    command = "docker compose -f docker-compose.yml -f docker-compose.prod.yml up -d\n"
    files = {"docker-compose.yml": base, "docker-compose.prod.yml": over, "start.sh": command}
    write(tmp_path, files)
    analysis = analyse_project(open_for_analysis(ProjectSelection(tmp_path)))
    found = {each.rule for each in analysis.findings}
    assert found.isdisjoint({"no-image-or-build", "data-not-persisted"})
    (tmp_path / "start.sh").write_text("docker compose up -d\n")
    (tmp_path / "docker-compose.prod.yml").unlink()
    analysis = analyse_project(open_for_analysis(ProjectSelection(tmp_path)))
    found = {each.rule for each in analysis.findings}
    assert found >= {"no-image-or-build", "data-not-persisted"}


def test_rules_know_the_images_of_the_settings(tmp_path: Path) -> None:
    store = "services:\n  ledger:\n    image: registry.acme.test/ledger:2\n"
    added = (
        "catalog:\n  - id: ledger\n    names: [registry.acme.test/ledger]\n"
        "    category: database\n    data: [{path: /var/ledger}]\n"
    )
    write(tmp_path, {"compose.yaml": store, ".composerefactor.yml": added})
    analysis = analyse_project(open_for_analysis(ProjectSelection(tmp_path)))
    lost = [each for each in analysis.findings if each.rule == "data-not-persisted"]
    assert [(each.subject, each.transform) for each in lost] == [("/var/ledger", "declare-volumes")]


def test_a_missing_file_names_the_one_that_it_resembles() -> None:
    mounts = "./conf/prometheus.yml:/etc/prometheus/prometheus.yml"
    text = f"services:\n  p:\n    image: prom/prometheus:v3.0.0\n    volumes: ['{mounts}']\n"
    found = analysed(text, {"conf/prometheus.yaml": ""}).findings
    remedies = [each.remedy for each in found if each.rule == "missing-mounted-file"]
    assert remedies == ["did you mean conf/prometheus.yaml?"]


def test_a_version_that_docker_stack_deploy_needs_is_not_obsolete() -> None:
    architecture = surveyed(f"version: '3.8'\n{BASE}")
    assert "obsolete-version" in {each.rule for each in analyse(architecture).findings}
    architecture.project.protected_files[MAIN] = ProtectedFile("docker stack deploy reads it")
    assert "obsolete-version" not in {each.rule for each in analyse(architecture).findings}
