"""What a file says together with all that it includes, section by section."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.file import RESOURCE_SECTIONS, Section
from composerefactor.joining.fragments import RESOURCE, Fragment, fragment
from composerefactor.joining.merge import merge
from composerefactor.joining.texts import Text
from composerefactor.modules.include import WHY_ENV_FILE
from composerefactor.yamltree.comments import comments, lone_comments
from composerefactor.yamltree.regions import Region

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
