"""One name for a transform everywhere: its file, its golden folder, the command line."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from composerefactor.planning.registry import transforms

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "golden"
NAMES = sorted(transforms())


def cases(name: str) -> dict[str, dict[str, Any]]:
    """Return the values of each ``case.toml`` of the transform *name*, by folder."""
    return {
        path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
        for path in sorted((GOLDEN / name).glob("*/case.toml"))
    }


def test_every_file_in_transforms_is_one() -> None:
    files = {path.stem.replace("_", "-") for path in (ROOT / "transforms").glob("[a-z]*.py")}
    assert files == set(NAMES)


def test_every_golden_folder_has_a_transform() -> None:
    assert {path.name for path in GOLDEN.iterdir() if path.is_dir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_transform_is_explained_by_one_case(name: str) -> None:
    documented = [case for case in cases(name).values() if case.get("docs")]
    assert [case["expect"] for case in documented] == ["changed"]


@pytest.mark.parametrize("name", NAMES)
def test_every_transform_says_when_it_does_nothing(name: str) -> None:
    assert {case["expect"] for case in cases(name).values()} & {"unchanged", "refused"}


@pytest.mark.parametrize("name", NAMES)
def test_every_transform_has_a_summary(name: str) -> None:
    found = transforms()[name]
    assert found.summary[0].isupper()
    assert found.summary.endswith(".")
    assert found.explanation


@pytest.mark.parametrize("folder", sorted(GOLDEN.glob("*/*")), ids=lambda path: path.name)
def test_every_golden_folder_is_a_whole_case(folder: Path) -> None:
    case = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    expected = {"case.toml", "before"}
    if case["expect"] == "changed":
        expected |= {"after", "expected.diff"}
    assert {path.name for path in folder.iterdir()} == expected
    assert case["description"]
    assert not case["description"].endswith(".")
