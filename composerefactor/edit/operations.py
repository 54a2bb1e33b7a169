"""Edits as values. Each one names a place by its path in the YAML tree, never by an offset.

Paths do not follow aliases (:mod:`composerefactor.yaml.nodes`). To edit a value below an alias, use
the path of the node to which the alias refers. All edits have *file*, the path of the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from composerefactor.edit.rendering import Value
from composerefactor.yaml.nodes import Path


class AddKey(Struct, frozen=True):
    """Adds a key to the mapping at *path*.

    Attributes:
        file: The path of the file.
        path: The path of the mapping.
        key: The new key.
        value: The value of the key.
        order: The usual order of keys. The new key goes below the last existing key that precedes
            it in this order, else to the end.
        comment: A comment to add above the key, without ``#``; it may have several lines.
        above: For a top-level key, the existing key directly above which it goes. An anchor needs
            this, because it must precede its aliases.
    """

    file: str
    path: Path
    key: str
    value: Value
    order: Sequence[str] = ()
    comment: str = ""
    above: str = ""


class AddItem(Struct, frozen=True):
    """Appends *value* to the sequence at *path*, with *comment* above it."""

    file: str
    path: Path
    value: Value
    comment: str = ""


class Replace(Struct, frozen=True):
    """Replaces the value at *path* by *value*; comments around it stay.

    *comment* is added above the line on which the value begins, or the flow collection around it.
    """

    file: str
    path: Path
    value: Value
    comment: str = ""


class Substitute(Struct, frozen=True):
    """Replaces the text *old* by *new* in the scalar at *path*; its other text stays.

    *nth* is the index, from 0, of the occurrence of *old* in the value.
    """

    file: str
    path: Path
    old: str
    new: str
    nth: int = 0


class Remove(Struct, frozen=True):
    """Removes the entry or item at *path*; its comments stay, unless *with_comments* is true.

    *nth* is the index, from 0, of the entry if the key is written more than once. The *lines_above*
    are comments that go with it.
    """

    file: str
    path: Path
    nth: int = 0
    with_comments: bool = False
    lines_above: int = 0


class Rename(Struct, frozen=True):
    """Renames the key at *path* to *name*."""

    file: str
    path: Path
    name: str


class Nest(Struct, frozen=True):
    """Moves the top-level entries *names*, which must be adjacent, below a new top-level *key*.

    Their lines are indented by one more step, including comments and block scalars.
    """

    file: str
    key: str
    names: tuple[str, ...]


class Share(Struct, frozen=True):
    """Moves a definition that several services repeat to an anchor, and refers to it in each.

    Attributes:
        file: The path of the file.
        key: The new top-level key for the definition, directly above ``services``; ``""`` if the
            anchor already exists above.
        anchor: The name of the anchor.
        services: The services. The text of the first one becomes the shared definition.
        keys: The keys that the services repeat.
        merged: True to merge the set of keys into each service (``<<: *anchor``), False to use an
            alias as the value of the only key.
    """

    file: str
    key: str
    anchor: str
    services: tuple[str, ...]
    keys: tuple[str, ...]
    merged: bool = False


class ToMapping(Struct, frozen=True):
    """Turns the list of names at *path* into a mapping, with the value in *values* for each name.

    Comments stay where they are. This is for short forms such as ``depends_on: [db]``.
    """

    file: str
    path: Path
    values: Mapping[str, Value]


class AddLines(Struct, frozen=True):
    """Adds whole lines to a file that is not YAML, such as ``.env``; creates it if necessary.

    *private* is True for a file that must not be committed.
    """

    file: str
    text: str
    private: bool = False

    def __repr__(self) -> str:  # without the text of a private file, which may be secret
        text = "" if self.private else self.text
        return f"AddLines({self.file!r}, {text!r}, private={self.private})"


class WriteFile(Struct, frozen=True):
    """Writes *text* as the whole content of *file*; None deletes the file."""

    file: str
    text: str | None


YamlEdit: TypeAlias = (
    AddKey | AddItem | Replace | Substitute | Remove | Rename | Nest | Share | ToMapping
)
Edit: TypeAlias = YamlEdit | AddLines | WriteFile
