from __future__ import annotations

import pytest

from composerefactor.compose.files import ComposeFile
from composerefactor.refactoring.modules.include import MAX_PATHS, IncludeEdit
from composerefactor.yaml.source import Source

SERVICES = "services:\n  a: {image: a}\n"
OWN = "project_directory: .\n    env_file: /dev/null\n    path:\n"
FLOW = "{project_directory: ., env_file: /dev/null, path: [a.yaml]}"


def created(text: str, *paths: str) -> str:
    edit = IncludeEdit.of(ComposeFile.parse(Source("compose.yaml", text)), paths)
    return "".join(piece.text for piece in edit.created())


def appended(text: str, *paths: str) -> str:
    file = ComposeFile.parse(Source("compose.yaml", text + SERVICES))
    edit = IncludeEdit.of(file, paths)
    assert edit.appends
    assert file.sections is not None
    return "".join(piece.text for piece in edit.appended(file.sections["include"]))


def test_a_new_list() -> None:
    assert created(SERVICES, "m/a.yaml", "m/b.yaml") == (
        "include:\n"
        "  - project_directory: .\n"
        "    env_file: /dev/null  # variables come from the command's own environment, as before\n"
        "    path:\n"
        "      - m/a.yaml\n"
        "      - m/b.yaml\n"
    )


def test_a_new_list_has_the_indentation_and_line_ends_of_the_file() -> None:
    text = "services:\r\n    a:\r\n        image: a\r\n"
    lines = created(text, "a.yaml").split("\r\n")
    assert lines[1] == "    - project_directory: ."
    assert lines[3:] == ["      path:", "        - a.yaml", ""]


@pytest.mark.parametrize("count", [1, MAX_PATHS, MAX_PATHS + 1, 5 * MAX_PATHS + 2])
def test_long_lists_are_several_entries_of_about_one_length(count: int) -> None:
    text = created(SERVICES, *(f"{n}.yaml" for n in range(count)))
    sizes = [entry.count(".yaml") for entry in text.split("project_directory: .")[1:]]
    assert sum(sizes) == count
    assert len(sizes) == -(-count // MAX_PATHS)
    assert len(set(sizes[:-1])) <= 1


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
        (
            "include: [x.yaml]\n",
            f"include: [x.yaml, {FLOW}]\n",
        ),
        ("include: [x.yaml,] # theirs\n", f"include: [x.yaml,{FLOW}] # theirs\n"),
        ("include: []\n", f"include: [{FLOW}]\n"),
        ("include:\n", f"include: [{FLOW}]\n"),
    ],
)  # fmt: skip
def test_an_existing_list(before: str, after: str) -> None:
    assert appended(before, "a.yaml") == after


def test_a_full_entry_is_followed_by_another() -> None:
    full = f"include:\n  - {OWN}" + "".join(f"      - {n}.yaml\n" for n in range(MAX_PATHS - 1))
    found = appended(full, "a.yaml", "b.yaml")
    assert found == f"{full}      - a.yaml\n  - {OWN}      - b.yaml\n"


def test_a_list_at_the_end_of_a_file_without_a_last_newline() -> None:
    file = ComposeFile.parse(Source("compose.yaml", f"{SERVICES}include:\n  - x.yaml"))
    edit = IncludeEdit.of(file, ["a.yaml"])
    assert file.sections is not None
    text = "".join(piece.text for piece in edit.appended(file.sections["include"]))
    assert text == f"include:\n  - x.yaml\n  - {OWN}      - a.yaml"
