"""The session that docs/wizard.md shows, on a real terminal."""

from __future__ import annotations

import runpy
from pathlib import Path

from cli.wizard.conftest import Film, Start
from composerefactor.cli.main import COMMANDS
from support.commandline import CommandLine, tree, write

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "legacy-shop"
PAGE = ROOT / "docs" / "wizard.md"


def test_recording(start: Start, film: Film, tmp_path: Path) -> None:
    terminal = start(EXAMPLE)
    terminal.wait_for("Which of these are to work")
    film.take(terminal, "What was found, before any engine is asked")
    terminal.press("enter")
    terminal.wait_for("What is to be done?")
    film.take(terminal, "What is wrong or missing, and what could be done")
    terminal.press("enter")
    terminal.wait_for("Is this layout right?")
    film.take(terminal, "The layout; long ones come in parts")
    terminal.press("enter")
    terminal.wait_for("This would be done")
    film.take(terminal, "The proof")
    terminal.press("enter")
    terminal.wait_for("1 of 15")
    film.take(terminal, "The first change, with what it means")
    terminal.press("down", "down", "enter")
    terminal.wait_for("5 of 15")
    terminal.press("down", "enter")
    terminal.wait_for("6 of 15")
    film.take(terminal, "The sixth; the fifth, api, was skipped")
    terminal.press(*["down"] * 4, "enter")
    terminal.wait_for("What is to be done with it?")
    film.take(terminal, "What was taken is proved again")
    terminal.press("enter")
    terminal.wait_for("Keep the decisions")
    film.take(terminal, "Written, and the command line that does the same")
    terminal.press("down", "enter")
    assert terminal.end() == 0
    written = tree(tmp_path / "shop")
    assert "docker-compose/services/docker-compose.web.yml" in written
    assert "docker-compose/services/docker-compose.api.yml" not in written
    assert b"- api" in written[".composerefactor.yml"]
    film.check()


def test_the_page_shows_the_recording() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "recording.py"))
    page = PAGE.read_text(encoding="utf-8")
    assert page == script["with_recording"](page), "`make docs` writes it anew"


def test_the_answers_on_the_page_are_answers(command_line: CommandLine, tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    answers = page.split("```yaml\n# answers.yml\n", 1)[1].split("```", 1)[0]
    shop = write(tmp_path / "shop", {})
    for name, content in tree(EXAMPLE).items():
        write(shop, {name: content})
    write(tmp_path, {"answers.yml": answers})
    outcome = command_line(shop, "wizard", "--answers", "../answers.yml")
    assert outcome.code == 0, outcome.err
    assert "docker-compose/services/docker-compose.web.yml" in tree(shop)
    assert "wizard" in COMMANDS
