"""Shows questions on a terminal, with questionary."""

from __future__ import annotations

import re
import shutil
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Final, TypeAlias

import questionary
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
from prompt_toolkit.output import ColorDepth, create_output

from composerefactor.cli.wizard.session import Answer, Choose, Fill, Option, Pick, Question, Session
from composerefactor.cli.wizard.work import Say
from composerefactor.report.text import LABEL, Style, shown_line

_ESCAPE = r"\x1b\[[\d;]*m"
_TOKENS = re.compile(rf"{_ESCAPE}|\s+|(?:(?!{_ESCAPE})\S)+")
_LABELLED = re.compile(rf"(?:{_ESCAPE})?[A-Z].{{{LABEL - 1}}}(?:{_ESCAPE})?\S")
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


def pages(lines: Iterable[str], columns: int, room: int) -> list[list[str]]:
    """Return *lines*, wrapped to *columns*, in parts of at most *room* lines; at least one part."""
    result: list[list[str]] = [[]]
    for line in lines:
        parts = wrapped(line, columns)
        if result[-1] and len(result[-1]) + len(parts) > room:
            result.append([])
        result[-1] += parts
    return result


_LEAST_BODY = 6
"""At least this many lines are shown above a question, however small the terminal is."""

_MOST_LISTED = 10
"""If there are more options, the user can filter them by typing, and select whole groups."""

_GROUP = "\0group "

_DESCRIPTION = len("  Description: ") + 1

_ESCAPE_SECONDS = 0.3
"""After this time, an escape is the key itself and not the start of an escape sequence."""


class Back:
    """The reply of a user who wants to go back to the question before."""


BACK: Final = Back()

Reply: TypeAlias = "Answer | Back"


class Prompts:
    """Asks questions on the terminal, on stderr, as all messages are."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._interrupted = False
        # If the interpreter ignores what the handler raises, the next question still ends.
        signal.signal(signal.SIGINT, self._interrupt)
        self._common: dict[str, Any] = {
            "output": create_output(stdout=sys.stderr),
            "color_depth": None if style.colour else ColorDepth.DEPTH_1_BIT,
            "qmark": "?",
        }
        self._look = questionary.Style(
            [
                ("qmark", "fg:ansicyan bold"),
                ("question", "bold"),
                ("answer", "fg:ansicyan"),
                ("pointer", "fg:ansicyan bold"),
                ("highlighted", "bold"),
                ("selected", "fg:ansigreen"),
                ("separator", "fg:ansicyan"),
                ("instruction", ""),
            ]
            if style.colour
            else [("highlighted", "bold"), ("selected", ""), ("question", "bold")]
        )

    def ask(self, question: Question, *, can_go_back: bool) -> Reply:
        """Ask *question*; raises KeyboardInterrupt for Ctrl-C."""
        if isinstance(question, Choose):
            return self._choose(question, can_go_back=can_go_back)
        rows = len(question.options) if isinstance(question, Pick) else 1
        self._show_all(question.body, min(rows, _MOST_LISTED) + 1)
        if isinstance(question, Pick):
            return self._pick(question, can_go_back=can_go_back)
        return self._fill(question, can_go_back=can_go_back)

    def say(self, said: Say) -> None:
        """Print *said*, wrapped unless it is meant to be copied."""
        columns = shutil.get_terminal_size().columns
        shown = [shown_line(line) for line in said.lines]
        self._print(shown if said.exact else (p for line in shown for p in wrapped(line, columns)))

    def _print(self, lines: Iterable[str]) -> None:
        for line in lines:
            print(line, file=sys.stderr)  # noqa: T201 - this is the terminal
        sys.stderr.flush()

    def _choose(self, question: Choose, *, can_go_back: bool) -> Reply:
        extra = int(can_go_back)
        parts = _pages(question.body, len(question.options) + extra + 1)
        ends = accumulate(map(len, parts))
        number = next((n for n, end in enumerate(ends) if question.at < end), 0)
        self._print(parts[number])
        next_part, first_part = "\0more", "\0less"
        while True:
            at = f"  (part {number + 1} of {len(parts)})" if len(parts) > 1 else ""
            choices = [
                questionary.Choice(
                    _shortened(o.title),
                    o.value,
                    description=_shortened(o.about, _DESCRIPTION) or None,
                )
                for o in question.options
            ]
            if number + 1 < len(parts):
                choices.append(questionary.Choice("Show the next part", next_part))
            elif len(parts) > 1:
                choices.append(questionary.Choice("Show the first part again", first_part))
            if can_go_back:
                choices.append(questionary.Choice("Back", BACK))
            many = len(choices) > _MOST_LISTED
            has_default = any(c.value == question.default for c in choices)
            reply: Reply = self._run(
                questionary.select(
                    f"{shown_line(question.text)}{at}",
                    choices,
                    default=question.default if has_default else None,
                    instruction="(type to filter)" if many else " ",
                    use_search_filter=many,
                    use_jk_keys=not many,
                    style=self._look,
                    **self._common,
                ),
                can_go_back=can_go_back,
            )
            if reply not in {next_part, first_part}:
                return reply
            number = number + 1 if reply == next_part else 0
            self._print(parts[number])

    def _pick(self, question: Pick, *, can_go_back: bool) -> Reply:
        many = len(question.options) > _MOST_LISTED
        back = ", esc goes back" if can_go_back else ""
        keys = "ctrl-a selects all, type to filter" if many else "enter continues"
        reply = self._run(
            questionary.checkbox(
                shown_line(question.text),
                _listed(question.options, many=many),
                instruction=f"(space selects, {keys}{back})",
                validate=lambda given: _enough(question, given),
                use_search_filter=many,
                use_jk_keys=not many,
                style=self._look,
                **self._common,
            ),
            can_go_back=can_go_back,
        )
        if isinstance(reply, Back):
            return reply
        return tuple(
            option.value
            for option in question.options
            if option.value in reply or f"{_GROUP}{option.group}" in reply
        )

    def _fill(self, question: Fill, *, can_go_back: bool) -> Reply:
        def check(text: str) -> bool | str:
            return question.check(text) or True

        text = f"{shown_line(question.text)}{'  (esc goes back)' if can_go_back else ''}"
        prompt = questionary.text(
            text, question.default, validate=check, style=self._look, **self._common
        )
        reply: Reply = self._run(prompt, can_go_back=can_go_back)
        return reply

    def _run(self, question: questionary.Question, *, can_go_back: bool) -> Any:
        """Return the answer to *question*, or BACK; raises KeyboardInterrupt for Ctrl-C."""
        keys = KeyBindings()

        @keys.add("c-c", eager=True)
        def _(event: KeyPressEvent) -> None:
            self._interrupted = True
            if not event.app.is_done:
                event.app.exit(result=BACK)

        if can_go_back:

            @keys.add("escape", eager=True)
            @keys.add("c-b", eager=True)
            def _(event: KeyPressEvent) -> None:
                if not event.app.is_done:
                    event.app.exit(result=BACK)

        application = question.application
        application.ttimeoutlen = _ESCAPE_SECONDS
        own = [application.key_bindings] if application.key_bindings is not None else []
        application.key_bindings = merge_key_bindings([*own, keys])
        reply = BACK if self._interrupted else question.unsafe_ask()
        if self._interrupted:  # also if Ctrl-C came right after the key that ended the question
            raise KeyboardInterrupt
        return reply

    def _interrupt(self, number: int, frame: object) -> None:  # noqa: ARG002 - signal() passes it
        self._interrupted = True
        raise KeyboardInterrupt

    def _show_all(self, body: Sequence[str], rows: int) -> None:
        """Show *body* part by part, with a prompt after each part but the last."""
        *parts, last = _pages(body, rows)
        for part in parts:
            self._print(part)
            next_part = questionary.Choice("Show the next part", "more")
            question = questionary.select(
                "There is more.", [next_part], instruction=" ", style=self._look, **self._common
            )
            self._run(question, can_go_back=False)
        self._print(last)


def _listed(options: Sequence[Option], *, many: bool) -> list[Any]:
    """Return *options* below the headings of their groups.

    If there are *many*, the headings are options that select the whole group.
    """
    listed: list[Any] = []
    group = ""
    for option in options:
        if option.group != group:
            group = option.group
            count = sum(other.group == group for other in options)
            if not many:  # a filter would leave only the headings
                listed.append(questionary.Separator(_shortened(f"  -- {group}")))
            elif count > 1:
                title = _shortened(f"all {count}: {group}")
                listed.append(questionary.Choice(title, f"{_GROUP}{group}"))
        listed.append(
            questionary.Choice(
                _shortened(option.title),
                option.value,
                checked=option.checked,
                description=_shortened(option.about, _DESCRIPTION) or None,
            )
        )
    return listed


def _enough(question: Pick, given: Sequence[str]) -> bool | str:
    return len(given) >= question.least or "select one with the space bar, then press enter"


def _pages(body: Sequence[str], rows: int) -> list[list[str]]:
    """Return *body* in parts that fit on the terminal above a question of *rows* lines."""
    size = shutil.get_terminal_size()
    shown = map(shown_line, body)
    return pages(shown, size.columns, max(_LEAST_BODY, size.lines - rows - 1))


def _shortened(title: str, marks: int = 8) -> str:
    """Return *title*, cut to fit on a line after *marks* columns."""
    room = max(20, shutil.get_terminal_size().columns - marks)
    title = shown_line(title)
    return title if len(title) <= room else f"{title[: room - 3]}..."


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
