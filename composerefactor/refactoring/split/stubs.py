"""The drafts of a group of base files: modules, environment files with stubs, and roots."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile, Section
from composerefactor.edit.planned_files import NewText, PlannedFile, Slice
from composerefactor.refactoring.deduplicate.definitions import Span
from composerefactor.refactoring.deduplicate.layout import Layout, defines, place_blocks
from composerefactor.refactoring.deduplicate.places import (
    Content,
    EnvironmentFile,
    contents,
    head,
    write,
)
from composerefactor.refactoring.deduplicate.variants import SharedService
from composerefactor.refactoring.modules.anchors import AnchorIndex, Block, Element
from composerefactor.refactoring.modules.grouping import MAX_SERVICES, tied_groups
from composerefactor.refactoring.modules.include import MAX_PATHS
from composerefactor.refactoring.modules.writer import Output
from composerefactor.refactoring.split.extends import StubDivision, fixed_attributes, replacements
from composerefactor.yaml.comments import Region, comments
from composerefactor.yaml.nodes import MappingNode, Node, walk
from composerefactor.yaml.source import Source


def key_of(source: Source, region: Region) -> str:
    """Return the key of a service as it is written, with what stands before it on its line."""
    return source.text[region.key : region.entry.key.end]


def stub(source: Source, region: Region, path: str) -> str:
    """Return the lines that make the service extend the one of its name in the file *path*.

    They stand below its key, indented as its attributes are.
    """
    key, value = region.entry.key, region.entry.value
    unit = " " * (source.column(region.entry.start) or 2)
    indent = source.text[region.key : region.entry.start] + unit
    if isinstance(value, MappingNode) and not value.flow and value.entries:
        indent = " " * source.column(value.entries[0].start)
    name = source.text[key.start : key.end]
    lines = (f"{indent}extends:", f"{indent}{unit}file: {path}", f"{indent}{unit}service: {name}")
    return "".join(line + source.newline for line in lines)


class StubRoot(Struct, frozen=True):
    """*stubs* gives the lines of each service that left *file*, *rests* those that stay below them.

    *gone* has the ``x-`` sections that moved to a module, *titled* the services above whose stubs
    the comments stay.
    """

    file: ComposeFile
    anchors: AnchorIndex
    stubs: Mapping[str, str]
    rests: Mapping[str, Sequence[Span]]
    gone: frozenset[str]
    titled: frozenset[str] = frozenset()

    def planned_file(self) -> PlannedFile:
        """Return the draft: the same text, with stubs for services."""
        source = self.file.source
        out = Output(source)
        sections = self.file.sections or {}
        done = next(iter(sections.values())).region.lead if sections else 0
        out.verbatim(0, done)
        blocks = self._blocks()
        for section in sections.values():
            region = section.region
            if section.name in self.gone:
                done = region.end
                continue
            while blocks and blocks[0].start < region.end:  # anchors come before their aliases
                self._copy(out, blocks.pop(0))
            out.gap(done, region.lead)
            if section.name == "services":
                self._services(out, section)
            else:
                out.verbatim(region.lead, region.end)
            done = region.end
        out.footer(done, len(source.text))
        return PlannedFile(self.file.path, tuple(out.pieces), source.has_bom)

    def _services(self, out: Output, section: Section) -> None:
        source = self.file.source
        out.verbatim(section.region.lead, source.next_line(section.region.key))
        before: Region | None = None
        for name, region in (section.entries or {}).items():
            kept = name not in self.stubs
            if before is not None and kept and before.entry.name not in self.stubs:
                out.verbatim(before.end, region.lead)
            elif before is not None and self._is_apart(before, region):
                out.separate()
            if kept:
                out.verbatim(region.lead, region.end)
            else:
                out.end_line()
                out.add(NewText(f"{self._key(out, region)}{source.newline}{self.stubs[name]}"))
                for start, end in self.rests.get(name, ()):
                    out.verbatim(start, end)
            before = region

    def _key(self, out: Output, region: Region) -> str:
        """Return the line with the key of a stub, below its comments if they stay."""
        source, key = self.file.source, f"{key_of(self.file.source, region)}:"
        if region.entry.name not in self.titled:
            return key
        out.verbatim(region.lead, region.key)
        behind = comments(source, region.entry, region.key, source.next_line(region.key))
        return "  ".join([key, *behind])

    def _is_apart(self, one: Region, other: Region) -> bool:
        """Return whether a blank line stands between two services of which more than stubs stay."""
        had = "\n" in self.file.source.text[one.end : other.lead]
        return had and (self._is_long(one) or self._is_long(other))

    def _is_long(self, region: Region) -> bool:
        """Return whether more than a stub is left of a service."""
        name = region.entry.name or ""
        return name not in self.stubs or bool(self.rests.get(name))

    def _copy(self, out: Output, block: Block) -> None:
        """Write a block that what stays needs from what does not."""
        source = self.file.source
        if block.wrapper or not source.text[block.start].isspace():
            out.separate()
        if block.wrapper:
            out.add(NewText(f"{block.wrapper}:{source.newline}"))
        out.add(Slice(source, block.start, block.end, copy=True))

    def _blocks(self) -> list[Block]:
        taken = set(self.file.sections or {}) - self.gone
        needs: Mapping[Element, list[Node]] = self.anchors.needs_of(list(self._kept_nodes()))
        found: list[Block] = []
        for element, targets in needs.items():
            found += self.anchors.blocks(element, targets, taken)
        return sorted(found, key=lambda block: (block.start, -block.end))

    def _kept_nodes(self) -> Iterator[Node]:
        for section in (self.file.sections or {}).values():
            if section.name in self.gone:
                continue
            if section.name != "services":
                yield section.region.entry.value
                continue
            for name, region in (section.entries or {}).items():
                if name not in self.stubs:
                    yield region.entry.value
                    continue
                for node in walk(region.entry.value):
                    spans = self.rests.get(name, ())
                    if any(a <= node.outer_start < b for a, b in spans):
                        yield node


SINCE_STUBS = "2.25.0"
"""v2.24.1 rejects short ports in an extended file, v2.24.7 ``depends_on`` (observed)."""

SINCE_INCLUDED_STUBS = "2.27.0"
"""v2.25.0 to v2.26.1 resolve what an included file extends against its own directory (observed)."""


@dataclass
class StubLayout(Layout):
    """As :class:`Layout`, for services that stubs extend. Resources stay in their roots.

    The stubs stand in the root, or in environment files that it includes: with
    ``project_directory: .``, so that no path in them changes.
    """

    division: StubDivision = field(kw_only=True)

    def planned_files(self) -> list[PlannedFile]:
        """Return the drafts of the roots, the modules and the environment files.

        Raises RefusedError for a path from the user that something else has.
        """
        self._assign()
        self.places.factored = self.division.all
        for i in range(len(self.factored.files)):
            pieces = self._pieces(i, partial(self._taken, i))
            self.places.environments[i] = list(pieces) if self.division.in_environments else []
        self.places.place_services()
        found = place_blocks(self.places, contents(self.places))
        modules = {module.path: module.services for _, module in self.places.modules}
        planned_files = []
        for content in found:
            if content.path in modules:
                planned_files.append(self._module(content, modules[content.path]))
            else:
                planned_files.append(write(self._with_stubs(content)))
        return [*self._roots(), *planned_files]

    @property
    def since(self) -> str:
        """The oldest Docker Compose that reads the result."""
        return SINCE_INCLUDED_STUBS if self.division.in_environments else SINCE_STUBS

    def notes(self, planned_files: Iterable[PlannedFile]) -> Iterator[str]:
        """Yield how many paths are rewritten; what stays with the stubs, and why."""
        count = sum(planned_file.replacements for planned_file in planned_files)
        if count:
            yield f"paths rewritten, since a module's are relative to its own directory: {count}"
        found: dict[str, list[str]] = {}
        for variant in self.division.all.variants:
            if variant.shared is not None and any(variant.shared.rests):
                first = variant.definitions[0]
                for reason in fixed_attributes(first.region.entry.value, first.source).values():
                    services = found.setdefault(reason, [])
                    services += [variant.name] if variant.name not in services else []
        for reason, services in found.items():
            yield f"stays with what extends the rest: {reason} ({', '.join(services)})"

    def _pieces(self, owner: int, take: Callable[[], str]) -> Iterator[EnvironmentFile]:
        """Yield the environment files of *owner*: no one defines many services itself."""
        own = {v.name: v for v in self.division.all.variants if owner in v.owners}
        file, anchors = self.factored.files[owner], self.factored.anchors[owner]
        whole = [name for name, v in own.items() if v.shared is None]
        units = [*tied_groups(file, anchors, whole), *([n] for n in own if n not in whole)]
        order = list(file.services)
        units.sort(key=lambda unit: order.index(unit[0]))
        most = min(MAX_SERVICES, max(3, max(len(f.services) for f in self.factored.files) // 2))
        names: list[str] = []
        for unit in units:
            if names and sum(defines(own[n], owner) for n in [*names, *unit]) > most:
                yield EnvironmentFile(take(), tuple(names), ())
                names = []
            names += unit
        if names:
            yield EnvironmentFile(take(), tuple(names), ())

    def _module(self, content: Content, services: tuple[str, ...]) -> PlannedFile:
        """Return the draft of a module, with its paths as they are from where it stands."""
        source = content.file.source
        root = posixpath.dirname(content.file.path) or "."
        up = posixpath.relpath(root, posixpath.dirname(content.path) or ".")
        bodies = [content.file.services[name] for name in services]
        changes = [c for body in bodies for c in replacements(body, source, up)]
        return write(content).rewritten(source, changes)

    def _with_stubs(self, content: Content) -> Content:
        """Return the content of an environment file with what each service extends."""
        owner = self.places.files.index(content.file)
        own = {v.name: v for v in self.division.all.variants if owner in v.owners}
        parts = [
            part
            if own[part.region.entry.name or ""].shared is None
            else replace(
                part,
                with_comment=part.with_comment and bool(part.spans),
                stub=self._stub(owner, part.region),
            )
            for part in content.services
        ]
        return replace(content, services=parts)

    def _stub(self, owner: int, region: Region) -> str:
        file = self.factored.files[owner]
        path = self.extended(owner, region.entry.name or "")
        local = posixpath.relpath(path, posixpath.dirname(file.path) or ".")
        return stub(file.source, region, local)

    def extended(self, owner: int, name: str) -> str:
        """Return the file of what *owner* extends: a module, or the root that holds it already."""
        for owners, module in self.places.modules:
            if owner in owners and name in module.services:
                return module.path
        elements = self.division.elements.items()
        return next(
            self.factored.files[element].path
            for (owners, held), element in elements
            if owner in owners and held == name
        )

    def _roots(self) -> Iterator[PlannedFile]:
        for i, file in enumerate(self.factored.files):
            if self.division.in_environments:
                paths = [piece.path for piece in self.places.environments[i]]
                if paths:
                    starts = range(0, len(paths), MAX_PATHS)
                    yield self._root(i, [paths[n : n + MAX_PATHS] for n in starts])
                continue
            moved = {v.name: v for v in self.division.stubs_of(i)}
            if not moved:
                continue
            yield StubRoot(
                file,
                self.factored.anchors[i],
                {name: self._stub(i, v.definition(i).region) for name, v in moved.items()},
                {name: v.rest(i) for name, v in moved.items()},
                frozenset(
                    section
                    for (section, name), home in self.destinations[i].items()
                    if home and not name
                ),
                frozenset(name for name, v in moved.items() if self._is_titled(v, i)),
            ).planned_file()

    def _is_titled(self, found: SharedService, owner: int) -> bool:
        """Return whether the comments above the service in *owner* stand nowhere else."""
        d, first = found.definition(owner), found.definitions[0]
        known = head(first.source, first.region)
        held = (found.owners, found.name) in self.division.elements
        return (held or bool(found.rest(owner))) and any(
            comment not in known for comment in head(d.source, d.region)
        )
