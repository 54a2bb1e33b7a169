from __future__ import annotations

from collections.abc import Sequence

import pytest

from composerefactor.compose.files import ComposeFile
from composerefactor.refactoring.modules.include import (
    MAX_PATHS,
    NO_VARIABLES,
    IncludeEdit,
    IncludeEntry,
    entries_of,
)
from composerefactor.yaml.source import Source

SERVICES = "services:\n  a: {image: a}\n"
EMPTY = "m/empty.env"
OWN = f"project_directory: .\n    env_file: {EMPTY}\n    path:\n"
FLOW = f"{{project_directory: ., env_file: {EMPTY}, path: [a.yaml]}}"
LONG = entries_of(["a.yaml"], ["a.yaml"], EMPTY)


def created(text: str, entries: Sequence[IncludeEntry]) -> str:
    edit = IncludeEdit(ComposeFile.parse(Source("compose.yaml", text)), tuple(entries))
    return "".join(piece.text for piece in edit.created())


def appended(text: str, entries: Sequence[IncludeEntry], services: str = SERVICES) -> str:
    file = ComposeFile.parse(Source("compose.yaml", services + text))
    edit = IncludeEdit(file, tuple(entries))
    assert edit.appends
    assert file.sections is not None
    return "".join(piece.text for piece in edit.appended(file.sections["include"]))


def short(*paths: str) -> list[IncludeEntry]:
    return entries_of(paths, [], "")


# --- a new list ---------------------------------------------------------------------------------


def test_a_new_list_is_one_of_paths() -> None:
    text = created(SERVICES, short("m/a.yaml", "m/b.yaml"))
    assert text == "include:\n  - m/a.yaml\n  - m/b.yaml\n"


def test_files_that_are_merged_are_one_entry() -> None:
    entries = [IncludeEntry(("m/a.yaml", "m/dev.yaml")), *short("m/b.yaml")]
    assert created(SERVICES, entries) == (
        "include:\n  - path:\n      - m/a.yaml\n      - m/dev.yaml\n  - m/b.yaml\n"
    )


def test_long_entries_come_last_and_the_first_of_them_says_why() -> None:
    assert created(SERVICES, entries_of(["m/a.yaml", "m/b.yaml"], ["m/a.yaml"], EMPTY)) == (
        "include:\n"
        "  - m/b.yaml\n"
        "  - project_directory: .\n"
        f"    env_file: {EMPTY}  # variables come from the command's own environment, as before\n"
        "    path:\n"
        "      - m/a.yaml\n"
    )
    merged = [IncludeEntry(("a.yaml", "b.yaml"), EMPTY), *LONG]
    assert created(SERVICES, merged).count("#") == 1


def test_a_new_list_has_the_indentation_and_line_ends_of_the_file() -> None:
    text = "services:\r\n    a:\r\n        image: a\r\n"
    assert created(text, short("b.yaml")) == "include:\r\n    - b.yaml\r\n"
    lines = created(text, LONG).split("\r\n")
    assert lines[1] == "    - project_directory: ."
    assert lines[3:] == ["      path:", "        - a.yaml", ""]


@pytest.mark.parametrize("count", [1, MAX_PATHS, MAX_PATHS + 1, 5 * MAX_PATHS + 2])
def test_many_long_paths_are_several_entries_of_about_one_length(count: int) -> None:
    paths = [f"{n}.yaml" for n in range(count)]
    sizes = [len(entry.paths) for entry in entries_of(paths, paths, EMPTY)]
    assert sum(sizes) == count
    assert len(sizes) == -(-count // MAX_PATHS)
    assert len(set(sizes[:-1])) <= 1


def test_many_short_paths_are_an_entry_each() -> None:
    entries = short(*(f"{n}.yaml" for n in range(MAX_PATHS + 1)))
    assert len(entries) == MAX_PATHS + 1
    assert all(entry.is_path for entry in entries)


# --- a list that is there already ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "include:\n  - x.yaml  # theirs\n",
            "include:\n  - x.yaml  # theirs\n  - a.yaml\n",
        ),
        ("include:\n- x.yaml\n", "include:\n- x.yaml\n- a.yaml\n"),
        (
            "include:\n  - path:\n      - x.yaml\n      - y.yaml\n",
            "include:\n  - path:\n      - x.yaml\n      - y.yaml\n  - a.yaml\n",
        ),
        (
            f"include:\n  - {OWN}      - x.yaml\n",
            f"include:\n  - {OWN}      - x.yaml\n  - a.yaml\n",
        ),
        (
            "include:\n  - x.yaml\n\n# the rest\nvolumes: {}\n",
            "include:\n  - x.yaml\n  - a.yaml\n",
        ),
        ("include: [x.yaml]\n", "include: [x.yaml, a.yaml]\n"),
        ("include: []\n", "include: [a.yaml]\n"),
        ("include:\n", "include: [a.yaml]\n"),
    ],
)
def test_a_path_in_an_existing_list(before: str, after: str) -> None:
    assert appended(before, short("a.yaml")) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "include:\n  - x.yaml  # theirs\n",
            f"include:\n  - x.yaml  # theirs\n  - {OWN}      - a.yaml\n",
        ),
        (
            "include:\n- x.yaml\n",
            f"include:\n- x.yaml\n- {OWN.replace('    ', '  ')}    - a.yaml\n",
        ),
        (
            f"include:\n  - {OWN}      - x.yaml\n",
            f"include:\n  - {OWN}      - x.yaml\n      - a.yaml\n",
        ),
        (
            f"include:\n  - {OWN}    - x.yaml # first\n  - y.yaml\n",
            f"include:\n  - {OWN}    - x.yaml # first\n    - a.yaml\n  - y.yaml\n",
        ),
        ("include: [x.yaml]\n", f"include: [x.yaml, {FLOW}]\n"),
        ("include: [x.yaml,] # theirs\n", f"include: [x.yaml,{FLOW}] # theirs\n"),
        ("include: []\n", f"include: [{FLOW}]\n"),
        ("include:\n", f"include: [{FLOW}]\n"),
    ],
)
def test_a_long_path_in_an_existing_list(before: str, after: str) -> None:
    assert appended(before, LONG) == after


def test_an_entry_of_an_earlier_version_takes_more_paths() -> None:
    before = f"include:\n  - {OWN.replace(EMPTY, NO_VARIABLES)}      - x.yaml\n"
    assert appended(before, LONG) == f"{before}      - a.yaml\n"


@pytest.mark.parametrize(
    "theirs",
    [
        OWN.replace("directory: .", "directory: sub"),
        OWN.replace(EMPTY, "prod.env"),
        OWN.replace(f"    env_file: {EMPTY}\n", ""),
    ],
)
def test_an_entry_of_somebody_else_takes_no_paths(theirs: str) -> None:
    before = f"include:\n  - {theirs}      - x.yaml\n"
    assert appended(before, LONG) == f"{before}  - {OWN}      - a.yaml\n"


def test_a_full_entry_is_followed_by_another() -> None:
    full = f"include:\n  - {OWN}" + "".join(f"      - {n}.yaml\n" for n in range(MAX_PATHS - 1))
    found = appended(full, entries_of((), ["a.yaml", "b.yaml"], EMPTY))
    assert found == f"{full}      - a.yaml\n  - {OWN}      - b.yaml\n"


def test_both_forms_in_a_list_that_is_there() -> None:
    before = f"include:\n  - {OWN}      - x.yaml\n"
    entries = entries_of(["a.yaml", "b.yaml"], ["a.yaml"], EMPTY)
    assert appended(before, entries) == f"{before}      - a.yaml\n  - b.yaml\n"


@pytest.mark.parametrize("entries", [short("a.yaml"), LONG], ids=["short", "long"])
def test_a_list_at_the_end_of_a_file_without_a_last_newline(entries: list[IncludeEntry]) -> None:
    line = "a.yaml" if entries[0].is_path else f"{OWN}      - a.yaml"
    assert appended("include:\n  - x.yaml", entries) == f"include:\n  - x.yaml\n  - {line}"
