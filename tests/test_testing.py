"""The page on writing a transform tells the truth: its code runs, and its tests pass."""

from __future__ import annotations

import re
import sys
import types
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from composerefactor.errors import ComposerefactorError
from composerefactor.registry import GROUP, transforms
from composerefactor.testing import check_changed, check_unchanged
from composerefactor.transform import Effect, Mending

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
    tests = [each for name, each in names.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


@pytest.mark.engine
def test_the_checks_see_what_is_wrong(label_team: Any) -> None:
    right: Mending[Any] = label_team.label_team
    with pytest.raises(AssertionError, match=r"\+    labels:"):
        check_unchanged(right, BEFORE)
    with pytest.raises(AssertionError, match=r"-    tty: true"):
        check_changed(right, BEFORE, {"compose.yaml": BEFORE["compose.yaml"] + "    tty: true\n"})
    label_team.Effect = lambda path, verb: Effect((*path[:-1], "annotations"), verb)
    after = BEFORE["compose.yaml"] + "    labels:\n      com.example.team: platform\n"
    with pytest.raises(AssertionError, match="not declared: service api: labels is new"):
        check_changed(right, BEFORE, {"compose.yaml": after})


def test_a_plug_in_is_found_by_its_entry_point(
    label_team: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = metadata.EntryPoint("label-team", "label_team:label_team", GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point])
    assert transforms()["label-team"].settings[0].example == "payments"


def test_a_broken_plug_in_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    point = metadata.EntryPoint("broken", "no_such_module:x", GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point])
    with pytest.warns(UserWarning, match="broken is left out"):
        found = transforms()
    assert "broken" not in found


def test_a_plug_in_with_a_name_that_is_taken_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    value = "composerefactor.transforms.drop_version:drop_version"
    point = metadata.EntryPoint("drop-version", value, GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point])
    with pytest.raises(ComposerefactorError, match="two transforms are called 'drop-version'"):
        transforms()
