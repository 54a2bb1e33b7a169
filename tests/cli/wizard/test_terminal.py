"""The wizard as a person sees it, on a real terminal."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cli.wizard.conftest import Film, Start
from support.commandline import tree
from support.pseudoterminal import Terminal
from support.wizards import BROKEN, SHOP

PROJECT = {"docker-compose.yml": SHOP}
PATH = (  # what each question of a run is answered with
    ("What would you like to do?", ("f",)),
    ("Which fixes do you want?", ("k",)),
    ("drop-version: 1 change. Take?", ("enter",)),
    ("2 of 9 kinds", ("l",)),
    ("Take this change?", ("d",)),
    ("3 of 9 kinds", ("d",)),
    ("What would you like to do with the changes?", ()),
)
COLOURS = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-8]|9[0-7])(?:;\d+)*m")


def mostly_long(prompts: Sequence[int]) -> list[Any]:
    """Return *prompts* for parameters: `make test` goes to the last one only."""
    return [*(pytest.param(n, marks=pytest.mark.long) for n in prompts[:-1]), prompts[-1]]


def test_full_run(start: Start, film: Film) -> None:
    terminal = start(PROJECT, proves=True)
    terminal.wait_for("What would you like to do?")
    film.take(terminal, "the possible changes, and the goals")
    terminal.press("b")
    terminal.wait_for("Which fixes do you want?")
    film.take(terminal, "all kinds of changes")
    terminal.press("k")
    terminal.wait_for("drop-version: 1 change. Take?")
    film.take(terminal, "a kind of change that is safe")
    terminal.press("enter")
    terminal.wait_for("2 of 9 kinds")
    film.take(terminal, "a kind that changes containers is not preselected")
    terminal.press("d")
    terminal.wait_for("What would you like to do with the changes?")
    film.take(terminal, "the changes that were taken are verified")
    terminal.press("enter")
    terminal.wait_for("Is this layout right?")
    film.take(terminal, "written; the layout of the second part")
    terminal.press("enter")
    terminal.wait_for("What would you like to do with the changes?")
    film.take(terminal, "the end of the second part")
    terminal.press("enter")
    terminal.wait_for("Save the decisions")
    film.take(terminal, "the command line, and the settings")
    terminal.press("y")
    assert terminal.end() == 0
    film.take(terminal, "done")
    film.check()
    assert not COLOURS.search(terminal.bytes), "NO_COLOR is set"


def test_high_findings_that_nothing_fixes_come_first(start: Start) -> None:
    compose = "services:\n  db:\n    image: nginx:1.27\n    privileged: true\n"
    terminal = start({"compose.yaml": compose})
    lines = terminal.wait_for("What would you like to do?").splitlines()
    (first,) = (line for line in lines if line.startswith("By hand"))
    assert "compose.yaml:4: db is privileged" in first


def asks_for_the_goal(terminal: Terminal) -> bool:
    """Return whether the first question is still open after a while."""
    end = time.monotonic() + 2.0
    while time.monotonic() < end:
        terminal.read()
    return "enter chooses, ? shows all keys" in terminal.text().splitlines()[-1]


def answer_after_a_pause(terminal: Terminal, *keys: str, then: str) -> None:
    """Press *keys* until *then* is asked: a busy machine may not have noticed the pause before."""
    for _ in range(5):
        time.sleep(2)
        terminal.press(*keys)
        with contextlib.suppress(AssertionError):
            terminal.wait_for(then, 20)
            return
    terminal.wait_for(then)


def test_keys_that_are_typed_ahead_answer_nothing(start: Start, tmp_path: Path) -> None:
    terminal = start(PROJECT)
    terminal.press(*["enter"] * 5)  # before anything is on the screen
    terminal.wait_for("What would you like to do?")
    assert "Split" in terminal.text()
    for keys, then in (  # only the first key is an answer
        (("s", "enter", "enter", "y", "w", "enter"), "Is this layout right?"),
        (("y", "w", "enter", "enter"), "What would you like to do with the changes?"),
    ):
        answer_after_a_pause(terminal, *keys, then=then)
    assert tree(tmp_path / "shop") == {"docker-compose.yml": SHOP.encode()}
    assert b"ww" not in terminal.bytes, "keys are not echoed"
    answer_after_a_pause(terminal, "q", then="nothing was written")
    assert terminal.end() == 130


def test_a_key_that_comes_with_an_answer_is_too_early_for_the_next(start: Start) -> None:
    terminal = start(PROJECT)
    terminal.wait_for("What would you like to do?")
    terminal.press("s\r")
    terminal.wait_for("Is this layout right?")
    terminal.press("enter")
    assert "Is this layout right?" in terminal.wait_for("pressed too early")


def test_an_impatient_enter_answers_nothing(start: Start) -> None:
    terminal = start(PROJECT)
    given_up = threading.Event()

    def press_again_and_again() -> None:
        terminal.child.send("\r")
        while not given_up.wait(0.9):
            terminal.child.send("\r")

    pressing = threading.Thread(target=press_again_and_again, daemon=True)
    pressing.start()
    terminal.wait_for_text("What would you like to do?")
    assert asks_for_the_goal(terminal)
    assert "pressed too early" in terminal.text()
    given_up.set()
    pressing.join()
    assert asks_for_the_goal(terminal)
    answer_after_a_pause(terminal, "s", then="Is this layout right?")


def test_help_and_scrolling(start: Start, film: Film) -> None:
    terminal = start(PROJECT, proves=True)
    terminal.wait_for("What would you like to do?")
    terminal.press("s")
    terminal.wait_for("Is this layout right?")
    terminal.press("y")
    terminal.wait_for("What would you like to do with the changes?")
    terminal.press("l")
    terminal.wait_for("1 of ")
    film.take(terminal, "the first file")
    terminal.press("?")
    terminal.wait_for("show or hide this help")
    film.take(terminal, "the keys")
    terminal.press("?")
    terminal.wait_for("Take this change?")
    terminal.press("space")
    terminal.wait_for("u: up")
    film.take(terminal, "the end of the diff")
    terminal.press("u")
    terminal.wait_for("space: more")
    terminal.press("q")
    assert terminal.end() == 130
    film.check()


def test_skip_some_and_go_back(start: Start, film: Film) -> None:
    terminal = start(PROJECT)
    terminal.wait_for("What would you like to do?")
    terminal.press("s")
    terminal.wait_for("Is this layout right?")
    terminal.press("d")
    terminal.wait_for("Which module is divided?")
    film.take(terminal, "the modules")
    terminal.press("enter")
    terminal.wait_for("Which services leave it?")
    film.take(terminal, "its services")
    terminal.press("space", "enter")
    terminal.wait_for("Name of the new module:")
    terminal.press(*["backspace"] * 2, "back", "enter")
    terminal.wait_for("docker-compose.back.yml")
    film.take(terminal, "the layout with the new module")
    terminal.press("y")
    terminal.wait_for("What would you like to do with the changes?")
    terminal.press("l")
    terminal.wait_for("1 of 5")
    terminal.press("y")
    terminal.wait_for("2 of 5")
    terminal.press("esc")
    terminal.wait_for("1 of 5")
    film.take(terminal, "back at the first change")
    for number in range(1, 5):
        shown = terminal.wait_for(f"{number} of 5")
        terminal.press(
            "n" if "Create docker-compose/services/docker-compose.back.yml" in shown else "y"
        )
    terminal.wait_for("This change follows from the others")
    terminal.press("y")
    terminal.wait_for("What would you like to do with the changes?")
    film.take(terminal, "the changes that were taken")
    terminal.press("q")
    assert terminal.end() == 130
    film.check()


@pytest.mark.long
def test_the_root_files_move_too(start: Start, film: Film, tmp_path: Path) -> None:
    terminal = start({**PROJECT, "Makefile": "up:\n\tdocker compose up -d\n"}, proves=True)
    terminal.wait_for("What would you like to do?")
    terminal.press("s")
    terminal.wait_for("Is this layout right?")
    terminal.press("end", "up", "enter")
    terminal.wait_for("Directory of the root files")
    terminal.press("enter")
    terminal.wait_for("Root files: docker-compose")
    film.take(terminal, "the layout with the root files elsewhere")
    terminal.press("y")
    terminal.wait_for("What would you like to do with the changes?")
    terminal.press("enter")
    assert terminal.end() == 0
    film.take(terminal, "the command line")
    assert b"-f docker-compose/docker-compose.yml up" in tree(tmp_path / "shop")["Makefile"]
    film.check()


def test_a_broken_project_starts_at_the_errors(start: Start, film: Film, tmp_path: Path) -> None:
    terminal = start({"docker-compose.yml": BROKEN}, proves=True)
    terminal.wait_for("What would you like to do?")
    film.take(terminal, "what Docker Compose rejects comes first")
    terminal.press("enter")
    terminal.wait_for("Which fixes do you want?")
    film.take(terminal, "the first kind repairs it")
    terminal.press("a")
    terminal.wait_for("What would you like to do with the changes?")
    film.take(terminal, "Docker Compose accepts it now")
    terminal.press("ctrl-c")
    assert terminal.end() == 130
    assert tree(tmp_path / "shop") == {"docker-compose.yml": BROKEN.encode()}
    film.check()


@pytest.mark.parametrize("reached", mostly_long(range(len(PATH))))
def test_ctrl_c_at_every_prompt(start: Start, tmp_path: Path, reached: int) -> None:
    terminal = start(PROJECT)
    for text, keys in PATH[:reached]:
        terminal.wait_for(text)
        terminal.press(*keys)
    terminal.wait_for(PATH[reached][0])
    terminal.press("ctrl-c")
    assert terminal.end() == 130
    assert "interrupted, nothing was written" in terminal.text()
    assert tree(tmp_path / "shop") == {"docker-compose.yml": SHOP.encode()}


def test_escape_says_how_to_quit_and_ctrl_d_quits(start: Start, tmp_path: Path) -> None:
    terminal = start(PROJECT)
    terminal.wait_for("What would you like to do?")
    terminal.press("esc")
    terminal.wait_for("nothing to go back to; q quits")
    terminal.press("ctrl-d")
    assert terminal.end() == 130
    assert "interrupted, nothing was written" in terminal.text()
    assert tree(tmp_path / "shop") == {"docker-compose.yml": SHOP.encode()}


def test_after_a_write_ctrl_c_says_what_stays(start: Start, tmp_path: Path) -> None:
    terminal = start(PROJECT, proves=True)
    terminal.wait_for("What would you like to do?")
    terminal.press("b")
    terminal.wait_for("Which fixes do you want?")
    terminal.press("y")
    terminal.wait_for("What would you like to do with the changes?")
    terminal.press("enter")
    terminal.wait_for("Is this layout right?")
    terminal.press("ctrl-c")
    assert terminal.end() == 130
    assert "`composerefactor undo` restores them" in terminal.text()
    assert b"version:" not in tree(tmp_path / "shop")["docker-compose.yml"]


@pytest.mark.parametrize(
    ("columns", "lines"), [(48, 14), pytest.param(132, 43, marks=pytest.mark.long)]
)
def test_another_size_at_any_time(start: Start, columns: int, lines: int) -> None:
    terminal = start(PROJECT, NO_COLOR=None)
    terminal.wait_for("What would you like to do?")
    terminal.resize(columns, lines)
    terminal.press("s")
    terminal.wait_for("Is this layout right?")
    terminal.press("y")
    terminal.wait_for("with the changes?")
    terminal.press("l")
    screen = terminal.wait_for("Take this change?")
    assert "Take" in screen
    assert "1 of" in screen
    assert all(len(line) <= columns for line in screen.splitlines())
    assert COLOURS.search(terminal.bytes), "NO_COLOR is not set"


@pytest.mark.long
def test_two_hundred_services(start: Start, film: Film) -> None:
    services = "".join(f"  s{n:03}:\n    image: {_image(n)}\n" for n in range(200))
    files = {"docker-compose.yml": f"services:\n{services}"}
    terminal = start(files)
    terminal.wait_for("What would you like to do?")
    terminal.press("s")
    terminal.wait_for("Is this layout right?")
    film.take(terminal, "the layout, which scrolls")
    terminal.press("s")
    terminal.wait_for("Which services?")
    film.take(terminal, "all services")
    terminal.press("end")
    terminal.wait_for("s199")
    film.take(terminal, "the last one")
    terminal.press("/", "s", "1", "9", "0")
    terminal.wait_for("filter: s190")
    film.take(terminal, "the one with s190")
    terminal.press("ctrl-c")
    assert terminal.end() == 130
    film.check()


def _image(number: int) -> str:
    return ("ghcr.io/x/app:1", "postgres:16", "nginx:1.27", "prom/prometheus:v3.0.0")[number % 4]


LAYOUT = (  # prompts of the layout, each reached by these keys from the one before
    ("Is this layout right?", ("s",)),
    ("Which services?", ("s",)),
    ("To which module", ("space", "enter")),
    ("Name of the module:", ("enter",)),
)


@pytest.mark.parametrize("reached", mostly_long(range(1, len(LAYOUT) + 1)))
def test_ctrl_c_and_back_at_prompts_of_every_kind(
    start: Start, tmp_path: Path, reached: int
) -> None:
    terminal = start(PROJECT)
    terminal.wait_for("What would you like to do?")
    for text, keys in LAYOUT[:reached]:
        terminal.press(*keys)
        terminal.wait_for(text)
    terminal.press("esc")
    before = LAYOUT[reached - 2][0] if reached > 1 else "What would you like to do?"
    terminal.wait_for_new(before)
    terminal.press(*LAYOUT[reached - 1][1])
    terminal.wait_for_new(LAYOUT[reached - 1][0])
    terminal.press("ctrl-c")
    assert terminal.end() == 130
    assert tree(tmp_path / "shop") == {"docker-compose.yml": SHOP.encode()}


def test_ctrl_c_while_it_works(start: Start, tmp_path: Path) -> None:
    terminal = start(PROJECT, proves=True)
    terminal.wait_for("Found")
    terminal.press("ctrl-c")
    assert terminal.end() == 130
    terminal = start(PROJECT, proves=True)
    terminal.wait_for("What would you like to do?")
    terminal.press("s", "ctrl-c")
    assert terminal.end() == 130
    assert tree(tmp_path / "shop") == {"docker-compose.yml": SHOP.encode()}
