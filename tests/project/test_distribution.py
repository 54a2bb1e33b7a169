"""What the distributions hold, and that it runs.

`make test` takes the list of files that an sdist would have, and the folder that a wheel would be
made of. `make test-long` builds both, and installs the package as pip does, from the index, where
nothing else is.
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


class Packed(NamedTuple):
    """A copy of the checkout, the files of its sdist, and a folder with those of its wheel."""

    checkout: Path
    sdist: set[str]
    wheel: Path


class Built(NamedTuple):
    """The sdist built from the checkout, and the wheel built from that."""

    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    folder = tmp_path_factory.mktemp("distribution")
    checkout = folder / "checkout"
    shutil.copytree(ROOT, checkout, symlinks=True, ignore=IGNORED)
    commands = ("egg_info", "build_py", "--build-lib", str(folder / "wheel"))
    subprocess.run(
        [sys.executable, "setup.py", "--quiet", *commands],
        cwd=checkout,
        check=True,
        capture_output=True,
        text=True,
    )
    (listed,) = checkout.glob("*.egg-info/SOURCES.txt")
    files = set(listed.read_text(encoding="utf-8").splitlines())
    shutil.rmtree(listed.parent)
    return Packed(checkout, files, folder / "wheel")


@pytest.fixture(scope="module")
def built(packed: Packed) -> Built:
    folder = packed.checkout.parent / "dist"
    command = ["-m", "build", "--no-isolation", "--outdir", str(folder), str(packed.checkout)]
    subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True)
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return Built(sdist, wheel)


def test_sdist_holds_what_the_tests_need(packed: Packed) -> None:
    names = packed.sdist
    folders = {name.partition("/")[0] for name in names}
    assert {"Makefile", "LICENSE", "CHANGELOG.md", "pyproject.toml"} <= names
    assert {"composerefactor", "examples", "scripts", "tests", "transforms"} <= folders
    for folder in ("bench", "docs", "golden"):
        has_files = any(path.is_file() for path in (packed.checkout / folder).rglob("*"))
        assert (folder in folders) is has_files
    assert not [name for name in names if name.endswith(".pyc")]
    assert not [name for name in names if re.fullmatch(r".*/images/data/.*\.json", name)]


def test_wheel_holds_every_module_and_the_data(packed: Packed) -> None:
    sources = {
        f"composerefactor/{file.relative_to(folder).as_posix()}"
        for folder, patterns in (
            (packed.checkout / "composerefactor", DATA),
            (packed.checkout, ("transforms/*.py", "golden/__init__.py")),
            (packed.checkout, ("golden/*/*/case.toml", "golden/*/*/expected.diff")),
        )
        for pattern in patterns
        for file in folder.glob(pattern)
    }
    generated = {f"composerefactor/images/data/{name}" for name in GENERATED}
    assert files_below(packed.wheel) == sources | generated


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_wheel_runs(packed: Packed, tmp_path: Path) -> None:
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
        env={**os.environ, "PYTHONPATH": str(packed.wheel), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    file = packed.wheel / "composerefactor/images/catalog.py"
    assert done.stdout.startswith(f"{file} True\n")
    assert "+    logging:" in done.stdout, "the golden cases are there"


@pytest.mark.long
def test_the_archives_hold_these_files(packed: Packed, built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        members = archive.getmembers()
    assert not [member.name for member in members if member.issym() or member.islnk()]
    names = {member.name.partition("/")[2] for member in members if member.isfile()}
    assert {name for name in names if ".egg-info/" not in name} - {"PKG-INFO", "setup.cfg"} == {
        name for name in packed.sdist if ".egg-info/" not in name
    }
    with zipfile.ZipFile(built.wheel) as archive:
        files = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert files == files_below(packed.wheel)


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
