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
    terminal = start(EXAMPLE, proves=True)
    terminal.wait_for("What would you like to do?")
    film.take(terminal, "What is there, and the goals")
    terminal.press("b")
    terminal.wait_for("Which fixes do you want?")
    film.take(terminal, "All kinds of fixes; one key takes those that risk no data")
    terminal.press("k")
    terminal.wait_for("1 of 4 kinds")
    film.take(terminal, "The first kind of fix; what changes containers is not preselected")
    terminal.press("y")
    terminal.wait_for("2 of 4 kinds")
    terminal.press("l")
    terminal.wait_for("Take this change?")
    film.take(terminal, "The second kind, one change at a time")
    terminal.press("y")
    terminal.wait_for("2 of ")
    terminal.press("d")
    terminal.wait_for("3 of 4 kinds")
    terminal.press("d")
    terminal.wait_for("What would you like to do with the changes?")
    film.take(terminal, "The changes that were taken are verified")
    terminal.press("enter")
    terminal.wait_for("Is this layout right?")
    film.take(terminal, "They are written; the layout of the split, which can be changed")
    terminal.press("enter")
    terminal.wait_for("What would you like to do with the changes?")
    film.take(terminal, "The split is verified")
    terminal.press("enter")
    terminal.wait_for("Save the decisions")
    film.take(terminal, "The files are written; these command lines do the same")
    terminal.press("y")
    assert terminal.end() == 0
    written = tree(tmp_path / "shop")
    assert "docker-compose/infrastructure/docker-compose.nginx.yml" in written
    assert b"select:" in written[".composerefactor.yml"]
    film.check()


@pytest.mark.long
def test_a_run_with_defaults_takes_at_most_12_keys(start: Start) -> None:
    terminal = start(EXAMPLE, proves=True)
    terminal.wait_for("What would you like to do?")
    terminal.press("b")
    keys = 1
    while terminal.child.isalive() and keys <= 12:
        terminal.wait_for_new("? shows all keys")
        terminal.press("enter")
        keys += 1
        while terminal.read(0.5):
            pass
    assert terminal.end() == 0
    assert keys <= 12


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
