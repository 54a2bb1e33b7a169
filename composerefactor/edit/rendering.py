"""New values as YAML text, in the style of the file that they are added to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Sequence as Ordered
from itertools import pairwise
from typing import TypeAlias

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.yaml.comments import regions
from composerefactor.yaml.nodes import Entry, MappingNode, Path, SequenceNode, entry_at
from composerefactor.yaml.source import Source
from composerefactor.yaml.style import Style
from composerefactor.yaml.values import is_base_60, resolve_plain

Value: TypeAlias = (
    "str | int | bool | Quoted | Flow | Anchored | Reference | list[Value] | dict[str, Value]"
    " | None"
)
"""What an edit may write: text, whole numbers, booleans, null, lists and mappings of them."""


class Quoted(Struct, frozen=True):
    """Text that stands in quotes whether it needs them or not, as a port or a time of a day."""

    text: str


class Flow(Struct, frozen=True):
    """A list written in one line, as ``["CMD", "redis-cli", "ping"]``; its texts are quoted."""

    items: tuple[str, ...]


class Anchored(Struct, frozen=True):
    """A mapping with entries that carries the anchor ``&anchor``."""

    anchor: str
    value: dict[str, Value]


class Reference(Struct, frozen=True):
    """The alias ``*anchor`` of what stands above it in the same file."""

    anchor: str


_PLAIN = re.compile(r"[A-Za-z0-9_./$(~^+][^\x00-\x1f\x7f\u0085\u2028\u2029]*")
_UNSAFE = re.compile(r":(?:\s|$)|\s#|\s$")
_IN_FLOW = re.compile(r"[\[\]{},]")
_YAML_1_1 = frozenset({"y", "n", "yes", "no", "on", "off"})
"""Text for the engine, but a boolean for readers of YAML 1.1."""


def scalar(value: str | float | bool | Quoted | None, style: Style, *, flow: bool = False) -> str:  # noqa: FBT001
    """Return a scalar as one line of text; *flow* for a place inside of ``{}`` or ``[]``."""
    if isinstance(value, Quoted):
        return quoted(value.text, style.quote)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return str(value)
    return value if is_plain(value, flow=flow) else quoted(value, style.quote)


def is_plain(text: str, *, flow: bool = False) -> bool:
    """Return whether *text* can stand without quotes and stays text for every YAML reader."""
    return (
        _PLAIN.fullmatch(text) is not None
        and not _UNSAFE.search(text)
        and not (flow and _IN_FLOW.search(text))
        and isinstance(resolve_plain(text), str)
        and text.lower() not in _YAML_1_1
        and not is_base_60(text)
    )


def quoted(text: str, quote: str = '"') -> str:
    """Return *text* in *quote*, or in the other kind where that needs fewer escapes."""
    printable = not re.search(r"[\x00-\x1f\x7f\u0085\u2028\u2029\ufeff]", text)
    if printable and ((quote == "'" and "'" not in text) or re.search(r'["\\]', text)):
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return f"\\{character}"
    if character.isprintable():
        return character
    known = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    code = ord(character)
    return known.get(character) or (f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}")  # noqa: PLR2004


def inline(value: Value, style: Style) -> str:
    """Return *value* in flow style, for a place inside of ``{}`` or ``[]``."""
    if isinstance(value, Anchored):
        return f"&{value.anchor} {inline(value.value, style)}"
    if isinstance(value, Reference):
        return f"*{value.anchor}"
    if isinstance(value, Flow):
        return f"[{', '.join(quoted(item, style.quote) for item in value.items)}]"
    if isinstance(value, list):
        return f"[{', '.join(inline(item, style) for item in value)}]"
    if isinstance(value, dict):
        pairs = (
            f"{scalar(key, style, flow=True)}: {inline(item, style)}" for key, item in value.items()
        )
        return f"{{{', '.join(pairs)}}}"
    return scalar(value, style, flow=True)


def entry(key: str, value: Value, column: int, style: Style) -> Iterator[str]:
    """Yield the lines, without line ends, of ``key: value`` at *column*."""
    head = f"{' ' * column}{scalar(key, style)}:"
    if isinstance(value, Anchored):
        first, *others = entry(key, value.value, column, style)
        yield f"{first} &{value.anchor}"
        yield from others
    elif isinstance(value, Reference):
        yield f"{head} *{value.anchor}"
    elif isinstance(value, Flow) or (isinstance(value, list | dict) and not value):
        yield f"{head} {inline(value, style)}"
    elif isinstance(value, dict):
        yield head
        for name, part in value.items():
            yield from entry(name, part, column + style.indent, style)
    elif isinstance(value, list):
        yield head
        for part in value:
            yield from item(part, column + style.dash, style)
    elif value is None:
        yield head
    else:
        yield f"{head} {scalar(value, style)}"


def item(value: Value, column: int, style: Style) -> Iterator[str]:
    """Yield the lines, without line ends, of a list item whose dash stands at *column*."""
    if isinstance(value, dict) and value:
        lines = [x for name, part in value.items() for x in entry(name, part, column + 2, style)]
        yield f"{lines[0][:column]}- {lines[0][column + 2 :]}"
        yield from lines[1:]
    elif isinstance(value, list | Flow | dict | Anchored | Reference):
        yield f"{' ' * column}- {inline(value, style)}"
    else:
        yield f"{' ' * column}- {scalar(value, style)}"


class Place(Struct, frozen=True):
    """New lines go to offset *at*, indented by *column*, after a blank line if *blank_before*."""

    at: int
    column: int
    blank_before: bool = False


def key_place(
    file: ComposeFile, parent: MappingNode, path: Path, key: str, order: Ordered[str]
) -> Place:
    """Return where *key* goes in the block mapping *parent*, which stands at *path*.

    Keys of *order* go after the last present one that stands before them in it; others at the end.
    Comments that belong to the entry above stay with it (rules of comment ownership).
    """
    source = file.source
    entries = parent.entries
    column = source.column(entries[0].start)
    n = _predecessor(entries, key, order)
    blank = _apart(source, entries, is_root=not path)
    if n + 1 == len(entries):
        bottom = file.document_end if not path else len(source.text)
        return Place(min(_below(source, tail(source, entries[n]), column), bottom), column, blank)
    start = source.line_start(entries[0].start)
    found = entry_at(file.root, path)
    if found is not None:
        start = min(source.next_line(found.key.end), start)
    divided = regions(source, parent, start=start, end=tail(source, entries[-1]))
    at = divided[n].end if divided else tail(source, entries[n])
    return Place(at, column, blank)


def section_place(file: ComposeFile, name: str) -> Place | None:
    """Return the place right above the section *name* and the comments that belong to it."""
    section = (file.sections or {}).get(name)
    return Place(section.region.lead, 0) if section else None


def item_place(source: Source, parent: SequenceNode) -> Place:
    """Return where a further item of the block sequence *parent* goes."""
    first, last = parent.items[0], parent.items[-1]
    dash = source.text.rfind("-", source.line_start(first.outer_start), first.outer_start)
    column = source.column(dash if dash >= 0 else first.outer_start)
    return Place(_below(source, tail(source, Entry(last, last)), column), column)


def _predecessor(entries: list[Entry], key: str, order: Ordered[str]) -> int:
    """Return the index of the entry below which *key* goes."""
    if key not in order:
        return len(entries) - 1
    before = set(order[: order.index(key)])
    found = [n for n, entry in enumerate(entries) if entry.name in before]
    return found[-1] if found else len(entries) - 1


def _apart(source: Source, entries: list[Entry], *, is_root: bool) -> bool:
    """Return whether blank lines stand between most of *entries*."""
    gaps = [
        any(
            not line.strip()
            for line in source.text[tail(source, a) : source.line_start(b.start)].splitlines()
        )
        for a, b in pairwise(entries)
    ]
    return sum(gaps) * 2 > len(gaps) if gaps else is_root


def _below(source: Source, at: int, column: int) -> int:
    """Return the end of the comments right below *at* that stand at *column* or deeper."""
    while at < len(source.text):
        line = source.line(at)
        bare = line.lstrip()
        if not bare.startswith("#") or len(line) - len(bare) < max(column, 1):
            break
        at = source.next_line(at)
    return at


def tail(source: Source, entry: Entry) -> int:
    """Return the offset just after the last line of *entry*."""
    end = entry.end
    if end > 0 and source.text[end - 1 : end] == "\n":
        return end
    return source.next_line(end)
