"""Whatever one project does, the others are analysed."""

from __future__ import annotations

import os
import time
from pathlib import Path
from unittest import mock

import pytest

from composerefactor.analysis import fleet
from composerefactor.analysis.fleet import analyse_all, find_projects, summary_of
from support.commandline import write

DIES = "dies"
GOOD = "services:\n  web:\n    image: nginx:1.27\n"


def test_projects_are_found_where_they_are(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "compose.yaml": GOOD,
            "docker-compose/services/docker-compose.api.yml": GOOD,
            "examples/one/docker-compose.yml": GOOD,
            ".devcontainer/docker-compose.yml": GOOD,
            ".cache/docker-compose.yml": GOOD,
            "notes/compose.txt": "",
        },
    )
    found = [path.relative_to(tmp_path).as_posix() for path in find_projects(tmp_path)]
    assert found == [".", ".devcontainer", "examples/one"]


def test_a_project_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    write(tmp_path, {"compose.yaml": GOOD})
    with (
        mock.patch.object(fleet, "MAX_SECONDS", 0.05),
        mock.patch.object(fleet, "analyse_project", side_effect=lambda _: time.sleep(5)),
    ):
        assert summary_of(str(tmp_path), str(tmp_path)).error.startswith("timed out after")


def test_a_process_that_dies_takes_one_project_with_it(tmp_path: Path) -> None:
    write(tmp_path, {f"{name}/compose.yaml": GOOD for name in (DIES, "other")})
    calls: list[tuple[int, int]] = []
    with mock.patch.object(fleet, "summary_of", _dying):
        projects = [tmp_path / DIES, tmp_path / "other"]
        found = list(analyse_all(projects, tmp_path, 1, lambda *now: calls.append(now)))
    assert [(each.path, bool(each.error)) for each in found] == [(DIES, True), ("other", False)]
    assert calls == [(1, 2), (2, 2)]


def _dying(path: str, top: str) -> fleet.ProjectSummary:
    if path.endswith(DIES):
        os._exit(9)
    return summary_of(path, top)


@pytest.mark.parametrize(
    "text", ["", "a: &a [*a]\n", "services: 1\n", "[]\n", "services:\n  1: {}\n"]
)
def test_odd_files_end_nothing(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"compose.yaml": text})
    summary_of(str(tmp_path), str(tmp_path))
