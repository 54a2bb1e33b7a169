"""The code on the page about writing a transform runs, its tests pass, and plug-ins are found."""

from __future__ import annotations

import re
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest

from composerefactor.errors import ComposerefactorError
from composerefactor.planning.registry import GROUP, transforms
from composerefactor.refactoring.contract import Effect, Fixer
from composerefactor.testing import check_changed, check_unchanged
from support.plugins import distribution

PAGE = Path(__file__).parents[1] / "docs" / "writing-a-transform.md"
CODE, TESTS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
BEFORE = {"compose.yaml": "services:\n  api:\n    image: shop/api\n"}


@pytest.fixture
def label_team(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = types.ModuleType("label_team")
    monkeypatch.setitem(sys.modules, "label_team", module)
    exec(compile(CODE, "label_team.py", "exec"), module.__dict__)
    return module


@pytest.mark.engine
def test_the_tests_of_the_page_pass(label_team: Any) -> None:
    names: dict[str, Any] = {}
    exec(compile(TESTS, "test_label_team.py", "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


@pytest.mark.engine
def test_the_assertions_fail_for_wrong_results(label_team: Any) -> None:
    right: Fixer[Any] = label_team.label_team
    with pytest.raises(AssertionError, match=r"\+    labels:"):
        check_unchanged(right, BEFORE)
    with pytest.raises(AssertionError, match=r"-    tty: true"):
        check_changed(right, BEFORE, {"compose.yaml": BEFORE["compose.yaml"] + "    tty: true\n"})
    label_team.Effect = lambda path, verb: Effect((*path[:-1], "annotations"), verb)
    after = BEFORE["compose.yaml"] + "    labels:\n      com.example.team: platform\n"
    with pytest.raises(AssertionError, match="undeclared differences: service api"):
        check_changed(right, BEFORE, {"compose.yaml": after})


@pytest.mark.usefixtures("new_plugins")
def test_a_plug_in_is_found_by_its_entry_point(
    label_team: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    distribution(tmp_path, GROUP, "label-team", "label_team:label_team")
    monkeypatch.syspath_prepend(tmp_path)
    assert transforms()["label-team"].settings[0].example == "payments"


@pytest.mark.usefixtures("new_plugins")
def test_a_broken_plug_in_is_skipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    distribution(tmp_path, GROUP, "broken", "no_such_module:x")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.warns(UserWarning, match="broken is skipped"):
        found = transforms()
    assert "broken" not in found


@pytest.mark.usefixtures("new_plugins")
def test_two_transforms_with_the_same_name_are_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    value = "composerefactor.transforms.drop_version:drop_version"
    distribution(tmp_path, GROUP, "drop-version", value)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ComposerefactorError, match="'drop-version'"):
        transforms()


@pytest.mark.usefixtures("new_plugins")
def test_a_zip_archive_may_contain_plug_ins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    distribution(tmp_path, GROUP, "drop-version", "composerefactor.transforms.drop_version:x")
    archive = tmp_path / "packages.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(tmp_path.glob("*.dist-info/*")):
            file.write(path, path.relative_to(tmp_path))
    monkeypatch.syspath_prepend(archive)
    with pytest.warns(UserWarning, match="drop-version is skipped"):
        transforms()
