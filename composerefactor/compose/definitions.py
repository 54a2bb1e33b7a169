"""Places in the definitions of a service, and values with the place that decides them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Generic, TypeVar

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.interpolation import expand_known
from composerefactor.compose.project import Scope
from composerefactor.errors import Location
from composerefactor.yaml.nodes import Entry, MappingNode, Node, resolve
from composerefactor.yaml.values import item_nodes, merged_entries, scalar_text

T = TypeVar("T")


class Definition(Struct, frozen=True, dict=True):
    """One definition of a service.

    Attributes:
        file: The file that contains the definition.
        body: The node with the attributes of the service.
        scope: What its relative paths and its variables refer to.
        extended_at: The ``extends`` through which the definition is used; None without one.
    """

    file: ComposeFile
    body: Node
    scope: Scope
    extended_at: Location | None = None

    @property
    def inherited(self) -> bool:
        """True if the definition is used through ``extends``."""
        return self.extended_at is not None

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """The attributes by name, with merge keys resolved."""
        return merged_entries(self.body)

    @property
    def has_image(self) -> bool:
        """True if it sets an image or a build, so that it can start on its own."""
        return "image" in self.entries or "build" in self.entries


class LocatedNode(Struct, frozen=True):
    """A node and the place that refers to it.

    Attributes:
        file: The file that contains the node.
        node: The node, with aliases resolved.
        at: Offset of the key or item, for messages.
        scope: What relative paths and variables in it refer to.
    """

    file: ComposeFile
    node: Node
    at: int
    scope: Scope

    @property
    def location(self) -> Location:
        """The location of the key or item."""
        return self.file.source.location(self.at)

    @property
    def written(self) -> str | None:
        """The scalar as text, as written; None for null and for other nodes."""
        return scalar_text(self.node)

    @property
    def text(self) -> str | None:
        """The scalar as text with its variables replaced; None for null and for other nodes."""
        text = self.written
        return None if text is None else self.scope.expand(text)

    @property
    def known_text(self) -> str | None:
        """As *text*, but None if a variable in it has neither a value nor a default."""
        text = self.written
        return None if text is None else expand_known(text, self.scope.variables)

    @property
    def is_mapping(self) -> bool:
        """True if the node is a mapping."""
        return isinstance(self.node, MappingNode)

    @property
    def entries(self) -> dict[str, LocatedNode]:
        """The values of the mapping by key, merge keys resolved; {} for other nodes."""
        return {
            name: LocatedNode(self.file, resolve(entry.value), entry.start, self.scope)
            for name, entry in merged_entries(self.node).items()
        }

    @property
    def items(self) -> list[LocatedNode]:
        """The items of the list; a single scalar counts as a list of one item."""
        return [
            LocatedNode(self.file, item, item.start, self.scope) for item in item_nodes(self.node)
        ]

    def below(self, key: str) -> LocatedNode | None:
        """Return the value of *key* in the mapping; None without it or for other nodes."""
        entry = merged_entries(self.node).get(key)
        if entry is None:
            return None
        return LocatedNode(self.file, resolve(entry.value), entry.start, self.scope)

    def text_below(self, key: str) -> str | None:
        """Return the text of *key* with its variables replaced; see :attr:`text`."""
        value = self.below(key)
        return None if value is None else value.text


class Value(Struct, Generic[T], frozen=True):
    """A value of a service, merged and with its variables replaced, and what decides it.

    Attributes:
        value: The value.
        at: The definition that decides it.
    """

    value: T
    at: LocatedNode

    @property
    def location(self) -> Location:
        """The location of the definition that decides it."""
        return self.at.location


def text_of(value: Value[str] | None) -> str:
    """Return the text of *value*; ``""`` without one."""
    return "" if value is None else value.value


def known_text_of(value: Value[str] | None) -> str:
    """As :func:`text_of`, but as written if a variable has neither a value nor a default.

    ``redis:${TAG}`` is of an unknown version, ``redis:`` would be the newest.
    """
    return "" if value is None else value.at.known_text or value.at.written or ""
