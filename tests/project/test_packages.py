from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

import composerefactor.transforms

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_packages_are_the_folders_on_disk() -> None:
    names = {
        ".".join([package, *file.relative_to(ROOT / folder).parent.parts])
        for folder, package in (
            ("composerefactor", "composerefactor"),
            ("golden", "composerefactor.golden"),
            ("transforms", "composerefactor.transforms"),
        )
        for file in (ROOT / folder).rglob("__init__.py")
    }
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert set(listed) == names
    assert listed == sorted(listed)


def test_every_folder_of_the_package_is_a_package() -> None:
    for file in (ROOT / "composerefactor").rglob("*.py"):
        assert (file.parent / "__init__.py").exists(), file


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
