"""The session that docs/wizard.md shows, on a real terminal."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from cli.wizard.conftest import Film, Start
from composerefactor.cli.main import COMMANDS
from composerefactor.cli.wizard.files import read_answers
from support.commandline import CommandLine, tree, write

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "legacy-shop"
PAGE = ROOT / "docs" / "wizard.md"


@pytest.mark.long
def test_recording(start: Start, film: Film, tmp_path: Path) -> None:
    terminal = start(EXAMPLE)
    terminal.wait_for("Which start commands must keep working?")
    film.take(terminal, "The start commands, before Docker Compose runs")
    terminal.press("enter")
    terminal.wait_for("What would you like to do?")
    film.take(terminal, "The possible changes, and the goals")
    terminal.press("enter")
    terminal.wait_for("Is this layout right?")
    film.take(terminal, "The layout; long ones come in parts")
    terminal.press("enter")
    terminal.wait_for("8 changes planned")
    film.take(terminal, "The plan is verified")
    terminal.press("enter")
    terminal.wait_for("1 of 8")
    film.take(terminal, "The first change, with its consequences")
    terminal.press("down", "down", "enter")
    terminal.wait_for("3 of 8")
    terminal.press("down", "enter")
    terminal.wait_for("4 of 8")
    film.take(terminal, "The fourth; the third, development-helpers, was skipped")
    terminal.press(*["down"] * 4, "enter")
    terminal.wait_for("What would you like to do with the changes?")
    film.take(terminal, "The changes that were taken are verified")
    terminal.press("enter")
    terminal.wait_for("Save the decisions")
    film.take(terminal, "The files are written; this command line does the same")
    terminal.press("down", "enter")
    assert terminal.end() == 0
    written = tree(tmp_path / "shop")
    assert "docker-compose/infrastructure/docker-compose.nginx.yml" in written
    assert "docker-compose/infrastructure/docker-compose.development-helpers.yml" not in written
    assert b"- mailhog" in written[".composerefactor.yml"]
    film.check()


def test_the_page_shows_the_recording() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "recording.py"))
    page = PAGE.read_text(encoding="utf-8")
    assert page == script["with_recording"](page), "`make docs` updates it"


def test_the_answers_on_the_page_are_read() -> None:
    assert read_answers("docs/wizard.md", answers_on_the_page().encode())


@pytest.mark.long
def test_the_answers_on_the_page_are_answers(command_line: CommandLine, tmp_path: Path) -> None:
    shop = write(tmp_path / "shop", {})
    for name, content in tree(EXAMPLE).items():
        write(shop, {name: content})
    write(tmp_path, {"answers.yml": answers_on_the_page()})
    outcome = command_line(shop, "wizard", "--answers", "../answers.yml")
    assert outcome.code == 0, outcome.err
    assert "docker-compose/infrastructure/docker-compose.nginx.yml" in tree(shop)
    assert "wizard" in COMMANDS


def answers_on_the_page() -> str:
    page = PAGE.read_text(encoding="utf-8")
    return page.split("```yaml\n# answers.yml\n", 1)[1].split("```", 1)[0]
