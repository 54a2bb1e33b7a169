"""Mappings as the engine sees them: aliases followed, merge keys applied."""

from __future__ import annotations

from composerefactor.yaml.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode, resolve


def merged_entries(node: Node | None) -> dict[str, Entry]:
    """Return the entries of a mapping by key; {} for anything else.

    ``<<`` adds the keys that the mapping does not write itself, earlier items of a list first
    (YAML 1.1 merge key; observed: the engine does the same).
    """
    found: dict[str, Entry] = {}
    _collect(node, found, set())
    return found


def _collect(node: Node | None, found: dict[str, Entry], seen: set[int]) -> None:
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
    """Return the mapping *node* and those that it merges, nearest first, each once."""
    found: list[MappingNode] = []
    queue = [resolve(node)] if node is not None else []
    while queue:
        each = queue.pop(0)
        if isinstance(each, SequenceNode):
            queue += map(resolve, each.items)
        elif isinstance(each, MappingNode) and not any(each is known for known in found):
            found.append(each)
            queue += [resolve(entry.value) for entry in each.entries if entry.is_merge]
    return found


def merged_get(node: Node | None, name: str) -> Node | None:
    """Return what key *name* of a mapping holds, merge keys and aliases followed, or None."""
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


def scalar_text(node: Node | None) -> str | None:
    """Return the text of a scalar that is no null, or None."""
    node = resolve(node) if node is not None else None
    return node.value if isinstance(node, ScalarNode) and not node.is_null else None


def item_nodes(node: Node | None) -> list[Node]:
    """Return the items of a sequence, a lone scalar as the only item, or []."""
    node = resolve(node) if node is not None else None
    if isinstance(node, SequenceNode):
        return [resolve(item) for item in node.items]
    if isinstance(node, ScalarNode) and not node.is_null:
        return [node]
    return []


def names_in(node: Node | None) -> list[str]:
    """Return the names that a list of names, or the keys that a mapping holds."""
    node = resolve(node) if node is not None else None
    if isinstance(node, MappingNode):
        return list(merged_entries(node))
    return [text for item in item_nodes(node) if (text := scalar_text(item)) is not None]
