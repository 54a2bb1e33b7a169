"""Patterns that are compiled when they are first asked."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from composerefactor.patterns import regex

SOURCES = sorted((Path(__file__).parents[1] / "composerefactor").rglob("*.py"))


def test_it_is_asked_like_a_compiled_one() -> None:
    digits = regex(r"(?P<number>[0-9]+)x", re.IGNORECASE)
    assert [match["number"] for match in digits.finditer("1X 22x 3")] == ["1", "22"]
    assert digits.fullmatch("7X")
    assert digits.sub("-", "a1x") == "a-"
    assert regex(rb"a+").search(b"baa")


def test_a_pattern_that_is_none_is_an_error_when_it_is_asked() -> None:
    broken = regex("(")
    with pytest.raises(re.error):
        broken.search("x")


def test_no_module_compiles_one_when_it_is_imported() -> None:
    calls = [
        f"{path}:{node.lineno}"
        for path in SOURCES
        for each in ast.parse(path.read_text(encoding="utf-8")).body
        if not isinstance(each, (ast.FunctionDef, ast.ClassDef))
        for node in ast.walk(each)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "re.compile"
    ]
    assert not calls
