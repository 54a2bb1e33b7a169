"""A tree as plain tuples, so that trees can be compared."""

from __future__ import annotations

from composerefactor.yaml.nodes import (
    AliasNode,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    Tree,
    children,
    walk,
)


def facts(tree: Tree) -> list[tuple[object, ...]]:
    """Return all that *tree* says: documents and nodes in text order, with every span."""
    found: list[tuple[object, ...]] = []
    for document in tree.documents:
        found.append(("document", document.start, document.end))
        if document.root is not None:
            found.extend(node_facts(node) for node in walk(document.root))
    return found


def node_facts(node: Node) -> tuple[object, ...]:
    """Return the kind, the spans, the properties and the own content of *node*."""
    place = (type(node).__name__, node.outer_start, node.start, node.end, node.anchor, node.tag)
    match node:
        case ScalarNode():
            return (*place, node.style, node.value)
        case AliasNode():
            return (*place, node.name, node.target.outer_start if node.target else None)
        case MappingNode() | SequenceNode():
            return (*place, node.flow)
        case _:
            return place


def check_spans(text: str, node: Node) -> None:
    """Assert that the spans of *node* and of all nodes below it are nested and in order."""
    assert 0 <= node.outer_start <= node.start <= node.end <= len(text)
    at = node.start
    for part in children(node):
        assert at <= part.outer_start
        assert part.end <= node.end
        check_spans(text, part)
        at = part.end
