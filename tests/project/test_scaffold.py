"""What `make new-transform`, `make new-rule` and `make new-reader` create works as it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = ("composerefactor", "transforms", "scripts", "pyproject.toml", "tests/conftest.py")
TESTS = ("tests/support", "tests/test_golden.py", "tests/test_completeness.py")
GOLDEN = ("golden/__init__.py", "golden/drop-version")
RULES = ("tests/analysis/rules",)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the new files need of the source tree."""
    for name in (*NEEDED, *TESTS, *GOLDEN, *RULES):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, path, symlinks=True)
        else:
            shutil.copy(ROOT / name, path)
    return tmp_path


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=checkout, capture_output=True, text=True, check=False
    )


def test_what_is_created_works(checkout: Path) -> None:
    for kind, name in (("transform", "label-teams"), ("rule", "without-team")):
        done = run(checkout, "scripts/scaffold.py", kind, name)
        assert done.returncode == 0, done.stderr
        assert [line for line in done.stdout.splitlines() if line[:2] in {"1.", "2.", "3."}]
    tests = ("tests/test_golden.py", "tests/test_completeness.py", *RULES)
    names = "label-teams or without-team"
    options = ("-q", "-p", "no:cacheprovider", "-k", names, "--update-golden")
    tested = run(checkout, "-m", "pytest", *options, *tests)
    assert tested.returncode == 0, tested.stdout
    patch = (checkout / "golden/label-teams/basic/expected.diff").read_text(encoding="utf-8")
    assert "+      team: platform\n" in patch
    created = ("transforms/label_teams.py", "composerefactor/analysis/rules/without_team.py")
    linted = run(checkout, "-m", "ruff", "check", *created)
    assert linted.returncode == 0, linted.stdout


def test_a_new_reader_follows_a_split(checkout: Path) -> None:
    done = run(checkout, "scripts/scaffold.py", "reader", "ship-tool")
    assert done.returncode == 0, done.stderr
    linted = run(
        checkout, "-m", "ruff", "check", "composerefactor/refactoring/readers/ship_tool.py"
    )
    assert linted.returncode == 0, linted.stdout
    (checkout / "shop").mkdir()
    (checkout / "shop/compose.yaml").write_text(
        "services:\n  web:\n    image: nginx:1.27\n  db:\n    image: postgres:16\n"
    )
    (checkout / "shop/ship-tool.yml").write_text("files:\n  - compose.yaml\n")
    options = ("--force", "--granularity", "service", "--engine", "none", "--dry-run")
    planned = run(checkout, "-m", "composerefactor", "split", *options, "shop")
    assert "+  - compose/**\n" in planned.stdout, planned.stderr


def test_nothing_is_overwritten(checkout: Path) -> None:
    done = run(checkout, "scripts/scaffold.py", "transform", "drop-version")
    assert (done.returncode, "exists already" in done.stderr) == (1, True)


def test_a_name_is_in_kebab_case(checkout: Path) -> None:
    done = run(checkout, "scripts/scaffold.py", "rule", "Some_Rule")
    assert (done.returncode, "lower case" in done.stderr) == (1, True)
