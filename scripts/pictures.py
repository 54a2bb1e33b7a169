"""Write the pictures in docs/images: real commands, run on the example in a real terminal."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from io import StringIO
from itertools import groupby
from pathlib import Path

import pexpect
import pyte
from playwright.sync_api import sync_playwright
from pyte.screens import Char

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
PROGRAMS = Path(sys.executable).parent
LINES, SECONDS = 100, 300
PICTURES: dict[str, tuple[int, str | type[pexpect.EOF]]] = {
    "split": (112, r"\[n\]: "),
    "analyze": (100, pexpect.EOF),
}
"""The commands, each with the columns of the terminal and what it shows last."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
GLYPH, LEADING, MARGIN, BAR = 8.4, 19, 18, 34
FOREGROUND, DIM = "#cdd6f4", "#9399b2"
COLOURS = {"red": "#f38ba8", "green": "#a6e3a1", "brown": "#f9e2af", "cyan": "#89dceb"}
"""By the names of pyte, which calls yellow brown."""
DIMMED, ITALICS = 2, 3


class Screen(pyte.Screen):
    """A screen that takes dim text, which pyte does not know, for text in italics."""

    def select_graphic_rendition(self, *attributes: int) -> None:
        """Set the style of the text that follows; *attributes* are the numbers of SGR."""
        super().select_graphic_rendition(*(ITALICS if n == DIMMED else n for n in attributes))


@contextmanager
def example() -> Iterator[Path]:
    """A copy of the example in a repository; it is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "legacy-shop"
        shutil.copytree(ROOT / "examples" / "legacy-shop", project)
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "before"]):
            identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
            subprocess.run(["git", *identity, *words], cwd=project, check=True)  # noqa: S607
        yield project


def record(command: str, columns: int, last: str | type[pexpect.EOF]) -> list[list[Char]]:
    """Return what ``composerefactor COMMAND`` shows on a copy of the example, line by line."""
    with example() as project:
        folder = project.parent
        shown = StringIO()
        child = pexpect.spawn(
            str(PROGRAMS / "composerefactor"),
            [command],
            cwd=str(project),
            env={
                "PATH": f"{PROGRAMS}:/usr/local/bin:/usr/bin:/bin",
                "HOME": str(folder),
                "TERM": "xterm-256color",
                "LANG": "C.UTF-8",
                "PAGER": "cat",
            },
            dimensions=(LINES, columns),
            encoding="utf-8",
            timeout=SECONDS,
        )
        child.logfile_read = shown
        child.expect(last)
        child.close(force=True)
    screen = Screen(columns, LINES)
    pyte.Stream(screen).feed(
        f"\x1b[1m$ composerefactor {command}\x1b[0m\r\n"
        + shown.getvalue().replace(f"{folder}/", "~/")
    )
    rows = [[screen.buffer[y][x] for x in range(columns)] for y in range(LINES)]
    while not "".join(cell.data for cell in rows[-1]).strip():
        rows.pop()
    return rows


def svg(rows: list[list[Char]]) -> str:
    """Return the picture of a terminal window with *rows*."""
    width = round(len(rows[0]) * GLYPH + 2 * MARGIN)
    height = len(rows) * LEADING + BAR + MARGIN
    lights = "".join(
        f'<circle cx="{MARGIN + 4 + 20 * n}" cy="{BAR // 2}" r="6" fill="{COLOURS[name]}"/>'
        for n, name in enumerate(("red", "brown", "green"))
    )
    lines = [line(row, BAR + LEADING * (n + 1) - 5) for n, row in enumerate(rows)]
    body = "".join(f"{each}\n" for each in lines if each)
    fonts = "ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-size="14" font-family="{fonts}" xml:space="preserve">\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#1e1e2e"/>{lights}\n'
    )
    return f"{head}{body}</svg>\n"


def line(row: list[Char], y: int) -> str:
    """Return the text of *row* with its base line at *y*; each run of one style has its place."""
    parts, column = [], 0
    for (colour, bold, dim), cells in groupby(row, lambda c: (c.fg, c.bold, c.italics)):
        text = "".join(cell.data for cell in cells)
        if text.strip():
            fill = DIM if dim else COLOURS.get(colour, FOREGROUND)
            weight = ' font-weight="bold"' if bold else ""
            indent = len(text) - len(text.lstrip())
            shown = text.strip()
            parts.append(
                f'<text x="{MARGIN + (column + indent) * GLYPH:.1f}" y="{y}" fill="{fill}"{weight} '
                f'textLength="{len(shown) * GLYPH:.1f}">{escape(shown, quote=False)}</text>'
            )
        column += len(text)
    return "".join(parts)


def report() -> None:
    """Write the picture of the services, and, with a Chromium, the top of the HTML report."""
    with example() as project:
        page = project.parent / "report.html"
        for output in (page, IMAGES / "topology.svg"):
            program = PROGRAMS / "composerefactor"
            subprocess.run([program, "analyze", "-q", "-o", output], cwd=project, check=True)
        browser = next(filter(None, map(shutil.which, BROWSERS)), None)
        if browser is None:
            print(f"report.png is not written: none of {', '.join(BROWSERS)} is installed")
            return
        with sync_playwright() as running:
            started = running.chromium.launch(executable_path=browser, args=["--no-sandbox"])
            shown = started.new_page(viewport={"width": 1280, "height": 860})
            shown.goto(page.as_uri())
            shown.screenshot(path=IMAGES / "report.png")
            started.close()


if __name__ == "__main__":
    for command, (columns, last) in PICTURES.items():
        (IMAGES / f"{command}.svg").write_text(
            svg(record(command, columns, last)), encoding="utf-8"
        )
    report()
