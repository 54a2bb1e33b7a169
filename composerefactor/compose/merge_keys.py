"""Read mappings and lists as Docker Compose does: with aliases and merge keys resolved."""

from __future__ import annotations

from typing import Any

from composerefactor.yaml.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode, resolve


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
    mapping = resolve(node) if node is not None else None
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
    mapping = resolve(node) if node is not None else None
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
    node = resolve(node) if node is not None else None
    return node.value if isinstance(node, ScalarNode) and not node.is_null else None


def item_nodes(node: Node | None) -> list[Node]:
    """Return the items of the sequence *node*; a single scalar counts as a list of one item."""
    node = resolve(node) if node is not None else None
    if isinstance(node, SequenceNode):
        return [resolve(item) for item in node.items]
    if isinstance(node, ScalarNode) and not node.is_null:
        return [node]
    return []


def names_in(node: Node | None) -> list[str]:
    """Return the names in *node*: the items of a list, or the keys of a mapping."""
    node = resolve(node) if node is not None else None
    if isinstance(node, MappingNode):
        return list(merged_entries(node))
    return [text for item in item_nodes(node) if (text := scalar_text(item)) is not None]
