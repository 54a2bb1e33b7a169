"""A node as plain Python values, or as entries, with aliases and merge keys resolved.

Scalars have the types that Docker Compose gives to them.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any, TypeAlias

from composerefactor.errors import InputError
from composerefactor.yaml.nodes import (
    AliasNode,
    Entry,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    resolve,
)
from composerefactor.yaml.parser import MAX_DEPTH
from composerefactor.yaml.source import Source

ScalarValue: TypeAlias = str | int | float | bool | datetime | None

_KEYWORDS: Mapping[str, ScalarValue] = MappingProxyType(
    {
        **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
        **dict.fromkeys(("true", "True", "TRUE"), True),
        **dict.fromkeys(("false", "False", "FALSE"), False),
        **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
        **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
        **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    }
)
_INTEGER = re.compile(
    r"""(?P<sign>[-+]?)
    (?: 0[xX](?P<hex>[0-9a-fA-F]+)
      | 0[bB](?P<binary>[01]+)
      | 0[oO]?(?P<octal>[0-7]+)
      | (?P<decimal>0|[1-9][0-9]*)
    )""",
    re.VERBOSE | re.ASCII,
)
_BASES = MappingProxyType({"hex": 16, "binary": 2, "octal": 8, "decimal": 10})
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_TIMESTAMP = re.compile(
    r"""(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})
    (?: (?P<separator>[Tt\ ])(?P<hour>\d{1,2}):(?P<minute>\d{1,2}):(?P<second>\d{1,2})
        (?:[.,](?P<fraction>\d{1,9}))?
        (?P<zone>Z|[-+]\d{2}:\d{2})?
    )?""",
    re.VERBOSE | re.ASCII,
)
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", re.ASCII)
_INT64_MIN, _INT64_MAX, _UINT64_MAX = -(2**63), 2**63 - 1, 2**64 - 1
_MOST_DIGITS = 64
"""The digits of the largest integer with base 2; Python refuses to read more than 4,300."""


def resolve_plain(text: str) -> ScalarValue:
    """Return the value of the plain (unquoted, untagged) scalar *text* for Docker Compose."""
    if text in _KEYWORDS:
        return _KEYWORDS[text]
    first, second = text[0], text[1:2]
    if first not in "+-.0123456789" or (first == "." and not second.isdecimal()):
        return text
    if text == "-0":
        return -0.0  # observed: v5.6.1 prints "-0", v2.24.1 to v2.40.3 "0"
    moment = _timestamp(text)
    if moment is not None:
        return moment
    digits = text.replace("_", "")
    number = _integer(digits)
    return _float(digits, text) if number is None else number


def is_base_60(text: str) -> bool:
    """Return whether YAML 1.1 reads the plain scalar *text*, such as ``22:22``, as a number."""
    return _BASE_60.fullmatch(text) is not None


def _integer(digits: str) -> int | None:
    match = _INTEGER.fullmatch(digits)
    if match is None:
        return None
    name = match.lastgroup or "decimal"
    written = match[name].lstrip("0")
    if len(written) > _MOST_DIGITS:
        return None
    number = int(written or "0", _BASES[name])
    if match["sign"] == "-":
        number = -number
    # Docker Compose tries int64 first, then uint64, then float.
    if number < _INT64_MIN or number > (_INT64_MAX if match["sign"] else _UINT64_MAX):
        return None
    return number


def _float(digits: str, text: str) -> float | str:
    if not _FLOAT.fullmatch(digits):
        return text
    number = float(digits)
    return text if math.isinf(number) else number


def _timestamp(text: str) -> datetime | None:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    separator, zone = match["separator"], match["zone"]
    if (zone is None) is (separator in {"T", "t"}):
        return None  # the form with T has a zone, the form with a space does not
    try:
        return datetime(
            int(match["year"]),
            int(match["month"]),
            int(match["day"]),
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            int((match["fraction"] or "").ljust(6, "0")[:6]),
            tzinfo=_zone(zone),
        )
    except ValueError:
        return None


def _zone(zone: str | None) -> timezone:
    if zone is None or zone == "Z":
        return UTC
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    return timezone(-offset if zone[0] == "-" else offset)


def to_python(node: Node, source: Source | None = None) -> Any:
    """Return the value of *node* as dicts, lists and scalars.

    Keys are the text as written: ``8080:`` becomes ``"8080"``. In a merge (``<<``) the mapping's
    own keys win, then the first of several merged mappings. All aliases of one node return the same
    object, so that aliases of aliases cost no more than the nodes in the text. Do not modify the
    result in place. Tags that are not part of YAML (``!reset``, ``!override``) have no effect.
    Errors show a line only if *source* is given.

    Raises InputError for a node that contains itself, for a merge of something that is not a
    mapping, for a key that is not a scalar, for a value that does not match its tag, and for more
    than :data:`~composerefactor.yaml.parser.MAX_DEPTH` levels.
    """
    resolver = _Resolver(source)
    if isinstance(node, ScalarNode):
        return resolver.scalar(node)
    value = resolver.value(node, 0)
    if resolver.has_alias:  # without aliases, the parser has checked the depth
        resolver.check_depth(node)
    return value


class _Resolver:
    """Converts nodes and caches the value of each collection, so that an alias costs nothing."""

    def __init__(self, source: Source | None) -> None:
        self.source = source
        self.known: dict[int, Any] = {}
        self.open: set[int] = set()
        self.finished: list[dict[str, Any] | list[Any]] = []
        self.has_alias = False

    def value(self, node: Node, depth: int) -> Any:
        """Return the value of *node*, which is *depth* levels below the first node."""
        at = node
        if isinstance(node, AliasNode):
            node = resolve(node)
            self.has_alias = True
        if isinstance(node, ScalarNode):
            return self.scalar(node)
        key = id(node)
        if key in self.known:
            return self.known[key]
        if key in self.open:
            raise self.error(at, f"&{node.anchor} contains itself")
        if depth > MAX_DEPTH:
            raise self.error(at, f"nested deeper than {MAX_DEPTH} levels")
        self.open.add(key)
        value: dict[str, Any] | list[Any]
        if isinstance(node, MappingNode):
            value = self.mapping(node, depth)
        elif isinstance(node, SequenceNode):
            value = [self.value(item, depth + 1) for item in node.items]
        else:
            raise self.error(at, "an alias without a target")
        self.open.remove(key)
        self.known[key] = value
        self.finished.append(value)
        return value

    def mapping(self, node: MappingNode, depth: int) -> dict[str, Any]:
        """Return the mapping *node* with its own keys first, then the merged ones."""
        value: dict[str, Any] = {}
        merges: list[Node] = []
        for entry in node.entries:
            if entry.is_merge:
                merges.append(entry.value)
            elif entry.name is None:
                raise self.error(entry.key, "a key is not a scalar")
            else:
                value[entry.name] = self.value(entry.value, depth + 1)
        for merge in merges:
            for part in self.merge_parts(merge):
                for name, inherited in self.value(part, depth + 1).items():
                    value.setdefault(name, inherited)
        return value

    def merge_parts(self, node: Node) -> Iterator[Node]:
        """Yield the mappings that *node*, the value of a merge key, refers to."""
        target = resolve(node)
        parts = target.items if isinstance(target, SequenceNode) else [node]
        for part in parts:
            if not isinstance(resolve(part), MappingNode):
                raise self.error(part, "<< takes a mapping or a list of mappings")
            yield part

    def scalar(self, node: ScalarNode) -> Any:
        """Return the value of *node* by its tag, or typed as Docker Compose does if it has none."""
        tag = node.tag or ""
        kind = tag.removeprefix("!!") if tag.startswith("!!") else ""
        if tag == "!" or kind == "str":
            return node.value
        if kind == "binary":
            return self.binary(node)
        if node.style and not kind:
            return node.value
        value = resolve_plain(node.value)
        if kind and not _fits(kind, value):
            raise self.error(node, f"{node.value!r} is not a valid {node.tag}")
        return float(value) if kind == "float" and isinstance(value, int) else value

    def binary(self, node: ScalarNode) -> str:
        """Return the text that a ``!!binary`` scalar encodes in base64, as Docker Compose does."""
        try:
            return base64.b64decode("".join(node.value.split()), validate=True).decode("utf-8")
        except ValueError:
            raise self.error(node, "!!binary does not contain base64 text") from None

    def check_depth(self, node: Node) -> None:
        """Raise InputError at *node* if the value is too deep with all aliases expanded."""
        heights: dict[int, int] = {}
        for value in self.finished:  # parts come before the collection around them
            parts = value.values() if isinstance(value, dict) else value
            heights[id(value)] = 1 + max((heights.get(id(part), 0) for part in parts), default=0)
            if heights[id(value)] > MAX_DEPTH:
                raise self.error(node, f"nested deeper than {MAX_DEPTH} levels")

    def error(self, node: Node, problem: str) -> InputError:
        """Return an error at the position of *node*."""
        if self.source is None:
            return InputError(f"not usable YAML: {problem}")
        at = node.outer_start
        return InputError(
            f"not usable YAML: {problem}",
            location=self.source.location(at),
            source_line=self.source.line(at),
        )


def _fits(kind: str, value: ScalarValue) -> bool:
    """Return whether *value* has the type that the tag ``!!kind`` names."""
    """Return whether *value* has the type that the tag ``!!kind`` names."""
    match kind:
        case "null":
            return value is None
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            return True


def merged_entries(node: Node | None) -> dict[str, Entry]:
    """Return the entries of the mapping *node* by key; {} if it is not a mapping.

    ``<<`` adds the keys that the mapping does not contain itself; earlier mappings of a list have
    precedence (YAML 1.1 merge key; observed: Docker Compose does the same).
    """
    found: dict[str, Entry] = {}
    _collect(node, found, set())
    return found


def _collect(node: Node | None, found: dict[str, Entry], seen: set[int]) -> None:
    """Add to *found* the entries of *node* that it does not contain; *seen* ends cycles."""
    mapping = resolve(node)
    if not isinstance(mapping, MappingNode) or id(mapping) in seen:
        return
    seen.add(id(mapping))
    merges = []
    for entry in mapping.entries:
        if entry.is_merge:
            merges.append(entry)
        elif (name := entry.name) is not None:
            found.setdefault(name, entry)
    for entry in merges:
        value = resolve(entry.value)
        for part in value.items if isinstance(value, SequenceNode) else [value]:
            _collect(part, found, seen)


def merged_mappings(node: Node | None) -> list[MappingNode]:
    """Return the mapping *node* and all mappings that it merges, by precedence, each once."""
    mappings: dict[int, MappingNode] = {}
    stack = [resolve(node)] if node is not None else []
    while stack:
        current = stack.pop()
        if isinstance(current, SequenceNode):
            stack += map(resolve, reversed(current.items))
        elif isinstance(current, MappingNode) and id(current) not in mappings:
            mappings[id(current)] = current
            stack += [resolve(e.value) for e in reversed(current.entries) if e.is_merge]
    return list(mappings.values())


def merged_get(node: Node | None, name: str) -> Node | None:
    """Return the value of key *name* in the mapping *node*, merge keys resolved, or None."""
    mapping = resolve(node)
    if not isinstance(mapping, MappingNode):
        return None
    merges = False
    for entry in mapping.entries:
        if entry.is_merge:
            merges = True
        elif entry.name == name:
            return resolve(entry.value)
    inherited = merged_entries(mapping).get(name) if merges else None
    return resolve(inherited.value) if inherited else None


def short_or_long(node: Node | None, name: str) -> Node | None:
    """Return the value that *node* has in the short form, and under key *name* in the long form."""
    is_long = isinstance(resolve(node), MappingNode)
    return merged_get(node, name) if is_long else node


def merge_key_value(value: Any) -> dict[str, Any]:
    """Return what ``<<`` sets with *value*: a mapping, or a list in which earlier ones win."""
    values: dict[str, Any] = {}
    for mapping in value if isinstance(value, list) else [value]:
        values = {**mapping, **values}
    return values


def acts_on_merge(node: Node) -> bool:
    """Return whether *node* has ``!reset``, ``!override`` or another tag that is not YAML's own."""
    return node.tag is not None and not node.tag.startswith("!!")


def scalar_text(node: Node | None) -> str | None:
    """Return the text of the scalar *node*; None for null and for other nodes."""
    node = resolve(node)
    return node.value if isinstance(node, ScalarNode) and not node.is_null else None


def text_below(node: Node | None, name: str) -> str | None:
    """Return the text of key *name* in the mapping *node*, merge keys resolved, or None."""
    return scalar_text(merged_get(node, name))


def item_nodes(node: Node | None) -> list[Node]:
    """Return the items of the sequence *node*; a single scalar counts as a list of one item."""
    node = resolve(node)
    if isinstance(node, SequenceNode):
        return [resolve(item) for item in node.items]
    if isinstance(node, ScalarNode) and not node.is_null:
        return [node]
    return []


def names_in(node: Node | None) -> list[str]:
    """Return the names in *node*: the items of a list, or the keys of a mapping."""
    node = resolve(node)
    if isinstance(node, MappingNode):
        return list(merged_entries(node))
    return [text for item in item_nodes(node) if (text := scalar_text(item)) is not None]
