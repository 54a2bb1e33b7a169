"""The result of ``explain``, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import to_builtins

from composerefactor.analysis.explanation import (
    DefinitionOrigin,
    ExplainedLine,
    Explanation,
    UsedVariable,
    differing,
    lines_of,
)
from composerefactor.errors import Location
from composerefactor.report.plan_json import SCHEMA
from composerefactor.report.text import Style, columns_of, command_text, filled, wrapped

_WIDEST_PLACE = 30
"""Longer places are shortened to the end of their paths, as far as it is unique."""

_MOST_OVERRIDDEN = 3
_WIDEST_OVERRIDDEN = 32
"""Columns of an overridden value, at most."""

_MANNERS = {
    "file": "",
    "override": "override file",
    "include": "included at {through}",
    "extends": "{service}, extended at {through}",
}
_SOURCES = {
    "shell": "{name} from the shell",
    "env file": "{name} from {place}",
    "default": "default of {name}",
    "alternative": "{name} is set",
    "not set": "{name} is not set",
}


def services_text(places: Mapping[str, Sequence[Location]]) -> Iterator[str]:
    """Yield the services in *places*, each in a line with the places that define it."""
    width = max(map(columns_of, places), default=0)
    for name, found in places.items():
        yield f"{name}{' ' * (width - columns_of(name))}  {', '.join(map(str, found))}"


def services_document(places: Mapping[str, Sequence[Location]]) -> dict[str, Any]:
    """Return the services in *places* for JSON."""
    return {
        "schema": SCHEMA,
        "command": "explain",
        "services": [
            {"service": name, "definitions": to_builtins(found)} for name, found in places.items()
        ],
    }


def explanation_text(
    explanations: Sequence[Explanation], key: str, style: Style, width: int, *, verbose: bool
) -> Iterator[str]:
    """Yield the lines of the report on one service.

    Args:
        explanations: The service in each start command that has it, the main one first.
        key: The key to explain; ``""`` for the whole service.
        style: The colours.
        width: The columns of the terminal.
        verbose: Shorten no value; that of one key is never shortened.
    """
    main, *others = explanations
    page = _Page(explanations, style, width, verbose=verbose or bool(key))
    lines = lines_of(main, key) if key else list(main.lines)
    if not key or others:
        yield style(f"{main.service}: {command_text(main.entry)}", "bold")
    if not key:
        yield from page.definitions(main)
        yield ""
    yield from page.lines(lines)
    shown = [lines]
    for explanation in others:
        changed = lines_of(explanation, key) if key else differing(explanation, main)
        if changed and changed not in shown:
            shown.append(changed)
            yield ""
            yield style(f"{main.service}: {command_text(explanation.entry)}", "bold")
            yield from page.lines(changed)
    if not key:
        yield ""
        yield from page.users(main)


class _Page:
    """Lays out lines in two columns: the place, and what is set there."""

    def __init__(
        self, explanations: Sequence[Explanation], style: Style, width: int, *, verbose: bool
    ) -> None:
        self.style = style
        self.verbose = verbose
        self.width = width
        places = {place for each in explanations for place in _places(each)}
        self.names = _short_names({place.path for place in places}, places)
        self.column = max((len(self.place(place)) for place in places), default=0) + 2
        self.room = max(width - self.column, 24)

    def place(self, place: Location) -> str:
        """Return *place* as the first column shows it."""
        return str(Location(self.names[place.path], place.line))

    def row(self, place: Location | None, text: str, *notes: str) -> Iterator[str]:
        """Yield *text* with its place, and *notes* beside it, or below it if they do not fit."""
        shown = self.place(place) if place else ""
        first = self.style(f"{shown:<{self.column}}", "cyan")
        note = f"# {'; '.join(notes)}" if notes else ""
        if columns_of(text) + len(note) + 2 <= self.room:
            yield f"{first}{self.keyed(text)}  {self.style(note, 'dim')}".rstrip()
            return
        yield f"{first}{self.keyed(text)}"
        indent = " " * (len(text) - len(text.lstrip()) + 2)
        for line in filled("; ".join(notes), self.room - len(indent) - 2, other=""):
            yield f"{' ' * self.column}{indent}{self.style(f'# {line}', 'dim')}"

    def _cut(self, text: str) -> str:
        is_long = not self.verbose and columns_of(text) > self.room
        return f"{text[: self.room - 4]} ..." if is_long else text

    def keyed(self, text: str) -> str:
        """Return *text*, a line of YAML, shortened to the room, with its key in bold."""
        text = self._cut(text)
        key, colon, value = text.partition(": ")
        if not colon and text.endswith(":"):
            key, colon = text.removesuffix(":"), ":"
        return f"{self.style(key, 'bold')}{colon}{value}" if colon else text

    def definitions(self, explanation: Explanation) -> Iterator[str]:
        """Yield the definitions of the service, if there are several or it is elsewhere."""
        several = len(explanation.definitions) > 1
        if explanation.profiles:
            yield f"started only with the profile {' or '.join(explanation.profiles)}"
        if several:
            yield f"merged from {len(explanation.definitions)} definitions; later ones win:"
        for each in explanation.definitions:
            manner = _manner(each)
            if several or manner:
                line = f"  {self.style(str(each.location), 'cyan')}  {manner}".rstrip()
                yield from wrapped(line, self.width)

    def lines(self, lines: Sequence[ExplainedLine]) -> Iterator[str]:
        """Yield *lines* as YAML, each with its place and what it overrides."""
        parents = {line.path: line for line in lines}
        opened: list[str] = []
        """The notes of an item that is a mapping: they belong to its first key."""
        dash = ""
        for line in lines:
            parent = parents.get(line.path[:-1])
            notes = [*opened, *_notes(line, parent)]
            is_parent = any(other.path[:-1] == line.path for other in lines)
            indent = "  " * (len(line.path) - 1)
            if line.is_item and is_parent:
                opened, dash = notes, f"{indent}- "
                continue
            is_absent = line.is_removed and not line.overridden
            if is_absent and parent is None:
                above = ".".join(map(str, line.path[:-1]))  # its parents are not shown
                dash = f"{above}{': ' if line.is_item else '.'}" if above else ""
            text = f"{dash or indent}{self.yaml(line)}"
            opened, dash = [], ""
            place = None if line.also_at or is_absent else line.location
            yield from self.row(place, text, *notes)

    def yaml(self, line: ExplainedLine) -> str:
        """Return *line* as YAML, without indentation."""
        value = line.value
        text = f"[{', '.join(value)}]" if isinstance(value, list) else value or ""
        first, *more = text.split("\n")
        text = f"{first} ..." if any(more) else first
        if line.is_item:
            return f"- {text}"
        if line.is_removed and line.overridden:
            text = "!reset"
        return f"{line.path[-1]}: {text}".rstrip()

    def users(self, explanation: Explanation) -> Iterator[str]:
        """Yield what uses the service."""
        if not explanation.users:
            yield f"No other service uses {explanation.service}."
            return
        yield self.style("used by", "bold")
        width = max(len(user.service) for user in explanation.users)
        for user in explanation.users:
            place = self.style(f"{self.place(user.location):<{self.column}}", "cyan")
            yield place + self._cut(f"{user.service:<{width}}  {user.how}")


def _places(explanation: Explanation) -> Iterator[Location]:
    """Yield the places of the first column."""
    yield from (line.location for line in explanation.lines)
    yield from (user.location for user in explanation.users)


def _short_names(paths: set[str], places: set[Location]) -> dict[str, str]:
    """Return *paths* by themselves, or by their shortest ends that are unique if some are long."""
    if all(len(str(place)) <= _WIDEST_PLACE for place in places):
        return {path: path for path in paths}
    names = {}
    for path in paths:
        parts = path.split("/")
        ends = ["/".join(parts[-n:]) for n in range(1, len(parts) + 1)]
        is_unique = (
            end
            for end in ends
            if not any(other != path and f"/{other}".endswith(f"/{end}") for other in paths)
        )
        names[path] = next(is_unique, path)
    return names


def _manner(definition: DefinitionOrigin) -> str:
    through = definition.through or "another file"
    return _MANNERS[definition.manner].format(through=through, service=definition.service)


def _notes(line: ExplainedLine, parent: ExplainedLine | None) -> Iterator[str]:
    """Yield where *line* comes from if not from the same place as *parent*, and what it hides."""
    if line.is_removed and not line.overridden:
        yield "absent"
        return
    if line.source and (parent is None or parent.source != line.source or parent.also_at):
        yield f"from {line.source}"
    if line.anchor and (parent is None or line.anchor not in {parent.anchor, parent.alias}):
        yield f"&{line.anchor}"
    if line.alias:
        yield f"*{line.alias}"
    yield from dict.fromkeys(map(_variable, line.variables))
    if line.overridden:
        verb = "removes" if line.is_removed else "overrides"
        yield f"{verb} {_overridden(line)}"


def _overridden(line: ExplainedLine) -> str:
    texts = []
    for each in line.overridden[: -_MOST_OVERRIDDEN - 1 : -1]:
        value = " ".join(each.value.split()) or "null"
        if len(value) > _WIDEST_OVERRIDDEN:
            value = f"{value[:_WIDEST_OVERRIDDEN]} ..."
        anchor = f" in &{each.anchor}" if each.anchor else ""
        texts.append(f"{value}{anchor} ({each.location})")
    more = len(line.overridden) - len(texts)
    return ", ".join([*texts, *([f"and {more} more"] if more else [])])


def _variable(use: UsedVariable) -> str:
    return _SOURCES[use.source].format(name=use.name, place=use.location)


def explanation_document(explanations: Sequence[Explanation], key: str) -> dict[str, Any]:
    """Return the explanations of one service as plain values; only the lines of *key*, if given."""
    return {
        "schema": SCHEMA,
        "command": "explain",
        "service": explanations[0].service,
        "key": key or None,
        "start_commands": [_start_command(each, key) for each in explanations],
    }


def _start_command(explanation: Explanation, key: str) -> dict[str, Any]:
    lines = lines_of(explanation, key) if key else explanation.lines
    return {
        "command": command_text(explanation.entry),
        "files": list(explanation.entry.files),
        "profiles": list(explanation.profiles),
        "definitions": to_builtins(explanation.definitions),
        "lines": [{"key": line.key, **to_builtins(line)} for line in lines],
        "used_by": to_builtins(explanation.users),
    }
