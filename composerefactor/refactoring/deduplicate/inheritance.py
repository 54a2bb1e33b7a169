"""``x-`` blocks that services take by ``<<``, as services that they extend instead of copies.

A merge key copies what a service does not write itself; ``extends`` merges. So the two are the same
where the service writes none of it again, or only attributes that are replaced whole or that name
all that the block has there; where the paths in the block can be written anew, since those of an
extended file are relative to its own directory; and where it has no numbers in key/value
attributes, of which a merge makes text (Compose specification, observed on v2.24.1 to v5.6.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile, Section
from composerefactor.compose.merging import KEY_VALUE, REPLACED, meaning, typed
from composerefactor.edit.planned_files import NewText, Piece, PlannedFile, Slice
from composerefactor.refactoring.deduplicate.definitions import children_of, same
from composerefactor.refactoring.modules.anchors import AnchorIndex, Element
from composerefactor.yaml import nodes as yaml
from composerefactor.yaml.nodes import AliasNode, Entry, walk
from composerefactor.yaml.values import to_python

_SERVICE_NAME = re.compile(r"[A-Za-z0-9._-]+")
_MAY_BE_NULL = {"command", "entrypoint"}


class Parent(Struct, frozen=True):
    """The block *section*, whose anchor is *anchor*; *heirs* have the merge key of each service."""

    section: str
    anchor: str
    heirs: Mapping[str, Entry]

    @property
    def aliases(self) -> set[int]:
        """The ids of the aliases that go."""
        return {id(entry.value) for entry in self.heirs.values()}


def parents(
    file: ComposeFile,
    anchors: AnchorIndex,
    destinations: Mapping[Element, str],
    can_move: Callable[[yaml.Node], bool],
) -> Iterator[Parent]:
    """Yield the blocks of *file* that can be extended by all who use them, and save text by it.

    *destinations* gives the file of each part, "" for what stays; *can_move* tells whether the
    paths in a block can be rewritten.
    """
    for name, section in (file.sections or {}).items():
        if not name.startswith("x-") or not anchors.carries_only_anchors(section):
            continue
        if not can_move(section.region.entry.value):
            continue
        heirs = _heirs(file, anchors, section)
        files = {destinations.get(("services", heir), "") for heir in heirs}
        if "" in files or len(files) < 2:  # noqa: PLR2004 - one takes the block along
            continue
        region = section.region
        anchor = region.entry.value.anchor or ""
        if not _SERVICE_NAME.fullmatch(anchor):
            continue
        lines = file.source.text[region.key : region.end].count("\n")
        if lines * (len(files) - 1) > 2:  # noqa: PLR2004 - a file of its own has two lines more
            yield Parent(name, anchor, heirs)


def extending(
    planned_file: PlannedFile, file: ComposeFile, parent: Parent, path: str
) -> PlannedFile:
    """Return *planned_file* with an ``extends`` of *path* for each merge key of the heirs."""
    edits = [(entry.start, entry.end) for entry in parent.heirs.values()]
    text = f"extends: {{file: {path}, service: {parent.anchor}}}"
    pieces: list[Piece] = []
    for piece in planned_file.pieces:
        inside = [
            (a, b)
            for a, b in edits
            if isinstance(piece, Slice)
            and piece.source is file.source
            and piece.start <= a < piece.end
        ]
        pieces += _cut(piece, inside, text) if isinstance(piece, Slice) else [piece]
    return replace(planned_file, pieces=tuple(pieces))


def extended_file(planned_file: PlannedFile, file: ComposeFile, parent: Parent) -> PlannedFile:
    """Return *planned_file*, which has the block, with a service that is the block."""
    newline = file.source.newline
    service = f"{newline}services:{newline}  {parent.anchor}: *{parent.anchor}{newline}"
    return replace(planned_file, pieces=(*planned_file.pieces, NewText(service)))


def _heirs(file: ComposeFile, anchors: AnchorIndex, section: Section) -> dict[str, Entry]:
    """Return the merge key of each service that takes the block; {} where one cannot extend it."""
    block = section.region.entry.value
    inner = {id(node) for node in walk(block)}
    found: dict[str, Entry] = {}
    for (element, name), aliases in anchors.aliases_of.items():
        used = [alias for alias in aliases if id(alias.target) in inner]
        if not used or element == section.name:
            continue
        entry = _merge_key(file, name, used) if element == "services" else None
        if entry is None or not _is_exact(file, name, block):
            return {}
        found[name] = entry
    return found


def _merge_key(file: ComposeFile, name: str, used: Sequence[AliasNode]) -> Entry | None:
    """Return the entry ``<<: *block`` of a service, where nothing else in it needs the block."""
    region = file.regions_in("services")[name]
    parts = children_of(file.source, region) or {}
    merge = parts.get("<<")
    if merge is None or len(used) != 1 or merge.entry.value is not used[0]:
        return None
    target = used[0].target
    return merge.entry if target is not None and target.anchor is not None else None


def _is_exact(file: ComposeFile, name: str, block: yaml.Node) -> bool:
    """Return whether the service is the same when it extends *block* as when it merges it."""
    body = file.regions_in("services")[name].entry.value
    if not isinstance(body, yaml.MappingNode) or not isinstance(block, yaml.MappingNode):
        return False
    own = {e.name: to_python(e.value, file.source) for e in body.entries if not e.is_merge}
    brought = to_python(block, file.source)
    again = own.keys() & brought.keys()
    return (
        "extends" not in own.keys() | brought.keys()
        and all(key in REPLACED or _has_all(key, own[key], brought[key]) for key in again)
        and all(own[key] is not None or key in _MAY_BE_NULL for key in again)
        and all(value is not None for value in brought.values())
        and not typed(brought, ())
        and not any(node.tag for node in walk(block))
    )


def _has_all(key: str, own: Any, brought: Any) -> bool:
    """Return whether *own*, merged over what the block has in the attribute *key*, stays as it is.

    An older engine merges a list of pairs over a mapping in ``environment`` alone (v2.24.1).
    """
    below, above = meaning(brought, (key,)), meaning(own, (key,))
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return False
    if (key,) in KEY_VALUE:
        alike = key == "environment" or isinstance(own, Mapping) == isinstance(brought, Mapping)
        return alike and below.keys() <= above.keys() and not typed(own, (key,))
    named = key == "networks" and below.keys() <= above.keys()
    return named and all(not below[name] or same(below[name], above[name]) for name in below)


def _cut(piece: Slice, edits: Sequence[tuple[int, int]], text: str) -> Iterator[Piece]:
    start = piece.start
    for a, b in sorted(edits):
        yield replace(piece, start=start, end=a)
        yield NewText(text)
        start = b
    yield replace(piece, start=start)
