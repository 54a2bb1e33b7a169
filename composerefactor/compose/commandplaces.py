"""Which texts of a file a shell in the container runs, and what that shell knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from composerefactor.compose.envfile import assignments
from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import item_nodes, merged_entries, merged_get, scalar_text
from composerefactor.patterns import regex
from composerefactor.yamltree.nodes import Mapping, Node, resolve

_SHELL = regex(r"(?:^|[\s/])(?:ba|da|a|z|k)?sh\s+(?:-\w+\s+)*-\w*c\b")
_PAIR = regex(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


class CommandPlaces(Struct, frozen=True):
    """*shell* has the ids of scalars that a shell runs, *variables* what it knows, by id.

    A variable counts where the file, or an env file, gives it a value that is text alone, for every
    service that has the scalar.
    """

    shell: set[int] = set()
    variables: dict[int, frozenset[str]] = {}

    @classmethod
    def of(cls, file: ComposeFile, read: Callable[[str], str | None]) -> CommandPlaces:
        """Return the places in *file*; *read* gives the text of an env file that it names."""
        found = cls()
        for body in file.services.values():
            known = frozenset(_variables(body, read))
            for node in _shell_texts(body):
                found.shell.add(id(node))
                found.variables[id(node)] = found.variables.get(id(node), known) & known
        return found


def _shell_texts(body: Node) -> Iterator[Node]:
    entrypoint = _words(merged_get(body, "entrypoint"))
    for key in ("entrypoint", "command"):
        items = item_nodes(merged_get(body, key))
        before = f"{entrypoint} " if key == "command" else ""
        if _SHELL.search(before + _words(merged_get(body, key))):
            yield from items
    check = merged_get(body, "healthcheck")
    test = merged_get(check, "test") if check is not None else None
    words = _words(test)
    if test is not None and not isinstance(test, Mapping):
        is_string = scalar_text(test) is not None
        if is_string or words.startswith("CMD-SHELL") or _SHELL.search(words):
            yield from item_nodes(test)
    for hook in ("post_start", "pre_stop", "pre_start"):
        for each in item_nodes(merged_get(body, hook)):
            command = merged_get(each, "command")
            if _SHELL.search(_words(command)):
                yield from item_nodes(command)


def _words(node: Node | None) -> str:
    return " ".join(scalar_text(item) or "" for item in item_nodes(node))


def _variables(body: Node, read: Callable[[str], str | None]) -> Iterator[str]:
    for item in item_nodes(merged_get(body, "env_file")):
        path = scalar_text(merged_get(item, "path") if isinstance(item, Mapping) else item)
        text = read(path) if path and "$" not in path else None
        yield from (each.name for each in assignments(text or "") if "$" not in each.value)
    node = merged_get(body, "environment")
    if node is None:
        return
    if isinstance(resolve(node), Mapping):
        for name, entry in merged_entries(node).items():
            value = scalar_text(entry.value)
            if value is not None and "$" not in value:
                yield name
        return
    for item in item_nodes(node):
        match = _PAIR.fullmatch(scalar_text(item) or "")
        if match is not None and "$" not in match[2]:
            yield match[1]
