"""Lines and tables for a terminal: labels, colours, plurals, paths, start commands.

A project may contain names that would control a terminal or a CI service: escape sequences, marks
that reverse the direction of text, line ends, workflow commands of GitHub. :func:`shown_line`,
:func:`shown_text` and :func:`json_text` neutralise them; every output of the command line passes
through one of them.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import shlex
import textwrap
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from msgspec import Struct

from composerefactor.compose.invocation import Invocation
from composerefactor.compose.masking import Masking
from composerefactor.errors import first_of
from composerefactor.planning.registry import REFACTORINGS

if TYPE_CHECKING:
    from composerefactor.proof.comparison import ProofResult
    from composerefactor.proof.engine import Engine


_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
    # direction and separators of Unicode, and characters that are never visible
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_LINE_ENDS = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
_WORKFLOW_COMMAND = re.compile(r"^[^\S\n]*:(?=:)|#(?=#\[)", re.MULTILINE)
"""The start of a command that GitHub Actions and Azure Pipelines would carry out."""

_DOCUMENTATION = "https://github.com/composerefactor/composerefactor/blob/main/docs"
"""Where the documentation is, as the metadata of the package say."""

_MARK = f"\x1b{os.urandom(8).hex()}"
"""Begins each colour and link until the line is shown; no project can contain it."""


def shown_line(text: str) -> str:
    """Return *text* on one line, with the colours of :class:`Style`, and harmless otherwise."""
    return shown_text(_LINE_ENDS.sub(" ", text))


def shown_lines(lines: Iterable[str]) -> str:
    """Return *lines* as one text, each as :func:`shown_line` returns it."""
    return "".join(f"{shown_line(line)}\n" for line in lines)


def masked_text(lines: Iterable[str], masking: Masking) -> str:
    """Return *lines* as one text that is safe to show."""
    return shown_lines(map(masking.message, lines))


def shown_text(text: str) -> str:
    """Return *text*, several lines, with the colours of :class:`Style`, and harmless otherwise."""
    text = _LINE_ENDS.sub("\n", text)
    parts = [_CONTROLS.sub("\ufffd", part) for part in text.split(_MARK)]
    return _WORKFLOW_COMMAND.sub("\\g<0>\u200b", "\x1b".join(parts))


def shown_commands(text: str) -> str:
    """Return *text*, workflow commands of GitHub, without control characters."""
    return _CONTROLS.sub("\ufffd", text)


def json_text(document: Any) -> str:
    """Return *document* as JSON that is harmless on a terminal and in a log, and loses nothing."""
    text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    text = _CONTROLS.sub(lambda match: json.dumps(match[0])[1:-1], text)
    return text.replace("##[", "#\\u0023[") + "\n"


_NO_XML = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]"


def xml_text(text: str) -> str:
    """Return *text* with the characters replaced that XML does not allow."""
    return re.sub(_NO_XML, "\ufffd", text)


_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Style(Struct, frozen=True):
    """Colours and links text if the terminal has colours and links, else returns it unchanged.

    Both have a form of their own until :func:`shown_line` or :func:`shown_text`.

    Attributes:
        colour: Whether the terminal has colours.
        links: Whether the terminal has links (OSC 8).
    """

    colour: bool = False
    links: bool = False

    def __call__(self, text: str, *names: str) -> str:
        """Return *text* in the styles *names*: bold, dim, red, green, yellow, cyan."""
        if not self.colour or not text:
            return text
        codes = ";".join(_CODES[name] for name in names)
        return f"{_MARK}[{codes}m{text}{_MARK}[0m"

    def link(self, text: str, address: str) -> str:
        """Return *text* as a link to *address*, a URI in ASCII."""
        if not self.links:
            return text
        return f"{_MARK}]8;;{address}{_MARK}\\{text}{_MARK}]8;;{_MARK}\\"


LABEL = 9
"""Width of the left column."""

MOST_PLACES = 3
"""At most this many places are named for a start command; a Makefile can name it in every line."""


def row(label: str, text: str, style: Style) -> str:
    """Return a line with *label* on the left and *text* on the right."""
    return f"{style(f'{label:<{LABEL}}', 'cyan')}{text}".rstrip()


def rows(label: str, texts: Iterable[str], style: Style) -> Iterator[str]:
    """Yield a line for each of *texts*, the first one with *label* on the left."""
    for text in texts:
        yield row(label, text, style)
        label = ""


def counted(number: int, noun: str) -> str:
    """Return *number* with *noun* in the singular or plural: ``1 file``, ``2 files``."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun.removesuffix('y')}ies" if noun.endswith("ry") else f"{noun}s"
    plural = f"{noun}es" if noun.endswith("ss") else plural
    return f"{number} {plural}"


_VISIBLE = rf"{re.escape(_MARK)}(?:\[[0-9;]*m|\][^\x1b]*{re.escape(_MARK)}\\\\)"
"""A colour or a link, which takes no room on the terminal."""


_COLUMN_GAP = re.compile(r"(?<=\S) {2,}(?=\S)")
_LEAST_ROOM = 30
"""A narrower last column goes on below the first one."""


def wrapped(line: str, width: int) -> list[str]:
    """Return *line* in parts of at most *width* columns, with words of any length whole.

    The parts from the second one are indented below the text of the first; in a table, below its
    last column if the words of that fit there.
    """
    text = re.sub(_VISIBLE, "", line)
    if columns_of(text) <= width:
        return [line]
    start = len(text) - len(text.lstrip()) + 2 if text.startswith(" ") else LABEL + 2
    indent = " " * hanging(text, width, start)
    parts: list[str] = []
    part, used = "", 0
    for word in re.findall(r" *[^ ]+", line):
        taken = columns_of(re.sub(_VISIBLE, "", word))
        if part.strip() and used + taken > width:
            parts.append(part)
            word, part = word.lstrip(), indent  # noqa: PLW2901
            used = len(indent) + columns_of(re.sub(_VISIBLE, "", word))
        else:
            used += taken
        part += word
    return [*parts, part]


def hanging(line: str, width: int, start: int) -> int:
    """Return the column at which *line* goes on if it is wrapped to *width* columns.

    In a table that is where its last column begins, if the words of that fit there, else *start*.
    """
    last = max((each.end() for each in _COLUMN_GAP.finditer(line)), default=0)
    column = columns_of(line[:last])
    fits = width - column >= max(_LEAST_ROOM, _longest_word(line[last:]))
    return column if column > start and fits else start


def filled(text: str, width: int, first: str = "", other: str = "  ") -> list[str]:
    """Return *text* in lines of at most *width* columns, with words of any length whole.

    *first* is the indentation of the first line, *other* of the others.
    """
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=other,
        break_long_words=False,
        break_on_hyphens=False,
    )


def kinds_text(kinds: Iterable[str]) -> str:
    """Return how many there are of each of *kinds*, plurals: ``2 applications, 1 data store``."""
    return ", ".join(
        f"{number} {kind.removesuffix('s') if number == 1 else kind}"
        for kind, number in Counter(kinds).most_common()
    )


def limited(lines: Sequence[str], most: int) -> list[str]:
    """Return at most *most* of *lines*, and a line that counts the others."""
    if len(lines) <= most:
        return list(lines)
    return [*lines[:most], f"and {len(lines) - most} more (-v shows all)"]


def usage_text(engine: Engine) -> str:
    """Return how often and how long *engine* has run so far."""
    usage = engine.usage
    text = f"{counted(usage.runs, 'run')} of Docker Compose in {usage.seconds:.1f} s"
    if usage.remembered:
        text += f", {usage.remembered} remembered"
    return text


def assumptions(proof: ProofResult, style: Style, most: int) -> Iterator[str]:
    """Yield what *proof* assumes, in at most *most* lines."""
    for line in limited([f"assumed: {_cut(a, most)}" for a in proof.assumptions], most):
        yield style(line, "dim")


def not_covered(
    proof: ProofResult, style: Style, most: int, known: Container[Invocation] = ()
) -> Iterator[str]:
    """Yield what *proof* does not cover, apart from *known*, in at most *most* lines."""
    scenarios_by_gap: dict[tuple[str, str], list[str]] = {}
    for n in (each for each in proof.not_covered if each.entry not in known):
        scenarios_by_gap.setdefault((n.entry.title, n.message), []).append(n.scenario)
    uncovered = [
        f"not verified: {title}, {scenarios[0]}{_and_more(scenarios)}: {message}"
        for (title, message), scenarios in scenarios_by_gap.items()
    ]
    for line in limited(uncovered, most):
        yield style(line, "yellow")


def _cut(assumption: str, most: int) -> str:
    """Return *assumption*, a reason followed by names, with at most *most* names."""
    reason, _, names = assumption.partition(": ")
    return f"{reason}: " + ", ".join(limited(names.split(", "), most))


def _and_more(scenarios: Sequence[str]) -> str:
    more = len(scenarios) - 1
    return f" and {counted(more, 'other scenario')}" if more else ""


def contents_line(paths: Sequence[str], most: int = MOST_PLACES) -> str:
    """Return that the *paths* differ, at least one, of which the first *most* are named.

    These are files of which a resolved configuration has only the path.
    """
    files = (
        "the content of 1 file differs"
        if len(paths) == 1
        else f"the contents of {len(paths)} files differ"
    )
    return f"{files}, which the configuration only names: {first_of(paths, most)}"


def evidence_of(entry: Invocation) -> str:
    """Return the first places that name *entry*, and how many more there are."""
    return first_of(list(dict.fromkeys(map(str, entry.evidence))), MOST_PLACES)


_GAP = "  "
_NARROWEST = 5


class TableLines(Struct, frozen=True):
    """A table as lines of text.

    Attributes:
        heading: The lines of the heading.
        rows: The lines of all rows.
    """

    heading: list[str]
    rows: list[str]


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> TableLines:
    """Return a table whose columns, with gaps of two spaces, fit into *width*.

    The widest columns shrink. A cell is wrapped at spaces, never within a word: names and places
    must stay whole. Where a word is wider than its column, the next cells of the row go on below
    it, and where it would go beyond *width*, it takes a line of its own.
    """
    grid = [list(columns), *(list(row) for row in rows)]
    room = width - len(_GAP) * (len(columns) - 1)
    widest = max(room, _NARROWEST)
    widths = [min(max(map(columns_of, cells)), widest) for cells in zip(*grid, strict=True)]
    longest = [max(map(_longest_word, cells)) for cells in zip(*grid, strict=True)]
    while sum(widths) > room:
        wide = [n for n, taken in enumerate(widths) if taken > _NARROWEST]
        if not wide:
            break
        most = max(wide, key=lambda n: (widths[n] - longest[n] > 0, widths[n]))
        widths[most] -= 1
    heading, *others = (_row_lines(row, widths, width) for row in grid)
    return TableLines(heading, [line for lines in others for line in lines])


def columns_of(text: str) -> int:
    """Return how many columns *text* takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _longest_word(text: str) -> int:
    return max(map(columns_of, text.split()), default=0)


def _row_lines(row: list[str], widths: list[int], total: int) -> list[str]:
    lines: list[str] = []
    first = start = 0
    for cell, width in zip(row, widths, strict=True):
        number, at = first, start
        for text in _wrapped(cell, width):
            taken = columns_of(text)
            if taken > width and start + taken > total:
                number, at = len(lines), max(total - taken, 0)
            if number == len(lines):
                lines.append("")
            lines[number] = _padded(lines[number], at) + text
            number, at = number + 1, start
            if taken > width:
                first = number
        start += width + len(_GAP)
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    """Return *text* wrapped to *width* columns; textwrap would count characters instead."""
    lines: list[str] = []
    line: list[str] = []
    used = 0
    for word in text.split():
        taken = columns_of(word)
        if line and used + taken > width:
            lines.append(" ".join(line))
            line, used = [], 0
        line.append(word)
        used += taken + 1  # the space after it
    return [*lines, " ".join(line)] if line else lines


def _padded(text: str, width: int) -> str:
    return text.ljust(width) if text.isascii() else text + " " * (width - columns_of(text))


def fix_command(transform: str, *, is_safe: bool = False) -> str:
    """Return the command line that runs *transform*, for changes of which all are safe or not."""
    if transform in REFACTORINGS:
        return f"composerefactor {transform}"
    unsafe = "" if is_safe else "--unsafe "
    return f"composerefactor fix {unsafe}--select {transform}"


def documentation_of(rule: str) -> str:
    """Return the address of the documentation of *rule*."""
    return f"{_DOCUMENTATION}/rules.md#{rule}"


_DOCKER_PAGES = {
    "build/building/best-practices/": (
        *("build-tools-in-image", "floating-base-image", "floating-tag", "runs-as-root"),
    ),
    "build/building/secrets/": ("secret-in-image", "secret-file-in-image"),
    "build/concepts/context/": ("missing-build-file", "missing-dockerignore"),
    "compose/how-tos/environment-variables/variable-interpolation/": (
        *("missing-in-env-file", "shell-interpolation", "unset-variable"),
    ),
    "compose/how-tos/multiple-compose-files/": ("monolithic-file", "repeated-services"),
    "compose/how-tos/networking/": (
        *("container-name-in-browser", "flat-network", "missing-host", "no-shared-network"),
        "published-port-inside",
    ),
    "compose/how-tos/startup-order/": ("starts-too-early", "waits-for-unchecked-service"),
    "compose/how-tos/use-secrets/": (
        *("default-secret", "plain-text-secret", "secret-in-command"),
    ),
    "engine/logging/configure/": ("unbounded-logs",),
    "engine/network/packet-filtering-firewalls/": ("open-admin-port", "open-data-port"),
    "engine/security/": ("dangerous-capability", "docker-socket", "privileged"),
    "engine/storage/volumes/": ("anonymous-data-volume", "data-not-persisted"),
    "reference/compose-file/deploy/": ("limit-below-need", "missing-memory-limit"),
    "reference/compose-file/fragments/": ("copied-blocks",),
    "reference/compose-file/services/#healthcheck": (
        *("healthcheck-cannot-run", "healthcheck-never-fails", "healthcheck-off"),
        "missing-healthcheck",
    ),
    "reference/compose-file/services/#restart": ("missing-restart-policy",),
    "reference/compose-file/services/#security_opt": ("privileges-can-be-gained",),
    "reference/compose-file/version-and-name/": ("obsolete-version",),
}
"""The pages of docs.docker.com on what rules are about."""


def further_reading(rules: Container[str]) -> Iterator[str]:
    """Yield where *rules* are explained: all of them, and those on which Docker has a page."""
    yield f"Every rule: {_DOCUMENTATION}/rules.md"
    for page, about in _DOCKER_PAGES.items():
        if found := [rule for rule in about if rule in rules]:
            yield f"{', '.join(found)}: https://docs.docker.com/{page}"


def command_text(entry: Invocation) -> str:
    """Return the ``docker compose`` command of *entry*, without a subcommand."""

    def relative(option: str, path: str) -> list[str]:
        return [option, posixpath.relpath(path, entry.directory)]

    words = ["docker", "compose"]
    if entry.project_directory is not None:
        words += relative("--project-directory", entry.project_directory)
    if not entry.implicit:
        words += [word for file in entry.files for word in relative("-f", file)]
    words += [word for file in entry.env_files for word in relative("--env-file", file)]
    words += ["-p", entry.project_name] if entry.project_name else []
    words += [word for profile in entry.profiles for word in ("--profile", profile)]
    change_directory = "" if entry.directory == "." else f"cd {shlex.quote(entry.directory)} && "
    return change_directory + shlex.join(words)


class Place(Struct, frozen=True):
    """Where the user and the project are.

    Attributes:
        directory: The project directory, absolute.
        prefix: What to put before a path of the project so that it leads there from the user's
            working directory: ``""`` or with a slash at its end.
        path: The path of the project as arguments of a command; none for the current directory.
        start_commands: The options of the command line that select start commands.
        found_below: The directory in which the project is, below the one that the user gave; else
            ``""``.
    """

    directory: str
    prefix: str = ""
    path: Sequence[str] = ()
    start_commands: Sequence[str] = ()
    found_below: str = ""

    def command(self, *words: str) -> str:
        """Return the command line of this tool with *words*, for the same project."""
        return shlex.join(["composerefactor", *words, *self.path, *self.start_commands])

    @property
    def undo(self) -> str:
        """The command line that reverts the last run in the project."""
        return shlex.join(["composerefactor", "undo", *self.path])
