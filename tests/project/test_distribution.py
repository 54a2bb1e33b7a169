"""Builds the distributions once, installs the wheel where nothing else is, and runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
IGNORED = shutil.ignore_patterns(
    ".git", ".*cache*", ".hypothesis", ".venv", ".engines", "__pycache__", "*.egg-info", "build"
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("distribution")]


class Built(NamedTuple):
    """A copy of the checkout, the sdist built from it, and the wheel built from that."""

    checkout: Path
    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("distribution")
    checkout = folder / "checkout"
    shutil.copytree(ROOT, checkout, symlinks=True, ignore=IGNORED)
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", folder / "dist", checkout],
        check=True,
        capture_output=True,
        text=True,
    )
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "dist").glob("*.whl")
    return Built(checkout, sdist, wheel)


def test_sdist_holds_what_the_tests_need(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        members = archive.getmembers()
    names = {member.name.partition("/")[2] for member in members}
    folders = {name.partition("/")[0] for name in names}
    assert {"Makefile", "LICENSE", "CHANGELOG.md", "pyproject.toml"} <= names
    assert {"composerefactor", "examples", "scripts", "tests", "transforms"} <= folders
    for folder in ("bench", "docs", "golden"):
        has_files = any(path.is_file() for path in (built.checkout / folder).rglob("*"))
        assert (folder in folders) is has_files
    assert not [member.name for member in members if member.issym() or member.islnk()]
    assert not [name for name in names if name.endswith(".pyc")]


def test_wheel_holds_every_module_and_the_data(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        path.relative_to(built.checkout).as_posix()
        for suffix in ("*.py", "*.yml", "*.json", "*.css", "*.html", "*.js", "*.sh", "py.typed")
        for path in (built.checkout / "composerefactor").rglob(suffix)
    } | {
        f"composerefactor/{path.relative_to(built.checkout).as_posix()}"
        for path in (built.checkout / "transforms").rglob("*.py")
    }
    expected |= {
        f"composerefactor/{path.relative_to(built.checkout).as_posix()}"
        for name in ("__init__.py", "*/*/case.toml", "*/*/expected.diff")
        for path in (built.checkout / "golden").glob(name)
    }
    assert names == expected


def test_wheel_runs_where_nothing_else_is_installed(built: Built, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    scripts = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run([scripts / "python", "-m", "pip", "install", "--quiet", built.wheel], check=True)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [scripts / "composerefactor", "--help"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    for command in ("split", "undo"):
        assert command in done.stdout
