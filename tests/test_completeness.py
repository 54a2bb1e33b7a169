"""One name for a transform everywhere: its file, its golden folder, the command line."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from composerefactor.planning.registry import transforms
from composerefactor.refactoring.contract import Fixer

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "golden"
NAMES = sorted(transforms())
FOLDERS = [p for p in sorted(GOLDEN.iterdir()) if p.is_dir() and p.name != "__pycache__"]
"""Python caches the package in ``golden/`` beside the cases."""


def cases(name: str) -> dict[str, dict[str, Any]]:
    """Return the values of each ``case.toml`` of the transform *name*, by folder."""
    return {
        path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
        for path in sorted((GOLDEN / name).glob("*/case.toml"))
    }


def test_every_file_in_transforms_is_one() -> None:
    files = {path.stem.replace("_", "-") for path in (ROOT / "transforms").glob("[a-z]*.py")}
    assert files == set(NAMES), "each file needs one function with @fixer or @refactoring"


def test_every_golden_folder_has_a_transform() -> None:
    folders = {path.name for path in FOLDERS}
    assert folders - set(NAMES) == set(), "golden/ has folders that no transform is named after"
    assert set(NAMES) - folders == set(), "write golden/TRANSFORM/CASE (golden/README.md)"


@pytest.mark.parametrize("name", NAMES)
def test_every_transform_is_explained_by_one_case(name: str) -> None:
    documented = [case for case in cases(name).values() if case.get("docs")]
    explained_by = [case["expect"] for case in documented]
    assert explained_by == ["changed"], f"exactly one case of golden/{name} needs docs = true"


@pytest.mark.parametrize("name", NAMES)
def test_every_transform_says_when_it_does_nothing(name: str) -> None:
    expected = {case["expect"] for case in cases(name).values()}
    assert expected & {"unchanged", "refused"}, f"golden/{name} needs a case that changes nothing"


@pytest.mark.parametrize("name", NAMES)
def test_every_transform_has_a_summary(name: str) -> None:
    found = transforms()[name]
    summary = "the first line of its docstring is one sentence with a full stop"
    assert found.summary[:1].isupper(), summary
    assert found.summary.endswith("."), summary
    assert found.explanation, "the docstring goes on after the first line: why, and what it skips"


@pytest.mark.parametrize("name", NAMES)
def test_every_fixer_says_what_is_wrong_without_it(name: str) -> None:
    found = transforms()[name]
    assert not isinstance(found, Fixer) or found.cause, "pass purpose= and cause= to @fixer"


@pytest.mark.parametrize(
    "folder",
    [case for each in FOLDERS for case in sorted(each.iterdir())],
    ids=lambda path: path.name,
)
def test_every_golden_folder_is_a_whole_case(folder: Path) -> None:
    case = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    expected = {"case.toml", "before"}
    if case["expect"] == "changed":
        expected |= {"after", "expected.diff"}
    missing = "run tests/test_golden.py with --update-golden, which writes after/ and expected.diff"
    assert {path.name for path in folder.iterdir()} == expected, missing
    assert case["description"]
    assert not case["description"].endswith("."), "a description has no full stop"
