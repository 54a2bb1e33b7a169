"""Ansible copies a root file to a host, or runs Docker Compose in a directory of it.

`copy`, `template` and `synchronize` of the root file without its modules are pointed
out. `docker_compose_v2` runs Docker Compose, so that it follows where all files are in place.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from composerefactor.compose.paths import path_from
from composerefactor.errors import Location
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader, value_of
from composerefactor.refactoring.readers._copies import alone, files_that_name
from composerefactor.yaml.nodes import MappingNode, ScalarNode, SequenceNode, resolve, walk

_FILE = re.compile(r".*\.ya?ml")
_MODULE = re.compile(
    r"(?:ansible\.(?:builtin|legacy|posix)\.)?(?P<name>copy|template|synchronize|win_copy)"
)
_MENTION = re.compile(r"\b(?:copy|template|synchronize|win_copy|docker_compose_v2)\s*:")
_INLINE = re.compile(r"(?:^|\s)src=(['\"]?)([^\s'\"]+)\1")
_PLACES = ("", "files", "templates", "../files", "../templates", "..", ".")
_PLAYBOOK = re.compile(r"\{\{\s*(?:playbook_dir|role_path)\s*\}\}/?")


@reader("Ansible", reads="playbooks and roles", include="told")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each task that copies a file which is split."""
    known = {each.path for each in split.splits}
    for file in files_that_name(around, split, _FILE):
        if file.place in known or not _MENTION.search(file.text):
            continue
        named: list[tuple[str, Location, str]] = []
        everything: set[str] = set()
        root = file.tree.root if file.tree else None
        for node in walk(root) if isinstance(root, SequenceNode | MappingNode) else ():
            if not isinstance(node, MappingNode):
                continue
            for entry in node.entries:
                if not _MODULE.fullmatch(entry.name or ""):
                    continue
                for written, at in _sources(resolve(entry.value), node):
                    place = _place(around, file.place, written)
                    everything.add(place or written)
                    if place is not None:
                        named.append((place, file.location(at), "copies {} to the host"))
        yield from alone(split, named, everything, "copy {} too")


def _sources(value: object, task: MappingNode) -> Iterator[tuple[str, int]]:
    """Yield the sources of a task, with those of its loop, and their offsets."""
    if isinstance(value, ScalarNode) and (match := _INLINE.search(value.value)):
        yield match[2], value.start
    src = value_of(value, "src") if isinstance(value, MappingNode) else None
    if isinstance(src, ScalarNode) and "{{ item" in src.value:
        loop = value_of(task, "loop") or value_of(task, "with_items")
        for item in loop.items if isinstance(loop, SequenceNode) else ():
            node = value_of(item, "src") if isinstance(item, MappingNode) else resolve(item)
            if isinstance(node, ScalarNode):
                before, after = src.value.split("{{ item", 1)[0], src.value.rpartition("}}")[2]
                yield f"{before}{node.value}{after}", node.start
    elif isinstance(src, ScalarNode):
        yield src.value, src.start


def _place(around: Surroundings, path: str, written: str) -> str | None:
    """Return the file or directory of the project that *written* in the file *path* means."""
    name = _PLAYBOOK.sub("", written)
    if "{{" in name or name.startswith(("/", "~")):
        return None
    directory = posixpath.dirname(path)
    for place in _PLACES:
        found = path_from(directory, place, name)
        if around.listing.exists(found) or found in around.listing.directories:
            return found
    return None
