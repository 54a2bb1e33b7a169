"""One planted change of each kind: its impacts are reported, and nothing else.

All cases are in one project, so that Docker Compose resolves both states only once.
"""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from composerefactor.analysis.diff.kinds import RULES
from support.commandline import CommandLine, Outcome, write
from support.nodes import values

CASES: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("planted.toml").read_text(encoding="utf-8")
)["case"]
SECRETS = ("correct-horse", "hunter2")
PROJECT_KINDS = {
    *("rejected", "not-compared", "accepted", "start-command-added", "start-command-removed"),
    "project-renamed",
}
"""What :mod:`test_review` plants, since it concerns a whole project."""


pytestmark = pytest.mark.xdist_group("planted")  # one process makes the comparison


def state(n: int, cases: Sequence[Mapping[str, Any]]) -> str:
    """Return the project before (0) or after (1) the changes of *cases*, as JSON, which is YAML."""
    model: dict[str, dict[str, Any]] = defaultdict(dict)
    for case in cases:
        if body := case[("before", "after")[n]]:
            model["services"][case["name"]] = values(body)
        for section, entries in values(case.get("resources", ["{}", "{}"])[n]).items():
            model[section] |= entries
    return json.dumps(model, indent=1)


def compared(
    engine: Path, root: Path, cases: Sequence[Mapping[str, Any]], form: str, *options: str
) -> Outcome:
    """Return what ``diff`` prints of the changes of *cases*."""
    files = {"sources/index.html": "x", "deploy/sources/index.html": "x", "state/.gitkeep": ""}
    write(root, {"docker-compose.yml": state(0, cases)} | files)
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "before"]):
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments]
        subprocess.run(command, cwd=root, check=True)
    write(root, {"docker-compose.yml": state(1, cases)})
    line = CommandLine(str(engine), {"PATH": os.environ["PATH"], "HOME": str(root)})
    outcome = line(root, "diff", "HEAD", "--format", form, "-v", *options)
    assert outcome.code == 0, outcome.err
    return outcome


@pytest.fixture(scope="module")
def reported(engine: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The impacts of each case, by its service."""
    outcome = compared(engine, tmp_path_factory.mktemp("planted"), CASES, "json")
    found: dict[str, list[str]] = defaultdict(list)
    for change in outcome.document["changes"]:
        section, name = change["path"][:2]
        owners = change["services"] if section == "services" else [_owner(section, name)]
        for owner in owners:
            found[owner].append(f"{change['rule']} {change['risk']} {change['effect']}")
    return found


def _owner(section: str, name: str) -> str:
    """Return the case that defines the network or volume *name*."""
    for case in CASES:
        for text in case.get("resources", ()):
            if name in values(text).get(section, {}):
                return str(case["name"])
    return f"{section}.{name}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_impacts_are_reported(case: dict[str, Any], reported: dict[str, list[str]]) -> None:
    names = [case["name"], *case.get("others", ())]
    assert sorted(words for name in names for words in reported.get(name, [])) == case["found"]


def test_nothing_else_is_reported(reported: dict[str, list[str]]) -> None:
    known = {name for case in CASES for name in (case["name"], *case.get("others", ()))}
    assert reported.keys() <= known


def test_every_kind_of_change_is_planted() -> None:
    planted = {words.split()[0] for case in CASES for words in case["found"]}
    unseen = RULES.keys() - planted - PROJECT_KINDS
    assert not unseen, unseen


def test_no_secret_is_shown(engine: Path, tmp_path: Path) -> None:
    cases = [case for case in CASES if any(secret in repr(case) for secret in SECRETS)]
    assert len(cases) > 1
    reports = [f"--report={form}={tmp_path / form}" for form in ("json", "markdown")]
    outcome = compared(engine, tmp_path / "shop", cases, "text", *reports)
    shown = (outcome.out.decode(), *((tmp_path / n).read_text() for n in ("json", "markdown")))
    for output in shown:
        assert all(case["name"] in output for case in cases)
        assert not [secret for secret in SECRETS if secret in output]
