"""A part of a scalar, replaced where it stands."""

from __future__ import annotations

import re

from composerefactor.compose.file import ComposeFile
from composerefactor.edits.operations import Substitute
from composerefactor.edits.refusal import refused
from composerefactor.edits.splice import Splice
from composerefactor.patterns import regex
from composerefactor.yamltree.nodes import Scalar
from composerefactor.yamltree.path import in_flow, node_at

_HARMLESS = regex(r"[\w$./~:?+@-]*|\$\{[\w$./~:?+@{}-]*\}")
"""Text that means itself in a scalar of any style, unless it is plain in a flow collection."""


def substitution(file: ComposeFile, edit: Substitute) -> Splice:
    """Return the splice for *edit*.

    Raises RefusedError where the part is written with escapes or over several lines, and for new
    text that would need quotes or escapes.
    """
    node = node_at(file.root, edit.path)
    if not isinstance(node, Scalar):
        raise refused(file, edit.path, node, "is no text")
    raw = file.source.text[node.start : node.end]
    at = _nth(raw, edit.old, edit.nth)
    if raw.count(edit.old) != node.value.count(edit.old) or at < 0:
        raise refused(file, edit.path, node, f"does not have {edit.old!r} as it is written")
    new = raw[:at] + edit.new + raw[at + len(edit.old) :]
    flow = in_flow(file.root, edit.path)
    if not _keeps(node, edit) or (not node.style and not _still_plain(new, flow=flow)):
        raise refused(file, edit.path, node, f"cannot take {edit.new!r} without other quotes")
    start = node.start + at
    return Splice(start, start + len(edit.old), edit.new)


def _nth(text: str, part: str, nth: int) -> int:
    at = text.find(part)
    while nth > 0 and at >= 0:
        at, nth = text.find(part, at + 1), nth - 1
    return at


def _keeps(node: Scalar, edit: Substitute) -> bool:
    """Return whether the new text cannot end the scalar, nor begin an escape."""
    if node.style == '"' and "\\" in edit.old + edit.new:
        return False
    return _HARMLESS.fullmatch(edit.new) is not None or set(edit.new) <= set(edit.old + "$-")


def _still_plain(text: str, *, flow: bool) -> bool:
    if flow and re.search(r"[\[\]{},]", text):
        return False
    return not re.match(r"[-?:,\[\]{}#&*!|>'\"%@`]", text) and not re.search(r":\s|\s#|:$", text)
