"""Answers from a file, for tests and documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.commandline import CommandLine, Outcome, tree, write
from support.wizards import SHOP

ALL = "- goal: split\n- layout: accept\n- finish: write\n"

MISPLACED = "- services: [db]\n- module: path\n- path: docker-compose.yml\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write(tmp_path / "shop", {"docker-compose.yml": SHOP})


def replayed(command_line: CommandLine, shop: Path, answers: str) -> Outcome:
    (shop.parent / "answers.yml").write_text(answers)
    return command_line(shop, "wizard", "--answers", "../answers.yml")


def test_a_file_of_answers_does_what_a_person_does(command_line: CommandLine, shop: Path) -> None:
    outcome = replayed(command_line, shop, ALL)
    assert outcome.code == 0
    assert "wrote 4 files" in outcome.err
    assert f"composerefactor split --engine {command_line.engine} --yes" in outcome.err.replace(
        " \\\n   ", ""
    )
    assert "docker-compose/services/docker-compose.data.yml" in tree(shop)


def test_a_step_back_takes_the_answer_before_it_away(command_line: CommandLine, shop: Path) -> None:
    answers = ALL.replace(
        "- layout: accept\n", "- layout: into\n- into: x\n- back\n- back\n" * 2, 1
    )
    answers = answers.replace("- finish", "- layout: accept\n- finish", 1)
    assert replayed(command_line, shop, answers).code == 0
    assert "docker-compose/services/docker-compose.data.yml" in tree(shop)


@pytest.mark.parametrize(
    ("answers", "code", "words"),
    [
        ("- goal: split\n- layuot: accept\n", 3, "answers.yml:2: this answers 'layuot'"),
        (
            "- goal: everything\n",
            3,
            "answers.yml:1: goal: one of split, fix, both, environments, look",
        ),
        ("- goal: split\n", 2, "there is no answer to 'layout'"),
        (f"{ALL}- more: yes\n", 3, "answers.yml:4: this answers 'more', but the wizard asks"),
        ("goals: [split]\n", 3, "a list of answers is needed"),
        ("- [split]\n", 3, "answers.yml:1: one question with its answer"),
        (
            f"- goal: split\n- layout: services\n{MISPLACED}",
            2,
            "'docker-compose.yml' is not a path for a module",
        ),
    ],
)
def test_answers_that_do_not_fit(
    command_line: CommandLine, shop: Path, answers: str, code: int, words: str
) -> None:
    outcome = replayed(command_line, shop, answers)
    assert words in outcome.err
    assert outcome.code == code
    if code == 2 or "more" not in answers:
        assert list(tree(shop)) == ["docker-compose.yml"]


def test_answers_that_cannot_be_read(command_line: CommandLine, shop: Path) -> None:
    outcome = command_line(shop, "wizard", "--answers", "nowhere.yml")
    assert outcome.code == 3
    assert "nowhere.yml: the answers cannot be read" in outcome.err


def test_without_a_terminal_other_commands_are_named(command_line: CommandLine, shop: Path) -> None:
    outcome = command_line(shop, "wizard")
    assert outcome.code == 2
    for words in ("needs a terminal", "split --dry-run", "fix --unsafe", "--answers FILE"):
        assert words in outcome.err


def test_what_is_not_proved_is_not_written(command_line: CommandLine, shop: Path) -> None:
    (shop.parent / "answers.yml").write_text(ALL)
    outcome = command_line(shop, "wizard", "--answers", "../answers.yml", "--engine", "none")
    assert outcome.code == 3
    assert "finish: one of patch, each, again, leave is needed" in outcome.err
    assert list(tree(shop)) == ["docker-compose.yml"]
