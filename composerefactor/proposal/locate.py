"""Where in the files is written what the engine speaks of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import merged_entries
from composerefactor.compose.project import Project
from composerefactor.errors import Location
from composerefactor.verify.verdict import services_named
from composerefactor.yamltree import nodes as yaml
from composerefactor.yamltree.nodes import Node, resolve


def locate(
    project: Project, entry: EntryPoint, path: Sequence[str], marks: Sequence[str] = ()
) -> Location | None:
    """Return the line that comes closest to *path*, which begins at the top of the model.

    Of several files of *entry* the one that writes more of the path counts, then the later one.
    Of a list the item counts that holds all of *marks*, or is ``NAME=...`` for a NAME in the path.
    None where no file has even the section.
    """
    best: tuple[int, Location] | None = None
    order = [*entry.files, *sorted(project.files_of.get(entry, set()) - set(entry.files))]
    for name in order:
        file = project.files.get(name)
        depth, location = _deepest(file, path, marks) if file else (0, None)
        if location is not None and (best is None or depth >= best[0]):
            best = (depth, location)
    return best[1] if best else None


def blamed_place(project: Project, entry: EntryPoint, words: str) -> Location:
    """Return the line of the first service or section that the engine's *words* name.

    The whole file where they name none that is written in *entry*.
    """
    files = [project.files[path] for path in entry.files]
    places = [("services", name) for name in services_named(words)]
    places += [(key, "") for key in re.findall(r"\b[a-z]+\b", words)]
    for section, name in places:
        for file in files:
            if name in file.entries(section) or (not name and section in file.root_keys):
                return file.location_of(section, name)
    return Location(entry.base)


def _deepest(
    file: ComposeFile, path: Sequence[str], marks: Sequence[str]
) -> tuple[int, Location | None]:
    node: Node | None = file.root
    location = None
    for depth, part in enumerate(path):
        entry = merged_entries(node).get(part)
        if entry is None:
            item = _item(file, node, [part] if not part.isdecimal() else [], marks)
            found = file.source.location(item.start) if item is not None else location
            return depth + (item is not None), found
        location = file.source.location(entry.start)
        node = entry.value
    item = _item(file, node, (), marks)
    return len(path) + (item is not None), (
        file.source.location(item.start) if item is not None else location
    )


def _item(
    file: ComposeFile, node: Node | None, names: Sequence[str], marks: Sequence[str]
) -> Node | None:
    """Return the item of the list *node* that is called one of *names* or holds all *marks*."""
    sequence = resolve(node) if node is not None else None
    if not isinstance(sequence, yaml.Sequence):
        return None
    for item in map(resolve, sequence.items):
        text = file.source.text[item.start : item.end]
        plain = text.strip("\"'")
        if any(plain == name or plain.startswith(f"{name}=") for name in names):
            return item
        if marks and all(mark in text for mark in marks):
            return item
    return None
