"""The examples in docs/ci.md: they parse, and what they run is understood."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from composerefactor.analysis.diff.impact import UpEffect
from support.commandline import write
from support.nodes import values

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)


def example(name: str) -> Any:
    """Return the values of the example that is called *name*."""
    return values(next(text for path, text in EXAMPLES if path == name), name)


def test_inputs_are_those_of_the_action() -> None:
    action = values((ROOT / "action.yml").read_text(encoding="utf-8"))
    table = set(re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE))
    assert table == set(action["inputs"])
    steps = example(".github/workflows/compose.yml")["jobs"]["review"]["steps"]
    assert set(steps[1]["with"]) <= table


def test_hooks_are_there() -> None:
    hooks = values((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    used = example(".pre-commit-config.yaml")["repos"][0]["hooks"]
    assert {hook["id"] for hook in used} <= {hook["id"] for hook in hooks}
    assert all(f"`{hook['id']}`" in PAGE for hook in hooks)


@pytest.mark.parametrize("effect", [e for e in UpEffect if e != UpEffect.UNKNOWN])
def test_effects_are_explained(effect: UpEffect) -> None:
    words = {
        UpEffect.REMOVED: "container",
        UpEffect.REJECTED: "rejects",
        UpEffect.CREATED: "created",
    }
    assert words.get(effect, str(effect)) in PAGE


def git(directory: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments]
    return subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout


def test_the_job_for_gitlab_runs(tmp_path: Path, engine: Path) -> None:
    root = write(tmp_path / "shop", {"docker-compose.yml": "services: {a: {image: app:1}}\n"})
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    write(root, {"docker-compose.yml": "services: {a: {image: app:1, privileged: true}}\n"})
    job = example(".gitlab-ci.yml")["compose-review"]
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{engine.parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": git(root, "rev-parse", "HEAD").strip(),
    }
    codes = [
        subprocess.run(["sh", "-c", line], cwd=root, env=environ, check=False).returncode
        for line in job["script"]
    ]
    assert codes == [1]
    assert "runs privileged" in (root / job["artifacts"]["paths"][0]).read_text(encoding="utf-8")
