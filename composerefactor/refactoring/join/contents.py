"""What a file says together with all that it includes, section by section."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile, Section
from composerefactor.compose.merge_keys import item_nodes, merged_get, scalar_text
from composerefactor.compose.project import REMOTE_PREFIXES, Project
from composerefactor.errors import Location
from composerefactor.refactoring.join import relocate
from composerefactor.refactoring.join.fragments import RESOURCE, Fragment, fragment
from composerefactor.refactoring.join.merge import merge
from composerefactor.refactoring.join.relocate import CannotJoinError, Text
from composerefactor.refactoring.modules.include import WHY_ENV_FILE
from composerefactor.yaml.comments import Region, comments, item_regions, lone_comments
from composerefactor.yaml.nodes import MappingNode, Node, SequenceNode, resolve

DIVIDED = ("services", *RESOURCE_SECTIONS)
DROPPED = ("version", "name", "include")
"""Sections of an included file that the engine does not look at, or that are carried out."""

Expand = Callable[[Fragment], Fragment]
"""Turns a service that extends one of another file into one that does not."""


class Block(Struct, frozen=True):
    """A top-level ``x-`` block of *text*, which begins at *start*."""

    text: Text
    region: Region
    start: int

    @property
    def name(self) -> str:
        """Its key."""
        return self.region.entry.name or ""

    @property
    def comments(self) -> list[str]:
        """The comments in its lines, each from its ``#`` on."""
        return comments(self.text.source, self.region.entry, self.start, self.region.end)


class Contents(Struct):
    """The entries by section and name, in the order in which they came.

    *heads* gives the text whose line the key of a section has; *orders* the sections of each file
    as it writes them; *blocks* the ``x-`` blocks. *strays* are comments that belong to no entry,
    *merged* are services that several files define.
    """

    sections: dict[str, dict[str, Fragment]] = {}
    heads: dict[str, tuple[Text, Region]] = {}
    orders: list[list[str]] = []
    blocks: list[Block] = []
    strays: list[str] = []
    merged: set[str] = set()

    def copy(self) -> Contents:
        """Return a state to go on from, which leaves this one as it is."""
        return Contents(
            {name: dict(entries) for name, entries in self.sections.items()},
            dict(self.heads),
            list(self.orders),
            list(self.blocks),
            list(self.strays),
            set(self.merged),
        )

    def add(self, text: Text, expand: Expand) -> None:
        """Merge *text* over what is there; raises CannotJoinError where that is not possible."""
        sections = _sections(text)
        loose = _loose(text, sections)
        first: Fragment | None = None
        place: tuple[str, str] | None = None
        for name, section in sections.items():
            region = section.region
            if name.startswith("x-"):
                self.blocks.append(Block(text, region, _start(text, region)))
            elif name in DIVIDED and section.entries:
                known = self.sections.setdefault(name, {})
                head = comments(
                    text.source, region.entry, region.lead, text.source.next_line(region.key)
                )
                added = _fragments(text, section)
                if name in self.heads:
                    added[0] = added[0].noted(head)
                else:
                    self.heads[name] = (text, region)
                for one in added:
                    found = expand(one) if name == "services" else one
                    self.merged |= {one.key} & known.keys() if name == "services" else set()
                    known[one.key] = merge(known[one.key], found) if one.key in known else found
                    first, place = (first, place) if first else (known[one.key], (name, one.key))
            else:
                loose += [
                    c
                    for c in comments(text.source, region.entry, region.lead, region.end)
                    if c != WHY_ENV_FILE.strip()
                ]
        self.orders.append([n for n in sections if n in DIVIDED])
        if first is not None and place is not None:
            self.sections[place[0]][place[1]] = first.noted([*self.strays, *loose])
            self.strays = []
        else:
            self.strays += loose

    def add_around(self, text: Text) -> None:
        """Add what stands around the services of *text*: blocks with anchors, and comments."""
        sections = _sections(text)
        self.strays += _loose(text, sections)
        for name, section in sections.items():
            region, source = section.region, text.source
            if name.startswith("x-"):
                self.blocks.append(Block(text, region, _start(text, region)))
                continue
            end = source.next_line(region.key) if name == "services" else region.end
            self.strays += comments(source, region.entry, region.lead, end)

    def defines(self, texts: Iterable[Text]) -> tuple[str, str] | None:
        """Return (section, name) of something that *texts* define and that is here already."""
        for text in texts:
            for section in DIVIDED:
                for name in text.file.entries(section):
                    if name in self.sections.get(section, {}):
                        return section, name
        return None


def _sections(text: Text) -> dict[str, Section]:
    """Return the sections of *text*; raises CannotJoinError where it cannot be divided."""
    if len(text.file.tree.documents) > 1:
        raise text.cannot("several YAML documents", text.file.tree.documents[1].start)
    sections = text.file.sections
    if sections is None:
        raise text.cannot("its sections are not on lines of their own", 0)
    for name, section in sections.items():
        entry = section.region.entry
        if name not in DIVIDED:
            if not name.startswith("x-") and name not in DROPPED:
                raise text.cannot(f"{name!r} is no section that is known", entry.start)
            continue
        empty = section.entries is None and not text.file.entries(name)
        if entry.value.anchor or (section.entries is None and not empty):
            raise text.cannot(f"its {name} are not on lines of their own", entry.start)
        if "<<" in (section.entries or {}):
            raise text.cannot(f"its {name} are merged from an anchor", entry.start)
    return sections


def _fragments(text: Text, section: Section) -> list[Fragment]:
    path = () if section.name == "services" else (RESOURCE,)
    found = []
    before = -1
    for key, region in (section.entries or {}).items():
        one = fragment(text, region, path, key)
        follows = tuple(text.cut(before, region.lead)) if before >= 0 else ()
        found.append(replace(one, follows=follows))
        before = region.end
    return found


def _start(text: Text, region: Region) -> int:
    """Return where the comment right above *region* begins: what is a header in another file."""
    source, start = text.source, region.lead
    while start and source.line(start - 1).lstrip().startswith("#"):
        start = source.line_start(start - 1)
    return start


def _loose(text: Text, sections: dict[str, Section]) -> list[str]:
    """Return the comments above the first section, and below the last one."""
    if not sections:
        return lone_comments(text.source.text)
    regions = [section.region for section in sections.values()]
    first = regions[0]
    is_block = (first.entry.name or "").startswith("x-")
    above = text.source.text[: _start(text, first) if is_block else first.lead]
    below = text.source.text[regions[-1].end :]
    return [*lone_comments(above), *lone_comments(below)]


NO_ENV_FILE = "/dev/null"


class Inclusion(Struct, frozen=True):
    """One entry of the include list in *file*.

    *paths* are relative to the project root; those that they contain stand for *directory*.
    *region* has its lines, None where it has none of its own.
    """

    file: ComposeFile
    node: Node
    paths: tuple[str, ...]
    directory: str
    region: Region | None

    @property
    def location(self) -> Location:
        """Where it is written."""
        return self.file.source.location(self.node.start)


def inclusions(file: ComposeFile, directory: str) -> list[Inclusion]:
    """Return the include entries of *file*, whose paths start at *directory*."""
    value = file.root.get("include")
    nodes = item_nodes(value) if value is not None else []
    found = _regions(file)
    return [
        _inclusion(file, node, directory, found[n] if found else None)
        for n, node in enumerate(nodes)
    ]


def _regions(file: ComposeFile) -> list[Region] | None:
    section = (file.sections or {}).get("include")
    if section is None:
        return None
    value, start = section.region.entry.value, file.source.next_line(section.region.key)
    if not isinstance(value, SequenceNode):
        return None
    return item_regions(file.source, value, start=start, end=section.region.end)


def _inclusion(file: ComposeFile, node: Node, directory: str, region: Region | None) -> Inclusion:
    body = resolve(node)
    mapping = body if isinstance(body, MappingNode) else None
    written = item_nodes(merged_get(mapping, "path") if mapping else body)
    paths = tuple(_join(directory, scalar_text(node) or "") for node in written)
    inner = scalar_text(merged_get(mapping, "project_directory")) if mapping else None
    where = _join(directory, inner) if inner else posixpath.dirname(paths[0] if paths else "")
    return Inclusion(file, node, paths, where or ".", region)


def _join(directory: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(directory, path))


class Reader:
    """Gives the texts that included entries stand for, for a file whose paths start at *to*."""

    def __init__(self, project: Project, to: str) -> None:
        self.project = project
        self.to = to

    def texts(self, entry: Inclusion, trail: tuple[str, ...] = ()) -> list[Text]:
        """Return the texts of *entry*, each to be merged over the ones before.

        Raises CannotJoinError where one cannot be taken in exactly.
        """
        self._check(entry)
        found: list[Text] = []
        for path in entry.paths:
            file = self.project.files[path]
            for inner in inclusions(file, entry.directory):
                if path in trail:
                    raise _cannot(inner, "includes itself")
                found += self.texts(inner, (*trail, path))
            alone = len(entry.paths) == 1
            found.append(relocate.included(file, entry.directory, self.to, alone=alone))
        return found

    def _check(self, entry: Inclusion) -> None:
        for words in self._objections(entry):
            raise _cannot(entry, words)

    def _objections(self, entry: Inclusion) -> Iterator[str]:
        body = resolve(entry.node)
        mapping = body if isinstance(body, MappingNode) else None
        for node in item_nodes(merged_get(mapping, "path") if mapping else body):
            yield from _objections_to_name(scalar_text(node) or "")
        if "$" in (scalar_text(merged_get(mapping, "project_directory")) or ""):
            yield "its project directory holds a variable"
        for path in entry.paths:
            if path.startswith("../"):
                yield "the file is outside of the project"
            elif path not in self.project.files:
                yield f"{path} could not be read"
        yield from self._own_variables(entry, mapping)

    def _own_variables(self, entry: Inclusion, body: MappingNode | None) -> Iterator[str]:
        """Yield which files give the included text variables that the includer does not have."""
        env_files = item_nodes(merged_get(body, "env_file"))
        for node in env_files:
            if scalar_text(node) != NO_ENV_FILE:
                yield f"{scalar_text(node)} gives it variables of its own"
        own = _join(entry.directory, ".env")
        if not env_files and own != _join(self.to, ".env") and self.project.exists(own):
            yield f"{own} gives it variables of its own"


def _objections_to_name(text: str) -> Iterator[str]:
    if not text:
        yield "names no file"
    elif "$" in text:
        yield "the name of the file holds a variable"
    elif text.startswith((*REMOTE_PREFIXES, "/", "~")):
        yield "the file is outside of the project"


def _cannot(entry: Inclusion, words: str) -> CannotJoinError:
    return CannotJoinError(words, entry.location)
