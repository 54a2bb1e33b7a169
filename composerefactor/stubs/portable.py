"""Which attributes of a service can stand in another directory, and the words that change there.

The paths in an extended file are relative to its own directory, so each is written anew where its
text moves. What begins with a variable cannot be: its value decides whether it is relative
(Compose specification; observed: v2.25.0 to v5.6.1).
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.compose.merged import merged_entries
from composerefactor.compose.paths import PathAttribute, path_attributes
from composerefactor.edits.drafts import Replacement
from composerefactor.source import Source
from composerefactor.yamltree.nodes import Alias, Mapping, Node, Scalar, resolve, walk
from composerefactor.yamltree.nodes import Sequence as SequenceNode

MERGE = "<<"


def fixed_attributes(service: Node, source: Source) -> dict[str, str]:
    """Return the written keys of *service* that have to stay in its directory, with the reasons.

    A merge key is among them where something that it brings has to stay; then so are the keys that
    it brings too, since they would be merged with what it says instead of replacing it.
    """
    fixed: dict[str, str] = {}
    for found in path_attributes(service):
        reason = _reason(found, source)
        if reason:
            fixed.setdefault(found.kind.partition(".")[0], reason)
    for name, entry in merged_entries(service).items():
        if _has_tags(entry.value):
            fixed.setdefault(name, f"{name} has a tag, which acts where it stands")
    body = resolve(service)
    written = {e.name or "" for e in body.entries} if isinstance(body, Mapping) else set()
    merged = [name for name in fixed if name not in written]
    if merged:
        brought = {name for part in _merged(body) for name in merged_entries(part)}
        fixed |= dict.fromkeys(brought & written, fixed[merged[0]])
        fixed[MERGE] = fixed[merged[0]]
    return {name: reason for name, reason in fixed.items() if name in written}


def replacements(service: Node, source: Source, up: str) -> Iterator[Replacement]:
    """Yield what changes in *service* where *up* leads from its new directory to the one before.

    The nodes that its aliases stand for are among them.
    """
    if up == ".":
        return
    for found in path_attributes(service):
        if not (found.resolved and found.form == "relative" and not found.is_missing):
            continue
        start = _written_at(found, source)
        if start is None:
            continue
        if found.text == "." or found.text.startswith("./"):
            yield Replacement(start, start + 1, up)
        else:
            yield Replacement(start, start, f"{up}/")


def _reason(found: PathAttribute, source: Source) -> str:
    """Return why the path *found* cannot be written anew, or ``""``."""
    if not found.resolved or found.is_missing:
        return ""  # a missing context is the directory of the service that extends (observed)
    if found.form == "variable":
        return f"{found.kind} begins with a variable, which may hold any path"
    if found.form != "relative":
        return ""
    if found.kind == "build.ssh":  # up to v2.29.7 not resolved in an extended file (observed)
        return "build.ssh names a relative path, which not all engines resolve"
    if _written_at(found, source) is None:
        return f"{found.kind} is written with escapes or over several lines"
    return ""


def _written_at(found: PathAttribute, source: Source) -> int | None:
    """Return the offset at which the path *found* begins; None where its text is not its value."""
    node = found.node
    if not isinstance(node, Scalar) or node.style in {"|", ">"}:
        return None
    begin = node.start + len(node.style)
    head = node.value[: found.offset + 1]
    return begin + found.offset if source.text.startswith(head, begin) else None


def _has_tags(node: Node) -> bool:
    """Return whether ``!reset`` or the like stands in *node*, or in what its aliases stand for."""
    for inner in walk(node):
        if inner.tag is not None and not inner.tag.startswith("!!"):
            return True
        if isinstance(inner, Alias) and inner.target is not None and _has_tags(inner.target):
            return True
    return False


def _merged(body: Node) -> Iterator[Node]:
    """Yield the mappings that the merge keys of *body* name."""
    for entry in body.entries if isinstance(body, Mapping) else ():
        if entry.is_merge:
            value = resolve(entry.value)
            yield from value.items if isinstance(value, SequenceNode) else [value]
