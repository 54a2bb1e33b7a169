"""Edits at addresses as splices of a text: what no edit covers keeps every byte."""

from __future__ import annotations

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
    Anchored,
    Flow,
    Place,
    Reference,
    Value,
    entry,
    inline,
    item,
    item_place,
    key_place,
    scalar,
    section_place,
    tail,
)
from composerefactor.edit.splices import (
    TextEdit,
    missing,
    nesting,
    refused,
    removal,
    sharing,
    substitution,
)
from composerefactor.errors import RefusedError
from composerefactor.yaml.comments import comments
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
)
from composerefactor.yaml.source import Source
from composerefactor.yaml.style import Style


def edited(file: ComposeFile, edits: Iterable[YamlEdit]) -> str:
    """Return the text of *file* with *edits*.

    Raises RefusedError for an address that is not there, and for two edits of one place.
    """
    style = Style.of(file.tree)
    splices = [s for edit in _with_sections(file, edits) for s in _splices(file, edit, style)]
    splices.sort(key=lambda each: (each.start, each.end, -each.column))  # stable
    text, at = [], 0
    for splice in splices:
        if splice.start < at:
            raise RefusedError(
                "two changes touch the same text",
                location=file.source.location(splice.start),
                remedy="make one of them, then run again",
            )
        text += [file.source.text[at : splice.start], splice.text]
        at = splice.end
    return "".join([*text, file.source.text[at:]])


def _with_sections(file: ComposeFile, edits: Iterable[YamlEdit]) -> Iterator[YamlEdit]:
    """Yield *edits*; those that add to a section which there is not yet add it, all together."""
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


def _splices(file: ComposeFile, edit: YamlEdit, style: Style) -> Iterator[TextEdit]:
    source = file.source
    if isinstance(edit, AddKey):
        yield from _add_key(file, edit, style)
    elif isinstance(edit, AddItem):
        yield from _add_item(file, edit, style)
    elif isinstance(edit, Replace):
        yield from _replace(file, edit, style)
    elif isinstance(edit, Substitute):
        yield substitution(file, edit)
    elif isinstance(edit, Remove):
        start, end, kept = removal(source, file.root, edit.path, edit.nth) or missing(
            file, edit.path
        )
        yield TextEdit(start, end, kept)
    elif isinstance(edit, Rename):
        found = entry_at(file.root, edit.path) or missing(file, edit.path)
        key = found.key
        quote = key.style if isinstance(key, ScalarNode) and key.style in {"'", '"'} else ""
        text = f"{quote}{edit.name}{quote}" if quote else scalar(edit.name, style)
        yield TextEdit(key.start, key.end, text)
    elif isinstance(edit, Nest):
        yield from nesting(file, edit, style)
    elif isinstance(edit, Share):
        yield from sharing(file, edit, style)
    elif isinstance(edit, ToMapping):
        yield from _to_mapping(file, edit, style)


def _add_key(file: ComposeFile, edit: AddKey, style: Style) -> Iterator[TextEdit]:
    parent = node_at(file.root, edit.path)
    if parent is None:
        missing(file, edit.path)
    if isinstance(parent, ScalarNode) and parent.is_null:
        yield from _fill(file, edit, parent, style)
        return
    if not isinstance(parent, MappingNode):
        raise refused(file, edit.path, parent, "is no mapping")
    if parent.flow:
        yield _in_flow(parent, f"{scalar(edit.key, style, flow=True)}: {inline(edit.value, style)}")
        return
    place = key_place(file, parent, edit.path, edit.key, edit.order)
    above = section_place(file, edit.above) if edit.above and not edit.path else None
    lines = [*_comment(edit.comment, place.column)]
    lines += entry(edit.key, edit.value, place.column, style)
    if above is not None:
        place = above
        lines.append("")
    yield _insert(file.source, place, lines)


def _add_item(file: ComposeFile, edit: AddItem, style: Style) -> Iterator[TextEdit]:
    parent = node_at(file.root, edit.path)
    if not isinstance(parent, SequenceNode):
        raise refused(file, edit.path, parent, "is no list")
    if parent.flow:
        yield _in_flow(parent, inline(edit.value, style))
        return
    place = item_place(file.source, parent)
    lines = [*_comment(edit.comment, place.column), *item(edit.value, place.column, style)]
    yield _insert(file.source, place, lines)


def _fill(file: ComposeFile, edit: AddKey, parent: ScalarNode, style: Style) -> Iterator[TextEdit]:
    """Put a first entry below a key that has no value."""
    found = entry_at(file.root, edit.path)
    if found is None or parent.anchor or parent.tag:
        raise refused(file, edit.path, parent, "holds nothing that an entry could be added to")
    source = file.source
    column = source.column(found.start) + style.indent
    if parent.end > parent.start:
        yield TextEdit(source.text.rindex(":", 0, parent.start) + 1, parent.end, "")
    lines = [*_comment(edit.comment, column), *entry(edit.key, edit.value, column, style)]
    yield _insert(source, Place(source.next_line(found.end), column), lines)


def _in_flow(parent: MappingNode | SequenceNode, text: str) -> TextEdit:
    filled = parent.entries if isinstance(parent, MappingNode) else parent.items
    if not filled:
        return TextEdit(parent.end - 1, parent.end - 1, text)
    return TextEdit(filled[-1].end, filled[-1].end, f", {text}")


def _replace(file: ComposeFile, edit: Replace, style: Style) -> Iterator[TextEdit]:
    source = file.source
    node = node_at(file.root, edit.path)
    if node is None:
        missing(file, edit.path)
    if node.anchor is not None:
        raise refused(file, edit.path, node, f"carries the anchor &{node.anchor}")
    if isinstance(edit.value, list | dict) and edit.value and not in_flow(file.root, edit.path):
        yield from _replace_block(file, edit, node, style)
        return
    if isinstance(edit.value, list | dict | Flow | Anchored | Reference):
        text = inline(edit.value, style)
    else:
        text = _as_before(node, edit.value, style, flow=in_flow(file.root, edit.path))
    start, end = node.outer_start, node.end
    if _is_block(node) or (isinstance(node, ScalarNode) and node.style in {"|", ">"}):
        found = entry_at(file.root, edit.path)
        if found is None and isinstance(node, MappingNode) and "\n" not in source.text[start:end]:
            yield TextEdit(start, end, text)
            return
        if found is None:
            raise refused(file, edit.path, node, "cannot be replaced in a list")
        if _is_block(node) and _has_comments(source, found):
            raise refused(file, edit.path, node, "holds comments, which would be lost")
        colon = source.text.index(":", found.key.end) + 1
        yield TextEdit(colon, _line_end(source, end), f" {text}")
        return
    lead = " " if start == end and source.text[start - 1 : start] in {":", "-"} else ""
    yield TextEdit(start, end, lead + text)


def _replace_block(
    file: ComposeFile, edit: Replace, node: Node, style: Style
) -> Iterator[TextEdit]:
    """Put a block collection in place of the value of an entry."""
    source = file.source
    found = entry_at(file.root, edit.path)
    if found is None or isinstance(node, AliasNode):
        raise refused(file, edit.path, node, "cannot be replaced by several lines")
    column = source.column(found.start)
    rendered = list(entry(found.name or "", edit.value, column, style))
    start = source.next_line(found.key.end) if _is_block(node) else None
    if start is None:
        colon = source.text.index(":", found.key.end) + 1
        yield TextEdit(colon, node.end, "")
        start = end = source.next_line(node.end)
    else:
        end = source.next_line(node.end - 1)
        if _has_comments(source, found):
            raise refused(file, edit.path, node, "holds comments, which would be lost")
    body = "".join(line + source.newline for line in rendered[1:])
    opening = "" if not start or source.text[start - 1] == "\n" else source.newline
    yield TextEdit(start, end, opening + body)


def _to_mapping(file: ComposeFile, edit: ToMapping, style: Style) -> Iterator[TextEdit]:
    """Turn each item into a key on the same line, with its value on lines below."""
    source = file.source
    node = node_at(file.root, edit.path)
    if not isinstance(node, SequenceNode) or node.anchor or not node.items:
        raise refused(file, edit.path, node, "is no list of names")
    if node.flow:
        if in_flow(file.root, edit.path):
            yield TextEdit(node.start, node.end, inline(dict(edit.values), style))
        else:
            yield from _replace_block(
                file, Replace(edit.file, edit.path, dict(edit.values)), node, style
            )
        return
    key = entry_at(file.root, edit.path)
    above = source.column(key.start) if key else -1
    for each in node.items:
        name = each.value if isinstance(each, ScalarNode) else None
        if name is None or name not in edit.values or each.anchor:
            raise refused(file, edit.path, each, "is no plain name")
        dash = source.text.rindex("-", source.line_start(each.start), each.start)
        # Below a list without indentation of its own the keys need some.
        deeper = " " * style.indent if source.column(dash) <= above else ""
        yield TextEdit(dash, each.end, f"{deeper}{source.text[each.start : each.end]}:")
        column = source.column(dash) + len(deeper)
        below = list(entry(name, edit.values[name], column, style))[1:]
        if below:
            yield _insert(source, Place(source.next_line(each.end), column), below)


def _as_before(node: Node, value: Value, style: Style, *, flow: bool) -> str:
    """Return a scalar in the quotes of the one that it replaces."""
    if isinstance(value, str) and isinstance(node, ScalarNode) and node.style in {'"', "'"}:
        quote = node.style
        simple = quote not in value and "\\" not in value and value.isprintable()
        if simple:
            return f"{quote}{value}{quote}"
    assert not isinstance(value, list | dict | Flow | Anchored | Reference)  # noqa: S101 - the caller has sorted these out
    return scalar(value, style, flow=flow)


def _has_comments(source: Source, found: Entry) -> bool:
    return bool(comments(source, found, source.line_start(found.start), tail(source, found)))


def _is_block(node: Node) -> bool:
    return isinstance(node, MappingNode | SequenceNode) and not node.flow


def _insert(source: Source, place: Place, lines: list[str]) -> TextEdit:
    """Return the splice that puts whole lines at *place*."""
    newline = source.newline
    text = "".join(line + newline for line in lines)
    if place.blank_before:
        text = newline + text
    if place.at and source.text[place.at - 1] != "\n":  # the last line of the file has no end
        text = newline + text.removesuffix(newline)
    return TextEdit(place.at, place.at, text, place.column)


def _comment(text: str, column: int) -> Iterator[str]:
    for line in text.splitlines():
        yield f"{' ' * column}# {line}".rstrip()


def _line_end(source: Source, at: int) -> int:
    """Return where the line that holds *at* ends, its line end not counted."""
    end = source.next_line(max(at - 1, 0))
    while end > 0 and source.text[end - 1] in "\r\n":
        end -= 1
    return end
