"""One planted change for each kind: what is told of it, and that nothing else is.

All cases stand in one project, so that the engine is asked once for both states.
"""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from composerefactor.analysis.diff.change import RULES
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python
from support.commandline import CommandLine, write

CASES: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("planted.toml").read_text(encoding="utf-8")
)["case"]
SECRETS = ("correct-horse", "hunter2")
TOLD_OF_PROJECTS = {
    *("rejected", "not-compared", "accepted", "entry-point-added", "entry-point-removed"),
    "project-renamed",
}
"""What :mod:`test_review` plants, since it concerns a whole project."""


def state(n: int) -> str:
    """Return the project before (0) or after (1) all changes, as JSON, which is YAML."""
    model: dict[str, dict[str, Any]] = defaultdict(dict)
    for case in CASES:
        if body := case[("before", "after")[n]]:
            model["services"][case["name"]] = _value(body)
        for section, entries in _value(case.get("resources", ["{}", "{}"])[n]).items():
            model[section] |= entries
    return json.dumps(model, indent=1)


def _value(text: str) -> Any:
    source = Source.decode("case", text.encode())
    root = parse(source).root
    return to_python(root, source) if root is not None else {}


@pytest.fixture(scope="module")
def told(
    engine: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, list[str]], str]:
    """What is told of each case, by its service; and the whole output."""
    root = tmp_path_factory.mktemp("planted")
    files = {"sources/index.html": "x", "deploy/sources/index.html": "x", "state/.gitkeep": ""}
    write(root, {"docker-compose.yml": state(0)} | files)
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "before"]):
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments]
        subprocess.run(command, cwd=root, check=True)
    write(root, {"docker-compose.yml": state(1)})
    line = CommandLine(str(engine), {"PATH": os.environ["PATH"], "HOME": str(root)})
    outputs = [
        line(root, "diff", "HEAD", "--format", form, "-v") for form in ("json", "text", "markdown")
    ]
    assert [o.code for o in outputs] == [0, 0, 0], outputs[0].err
    found: dict[str, list[str]] = defaultdict(list)
    for change in outputs[0].document["changes"]:
        section, name = change["path"][:2]
        owner = name if section == "services" else _owner(section, name)
        found[owner].append(f"{change['rule']} {change['risk']} {change['effect']}")
    return found, "\n".join(o.out.decode() for o in outputs)


def _owner(section: str, name: str) -> str:
    """Return the case that defines the network or volume *name*."""
    for case in CASES:
        for text in case.get("resources", ()):
            if name in _value(text).get(section, {}):
                return str(case["name"])
    return f"{section}.{name}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_is_told(case: dict[str, Any], told: tuple[dict[str, list[str]], str]) -> None:
    names = [case["name"], *case.get("others", ())]
    assert sorted(words for name in names for words in told[0].get(name, [])) == case["found"]


def test_nothing_is_told_of_what_no_case_changes(
    told: tuple[dict[str, list[str]], str],
) -> None:
    known = {name for case in CASES for name in (case["name"], *case.get("others", ()))}
    assert told[0].keys() <= known


def test_every_kind_of_change_is_planted() -> None:
    planted = {words.split()[0] for case in CASES for words in case["found"]}
    unseen = RULES.keys() - planted - TOLD_OF_PROJECTS
    assert not unseen, unseen


def test_no_secret_is_shown(told: tuple[dict[str, list[str]], str]) -> None:
    assert not [secret for secret in SECRETS if secret in told[1]]
