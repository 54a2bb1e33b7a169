"""Volumes of services: the short and the long form (Compose specification).

The short form is read as the engine does, quirks included (observed: v2.24.1 to v5.6.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from composerefactor.compose.interpolation import MASK, masked
from composerefactor.compose.merge_keys import item_nodes, merged_get, scalar_text
from composerefactor.yaml.nodes import MappingNode, Node


class VolumeText(Struct, frozen=True):
    """What a volume says, as written.

    *kind* is ``bind``, ``volume``, or another type of the long form; ``""`` where a variable at the
    beginning of *source* decides. *source* is None for an anonymous volume and for tmpfs.
    """

    kind: str
    source: str | None
    target: str
    options: tuple[str, ...] = ()

    @property
    def read_only(self) -> bool:
        """True for ``ro``, and for ``read_only: true`` of the long form."""
        return "ro" in self.options


class Volume(Struct, frozen=True):
    """One item of ``volumes``: *node* is what is written, *source_node* the scalar with the source.

    The source of a short form is at the beginning of *source_node*.
    """

    node: Node
    text: VolumeText
    source_node: Node | None
    is_long: bool = False


@lru_cache(maxsize=4096)
def parse_volume(text: str) -> VolumeText | None:
    """Return what the short form *text*, ``[source:]target[:options]``, says.

    One letter before a colon is a Windows drive, so ``v:/v`` is an anonymous volume. None for an
    empty part and for more than three, which the engine rejects.
    """
    parts = _sections(text)
    match parts if all(parts) else []:
        case [target]:
            return VolumeText("volume", None, target)
        case [source, target]:
            return VolumeText(_kind(source), source, target)
        case [source, target, options]:
            return VolumeText(_kind(source), source, target, tuple(options.split(",")))
        case _:
            return None


def volumes(service: Node) -> Iterator[Volume]:
    """Yield the volumes of *service*, merge keys and aliases followed.

    Items that are neither form are left out; the engine rejects them.
    """
    yield from listed_volumes(merged_get(service, "volumes"))


def listed_volumes(node: Node | None) -> Iterator[Volume]:
    """Yield the volumes in *node*, the value of ``volumes``."""
    for item in item_nodes(node):
        if isinstance(item, MappingNode):
            source_node = merged_get(item, "source")
            source, target = scalar_text(source_node), scalar_text(merged_get(item, "target"))
            kind = scalar_text(merged_get(item, "type")) or "volume"
            read_only = scalar_text(merged_get(item, "read_only")) in {"true", "True", "TRUE"}
            options = ("ro",) if read_only else ()
            text = VolumeText(kind, source or None, target or "", options)
            yield Volume(item, text, source_node if source else None, is_long=True)
        elif (short := parse_volume(scalar_text(item) or "")) is not None:
            yield Volume(item, short, item if short.source is not None else None)


def _sections(text: str) -> list[str]:
    """Split *text* at the colons that neither an expression nor a Windows drive has."""
    mask = masked(text)
    sections, start = [], 0
    if len(text) <= len("v:"):
        return [text]
    for at, char in enumerate(mask):
        if char == ":" and not (at - start == 1 and text[start].isalpha()):
            sections.append(text[start:at])
            start = at + 1
    return [*sections, text[start:]]


def _kind(source: str) -> str:
    mask = masked(source)
    if mask[0] == MASK:
        return ""
    is_path = mask[0] in "./~" or mask.startswith("\\\\")
    is_path = is_path or (mask[1:2] == ":" and mask[0].isalpha())
    return "bind" if is_path else "volume"
