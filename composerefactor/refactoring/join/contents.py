"""What a file defines together with all files that it includes.

:class:`Contents` collects the entries of every section from several texts, merged where several
define the same. :func:`inclusions` reads the entries of an include list, and :class:`IncludeReader`
returns the texts that they include, with paths rewritten for the including file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.dotenv import assignments
from composerefactor.compose.files import RESOURCE_SECTIONS, ComposeFile, FileSection
from composerefactor.compose.paths import is_absolute, is_remote, path_from
from composerefactor.compose.project import Project
from composerefactor.compose.references import Include, includes
from composerefactor.errors import Location, RefusedError
from composerefactor.refactoring.join.fragments import RESOURCE, Fragment, fragment
from composerefactor.refactoring.join.merge import merge
from composerefactor.refactoring.join.rewritten_paths import Text, included_text
from composerefactor.refactoring.modules.include import NO_VARIABLES, WHY_ENV_FILE
from composerefactor.yaml.comments import Region, comments_in, full_line_comments, item_regions
from composerefactor.yaml.nodes import Node, SequenceNode

JOINED_SECTIONS = ("services", *RESOURCE_SECTIONS)
"""Sections whose entries are joined."""


DROPPED = ("version", "name", "include")
"""Sections of an included file that have no effect, or that the join carries out."""


Expander = Callable[[Fragment], Fragment]
"""Returns a service without ``extends``, if it extends one of another file."""


class ExtensionBlock(Struct, frozen=True):
    """A top-level ``x-`` block.

    Attributes:
        text: the text that it is from.
        region: its lines.
        start: where its own comment begins.
    """

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
        return comments_in(self.text.source, self.region.entry, self.start, self.region.end)


class Contents(Struct):
    """The contents of several texts, in the order in which they were added.

    Attributes:
        sections: the entries by section and name.
        heads: the text and the region from which the line of a section's key is taken.
        orders: the order of the sections in each file.
        blocks: the ``x-`` blocks.
        loose_comments: comments that belong to no entry.
        merged: the services that several files define.
        licence: the comments of the licence of the file that takes the contents in.
    """

    sections: dict[str, dict[str, Fragment]] = {}
    heads: dict[str, tuple[Text, Region]] = {}
    orders: list[list[str]] = []
    blocks: list[ExtensionBlock] = []
    loose_comments: list[str] = []
    merged: set[str] = set()
    licence: frozenset[str] = frozenset()

    def copy(self) -> Contents:
        """Return a copy to add texts to, without a change to this one."""
        return Contents(
            {name: dict(entries) for name, entries in self.sections.items()},
            dict(self.heads),
            list(self.orders),
            list(self.blocks),
            list(self.loose_comments),
            set(self.merged),
            self.licence,
        )

    def add(self, text: Text, expand: Expander) -> None:
        """Merge *text* over the contents so far. *expand* is applied to each service.

        Raises RefusedError where that is not possible.
        """
        sections = _sections(text)
        loose = self._loose_comments_of(text, sections)
        first: Fragment | None = None
        place: tuple[str, str] | None = None
        for name, section in sections.items():
            region = section.region
            if name.startswith("x-"):
                self.blocks.append(ExtensionBlock(text, region, _block_start(text, region)))
            elif name in JOINED_SECTIONS and section.entries:
                entries = self.sections.setdefault(name, {})
                key_end = text.source.next_line(region.key)
                head = comments_in(text.source, region.entry, region.lead, key_end)
                added = _fragments(text, section)
                if name in self.heads:
                    added[0] = added[0].with_comments(head)
                else:
                    self.heads[name] = (text, region)
                for own in added:
                    expanded = expand(own) if name == "services" else own
                    key = own.key
                    self.merged |= {key} & entries.keys() if name == "services" else set()
                    entries[key] = merge(entries[key], expanded) if key in entries else expanded
                    first, place = (first, place) if first else (entries[key], (name, key))
            else:
                loose += [
                    comment
                    for comment in comments_in(text.source, region.entry, region.lead, region.end)
                    if comment != WHY_ENV_FILE.strip()
                ]
        self.orders.append([n for n in sections if n in JOINED_SECTIONS])
        if first is not None and place is not None:
            with_loose = first.with_comments([*self.loose_comments, *loose])
            self.sections[place[0]][place[1]] = with_loose
            self.loose_comments = []
        else:
            self.loose_comments += loose

    def add_around(self, text: Text) -> None:
        """Add everything in *text* but its services: blocks with anchors, and comments."""
        sections = _sections(text)
        self.loose_comments += self._loose_comments_of(text, sections)
        for name, section in sections.items():
            region, source = section.region, text.source
            if name.startswith("x-"):
                self.blocks.append(ExtensionBlock(text, region, _block_start(text, region)))
                continue
            end = source.next_line(region.key) if name == "services" else region.end
            self.loose_comments += comments_in(source, region.entry, region.lead, end)

    def _loose_comments_of(self, text: Text, sections: dict[str, FileSection]) -> list[str]:
        """Return the comments outside of the sections of *text* but the licence that is known."""
        every = _comments_outside_sections(text, sections)
        return [comment for comment in every if comment not in self.licence]

    def defines(self, texts: Iterable[Text]) -> tuple[str, str] | None:
        """Return (section, name) of an entry that both *texts* and these contents define."""
        for text in texts:
            for section in JOINED_SECTIONS:
                for name in text.file.entries(section):
                    if name in self.sections.get(section, {}):
                        return section, name
        return None


def _sections(text: Text) -> dict[str, FileSection]:
    """Return the sections of *text*.

    Raises RefusedError where they or their entries are not on lines of their own.
    """
    sections = text.file.sections
    if sections is None:
        raise text.cannot("its sections are not on lines of their own", 0)
    for name, section in sections.items():
        entry = section.region.entry
        if name not in JOINED_SECTIONS:
            if not name.startswith("x-") and name not in DROPPED:
                raise text.cannot(f"unknown section {name!r}", entry.start)
            continue
        empty = section.entries is None and not text.file.entries(name)
        if entry.value.anchor or (section.entries is None and not empty):
            raise text.cannot(f"its {name} are not on lines of their own", entry.start)
        if "<<" in (section.entries or {}):
            raise text.cannot(f"its {name} are merged from an anchor", entry.start)
    return sections


def _fragments(text: Text, section: FileSection) -> list[Fragment]:
    """Return the entries of *section*, each with the blank lines above it."""
    path = () if section.name == "services" else (RESOURCE,)
    fragments = []
    before = -1
    for key, region in (section.entries or {}).items():
        follows = tuple(text.cut(before, region.lead)) if before >= 0 else ()
        fragments.append(replace(fragment(text, region, path, key), follows=follows))
        before = region.end
    return fragments


def _block_start(text: Text, region: Region) -> int:
    """Return where the comment directly above *region* begins.

    At the top of a file that comment would be part of the file's header.
    """
    source, start = text.source, region.lead
    while start and source.line(start - 1).lstrip().startswith("#"):
        start = source.line_start(start - 1)
    return start


def _comments_outside_sections(text: Text, sections: dict[str, FileSection]) -> list[str]:
    """Return the comments above the first section and below the last one."""
    if not sections:
        return full_line_comments(text.source.text)
    regions = [section.region for section in sections.values()]
    first = regions[0]
    is_block = (first.entry.name or "").startswith("x-")
    above = text.source.text[: _block_start(text, first) if is_block else first.lead]
    below = text.source.text[regions[-1].end :]
    return [*full_line_comments(above), *full_line_comments(below)]


class Inclusion(Struct, frozen=True):
    """One entry of an include list.

    Attributes:
        file: the file with the list.
        item: the entry as written.
        paths: the included files, relative to the project root.
        directory: the directory that paths in the included files are relative to.
        region: the lines of the entry, None where it has none of its own.
    """

    file: ComposeFile
    item: Include
    paths: tuple[str, ...]
    directory: str
    region: Region | None

    @property
    def node(self) -> Node:
        """The node of the entry."""
        return self.item.node

    @property
    def location(self) -> Location:
        """The place of the entry."""
        return self.file.source.location(self.node.start)


def inclusions(file: ComposeFile, directory: str) -> list[Inclusion]:
    """Return the include entries of *file*, whose paths are relative to *directory*."""
    regions = _item_regions(file)
    return [
        _inclusion(file, item, directory, regions[n] if regions else None)
        for n, item in enumerate(includes(file.root))
    ]


def _item_regions(file: ComposeFile) -> list[Region] | None:
    """Return the lines of each include entry, None where they have none of their own."""
    section = (file.sections or {}).get("include")
    if section is None:
        return None
    value, start = section.region.entry.value, file.source.next_line(section.region.key)
    if not isinstance(value, SequenceNode):
        return None
    return item_regions(file.source, value, start=start, end=section.region.end)


def _inclusion(
    file: ComposeFile, item: Include, directory: str, region: Region | None
) -> Inclusion:
    paths = tuple(path_from(directory, text) for text in item.paths)
    own = item.project_directory
    inner = path_from(directory, own) if own else posixpath.dirname(paths[0] if paths else "")
    return Inclusion(file, item, paths, inner or ".", region)


class IncludeReader:
    """Returns the texts of include entries, with paths relative to the directory *to*."""

    def __init__(self, project: Project, to: str) -> None:
        self.project = project
        self.to = to

    def texts(self, entry: Inclusion, trail: tuple[str, ...] = ()) -> list[Text]:
        """Return the texts of *entry*, each to be merged over the ones before.

        *trail* is the files through which *entry* is included. Raises RefusedError where a text
        cannot be taken in exactly.
        """
        self._check(entry)
        texts: list[Text] = []
        for path in entry.paths:
            file = self.project.files[path]
            for inner in inclusions(file, entry.directory):
                if path in trail:
                    raise RefusedError("includes itself", location=inner.location)
                texts += self.texts(inner, (*trail, path))
            alone = len(entry.paths) == 1
            texts.append(included_text(file, entry.directory, self.to, alone=alone))
        return texts

    def _check(self, entry: Inclusion) -> None:
        for reason in self._obstacles(entry):
            raise RefusedError(reason, location=entry.location)

    def _obstacles(self, entry: Inclusion) -> Iterator[str]:
        """Yield why the files of *entry* cannot be taken in."""
        for text in entry.item.paths:
            yield from _obstacles_in_path(text)
        if "$" in (entry.item.project_directory or ""):
            yield "its project directory contains a variable"
        for path in entry.paths:
            if foreign := self.project.foreign_reason(path):
                yield foreign
            elif path not in self.project.files:
                yield f"{path} could not be read"
        yield from self._own_variables(entry)

    def _own_variables(self, entry: Inclusion) -> Iterator[str]:
        """Yield the env files with variables that only the included text has."""
        for env_file in entry.item.env_files:
            if not self._is_without_variables(env_file):
                yield f"it has variables of its own from {env_file}"
        own = path_from(entry.directory, ".env")
        if (
            not entry.item.env_files
            and own != path_from(self.to, ".env")
            and self.project.exists(own)
        ):
            yield f"it has variables of its own from {own}"

    def _is_without_variables(self, env_file: str) -> bool:
        """Return whether the file *env_file* of an include entry defines no variables."""
        if env_file == NO_VARIABLES:
            return True
        text = self.project.text(path_from(self.to, env_file))
        return text is not None and not assignments(text)


def _obstacles_in_path(path: str) -> Iterator[str]:
    if not path:
        yield "the entry has no path"
    elif "$" in path:
        yield "its path contains a variable"
    elif is_remote(path) or is_absolute(path):
        yield "the file is outside of the project"
