"""Mounts of services: the short and the long form of ``volumes`` (Compose specification).

The short form is read as Docker Compose does, including its quirks (observed: v2.24.1 to v5.6.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from composerefactor.compose.interpolation import EXPRESSION_MASK, mask_expressions
from composerefactor.compose.merge_keys import item_nodes, merged_get, scalar_text
from composerefactor.yaml.nodes import MappingNode, Node


class VolumeText(Struct, frozen=True):
    """The parts of a mount as written.

    Attributes:
        kind: ``bind``, ``volume``, or another type of the long form; ``""`` if it depends on the
            variable with which *source* begins.
        source: The path or the name of the volume; None for an anonymous volume and for tmpfs.
        target: The path in the container.
        options: The options, such as ``ro``.
    """

    kind: str
    source: str | None
    target: str
    options: tuple[str, ...] = ()

    @property
    def read_only(self) -> bool:
        """True for the option ``ro``, and for ``read_only: true`` in the long form."""
        return "ro" in self.options


class Volume(Struct, frozen=True):
    """One item of ``volumes``.

    Attributes:
        node: The item.
        text: The parts as written.
        source_node: The scalar that contains the source (in the short form, at its beginning), or
            None if there is no source.
        is_long: True for the long form.
    """

    node: Node
    text: VolumeText
    source_node: Node | None
    is_long: bool = False


@lru_cache(maxsize=4096)
def parse_volume(text: str) -> VolumeText | None:
    """Return the parts of the short form *text*: ``[source:]target[:options]``.

    One letter before a colon is a Windows drive, so ``v:/v`` is an anonymous volume. Returns None
    if a part is empty or if there are more than three, which Docker Compose rejects.
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
    """Yield the mounts of *service*, with merge keys and aliases resolved.

    Items that are in neither form are omitted; Docker Compose rejects them.
    """
    for item in item_nodes(merged_get(service, "volumes")):
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
    """Split *text* at the colons that are not part of an expression or of a Windows drive."""
    mask = mask_expressions(text)
    sections, start = [], 0
    if len(text) <= len("v:"):
        return [text]
    for at, char in enumerate(mask):
        if char == ":" and not (at - start == 1 and text[start].isalpha()):
            sections.append(text[start:at])
            start = at + 1
    return [*sections, text[start:]]


def _kind(source: str) -> str:
    """Return the kind of a mount in the short form: ``bind``, ``volume`` or ``""``."""
    mask = mask_expressions(source)
    if mask[0] == EXPRESSION_MASK:
        return ""
    is_path = mask[0] in "./~" or mask.startswith("\\\\")
    is_path = is_path or (mask[1:2] == ":" and mask[0].isalpha())
    return "bind" if is_path else "volume"
