"""``x-`` blocks that services merge by ``<<``: services extend them instead, without a copy each.

A merge key copies what a service does not write itself; ``extends`` merges. The two give the same
result where all of this is true:

* The service writes none of the block's attributes, or only attributes that are replaced as a
  whole, or that name everything which the block has in them.
* The paths in the block can be rewritten, since those of an extended file are relative to its own
  directory.
* The block has no numbers in key/value attributes: a merge turns them into text (Compose
  specification, observed on v2.24.1 to v5.6.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.attributes import KEY_VALUE, REPLACED
from composerefactor.compose.canonical import canonical_value, non_text_values
from composerefactor.compose.files import ComposeFile, Section
from composerefactor.edit.planned_files import NewText, Piece, PlannedFile, Slice
from composerefactor.refactoring.deduplicate.definitions import children_of, same
from composerefactor.refactoring.modules.anchors import AnchorIndex, Element
from composerefactor.yaml import nodes as yaml
from composerefactor.yaml.nodes import AliasNode, Entry, walk
from composerefactor.yaml.values import to_python

_SERVICE_NAME = re.compile(r"[A-Za-z0-9._-]+")
_MAY_BE_NULL = {"command", "entrypoint"}


class ExtendableBlock(Struct, frozen=True):
    """An ``x-`` block that services can extend.

    Attributes:
        section: its top-level key.
        anchor: its anchor, which becomes the name of the service.
        merge_keys: the entry ``<<: *anchor`` of each service that extends it, by service.
    """

    section: str
    anchor: str
    merge_keys: Mapping[str, Entry]

    @property
    def aliases(self) -> set[int]:
        """The ids of the aliases that ``extends`` replaces."""
        return {id(entry.value) for entry in self.merge_keys.values()}


def extendable_blocks(
    file: ComposeFile,
    anchors: AnchorIndex,
    destinations: Mapping[Element, str],
    can_move: Callable[[yaml.Node], bool],
) -> Iterator[ExtendableBlock]:
    """Yield the blocks of *file* that all their users can extend, and where that saves text.

    *destinations* is the new file of each element, ``""`` for one that does not move; *can_move*
    returns whether the paths in a block can be rewritten.
    """
    for name, section in (file.sections or {}).items():
        if not name.startswith("x-") or not anchors.carries_only_anchors(section):
            continue
        if not can_move(section.region.entry.value):
            continue
        merge_keys = _extending_services(file, anchors, section)
        files = {destinations.get(("services", service), "") for service in merge_keys}
        if "" in files or len(files) < 2:  # noqa: PLR2004 - a single file gets the block itself
            continue
        region = section.region
        anchor = region.entry.value.anchor or ""
        if not _SERVICE_NAME.fullmatch(anchor):
            continue
        lines = file.source.text[region.key : region.end].count("\n")
        if lines * (len(files) - 1) > 2:  # noqa: PLR2004 - a file of its own has two more lines
            yield ExtendableBlock(name, anchor, merge_keys)


def with_extends(
    planned_file: PlannedFile, file: ComposeFile, block: ExtendableBlock, path: str
) -> PlannedFile:
    """Return *planned_file* with ``extends`` instead of the merge keys of *block*.

    *path* is the file with the service that replaces the block, relative to the project directory
    of *file*.
    """
    spans = [(entry.start, entry.end) for entry in block.merge_keys.values()]
    text = f"extends: {{file: {path}, service: {block.anchor}}}"
    pieces: list[Piece] = []
    for piece in planned_file.pieces:
        inside = [
            (start, end)
            for start, end in spans
            if isinstance(piece, Slice)
            and piece.source is file.source
            and piece.start <= start < piece.end
        ]
        pieces += _replaced(piece, inside, text) if isinstance(piece, Slice) else [piece]
    return replace(planned_file, pieces=tuple(pieces))


def with_parent_service(
    planned_file: PlannedFile, file: ComposeFile, block: ExtendableBlock
) -> PlannedFile:
    """Return *planned_file*, which contains *block*, with a service that is an alias of it."""
    newline = file.source.newline
    service = f"{newline}services:{newline}  {block.anchor}: *{block.anchor}{newline}"
    return replace(planned_file, pieces=(*planned_file.pieces, NewText(service)))


def _extending_services(
    file: ComposeFile, anchors: AnchorIndex, section: Section
) -> dict[str, Entry]:
    """Return the merge key of each service that uses the block *section*.

    Empty where one of its users cannot extend it.
    """
    block = section.region.entry.value
    inner = {id(node) for node in walk(block)}
    merge_keys: dict[str, Entry] = {}
    for (element, name), aliases in anchors.aliases_of.items():
        used = [alias for alias in aliases if id(alias.target) in inner]
        if not used or element == section.name:
            continue
        entry = _merge_key(file, name, used) if element == "services" else None
        if entry is None or not _is_exact(file, name, block):
            return {}
        merge_keys[name] = entry
    return merge_keys


def _merge_key(file: ComposeFile, name: str, used: Sequence[AliasNode]) -> Entry | None:
    """Return the entry ``<<: *block`` of the service *name*.

    *used* are its aliases to nodes of the block. None where it uses the block in another way too.
    """
    region = file.regions_in("services")[name]
    children = children_of(file.source, region) or {}
    merge = children.get("<<")
    if merge is None or len(used) != 1 or merge.entry.value is not used[0]:
        return None
    target = used[0].target
    return merge.entry if target is not None and target.anchor is not None else None


def _is_exact(file: ComposeFile, name: str, block: yaml.Node) -> bool:
    """Return whether the service *name* is the same whether it extends *block* or merges it."""
    body = file.regions_in("services")[name].entry.value
    if not isinstance(body, yaml.MappingNode) or not isinstance(block, yaml.MappingNode):
        return False
    own = {e.name: to_python(e.value, file.source) for e in body.entries if not e.is_merge}
    inherited = to_python(block, file.source)
    in_both = own.keys() & inherited.keys()
    return (
        "extends" not in own.keys() | inherited.keys()
        and all(key in REPLACED or _has_all(key, own[key], inherited[key]) for key in in_both)
        and all(own[key] is not None or key in _MAY_BE_NULL for key in in_both)
        and all(value is not None for value in inherited.values())
        and not non_text_values(inherited, ())
        and not any(node.tag for node in walk(block))
    )


def _has_all(key: str, own: Any, inherited: Any) -> bool:
    """Return whether merging *own* over *inherited* gives *own*, in the attribute *key*.

    v2.24.1 merges a list of pairs over a mapping only in ``environment``.
    """
    below, above = canonical_value(inherited, (key,)), canonical_value(own, (key,))
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return False
    if (key,) in KEY_VALUE:
        same_form = isinstance(own, Mapping) == isinstance(inherited, Mapping)
        is_mergeable = key == "environment" or same_form
        return is_mergeable and below.keys() <= above.keys() and not non_text_values(own, (key,))
    is_superset = key == "networks" and below.keys() <= above.keys()
    return is_superset and all(not below[name] or same(below[name], above[name]) for name in below)


def _replaced(piece: Slice, spans: Sequence[tuple[int, int]], text: str) -> Iterator[Piece]:
    """Yield *piece* with *text* in place of each of *spans*."""
    start = piece.start
    for span_start, span_end in sorted(spans):
        yield replace(piece, start=start, end=span_start)
        yield NewText(text)
        start = span_end
    yield replace(piece, start=start)
