"""Builds the distributions once, and runs what they hold.

Here the build uses what is installed; `make test-long` also builds and installs the package as pip
does, from the index, where nothing else is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from composerefactor.images.catalog import GENERATED

ROOT = Path(__file__).parents[2]
IGNORED = shutil.ignore_patterns(
    ".git", ".*cache*", ".hypothesis", ".venv", ".engines", "__pycache__", "*.egg-info", "build"
)

pytestmark = pytest.mark.xdist_group("distribution")


DATA = (
    "**/*.py",
    "**/*.yml",
    "**/schema.json",
    "**/*.schema.json",
    "**/*.css",
    "**/*.html",
    "**/*.js",
    "**/*.sh",
    "py.typed",
)


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
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", checkout],
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
    assert not [name for name in names if re.fullmatch(r".*/images/data/.*\.json", name)]


def test_wheel_holds_every_module_and_the_data(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    sources = {
        f"composerefactor/{file.relative_to(folder).as_posix()}": file
        for folder, patterns in (
            (built.checkout / "composerefactor", DATA),
            (built.checkout, ("transforms/*.py", "golden/__init__.py")),
            (built.checkout, ("golden/*/*/case.toml", "golden/*/*/expected.diff")),
        )
        for pattern in patterns
        for file in folder.glob(pattern)
    }
    generated = {f"composerefactor/images/data/{name}" for name in GENERATED}
    assert names == sources.keys() | generated


def test_wheel_runs(built: Built, tmp_path: Path) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        archive.extractall(tmp_path / "installed")  # noqa: S202 - it was built here
    script = (
        "from composerefactor.images import catalog;"
        "print(catalog.__file__, all(map(catalog.read, catalog.GENERATED)));"
        "from composerefactor.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "transforms", "add-logging"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
    )
    file = tmp_path / "installed/composerefactor/images/catalog.py"
    assert done.stdout.startswith(f"{file} True\n")
    assert "+    logging:" in done.stdout, "the golden cases are there"


@pytest.mark.long
def test_it_is_built_and_runs_where_nothing_else_is(built: Built, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    scripts = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run([scripts / "python", "-m", "pip", "install", "--quiet", built.sdist], check=True)
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
