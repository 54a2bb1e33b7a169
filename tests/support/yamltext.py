"""YAML text in random styles, with the data that it stands for.

The text comes from a grammar of styles, never from a dump: a dump has one style, and the layer
under test must take all of them.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

PLAIN_WORDS = (
    "web",
    "nginx:1.27",
    "./data:/data",
    "é",
    "x y",
    "a#b",
    "it's",
    "${TAG:-1}",
    "😀",
    "-x",
)
TRICKY_TEXTS = (
    "",
    " ",
    "#",
    "a: b",
    "- x",
    "yes",
    "1.10",
    "~",
    "'",
    '"',
    "\\",
    "*x",
    "&y",
    "{",
    "é 😀",
)
TYPED: tuple[tuple[str, Any], ...] = (
    ("1", 1),
    ("0x1F", 31),
    ("1.5", 1.5),
    ("true", True),
    ("null", None),
    ("~", None),
    ("no", "no"),
    ("12:30", "12:30"),
)
COMMENTS = ("", " c", " key: value", " 'quoted", ' "', " &x *y !t", " é😀", "!", " ----")
KEYS = st.text(string.ascii_lowercase, min_size=1, max_size=3)


@dataclass(frozen=True)
class YamlText:
    """*text* and the *data* that it stands for; keys of *data* are text."""

    text: str
    data: Any


@dataclass
class _Writer:
    """Draws one document; *anchors* are the collections that an alias may name by now."""

    draw: st.DrawFn
    lines: list[str] = field(default_factory=list)
    anchors: dict[str, Any] = field(default_factory=dict)
    anchor_count: int = 0
    block_scalar_end: int = 0

    @property
    def is_below_block_scalar(self) -> bool:
        """True where a blank line or an indented comment would belong to the scalar above."""
        return self.block_scalar_end == len(self.lines) > 0

    def chance(self, one_in: int) -> bool:
        return self.draw(st.integers(0, one_in - 1)) == one_in - 1

    def pick(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def space(self) -> str:
        return self.pick("", "", "", " ", "\t", "  ") if self.chance(6) else ""

    def comment(self) -> str:
        """Return what may stand at the end of a line."""
        if not self.chance(5):
            return self.space()
        return self.pick(" ", "  ", "\t") + "#" + self.pick(*COMMENTS)

    def end_line(self, line: str) -> None:
        """Write *line* and a comment; a tab right after a dash is no YAML."""
        comment = self.comment()
        self.lines.append(line + (comment.replace("\t", " ") if line[-1] == "-" else comment))

    def between(self, indent: int) -> None:
        """Write comment lines and blank lines."""
        while not self.is_below_block_scalar and self.chance(5):
            if self.chance(2):
                self.lines.append(self.pick("", "", "  "))
            else:
                column = self.draw(st.sampled_from((indent, 0, indent + 2)))
                self.lines.append(" " * column + "#" + self.pick(*COMMENTS))

    def scalar(self, *, flow: bool = False) -> tuple[str, Any]:
        """Return a scalar of one line and its value."""
        kind = self.draw(st.integers(0, 4))
        if kind == 0:
            word = self.pick(*PLAIN_WORDS)
            return (f"'{word.replace(chr(39), chr(39) * 2)}'" if flow else word), word
        if kind == 1:
            text, value = self.draw(st.sampled_from(TYPED))
            return text, value
        text = self.pick(*TRICKY_TEXTS)
        if kind == 2:
            return "'" + text.replace("'", "''") + "'", text
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        if kind == 3:
            escaped = escaped.replace("é", "\\xe9").replace("😀", "\\U0001F600")
        return f'"{escaped}"', text

    def block_scalar(self, indent: int) -> tuple[list[str], str]:
        """Return the lines of a block scalar, its header first, and its value."""
        words = self.draw(
            st.lists(st.sampled_from(("one", "# two", "three: 3", "é😀")), min_size=1, max_size=3)
        )
        chomp = self.pick("", "-", "+")
        step = self.draw(st.integers(1, 3))
        deeper = self.draw(st.sampled_from(("", str(step))))
        header = "|" + self.pick(chomp + deeper, deeper + chomp) + self.pick("", "", " # c +")
        blank = self.draw(st.integers(0, 2))
        lines = [header, *(" " * (indent + step) + word for word in words), *[""] * blank]
        tail = {"": "\n", "-": "", "+": "\n" * (1 + blank)}[chomp]
        return lines, "\n".join(words) + tail

    def flow(self, depth: int, indent: int) -> tuple[str, Any]:
        """Return a flow collection, maybe of several lines, and its value."""
        sep = "," + self.pick(
            "", " ", "  ", f" # c\n{' ' * (indent + 1)}", f"\n{' ' * (indent + 1)}"
        )
        pad, comma = self.pick("", " "), self.pick("", "", ",")
        parts: list[str] = []
        if self.chance(2):
            items: list[Any] = []
            for _ in range(self.draw(st.integers(0, 3))):
                text, value = self.flow_part(depth, indent)
                parts.append(text)
                items.append(value)
            return f"[{pad}{sep.join(parts)}{comma if parts else ''}{pad}]", items
        mapping: dict[str, Any] = {}
        for key in self.draw(st.lists(KEYS, max_size=3, unique=True)):
            text, mapping[key] = self.flow_part(depth, indent)
            parts.append(f"{self.key(key)}: {text}")
        return f"{{{pad}{sep.join(parts)}{comma if parts else ''}{pad}}}", mapping

    def flow_part(self, depth: int, indent: int) -> tuple[str, Any]:
        if depth > 0 and self.chance(4):
            return self.flow(depth - 1, indent)
        return self.scalar(flow=True)

    def key(self, name: str) -> str:
        quote = self.pick("", "", "", "'", '"')
        return f"{quote}{name}{quote}"

    def properties(self) -> tuple[str, str | None]:
        """Return what stands before a collection, and its anchor."""
        tag = self.pick("!reset ", "!override ") if self.chance(12) else ""
        anchor = None
        if self.chance(6):
            self.anchor_count += 1
            anchor = f"a{self.anchor_count}"
        words = [f"&{anchor} " if anchor else "", tag]
        return "".join(reversed(words) if self.chance(2) else words), anchor

    def value(self, head: str, indent: int, depth: int) -> Any:
        """Write a value after *head*, ``key:`` or ``-``, and return it."""
        kind = self.draw(st.integers(0, 7))
        gap = " "
        if kind == 0:
            self.end_line(head)
            return None
        if kind == 1 and self.anchors:
            name = self.draw(st.sampled_from(sorted(self.anchors)))
            self.lines.append(f"{head}{gap}*{name}{self.comment()}")
            return self.anchors[name]
        if kind == 2:
            lines, value = self.block_scalar(indent)
            self.lines += [f"{head}{gap}{lines[0]}", *lines[1:]]
            self.block_scalar_end = len(self.lines)
            return value
        if kind in {3, 4} and depth > 0:
            return self.collection(head, indent, depth)
        properties, anchor = self.properties() if kind == 5 else ("", None)
        text, value = self.flow(depth, indent) if kind == 5 else self.scalar()
        if anchor is not None:
            self.anchors[anchor] = value
        self.lines.extend(f"{head}{gap}{properties}{text}{self.comment()}".split("\n"))
        return value

    def collection(self, head: str, indent: int, depth: int) -> Any:
        """Write a block collection below *head* and return it."""
        properties, anchor = self.properties()
        self.end_line(f"{head} {properties}".rstrip())
        value: Any
        if self.chance(2):
            is_key = head.endswith(":")
            step = self.draw(st.integers(0 if is_key else 1, 4))
            value = self.sequence(indent + step, depth - 1)
        else:
            value = self.mapping(indent + self.draw(st.integers(1, 4)), depth - 1)
        if anchor is not None:
            self.anchors[anchor] = value
        return value

    def sequence(self, indent: int, depth: int) -> list[Any]:
        items = []
        for _ in range(self.draw(st.integers(1, 3))):
            self.between(indent)
            items.append(self.value(" " * indent + "-", indent, depth))
        return items

    def mapping(self, indent: int, depth: int) -> dict[str, Any]:
        """Write a block mapping and return it, merge keys applied."""
        own: dict[str, Any] = {}
        merged: dict[str, Any] | None = None
        names = self.draw(st.lists(KEYS, min_size=1, max_size=4, unique=True))
        for name in names:
            self.between(indent)
            head = " " * indent + self.key(name) + self.pick("", "", "", " ", "\t") + ":"
            own[name] = self.value(head, indent, depth)
            mergeable = [a for a, v in self.anchors.items() if isinstance(v, dict)]
            if mergeable and merged is None and self.chance(3):
                anchor = self.draw(st.sampled_from(sorted(mergeable)))
                self.lines.append(f"{' ' * indent}<<: *{anchor}{self.comment()}")
                merged = self.anchors[anchor]
        if merged is None:
            return own
        return own | {k: v for k, v in merged.items() if k not in own}


@st.composite
def yaml_documents(draw: st.DrawFn) -> YamlText:
    """Mapping documents in random styles, all of which the engine's YAML reader accepts.

    Simplest first: one plain key with a plain value and LF.
    """
    writer = _Writer(draw)
    has_marker = writer.chance(6)
    writer.between(0)
    if has_marker:
        writer.lines.append("---" + writer.comment())
    data = writer.mapping(writer.pick("", "", "", "  ").count(" "), 3)
    writer.between(0)
    newline = writer.pick("\n", "\n", "\r\n")
    end = newline if writer.is_below_block_scalar else writer.pick(newline, newline, "")
    return YamlText(newline.join(writer.lines) + end, data)
