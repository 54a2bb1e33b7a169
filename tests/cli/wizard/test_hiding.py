"""No secret is on the wizard's screen, however it is written."""

from __future__ import annotations

import pytest

from composerefactor.cli.wizard.prompts import width, wrapped
from composerefactor.cli.wizard.screens import shown_lines

SECRET = "correct horse"


@pytest.mark.parametrize(
    "text",
    [
        f"      PASSWORD: {SECRET}",
        f"+      PASSWORD: {SECRET}  # do not tell",
        f'-      - "DB_PASSWORD={SECRET}"',
        f"      - DB_PASSWORD={SECRET}",
        f"      'API_KEY': '{SECRET}'",
        f"+API_TOKEN={SECRET}",
        f"      PRIVATE_KEY: |\n        {SECRET}\n\n        {SECRET}",
        f"+      PRIVATE_KEY: >-  # folded\n+        {SECRET}",
        f"      PASSWORD: ${{PASSWORD:-{SECRET}}}",
        f"      PASSWORD: ${{PASSWORD}}{SECRET}",
    ],
)
def test_a_secret_is_hidden(text: str) -> None:
    shown = "\n".join(shown_lines(text.splitlines()))
    assert "correct" not in shown
    assert "***" in shown
    assert text.split(":", maxsplit=1)[0].split("=", maxsplit=1)[0] in shown


@pytest.mark.parametrize(
    "line",
    [
        "      PASSWORD: ${PASSWORD:?set it in .env}",
        '+      PASSWORD: "${PASSWORD}"  # from .env',
        "      POSTGRES_PASSWORD_FILE: /run/secrets/db",
        "+    image: nginx:1.27",
        "@@ -1,5 +1,3 @@",
    ],
)
def test_what_is_no_secret_is_shown(line: str) -> None:
    assert list(shown_lines([line])) == [line]


def test_what_follows_a_hidden_block_is_shown() -> None:
    lines = ["  KEY: |", "    a b", "", "  OTHER: c"]
    assert list(shown_lines(lines)) == ["  KEY: |", "    ***", "", "  OTHER: c"]


def test_control_characters_and_long_lines_cannot_spoil_the_screen() -> None:
    (line,) = shown_lines(["\x1b[2J" + "x" * 5000])
    assert "\x1b" not in line
    assert len(line) < 300


@pytest.mark.parametrize("columns", [20, 48, 80])
def test_wrapped_lines_fit_and_lose_no_word(columns: int) -> None:
    line = "\x1b[36mFound    \x1b[0mthree ways this project is started: " + "/".join(["a"] * 90)
    parts = wrapped(line, columns)
    assert all(width(part) <= columns for part in parts)
    assert "".join("".join(parts).split()) == "".join(line.split())


def test_only_a_labelled_line_goes_on_below_its_text() -> None:
    sentence = "Wait in `depends_on` until a dependency is healthy."
    assert wrapped(sentence, 40) == ["Wait in `depends_on` until a dependency", "is healthy."]
    assert wrapped("By hand  compose.yaml:1: db has no check", 30)[1].startswith(" " * 9)
    row = "   a.yml + b.yml  because of its name"
    assert wrapped(row, 30) == ["   a.yml + b.yml  because of", "     its name"]
    change = "a.yml:3: Let the web service wait"
    assert wrapped(change, 30) == ["a.yml:3: Let the web service", "  wait"]
