"""What is found of a project whose files extend what they share, and what is worth sharing."""

from __future__ import annotations

from pathlib import Path

import pytest

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import load
from composerefactor.discovery.files import TreeFacts
from composerefactor.discovery.find import survey
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split
from support.commandline import tree
from support.memory import Memory
from support.moving import Texts

GOLDEN = Path(__file__).parents[3] / "golden" / "split"
CASES = ("alternatives-that-share", "alternative-in-place", "incomplete-alternatives")
BASE = "services:\n  web:\n    image: nginx:1.27\n"
DATABASE = """\
services:
  db:
    image: postgres:16
    restart: always
    user: postgres
    hostname: db
    stop_grace_period: 1m
    init: true
"""


@pytest.mark.parametrize("case", CASES)
def test_the_same_ways_to_start_are_found_afterwards(case: str) -> None:
    before, after = (
        {
            entry.files
            for files in [Texts({p: t.decode() for p, t in tree(GOLDEN / case / when).items()})]
            for entry in survey(files, TreeFacts(files, Library(files))).entries
        }
        for when in ("before", "after")
    )
    assert after == before


def planned(one: str, other: str) -> dict[str, str]:
    """Return the files that a split changes where two files are merged over a small base."""
    files = {"compose.yml": BASE, "one.yml": one, "other.yml": other}
    entries = [Invocation(("compose.yml",))]
    entries += [
        Invocation(("compose.yml", path), implicit=True) for path in ("one.yml", "other.yml")
    ]
    plan = split.plan(load(entries, Library(Memory(files))), SplitOptions())
    return {path: (content or b"").decode() for path, content in plan.contents().items()}


def test_a_definition_that_stands_already_needs_no_new_file() -> None:
    more = f"{DATABASE}    command: postgres -c fsync=off\n"
    assert planned(DATABASE, more) == {
        "other.yml": "services:\n  db:\n    extends:\n      file: one.yml\n      service: db\n"
        "    command: postgres -c fsync=off\n"
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (DATABASE.replace("    user: postgres\n    hostname: db\n", ""), DATABASE),
        (f"{DATABASE}    depends_on: [web]\n", f"{DATABASE}    depends_on: [web]\n"),
        (f"{DATABASE}  tool:\n    image: ${{TOOL:?}}\n", f"{DATABASE}    command: run\n"),
        (DATABASE, f"{DATABASE}    extends: {{file: compose.yml, service: web}}\n"),
    ],
    ids=["too few lines", "what old engines reject", "a required variable", "another parent"],
)
def test_what_is_not_worth_sharing_or_cannot_be_stays(one: str, other: str) -> None:
    assert planned(one, other) == {}
