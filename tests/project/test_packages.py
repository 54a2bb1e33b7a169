from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import composerefactor.transforms

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_every_folder_of_the_package_is_a_package() -> None:
    for file in (ROOT / "composerefactor").rglob("*.py"):
        assert (file.parent / "__init__.py").exists(), file


@pytest.mark.parametrize(
    "package", [path.parent for path in (ROOT / "composerefactor").rglob("__init__.py")], ids=str
)
def test_the_docstring_of_a_package_lists_its_files(package: Path) -> None:
    if package.name in {"composerefactor", "rules", "transforms"}:
        return
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text("utf-8"))) or ""
    listed = set(re.findall(r"^(\w+) +\S", docstring, re.MULTILINE))
    names = {path.stem for path in package.glob("*.py")} - {"__init__"}
    assert names - listed == set(), f"list it in the docstring of {package.name}/__init__.py"


def test_transforms_are_a_link_inside_the_package() -> None:
    link = ROOT / "composerefactor" / "transforms"
    assert link.is_symlink()
    assert link.readlink() == Path("../transforms")


def test_transforms_are_imported_under_one_name_only() -> None:
    assert composerefactor.transforms.__name__ in sys.modules
    assert not [name for name in sys.modules if name.partition(".")[0] == "transforms"]


def test_version_has_a_section_in_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"## [{PROJECT['project']['version']}]" in changelog
    assert "## [Unreleased]" in changelog
