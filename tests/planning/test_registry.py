"""The order in which fixers run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from composerefactor.compose.project import Project
from composerefactor.planning.registry import REFACTORINGS, fixers, in_run_order, transforms
from composerefactor.refactoring.contract import Change, Fixer, Refusal


@dataclass(frozen=True, slots=True)
class Options:
    pass


def named(name: str, *after: str, first: bool = False) -> Fixer[Any]:
    def plan(project: Project, options: Options) -> Iterator[Change | Refusal]:
        yield from ()

    return Fixer(name, "", "", Options, plan, after, first=first)


def names(*found: Fixer[Any]) -> list[str]:
    return [each.name for each in in_run_order(found)]


def test_by_name_and_after_what_they_build_on() -> None:
    assert names(named("c"), named("a", "b"), named("b"), named("d", "unknown")) == list("bcda")


def test_those_that_make_files_readable_are_first() -> None:
    assert names(named("a"), named("z", first=True), named("y", "z", first=True)) == list("zya")


def test_files_are_made_readable_before_anything_else() -> None:
    assert list(fixers())[:2] == ["fix-schema", "modernize"]


def test_every_transform_is_a_fixer_or_a_command() -> None:
    assert fixers().keys() | REFACTORINGS == transforms().keys()
    assert not fixers().keys() & REFACTORINGS
