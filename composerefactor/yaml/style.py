"""The style of a file: indentation, quotes and line ends, for text that is added to it."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar

from msgspec import Struct

from composerefactor.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode, Tree, walk
from composerefactor.yaml.source import Source

T = TypeVar("T")


class Style(Struct, frozen=True):
    """The formatting that most of a file uses.

    Attributes:
        indent: How many spaces the keys of a nested mapping are indented.
        dash: How many columns the dash of a list is to the right of the list's key.
        quote: The quotation mark for text that needs quotes.
        newline: The line end.
    """

    indent: int = 2
    dash: int = 2
    quote: str = '"'
    newline: str = "\n"

    @classmethod
    def of(cls, tree: Tree) -> Style:
        """Return the style of *tree*, with the defaults above for what the file does not show."""
        source = tree.source
        steps: Counter[int] = Counter()
        dashes: Counter[int] = Counter()
        quotes: Counter[str] = Counter()
        for document in tree.documents:
            for node in walk(document.root) if document.root is not None else ():
                if isinstance(node, MappingNode) and not node.flow:
                    _count_indentation(source, node, steps, dashes)
                elif isinstance(node, ScalarNode) and node.style in {'"', "'"}:
                    quotes[node.style] += 1
        indent = _most_common(steps, 2)
        return cls(indent, _most_common(dashes, indent), _most_common(quotes, '"'), source.newline)


def _count_indentation(
    source: Source, node: MappingNode, steps: Counter[int], dashes: Counter[int]
) -> None:
    """Count in *steps* and *dashes* how the values of *node* are indented below their keys."""
    for entry in node.entries:
        column = source.column(entry.start)
        value: Node = entry.value
        if isinstance(value, MappingNode) and not value.flow and value.entries:
            if (step := source.column(value.entries[0].start) - column) > 0:
                steps[step] += 1
        elif isinstance(value, SequenceNode) and not value.flow and value.items:
            line = source.line(value.items[0].outer_start)
            if line.lstrip().startswith("-"):
                dashes[len(line) - len(line.lstrip()) - column] += 1


def _most_common(counts: Counter[T], usual: T) -> T:
    return counts.most_common(1)[0][0] if counts else usual
