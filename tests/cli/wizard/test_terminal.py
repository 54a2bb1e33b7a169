"""The wizard as a person sees it, on a real terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.wizard.conftest import Film, Start
from support.commandline import tree
from support.wizards import BROKEN, SHOP

PROJECT = {"docker-compose.yml": SHOP}
PATH = (  # what each question of a run is answered with
    ("What is to be done?", ("enter",)),
    ("Which of these?", ("down", "space", "enter")),
    ("Options of the transforms", ("enter",)),
    ("This would be done", ("enter",)),
    ("Take this change?", ("down", "enter")),
    ("2 of 2", ("enter",)),
    ("What is to be done with it?", ()),
)
COLOURS = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-8]|9[0-7])(?:;\d+)*m")


def test_full_run(start: Start, film: Film) -> None:
    terminal = start(PROJECT)
    terminal.wait_for("What is to be done?")
    film.take(terminal, "what was found, and what is to be done")
    terminal.press("enter")
    terminal.wait_for("Which of these?")
    film.take(terminal, "which transforms")
    terminal.press("enter")
    terminal.wait_for("This would be done")
    film.take(terminal, "the plan and its proof")
    terminal.press("enter")
    terminal.wait_for("Take this change?")
    film.take(terminal, "one change")
    terminal.press("enter")
    terminal.wait_for("What is to be done with it?")
    film.take(terminal, "the end of the first part")
    terminal.press("enter")
    terminal.wait_for("Is this layout right?")
    film.take(terminal, "written; the layout of the second part")
    terminal.press("enter")
    terminal.wait_for("This would be done")
    terminal.press("down", "enter")
    terminal.wait_for("What is to be done with it?")
    film.take(terminal, "the end of the second part")
    terminal.press("enter")
    terminal.wait_for("Keep the decisions")
    film.take(terminal, "the same without questions, and the settings")
    terminal.press("down", "enter")
    assert terminal.end() == 0
    film.take(terminal, "done")
    film.check()


def test_skip_some_and_go_back(start: Start, film: Film, tmp_path: Path) -> None:
    terminal = start(PROJECT)
    terminal.wait_for("What is to be done?")
    terminal.press("space", "enter")  # the modules alone
    terminal.wait_for("Is this layout right?")
    terminal.press("down", "enter")
    terminal.wait_for("Which services?")
    film.take(terminal, "services by module")
    terminal.press("space", "down", "space", "enter")
    terminal.wait_for("Where do")
    film.take(terminal, "where they go")
    terminal.press("enter")
    terminal.wait_for("Name of the module:")
    terminal.press(*["backspace"] * 3, "back", "enter")
    terminal.wait_for("docker-compose.back.yml")
    terminal.press("enter")
    terminal.wait_for("This would be done")
    terminal.press("enter")
    terminal.wait_for("1 of 4")
    film.take(terminal, "the first change")
    terminal.press("enter")
    terminal.wait_for("2 of 4")
    terminal.press("esc")
    terminal.wait_for("Skip it\n")
    film.take(terminal, "back at the first change")
    terminal.press("enter")
    terminal.wait_for("2 of 4")
    terminal.press("down", "enter")
    terminal.wait_for("3 of 4")
    terminal.press("enter")
    terminal.wait_for("This follows from the others")
    terminal.press("enter")
    terminal.wait_for("What is to be done with it?")
    film.take(terminal, "what was taken, proved again")
    terminal.press("enter")
    terminal.wait_for("Keep the decisions")
    film.take(terminal, "the command line leaves it out, too")
    terminal.press("enter")
    assert terminal.end() == 0
    assert "docker-compose/services/docker-compose.back.yml" not in tree(tmp_path / "shop")
    film.check()


def test_the_root_files_move_too(start: Start, film: Film, tmp_path: Path) -> None:
    terminal = start({**PROJECT, "Makefile": "up:\n\tdocker compose up -d\n"})
    terminal.wait_for("What is to be done?")
    terminal.press("space", "enter")  # the modules alone
    terminal.wait_for("Is this layout right?")
    terminal.press(*["down"] * 5, "enter")
    terminal.wait_for("Directory of the root files")
    terminal.press("enter")
    terminal.wait_for("Root files: docker-compose")
    film.take(terminal, "the layout with the root files elsewhere")
    terminal.press("enter")
    terminal.wait_for("This would be done")
    terminal.press("down", "enter")
    terminal.wait_for("What is to be done with it?")
    terminal.press("enter")
    terminal.wait_for("Keep the decisions")
    film.take(terminal, "the same without questions")
    terminal.press("down", "enter")
    assert terminal.end() == 0
    assert b"-f docker-compose/docker-compose.yml up" in tree(tmp_path / "shop")["Makefile"]
    film.check()


def test_a_broken_project_starts_at_the_errors(start: Start, film: Film, tmp_path: Path) -> None:
    terminal = start({"docker-compose.yml": BROKEN})
    terminal.wait_for("What is to be done?")
    film.take(terminal, "what the engine rejects comes first")
    terminal.press("enter")
    terminal.wait_for("Which of these?")
    terminal.press("enter")
    terminal.wait_for("This would be done")
    film.take(terminal, "the engine accepts it now")
    terminal.press("ctrl-c")
    assert terminal.end() == 130
    assert tree(tmp_path / "shop") == {"docker-compose.yml": BROKEN.encode()}
    film.check()


def test_ctrl_c_at_every_prompt_and_on_again_from_there(start: Start, tmp_path: Path) -> None:
    for reached in range(len(PATH)):
        terminal = start(PROJECT)
        if reached > 1:
            terminal.wait_for("was left open")
            terminal.press("enter")
            terminal.wait_for(PATH[reached - 1][0])
        if reached:
            terminal.wait_for(PATH[reached - 1][0])
            terminal.press(*PATH[reached - 1][1])
        terminal.wait_for(PATH[reached][0])
        terminal.press("ctrl-c")
        assert terminal.end() == 130
        assert "interrupted, nothing was written" in terminal.text()
        assert tree(tmp_path / "shop") == {"docker-compose.yml": SHOP.encode()}


def test_after_a_write_ctrl_c_says_what_stays(start: Start, tmp_path: Path) -> None:
    terminal = start(PROJECT)
    for text, keys in PATH[:2]:
        terminal.wait_for(text)
        terminal.press(*keys)
    terminal.wait_for("Options of the transforms")
    terminal.press("enter")
    terminal.wait_for("This would be done")
    terminal.press("down", "enter")
    terminal.wait_for("What is to be done with it?")
    terminal.press("enter")
    terminal.wait_for("Is this layout right?")
    terminal.press("ctrl-c")
    assert terminal.end() == 130
    assert "what was written before stays" in terminal.text()
    assert b"version:" not in tree(tmp_path / "shop")["docker-compose.yml"]


@pytest.mark.parametrize(("columns", "lines"), [(48, 14), (132, 43)])
def test_another_size_at_any_time(start: Start, columns: int, lines: int) -> None:
    terminal = start(PROJECT)
    terminal.wait_for("What is to be done?")
    terminal.resize(columns, lines)
    terminal.press("space", "enter")
    terminal.wait_for("Is this layout right?")
    terminal.press("enter")
    terminal.wait_for("This would be done")
    terminal.press("enter")
    screen = terminal.wait_for("Take this change?")
    assert "Take it" in screen
    assert "Back" in screen
    assert all(len(line) <= columns for line in screen.splitlines())


def test_colours_unless_they_are_not_wanted(start: Start, tmp_path: Path) -> None:
    for no_color, wanted in (("1", False), (None, True)):
        terminal = start(PROJECT, NO_COLOR=no_color)
        terminal.wait_for("What is to be done?")
        terminal.press("space", "enter")
        terminal.wait_for("Is this layout right?")
        terminal.press("ctrl-c")
        assert terminal.end() == 130
        assert bool(COLOURS.search(terminal.bytes)) is wanted
        (tmp_path / "state").rename(tmp_path / f"state-{no_color}")  # nothing to go on with


def test_two_hundred_services(start: Start, film: Film) -> None:
    services = "".join(f"  s{n:03}:\n    image: {_image(n)}\n" for n in range(200))
    terminal = start({"docker-compose.yml": f"services:\n{services}"})
    terminal.wait_for("What is to be done?")
    terminal.press("enter")
    terminal.wait_for("Is this layout right?")
    film.take(terminal, "the layout, in parts")
    terminal.press("down", "enter")
    terminal.wait_for("Which services?")
    film.take(terminal, "all services")
    terminal.press("s", "1", "9")
    terminal.wait_for("s190")
    film.take(terminal, "those with s19")
    terminal.press("ctrl-c")
    assert terminal.end() == 130
    film.check()


def _image(number: int) -> str:
    return ("ghcr.io/x/app:1", "postgres:16", "nginx:1.27", "prom/prometheus:v3.0.0")[number % 4]


LAYOUT = (  # prompts of the layout, each reached by these keys from the one before
    ("Is this layout right?", ("space", "enter")),
    ("Which services?", ("down", "enter")),
    ("Where do", ("space", "enter")),
    ("Name of the module:", ("enter",)),
)


@pytest.mark.parametrize("reached", range(1, len(LAYOUT) + 1))
def test_ctrl_c_and_back_at_prompts_of_every_kind(
    start: Start, tmp_path: Path, reached: int
) -> None:
    terminal = start(PROJECT)
    terminal.wait_for("What is to be done?")
    for text, keys in LAYOUT[:reached]:
        terminal.press(*keys)
        terminal.wait_for(text)
    terminal.press("esc")
    before = LAYOUT[reached - 2][0] if reached > 1 else "What is to be done?"
    terminal.wait_for_new(before)
    terminal.press(*LAYOUT[reached - 1][1])
    terminal.wait_for_new(LAYOUT[reached - 1][0])
    terminal.press("ctrl-c")
    assert terminal.end() == 130
    assert tree(tmp_path / "shop") == {"docker-compose.yml": SHOP.encode()}


def test_ctrl_c_while_it_works(start: Start, tmp_path: Path) -> None:
    terminal = start(PROJECT)
    terminal.wait_for("Found")
    terminal.press("ctrl-c")
    assert terminal.end() == 130
    terminal = start(PROJECT)
    terminal.wait_for("What is to be done?")
    terminal.press("space", "enter", "ctrl-c")
    assert terminal.end() == 130
    assert tree(tmp_path / "shop") == {"docker-compose.yml": SHOP.encode()}
