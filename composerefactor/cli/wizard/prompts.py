"""Shows questions on a terminal: one question a screen, with a body that scrolls.

No key that is pressed before a question is on the screen answers it: the input is discarded before
each question, and not echoed while the wizard works. Whoever presses keys between two questions, or
holds one, has not seen the second: then keys count only after a pause.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import questionary
from prompt_toolkit.application import Application
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import get_typeahead
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import FormattedTextControl, Layout, Window
from prompt_toolkit.output import ColorDepth, create_output

from composerefactor.cli.wizard.session import (
    Answer,
    Choose,
    Fill,
    Option,
    Pick,
    Question,
    Session,
    objection,
)
from composerefactor.cli.wizard.work import Say
from composerefactor.errors import shortened
from composerefactor.report.text import LABEL, Style, hanging, shown_line

if sys.platform != "win32":
    import termios

_ESCAPE = r"\x1b\[[\d;]*m"
_TOKENS = re.compile(rf"{_ESCAPE}|\s+|(?:(?!{_ESCAPE})\S)+")
_LABELLED = re.compile(rf"(?:{_ESCAPE})?[A-Z].{{{LABEL - 2}}} (?:{_ESCAPE})?\S")
_MOST_INDENT = 24


def wrapped(line: str, columns: int) -> list[str]:
    """Return *line* wrapped between words to *columns*; all lines but the first are indented.

    Escape sequences take no room. A word that is longer than a line is cut anywhere.
    """
    if width(line) <= columns:
        return [line]
    plain = re.sub(_ESCAPE, "", line)
    text = f" {plain[1:]}" if plain[:1] in {"+", "-"} else plain
    indent = len(text) - len(text.lstrip())
    indent = min(LABEL if _LABELLED.match(line) else indent, _MOST_INDENT, columns // 2)
    is_row = re.search(r"\S {2,}\S|^\S+:\d+: ", plain[indent:]) is not None
    indent = hanging(plain, columns, indent + 2 * is_row)  # else it would look like a new row
    return list(_cut_lines(_TOKENS.findall(line), columns, indent))


def _cut_lines(tokens: Sequence[str], columns: int, indent: int) -> Iterator[str]:
    line, used = "", 0
    for token in tokens:
        rest = token
        room = width(rest)
        if room and used + room > columns and used > indent:
            yield line.rstrip()
            line, used = " " * indent, indent
            if rest.isspace():
                continue
        while width(rest) > columns - used:
            yield line + rest[: columns - used]
            rest = rest[columns - used :]
            line, used = " " * indent, indent
        line += rest
        used += width(rest)
    yield line


def width(text: str) -> int:
    """Return how many columns *text* takes."""
    return len(re.sub(_ESCAPE, "", text))


@contextmanager
def quiet_terminal() -> Iterator[None]:
    """Echo no keys while the wizard works, so that they do not look like answers."""
    if sys.platform == "win32":
        yield
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    silent = termios.tcgetattr(terminal)
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


class Back:
    """The reply of a user who wants to go back to the question before."""


BACK: Final = Back()

Reply: TypeAlias = "Answer | Back"

_ESCAPE_SECONDS = 0.3
"""After this time, an escape is the key itself and not the start of an escape sequence."""

_PAUSE_SECONDS = 1.5
"""So long after a key that came too early, and after each that follows it, keys do nothing.

That is longer than the pauses of somebody who presses Enter again and again to make it go faster.
"""

_LEAST_BODY = 4
"""At least this many lines of the body are visible, however small the terminal is."""

_LEAST_OPTIONS = 4
"""At least this many options are visible; others scroll."""

_MOVES: Mapping[str, int] = {"up": -1, "k": -1, "c-p": -1, "down": 1, "j": 1, "c-n": 1}
_SCROLLS: Mapping[str, int] = {"pageup": -1, "u": -1, "c-u": -1, "pagedown": 1}

_HELP = (
    "up, down, j, k      move",
    "home, end           first and last option",
    "enter               choose, or continue",
    "the letter before an option chooses it",
    "page down           scroll down; so does space, unless it selects",
    "page up, u          scroll up",
    "esc, ctrl-b         back to the question before",
    "q, ctrl-c, ctrl-d   quit; what is not written yet is not written",
    "?                   show or hide this help",
)
_HELP_PICK = (
    "space               select, or deselect",
    "a, ctrl-a           select all, or none",
    "/                   filter by typing; esc shows all again",
)


class _Screen:
    """A question with options: what it looks like, and what keys do to it."""

    def __init__(self, question: Choose | Pick, style: Style, *, can_go_back: bool) -> None:
        self.question = question
        self.style = style
        self.can_go_back = can_go_back
        self.is_pick = isinstance(question, Pick)
        self.selected = {option.value for option in question.options if option.checked}
        values = [option.value for option in question.options]
        default = question.default if isinstance(question, Choose) else ""
        self.cursor = values.index(default) if default in values else 0
        self.top: int | None = None
        """The first visible line of the body; None until the user scrolls."""
        self.page = _LEAST_BODY
        self.filter: str | None = None
        self.is_helping = False
        self.problem = ""

    def paint(self, text: str, *names: str) -> str:
        """Return *text*, harmless and in the styles *names*, for the screen."""
        return _painted(self.style, text, *names)

    @property
    def options(self) -> list[Option]:
        """The options that the filter leaves."""
        text = (self.filter or "").lower()
        return [
            option
            for option in self.question.options
            if text in f"{option.title} {option.group}".lower()
        ]

    @property
    def current(self) -> Option | None:
        """The option at the cursor."""
        options = self.options
        return options[min(self.cursor, len(options) - 1)] if options else None

    def lines(self, columns: int, rows: int) -> list[str]:
        """Return the lines of the screen, which has room for *rows* of them."""
        question = self.question
        head = [self._heading(columns)] if question.step else []
        options = self._option_lines(columns)
        foot = self._foot(columns)
        fixed = len(head) + len(foot) + 1
        if self.is_helping:
            help_lines = _HELP + (_HELP_PICK if self.is_pick else ())
            return [*head, *help_lines, "", *foot][:rows]
        body = [part for line in question.body for part in wrapped(shown_line(line), columns)]
        least = min(len(body) + 1, _LEAST_BODY + 1)
        room = max(rows - fixed - least, _LEAST_OPTIONS)
        shown = _around(options, self._option_row(), room)
        body_lines = self._body(body, rows - fixed - len(shown))
        text = self.paint(question.text, "bold")
        return [*head, *body_lines, f"{self.paint('?', 'cyan')} {text}", *shown, *foot]

    def _heading(self, columns: int) -> str:
        step = shown_line(self.question.step)
        return self.paint(f"{step} {'-' * max(columns - len(step) - 2, 0)}", "dim")

    def _body(self, body: list[str], rows: int) -> list[str]:
        """Return the visible part of *body*, and which part it is."""
        if len(body) <= rows:
            return body
        self.page = max(rows - 1, 1)
        if self.top is None:
            at = self.question.at if isinstance(self.question, Choose) else 0
            self.top = max(at - self.page // 2, 0)
        self.top = min(self.top, len(body) - self.page)
        end = self.top + self.page
        more = "space: more" if not self.is_pick else "page down: more"
        more = "u: up" if end == len(body) else more
        return [
            *body[self.top : end],
            self.paint(f"-- {self.top + 1}-{end} of {len(body)} lines; {more} --", "dim"),
        ]

    def _option_lines(self, columns: int) -> list[str]:
        """Return the options below the headings of their groups."""
        lines: list[str] = []
        group = ""
        for option in self.options:
            if option.group != group:
                group = option.group
                lines.append(shortened(f"   -- {shown_line(group)}", columns))
            lines.append(self._option_line(option, columns))
        return lines or ["   (nothing matches)"]

    def _option_line(self, option: Option, columns: int) -> str:
        is_current = option is self.current
        mark = "»" if is_current else " "
        if self.is_pick:
            mark += " ●" if option.value in self.selected else " ○"
        elif any(each.key for each in self.question.options):
            mark += f" {option.key or ' '} "
        text = shortened(f" {mark} {shown_line(option.title)}", columns)
        colours = ["red"] if option.is_risky else []
        colours = colours or (["green"] if option.value in self.selected else [])
        names = [*colours, *(["bold"] if is_current else [])]
        return self.paint(text, *names) if names else text

    def _option_row(self) -> int:
        """Return the line of the current option among the lines of the options."""
        group, row = "", 0
        for option in self.options:
            row += option.group != group
            group = option.group
            if option is self.current:
                return row
            row += 1
        return 0

    def _foot(self, columns: int) -> list[str]:
        """Return the description of the current option, and the keys."""
        lines = []
        if self.problem:
            lines.append(self.paint(shortened(f"   {self.problem}", columns), "yellow"))
        elif self.current is not None and self.current.about:
            about = shortened(f"   {shown_line(self.current.about)}", columns)
            lines.append(self.paint(about, "dim"))
        keys = "space selects, a all, enter continues" if self.is_pick else "enter chooses"
        keys += ", esc goes back" if self.can_go_back else ""
        if self.filter is not None:
            keys = f"filter: {self.filter}_  (esc shows all)"
        lines.append(self.paint(shortened(f"   {keys}, ? shows all keys", columns), "dim"))
        return lines

    def press(self, key: str) -> Reply | None:
        """Do what *key* does; return the answer, or None if the question remains open."""
        self.problem = ""
        if self.filter is not None and self._filtering(key):
            return None
        if key in {"escape", "c-b"}:
            self.problem = "" if self.can_go_back else "nothing to go back to; q quits"
            return BACK if self.can_go_back else None
        if key == "enter":
            return self._entered()
        option = next((o for o in self.question.options if o.key == key and not self.is_pick), None)
        if option is not None:
            return option.value
        self._move(key)
        return None

    def _filtering(self, key: str) -> bool:
        """Change the filter; return whether *key* does so."""
        if key == "escape":
            self.filter = None
        elif key in {"c-h", "backspace"}:
            self.filter = (self.filter or "")[:-1]
        elif len(key) == 1 and key.isprintable() and key != " ":
            self.filter = f"{self.filter or ''}{key}"
        else:
            return False
        self.cursor = 0
        return True

    def _entered(self) -> Reply | None:
        if not self.is_pick:
            return self.current.value if self.current else None
        values = [option.value for option in self.question.options]
        answer = tuple(value for value in values if value in self.selected)
        if objection(self.question, answer):
            self.problem = "select one with the space bar, then press enter"
            return None
        return answer

    def _move(self, key: str) -> None:
        last = len(self.options) - 1
        if key == "?":
            self.is_helping = not self.is_helping
        elif key in _MOVES:
            self.cursor = (min(self.cursor, last) + _MOVES[key]) % max(last + 1, 1)
        elif key in {"home", "end"}:
            self.cursor = 0 if key == "home" else last
        elif key in _SCROLLS or (key == " " and not self.is_pick):
            self.top = max((self.top or 0) + self.page * _SCROLLS.get(key, 1), 0)
        elif key == " " and self.current is not None:
            self.selected ^= {self.current.value}
        elif key in {"a", "c-a"} and self.is_pick:
            values = {option.value for option in self.options}
            rest = self.selected - values
            self.selected = rest if values <= self.selected else rest | values
        elif key == "/" and self.is_pick:
            self.filter = ""

    def summary(self, reply: Reply) -> str:
        """Return the question with the answer, which remain on the screen."""
        titles = {option.value: option.title for option in self.question.options}
        if isinstance(reply, tuple):
            shown = f"{len(reply)} selected"
            if reply and len(reply) <= 3:  # noqa: PLR2004
                shown = ", ".join(titles[value] for value in reply)
        else:
            shown = titles.get(str(reply), str(reply))
        return f"{shown_line(self.question.text)} {shown_line(shown)}"


def _around(lines: list[str], row: int, room: int) -> list[str]:
    """Return at most *room* of *lines*, with the one at *row* among them, and which they are."""
    if len(lines) <= room:
        return lines
    room -= 1
    start = min(max(row - room // 2, 0), len(lines) - room)
    part = f"   -- {start + 1}-{start + room} of {len(lines)}; up and down move --"
    return [*lines[start : start + room], part]


class Prompts:
    """Asks questions on the terminal, on stderr, as all messages are."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._interrupted = False
        self._pause: asyncio.TimerHandle | None = None
        """Ends the time in which keys do nothing."""
        self._is_early = False
        """Whether keys were pressed after the last answer."""
        # If the interpreter ignores what the handler raises, the next question still ends.
        signal.signal(signal.SIGINT, self._interrupt)

    def ask(self, question: Question, *, can_go_back: bool) -> Reply:
        """Ask *question*; raises KeyboardInterrupt for Ctrl-C."""
        if isinstance(question, Fill):
            reply = self._fill(question, can_go_back=can_go_back)
            summary = f"{shown_line(question.text)} {reply}"
        else:
            screen = _Screen(question, self._style, can_go_back=can_go_back)
            reply = self._select(screen)
            summary = screen.summary(reply)
        if not isinstance(reply, Back):
            self.say(Say((f"{self._style('?', 'cyan')} {summary}",)))
        return reply

    def say(self, said: Say) -> None:
        """Print *said*, wrapped unless it is meant to be copied."""
        columns = shutil.get_terminal_size().columns
        shown = [shown_line(line) for line in said.lines]
        lines = shown if said.exact else [p for line in shown for p in wrapped(line, columns)]
        for line in lines:
            print(line, file=sys.stderr)  # noqa: T201 - this is the terminal
        sys.stderr.flush()

    def _select(self, screen: _Screen) -> Reply:
        keys = KeyBindings()

        def press(event: KeyPressEvent) -> None:
            key = event.key_sequence[0].key
            name = key.value if isinstance(key, Keys) else key
            name = "enter" if name == "c-m" else name
            if self._pause is not None:
                self._wait_for_pause()
                screen.problem = "pressed too early: read the question, then press the key again"
                return
            if name == "c-d" or (name == "q" and screen.filter is None):
                self._interrupted = True
            reply = BACK if self._interrupted else screen.press(name)
            if reply is not None and not event.app.is_done:
                event.app.exit(result=reply)

        special = (name for name in (*_MOVES, *_SCROLLS) if len(name) > 1)
        for name in ("enter", "escape", "c-b", "c-h", "c-a", "c-d", "home", "end", *special):
            keys.add(name, eager=True)(press)
        keys.add(Keys.Any)(press)
        control = FormattedTextControl(
            lambda: ANSI("\n".join(screen.lines(*_size(application)))), show_cursor=False
        )
        application = self._application(Window(control, always_hide_cursor=True), keys)
        reply: Reply = self._run(application)
        return reply

    def _fill(self, question: Fill, *, can_go_back: bool) -> Reply:
        keys = KeyBindings()

        @keys.add("escape", eager=True)
        @keys.add("c-b", eager=True)
        def _(event: KeyPressEvent) -> None:
            if can_go_back:
                event.app.exit(result=BACK)

        asked = questionary.text(
            shown_line(question.text),
            question.default,
            validate=lambda text: shown_line(question.check(text)) or True,
            instruction="(esc goes back) " if can_go_back else None,
            key_bindings=keys,
            erase_when_done=True,
            **self._output(),
        )
        reply: Reply = self._run(asked.application)
        return reply

    def _application(self, container: Any, keys: KeyBindings) -> Application[Reply]:
        @keys.add("c-c", eager=True)
        def _(event: KeyPressEvent) -> None:
            self._interrupted = True
            if not event.app.is_done:
                event.app.exit(result=BACK)

        return Application(
            Layout(container), key_bindings=keys, erase_when_done=True, **self._output()
        )

    def _output(self) -> dict[str, Any]:
        """Return where the questions are shown, and whether in colours."""
        return {
            "output": create_output(stdout=sys.stderr),
            "color_depth": None if self._style.colour else ColorDepth.DEPTH_1_BIT,
        }

    def _run(self, application: Application[Reply]) -> Reply:
        """Return the reply; raises KeyboardInterrupt for Ctrl-C."""
        application.ttimeoutlen = _ESCAPE_SECONDS
        self._pause = None
        self._is_early |= self._discard_input(application.input)
        first = self._wait_for_pause if self._is_early else None
        reply = BACK if self._interrupted else application.run(first, handle_sigint=False)
        self._is_early = self._discard_input(application.input)
        if self._interrupted:  # also if Ctrl-C came right after the key that ended the question
            raise KeyboardInterrupt
        return reply

    def _wait_for_pause(self) -> None:
        """Ignore keys until none is pressed for a while.

        The event loop runs a timer after the keys that are there already, so a program that was
        held up does not take the time for a pause.
        """
        if self._pause is not None:
            self._pause.cancel()
        self._pause = asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._end_pause)

    def _end_pause(self) -> None:
        self._pause = None

    def _discard_input(self, keyboard: Input) -> bool:
        """Forget the keys that are pressed already, except Ctrl-C; return whether there are any."""
        pressed = get_typeahead(keyboard)
        with keyboard.raw_mode():
            pressed += keyboard.read_keys()
        if sys.platform != "win32":
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
        self._interrupted |= any(press.key == Keys.ControlC for press in pressed)
        return any(press.key != Keys.CPRResponse for press in pressed)  # the terminal sends these

    def _interrupt(self, number: int, frame: object) -> None:  # noqa: ARG002 - signal() passes it
        self._interrupted = True
        raise KeyboardInterrupt


def _size(application: Application[Reply]) -> tuple[int, int]:
    """Return the columns, and the rows that a question may take."""
    size = application.output.get_size()
    return size.columns, max(size.rows - 1, 8)


def _painted(style: Style, text: str, *names: str) -> str:
    """Return *text*, harmless and in the styles *names*, for the screen."""
    return shown_line(style(text, *names))


def converse(session: Session, prompts: Prompts) -> int:
    """Ask the questions of *session* until it ends, and return its exit code.

    Raises KeyboardInterrupt for Ctrl-C.
    """
    while session.question is not None:
        reply = prompts.ask(session.question, can_go_back=session.can_go_back)
        if isinstance(reply, Back):
            session.back()
        else:
            session.answer(reply)
    return session.result
