"""Which findings are fixable: the fixers say so, not the rules."""

from __future__ import annotations

from pathlib import Path

from composerefactor.analysis.analysis import analyse_project, open_for_analysis, separations_of
from composerefactor.analysis.findings import Finding
from composerefactor.planning.opening import ProjectSelection
from support.commandline import write

BASE = """\
services:
  cache:
    image: redis:7
    healthcheck:
      test: redis-cli ping
  web:
    image: ghcr.io/shop/web:3
"""
DEVELOPMENT = """\
services:
  cache:
    image: redis:7
"""
MAKEFILE = """\
up:
\tdocker compose -f compose.yaml -f compose.more.yaml up
alone:
\tdocker compose -f compose.more.yaml up
"""


def findings(tmp_path: Path, **files: str) -> list[Finding]:
    project = write(tmp_path / "shop", files)
    analysis = analyse_project(open_for_analysis(ProjectSelection(project, environ={})))
    return list(analysis.findings)


def test_a_fix_that_is_refused_is_not_promised(tmp_path: Path) -> None:
    files = {"compose.yaml": BASE, "compose.more.yaml": DEVELOPMENT, "Makefile": MAKEFILE}
    (refused,) = (
        each
        for each in findings(tmp_path, **files)
        if each.rule == "missing-healthcheck" and each.service == "cache"
    )
    assert refused.location.path == "compose.more.yaml"
    assert refused.transform is None
    assert refused.remedy
    assert refused.skipped
    assert refused.skipped not in refused.remedy


def test_a_fix_that_is_made_is_promised(tmp_path: Path) -> None:
    found = findings(tmp_path, **{"compose.yaml": DEVELOPMENT})
    (missing,) = (each for each in found if each.rule == "missing-healthcheck")
    assert (missing.transform, missing.is_guess) == ("add-healthchecks", False)
    assert not missing.is_safe


def test_a_safe_fix_is_called_safe(tmp_path: Path) -> None:
    found = findings(tmp_path, **{"compose.yaml": f'version: "3"\n{BASE}'})
    (obsolete,) = (each for each in found if each.transform == "drop-version")
    assert obsolete.is_safe


def test_a_guess_is_called_one(tmp_path: Path) -> None:
    (unlimited,) = (
        each
        for each in findings(tmp_path, **{"compose.yaml": BASE})
        if each.rule == "missing-memory-limit" and each.service == "web"
    )
    assert (unlimited.transform, unlimited.is_guess) == ("add-resource-limits", True)


def test_what_the_settings_skip_is_not_promised(tmp_path: Path) -> None:
    settings = "fix:\n  skip: [add-healthchecks]\n"
    found = findings(tmp_path, **{"compose.yaml": DEVELOPMENT, ".composerefactor.yml": settings})
    (missing,) = (each for each in found if each.rule == "missing-healthcheck")
    assert missing.transform is None


def test_a_password_in_a_command_moves_with_that_of_a_client(tmp_path: Path) -> None:
    compose = """services:
  cache:
    image: redis:7.4
    command: redis-server --requirepass x7Kq2mP9
  queue:
    image: redis:7.4
    command: redis-server --requirepass y8Lr3nQ1
  api:
    image: acme/api:1
    environment: {REDIS_PASSWORD: x7Kq2mP9}
    depends_on: [cache, queue]
"""
    found = findings(tmp_path, **{"compose.yaml": compose, ".gitignore": ".env\n"})
    transforms = {f.service: f.transform for f in found if f.rule == "secret-in-command"}
    assert transforms == {"cache": "move-secrets", "queue": None}


def test_a_fix_that_another_one_makes_possible_is_promised(tmp_path: Path) -> None:
    text = """\
services:
  api: {image: "ghcr.io/shop/api:3", networks: [shop]}
  proxy: {image: "nginx:1.27", ports: ["80:80"], depends_on: [api]}
"""
    found = findings(tmp_path, **{"compose.yaml": text})
    (unreachable,) = (each for each in found if each.rule == "no-shared-network")
    assert unreachable.transform == "join-networks"


def test_files_for_environments_are_offered_where_something_is_separated(tmp_path: Path) -> None:
    mounts = 'services:\n  web:\n    build: .\n    volumes: ["./src:/app/src"]\n'
    files = {"compose.yaml": mounts, "Dockerfile": "FROM node:22\nCOPY . .\n"}
    opened = open_for_analysis(ProjectSelection(write(tmp_path / "shop", files), environ={}))
    (change,) = separations_of(opened)
    assert change.location.path == "compose.yaml"
    plain = write(tmp_path / "plain", {"compose.yaml": DEVELOPMENT})
    assert not separations_of(open_for_analysis(ProjectSelection(plain, environ={})))
