"""Apply edits to the text of a file; text that no edit covers keeps every byte."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from composerefactor.compose.files import SECTION_ORDER, ComposeFile
from composerefactor.edit.operations import (
    AddItem,
    AddKey,
    Nest,
    Remove,
    Rename,
    Replace,
    Share,
    Substitute,
    ToMapping,
    YamlEdit,
)
from composerefactor.edit.rendering import (
    AnchorAlias,
    Anchored,
    Flow,
    InsertionPoint,
    Value,
    YamlStyle,
    after_last_line,
    entry_lines,
    flow_text,
    is_tight,
    item_lines,
    item_place,
    key_place,
    scalar_line,
    section_place,
)
from composerefactor.edit.text_edits import (
    TextEdit,
    edit_error,
    nest_edits,
    raise_missing,
    removal_span,
    share_edits,
    substitute_edit,
)
from composerefactor.errors import RefusedError
from composerefactor.yaml.comments import comments_in
from composerefactor.yaml.nodes import (
    AliasNode,
    Entry,
    MappingNode,
    Node,
    Path,
    ScalarNode,
    SequenceNode,
    entry_at,
    in_flow,
    node_at,
    walk,
)
from composerefactor.yaml.source import BOM, Source

_CARRIAGE_RETURN_ALONE = r"\r(?!\n)"


def apply_edits(file: ComposeFile, edits: Iterable[YamlEdit]) -> str:
    """Return the text of *file* with *edits* applied.

    Raises RefusedError for a path that does not exist, for two edits of the same text, and for a
    file in which a carriage return alone ends a line, or which begins with two byte order marks:
    columns would be wrong.
    """
    if file.source.text.startswith(BOM):
        raise RefusedError(
            "the file begins with two byte order marks",
            location=file.source.location(0),
            remedy="remove one of them, then run again",
        )
    alone = re.search(_CARRIAGE_RETURN_ALONE, file.source.text)
    if alone is not None:
        raise RefusedError(
            "a carriage return without a line feed ends this line",
            location=file.source.location(alone.start()),
            remedy="convert the line ends of the file, then run again",
        )
    style = YamlStyle.of(file.tree)
    text_edits = [s for edit in _with_sections(file, edits) for s in _text_edits(file, edit, style)]
    text_edits += _kept_end_of_block(file, text_edits)
    text_edits.sort(key=lambda each: (each.start, each.end, -each.column))  # stable
    pieces, at = [], 0
    for text_edit in text_edits:
        if text_edit.start < at:
            raise RefusedError(
                "two changes edit the same text",
                location=file.source.location(text_edit.start),
                remedy="apply one of them, then run again",
            )
        pieces += [file.source.text[at : text_edit.start], text_edit.text]
        at = text_edit.end
    return "".join([*pieces, file.source.text[at:]])


_BLOCK_HEADER = re.compile(r"[|>](?P<digit>[1-9])?\+?(?P<last>[1-9])?")


def _kept_end_of_block(file: ComposeFile, text_edits: list[TextEdit]) -> Iterator[TextEdit]:
    """Yield the edit that keeps a text the same if lines are added after it.

    A block scalar that ends the file without a line end has none at the end of its value either,
    unless lines follow: ``-`` in its header says so then.
    """
    text = file.source.text
    if text.endswith("\n") or not any(e.start == len(text) and e.text for e in text_edits):
        return
    *_, last = walk(file.root)
    if not isinstance(last, ScalarNode) or last.style not in {"|", ">"} or text[last.end :].strip():
        return
    header = _BLOCK_HEADER.match(text, last.start)
    if header is None or last.value.endswith("\n") or text.startswith("-", header.end()):
        return
    indent = header["digit"] or header["last"] or ""
    yield TextEdit(header.start(), header.end(), f"{header[0][0]}{indent}-")


def _with_sections(file: ComposeFile, edits: Iterable[YamlEdit]) -> Iterator[YamlEdit]:
    """Yield *edits*, with all additions to a missing section joined into one that adds it."""
    sections: dict[str, dict[str, Value]] = {}
    for edit in edits:
        if isinstance(edit, AddKey) and _is_new_section(file, edit.path) and not edit.comment:
            sections.setdefault(str(edit.path[0]), {})[edit.key] = edit.value
        else:
            yield edit
    for section, entries in sections.items():
        yield AddKey(file.path, (), section, entries, SECTION_ORDER)


def _is_new_section(file: ComposeFile, path: Path) -> bool:
    return len(path) == 1 and path[0] in SECTION_ORDER and file.root.entry(str(path[0])) is None


def _text_edits(file: ComposeFile, edit: YamlEdit, style: YamlStyle) -> Iterator[TextEdit]:
    """Yield the text edits that carry out *edit*."""
    source = file.source
    if isinstance(edit, AddKey):
        yield from _add_key(file, edit, style)
    elif isinstance(edit, AddItem):
        yield from _add_item(file, edit, style)
    elif isinstance(edit, Replace):
        yield from _comment_above(file, edit)
        yield from _replace(file, edit, style)
    elif isinstance(edit, Substitute):
        yield substitute_edit(file, edit)
    elif isinstance(edit, Remove):
        span = removal_span(source, file.root, edit) or raise_missing(file, edit.path)
        start, end, kept_comments = span
        yield TextEdit(start, end, kept_comments)
    elif isinstance(edit, Rename):
        renamed_entry = entry_at(file.root, edit.path) or raise_missing(file, edit.path)
        key = renamed_entry.key
        quote = key.style if isinstance(key, ScalarNode) and key.style in {"'", '"'} else ""
        text = f"{quote}{edit.name}{quote}" if quote else scalar_line(edit.name, style)
        yield TextEdit(key.start, key.end, text)
    elif isinstance(edit, Nest):
        yield from nest_edits(file, edit, style)
    elif isinstance(edit, Share):
        yield from share_edits(file, edit, style)
    elif isinstance(edit, ToMapping):
        yield from _to_mapping(file, edit, style)


def _add_key(file: ComposeFile, edit: AddKey, style: YamlStyle) -> Iterator[TextEdit]:
    parent = node_at(file.root, edit.path)
    if parent is None:
        raise_missing(file, edit.path)
    if isinstance(parent, ScalarNode) and parent.is_null:
        yield from _add_first_key(file, edit, parent, style)
        return
    if not isinstance(parent, MappingNode):
        raise edit_error(file, edit.path, parent, "is not a mapping")
    if any(entry.key.start == entry.key.end for entry in parent.entries):
        raise edit_error(file, edit.path, parent, "has a key without a name")
    if parent.flow and not file.source.text.startswith("{", parent.start):
        raise edit_error(file, edit.path, parent, "is a mapping without braces in a list")
    if parent.flow:
        yield _in_flow(
            file.source,
            parent,
            f"{scalar_line(edit.key, style, flow=True)}: {flow_text(edit.value, style)}",
        )
        return
    if not parent.entries:
        raise edit_error(file, edit.path, parent, "contains only comments")
    place = key_place(file, parent, edit.path, edit.key, edit.order)
    above = section_place(file, edit.above) if edit.above and not edit.path else None
    lines = [*_comment_lines(edit.comment, place.column)]
    style = style.within(file.source, parent)
    lines += entry_lines(edit.key, edit.value, place.column, style)
    if above is not None:
        place = above
        if not is_tight(file):
            lines.append("")
    yield _insert(file.source, place, lines)


def _add_item(file: ComposeFile, edit: AddItem, style: YamlStyle) -> Iterator[TextEdit]:
    parent = node_at(file.root, edit.path)
    if not isinstance(parent, SequenceNode):
        raise edit_error(file, edit.path, parent, "is not a list")
    if parent.flow:
        yield _in_flow(file.source, parent, flow_text(edit.value, style))
        return
    place = item_place(file.source, parent)
    lines = [
        *_comment_lines(edit.comment, place.column),
        *item_lines(edit.value, place.column, style),
    ]
    yield _insert(file.source, place, lines)


def _add_first_key(
    file: ComposeFile, edit: AddKey, parent: ScalarNode, style: YamlStyle
) -> Iterator[TextEdit]:
    """Add the first entry below a key without a value."""
    parent_entry = entry_at(file.root, edit.path)
    if parent_entry is None or parent.anchor or parent.tag:
        raise edit_error(file, edit.path, parent, "has no value to which an entry can be added")
    source = file.source
    column = source.column(parent_entry.start) + style.indent
    if parent.end > parent.start:
        yield TextEdit(source.text.rindex(":", 0, parent.start) + 1, parent.end, "")
    lines = [
        *_comment_lines(edit.comment, column),
        *entry_lines(edit.key, edit.value, column, style),
    ]
    yield _insert(source, InsertionPoint(source.next_line(parent_entry.end), column), lines)


def _in_flow(source: Source, parent: MappingNode | SequenceNode, text: str) -> TextEdit:
    elements = parent.entries if isinstance(parent, MappingNode) else parent.items
    if not elements:
        return TextEdit(parent.end - 1, parent.end - 1, text)
    end = elements[-1].end
    separator = ", "
    if source.text[end - 1] == ":":  # `{a:, b: 1}` is right, but YAML parsers differ on it
        separator = ", " if source.text[end] in " \t" else " , "
        end += source.text[end] in " \t"
    return TextEdit(end, end, separator + text)


def _replace(file: ComposeFile, edit: Replace, style: YamlStyle) -> Iterator[TextEdit]:
    source = file.source
    node = node_at(file.root, edit.path)
    if node is None:
        raise_missing(file, edit.path)
    if node.anchor is not None:
        raise edit_error(file, edit.path, node, f"has the anchor &{node.anchor}")
    if isinstance(edit.value, list | dict) and edit.value and not in_flow(file.root, edit.path):
        yield from _replace_block(file, edit, node, style)
        return
    if isinstance(edit.value, list | dict | Flow | Anchored | AnchorAlias):
        text = flow_text(edit.value, style)
    else:
        text = _with_same_quotes(node, edit.value, style, flow=in_flow(file.root, edit.path))
    if edits := _edits_of_lines(source, node, edit.value):
        yield from edits
        return
    start, end = node.outer_start, node.end
    if _is_block(node) or (isinstance(node, ScalarNode) and node.style in {"|", ">"}):
        replaced_entry = entry_at(file.root, edit.path)
        if (
            replaced_entry is None
            and isinstance(node, MappingNode)
            and "\n" not in source.text[start:end]
        ):
            yield TextEdit(start, end, text)
            return
        if replaced_entry is None:
            raise edit_error(file, edit.path, node, "cannot be replaced in a list")
        if _is_block(node) and _has_comments(source, replaced_entry):
            raise edit_error(file, edit.path, node, "contains comments, which would be lost")
        colon = source.text.index(":", replaced_entry.key.end) + 1
        yield TextEdit(colon, _line_end(source, end), f" {text}")
        return
    lead = " " if start == end and source.text[start - 1 : start] in {":", "-"} else ""
    yield TextEdit(start, end, lead + text)


def _comment_above(file: ComposeFile, edit: Replace) -> Iterator[TextEdit]:
    """Add the comment of *edit* above the line of its value; a file of JSON has none."""
    if not edit.comment or file.root.flow:
        return
    source = file.source
    n = next(n for n in range(len(edit.path), 0, -1) if not in_flow(file.root, edit.path[:n]))
    node = node_at(file.root, edit.path[:n]) or raise_missing(file, edit.path)
    line = source.line(node.outer_start)
    place = InsertionPoint(source.line_start(node.outer_start), len(line) - len(line.lstrip()))
    yield _insert(source, place, [*_comment_lines(edit.comment, place.column)])


def _edits_of_lines(source: Source, node: Node, value: Value) -> list[TextEdit]:
    """Return the edits that make *value* of the literal block scalar *node*, line by line.

    Empty if *node* is something else, or *value* has another number of lines.
    """
    if not isinstance(node, ScalarNode) or node.style != "|" or not isinstance(value, str):
        return []
    old, new = node.value.split("\n"), value.split("\n")
    if len(old) != len(new):
        return []
    edits = []
    at = source.next_line(node.start)
    for before, after in zip(old, new, strict=True):
        line = source.line(at)
        if before != after:
            indent = len(line) - len(before)
            if indent < 1 or line[:indent].strip() or line[indent:] != before:
                return []
            edits.append(TextEdit(at + indent, at + len(line), after))
        at = source.next_line(at)
    return edits


def _replace_block(
    file: ComposeFile, edit: Replace, node: Node, style: YamlStyle
) -> Iterator[TextEdit]:
    """Replace the value of an entry by a block collection."""
    source = file.source
    replaced_entry = entry_at(file.root, edit.path)
    if replaced_entry is None or isinstance(node, AliasNode):
        raise edit_error(file, edit.path, node, "cannot be replaced by a block on several lines")
    column = source.column(replaced_entry.start)
    rendered = list(entry_lines(replaced_entry.name or "", edit.value, column, style))
    start = source.next_line(replaced_entry.key.end) if _is_block(node) else None
    if start is None:
        colon = source.text.index(":", replaced_entry.key.end) + 1
        yield TextEdit(colon, node.end, "")
        start = end = source.next_line(node.end)
    else:
        end = source.next_line(node.end - 1)
        if _has_comments(source, replaced_entry):
            raise edit_error(file, edit.path, node, "contains comments, which would be lost")
    body = "".join(line + source.newline for line in rendered[1:])
    opening = "" if not start or source.text[start - 1] == "\n" else source.newline
    yield TextEdit(start, end, opening + body)


def _to_mapping(file: ComposeFile, edit: ToMapping, style: YamlStyle) -> Iterator[TextEdit]:
    """Turn each item into a key on the same line, with its value on the lines below."""
    source = file.source
    node = node_at(file.root, edit.path)
    if not isinstance(node, SequenceNode) or node.anchor or not node.items:
        raise edit_error(file, edit.path, node, "is not a list of names")
    if node.flow:
        if in_flow(file.root, edit.path):
            yield TextEdit(node.start, node.end, flow_text(dict(edit.values), style))
        else:
            yield from _replace_block(
                file, Replace(edit.file, edit.path, dict(edit.values)), node, style
            )
        return
    key = entry_at(file.root, edit.path)
    above = source.column(key.start) if key else -1
    for item_node in node.items:
        name = item_node.value if isinstance(item_node, ScalarNode) else None
        if name is None or name not in edit.values or item_node.anchor:
            raise edit_error(file, edit.path, item_node, "is not a plain name")
        dash = source.text.rindex("-", source.line_start(item_node.start), item_node.start)
        # The keys must be indented, even if the dashes of the list are not.
        deeper = " " * style.indent if source.column(dash) <= above else ""
        yield TextEdit(
            dash, item_node.end, f"{deeper}{source.text[item_node.start : item_node.end]}:"
        )
        column = source.column(dash) + len(deeper)
        value_lines = list(entry_lines(name, edit.values[name], column, style))[1:]
        if value_lines:
            yield _insert(
                source, InsertionPoint(source.next_line(item_node.end), column), value_lines
            )


def _with_same_quotes(node: Node, value: Value, style: YamlStyle, *, flow: bool) -> str:
    """Return the scalar *value* in the quotes of *node*, which it replaces."""
    if isinstance(value, str) and isinstance(node, ScalarNode) and node.style in {'"', "'"}:
        quote = node.style
        simple = quote not in value and "\\" not in value and value.isprintable()
        if simple:
            return f"{quote}{value}{quote}"
    assert not isinstance(value, list | dict | Flow | Anchored | AnchorAlias)  # noqa: S101 - the caller handles collections
    return scalar_line(value, style, flow=flow)


def _has_comments(source: Source, replaced_entry: Entry) -> bool:
    return bool(
        comments_in(
            source,
            replaced_entry,
            source.line_start(replaced_entry.start),
            after_last_line(source, replaced_entry),
        )
    )


def _is_block(node: Node) -> bool:
    return isinstance(node, MappingNode | SequenceNode) and not node.flow


def _insert(source: Source, place: InsertionPoint, lines: list[str]) -> TextEdit:
    """Return the edit that inserts whole *lines* at *place*."""
    newline = source.newline
    text = "".join(line + newline for line in lines)
    if place.blank_before:
        text = newline + text
    if place.at and source.text[place.at - 1] != "\n":  # the last line of the file has no line end
        text = newline + text.removesuffix(newline)
    return TextEdit(place.at, place.at, text, place.column)


def _comment_lines(text: str, column: int) -> Iterator[str]:
    for line in text.splitlines():
        yield f"{' ' * column}# {line}".rstrip()


def _line_end(source: Source, at: int) -> int:
    """Return the end of the line that contains *at*, without its line end."""
    end = source.next_line(max(at - 1, 0))
    while end > 0 and source.text[end - 1] in "\r\n":
        end -= 1
    return end
