"""The whole report on terminals of several widths."""

from __future__ import annotations

from pathlib import Path

import pytest

from composerefactor.analysis.analysis import (
    Analysis,
    all_rules,
    analyse_project,
    open_for_analysis,
)
from composerefactor.planning.opening import ProjectSelection
from composerefactor.report.analysis.markdown import analysis_markdown
from composerefactor.report.analysis.text import full_text
from composerefactor.report.text import Style, columns_of, further_reading
from support.commandline import write

COMPOSE = """\
services:
  recommendation-service:
    image: registry.example.com/platform/recommendation-service:2.31.4
    ports: ["127.0.0.1:18080:8080"]
    volumes: ["/srv/recommendations/models:/var/lib/recommendation-service/models:ro"]
  db:
    image: postgres:16
    environment: {POSTGRES_PASSWORD: "${DB_PASSWORD:-example}"}
"""


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    project = write(tmp_path_factory.mktemp("shop"), {"compose.yaml": COMPOSE})
    return analyse_project(open_for_analysis(ProjectSelection(project, environ={})))


@pytest.mark.parametrize("name", ["findings", "priorities", "inventory", "volumes"])
def test_a_table_that_is_too_wide_becomes_blocks(analysis: Analysis, name: str) -> None:
    (_, *narrow) = full_text(analysis, Style(), width=80, names=[name])
    (_, *wide) = full_text(analysis, Style(), width=400, names=[name])
    assert len(narrow) > len(wide)
    for line in narrow:
        text = line.strip()
        assert columns_of(line) <= 80 or " " not in text
        assert not text or len(line) - len(text) <= 6  # no cell far to the right


def test_a_finding_is_a_short_block(analysis: Analysis) -> None:
    lines = list(full_text(analysis, Style(), width=80, names=["findings"]))
    at = next(n for n, line in enumerate(lines) if "compose.yaml:8" in line)
    assert lines[at].split()[:2] == ["medium", "compose.yaml:8"]
    block = " ".join(lines[at : at + 5])
    assert "Rule: default-secret" in block
    assert "DB_PASSWORD" in block


def test_findings_lead_to_the_documentation(analysis: Analysis) -> None:
    text = "\n".join(full_text(analysis, Style(), width=80, names=["findings"]))
    assert "/docs/rules.md\n" in text
    assert "default-secret: https://docs.docker.com/compose/how-tos/use-secrets/" in text
    assert "[default-secret](https://" in analysis_markdown(analysis)


def test_pages_are_about_rules() -> None:
    rules = [*all_rules()]
    named = [rule for line in further_reading(rules) for rule in line.split(": ")[0].split(", ")]
    assert len(set(named)) == len(named)
    assert "missing-healthcheck" in named


def test_what_is_skipped_for_one_reason_is_one_row(tmp_path: Path) -> None:
    checked = "image: acme/{0}:1, healthcheck: {{test: [CMD, ok]}}"
    services = ("first", "second")
    files = {
        "compose.yaml": "services:\n"
        + "".join(f"  {name}: {{{checked.format(name)}}}\n" for name in services),
        "compose.dev.yaml": "services:\n"
        + "".join(f"  {name}: {{image: 'redis:{n}'}}\n" for n, name in enumerate(services, 6)),
        "Makefile": "a:\n\tdocker compose -f compose.yaml -f compose.dev.yaml up\n"
        "b:\n\tdocker compose -f compose.dev.yaml up\n",
    }
    project = write(tmp_path / "shop", files)
    analysis = analyse_project(open_for_analysis(ProjectSelection(project, environ={})))
    text = " ".join("\n".join(full_text(analysis, Style(), width=400, names=["findings"])).split())
    assert text.count("no health check added: it would be merged into the one at") == 1
