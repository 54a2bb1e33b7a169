"""Edits as values: each names a place by its address in a file, never by an offset.

Addresses are keys and positions as they are written (:mod:`composerefactor.yaml.nodes`), so an
edit below an alias names the place that the alias stands for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from composerefactor.edit.rendering import Value
from composerefactor.yaml.nodes import Path


class AddKey(Struct, frozen=True):
    """Adds *key* with *value* to the mapping at *path*, with *comment* on lines above it.

    It stands where a reader expects it: after the last of the present keys that *order* has before
    it, and at the end where *order* does not tell. A top-level key with *above* stands right above
    the key of that name, as an anchor has to.
    """

    file: str
    path: Path
    key: str
    value: Value
    order: Sequence[str] = ()
    comment: str = ""
    above: str = ""


class AddItem(Struct, frozen=True):
    """Appends *value* to the sequence at *path*."""

    file: str
    path: Path
    value: Value
    comment: str = ""


class Replace(Struct, frozen=True):
    """Puts *value* in place of the value at *path*; comments around it stay."""

    file: str
    path: Path
    value: Value


class Substitute(Struct, frozen=True):
    """Puts *new* in place of the part *old* of the scalar at *path*; its other text stays.

    *nth* tells, from 0, which of the places it is where *old* stands in the value.
    """

    file: str
    path: Path
    old: str
    new: str
    nth: int = 0


class Remove(Struct, frozen=True):
    """Removes the entry or item at *path*; comments that stand there stay.

    *nth* tells, from 0, which of the entries it is where the key is written more than once.
    """

    file: str
    path: Path
    nth: int = 0


class Rename(Struct, frozen=True):
    """Writes *name* in place of the key at the end of *path*."""

    file: str
    path: Path
    name: str


class Nest(Struct, frozen=True):
    """Puts the top-level entries *names*, which stand together, below a new top-level *key*.

    Their lines are indented by one step more, comments and blocks of text along.
    """

    file: str
    key: str
    names: tuple[str, ...]


class Share(Struct, frozen=True):
    """Writes *keys* of the first of *services* once, and refers to them in all.

    The text goes to the top-level *key*, right above ``services``, with the anchor *anchor*; ``""``
    where something with that anchor stands above already. *merged* tells whether each service
    merges a set of keys (``<<: *anchor``), or gives its one key an alias of the value.
    """

    file: str
    key: str
    anchor: str
    services: tuple[str, ...]
    keys: tuple[str, ...]
    merged: bool = False


class ToMapping(Struct, frozen=True):
    """Turns the list of names at *path* into a mapping: *values* has that of each name.

    Comments stay where they are. For short forms, as ``depends_on: [db]``.
    """

    file: str
    path: Path
    values: Mapping[str, Value]


class AddLines(Struct, frozen=True):
    """Appends *text*, whole lines, to a file that is no YAML, as ``.env``; creates it if need be.

    *private* is True for a file that is not meant for a repository.
    """

    file: str
    text: str
    private: bool = False


class WriteFile(Struct, frozen=True):
    """Gives *file* the whole content *text*; None deletes it."""

    file: str
    text: str | None


YamlEdit: TypeAlias = (
    AddKey | AddItem | Replace | Substitute | Remove | Rename | Nest | Share | ToMapping
)
Edit: TypeAlias = YamlEdit | AddLines | WriteFile
