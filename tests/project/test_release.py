"""The release workflow and the Dockerfile, as far as they can be checked without running them."""

from __future__ import annotations

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from support.nodes import values

ROOT = Path(__file__).parents[2]
RELEASE = ROOT / ".github/workflows/release.yml"


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    found: dict[str, Any] = values(RELEASE.read_text(encoding="utf-8"))["jobs"]
    return found


def test_only_the_upload_to_pypi_gets_an_identity(jobs: dict[str, Any]) -> None:
    with_identity = {name for name, job in jobs.items() if "id-token" in job["permissions"]}
    assert with_identity == {"pypi"}
    assert jobs["pypi"]["permissions"] == {"id-token": "write"}
    assert not any("run" in step for step in jobs["pypi"]["steps"])
    assert "secrets." not in RELEASE.read_text(encoding="utf-8")


def test_nothing_is_published_before_it_is_built_and_tested(jobs: dict[str, Any]) -> None:
    def before(name: str) -> set[str]:
        needs = jobs[name].get("needs", [])
        names = {needs} if isinstance(needs, str) else set(needs)
        return names.union(*map(before, names))

    runs = [step.get("run") for step in jobs["build"]["steps"]]
    assert runs.index("make test") < runs.index("make dist")
    assert all("build" in before(name) for name in jobs if name != "build")


def test_the_commands_are_sound(jobs: dict[str, Any]) -> None:
    scripts = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert not any("${{" in script for script in scripts)
    shellcheck = Path(sys.executable).parent / "shellcheck"
    for script in scripts:
        done = subprocess.run(
            [shellcheck, "--shell=bash", "-"],
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_the_image_is_built_from_what_the_build_needs() -> None:
    kept = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    assert all((ROOT / name).exists() for name in kept)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    folders = re.search(r"\[tool.setuptools.package-dir\](.*?)\n\[", project, re.DOTALL)
    assert folders
    assert set(re.findall(r'= "(\w+)"', folders[1])) <= kept
    assert "setup.py" in kept


def test_the_tag_of_the_workflow_is_that_of_the_version() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    version = re.findall(r'^version = "(.*)"', project, re.MULTILINE)
    (pattern,) = values(RELEASE.read_text(encoding="utf-8"))["on"]["push"]["tags"]
    assert fnmatch(f"v{version[0]}", pattern.replace("+", ""))
