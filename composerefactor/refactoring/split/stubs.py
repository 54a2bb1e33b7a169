"""Strategy ``extends``: the text of root files, environment files and modules.

:class:`StubRoot` writes a root file that keeps the stubs of its services. :class:`StubLayout`
builds all planned files of a group of root files, with the stubs in the root file or in environment
files.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from msgspec.structs import replace

from composerefactor.compose.files import FileSection
from composerefactor.compose.paths import directory_of
from composerefactor.edit.planned_files import NewText, PlannedFile
from composerefactor.refactoring.deduplicate.definitions import Span
from composerefactor.refactoring.deduplicate.layout import Additions, Layout, place_blocks
from composerefactor.refactoring.deduplicate.places import ROOT, Content, contents, to_planned_file
from composerefactor.refactoring.modules.anchors import Block
from composerefactor.refactoring.modules.directories import (
    SINCE_EXTENDS,
    SINCE_EXTENDS_IN_ROOT,
    IncludedFiles,
)
from composerefactor.refactoring.modules.include import IncludeEdit
from composerefactor.refactoring.modules.paths import replacements
from composerefactor.refactoring.modules.writer import Assembler, FileLayout, Output
from composerefactor.refactoring.split.extends import StubSplit, fixed_attributes
from composerefactor.yaml.comments import Region
from composerefactor.yaml.nodes import MappingNode, Node, walk
from composerefactor.yaml.source import Source


@dataclass
class StubLayout(Layout):
    """A :class:`Layout` in which services extend those of modules. Resources stay in root files.

    The stubs are in the root file, or in environment files that it includes with
    ``project_directory: .``, so that no path in them changes.

    Attributes:
        split: what of each service moves, and what remains.
    """

    split: StubSplit = field(kw_only=True)
    keeps_whole: ClassVar[bool] = False

    def planned_files(self) -> list[PlannedFile]:
        """Return the root files, the modules and the environment files.

        Raises RefusedError for a path from the user that another module has.
        """
        self._assign_modules()
        self.state.factored = self.split.all
        for i in range(len(self.factored.files)):
            self.state.environments[i] = (
                self._environment_files(i, self._additions(i)) if self.split.in_environments else []
            )
        self.state.place_services()
        new_files = place_blocks(self.state, contents(self.state))
        modules = {module.path: module.services for _, module in self.state.modules}
        own = [content for content in new_files if content.path not in modules]
        sources = self._paths_of(own)
        draft = [
            to_planned_file(self._with_stubs(content, posixpath.dirname(content.file.path)))
            for content in own
        ]
        read_in_root = self._included_files(draft, sources).reasons
        final = [
            to_planned_file(self._with_stubs(content, posixpath.dirname(content.path)))
            if content.path not in read_in_root
            else planned_file
            for content, planned_file in zip(own, draft, strict=True)
        ]
        result = self._included_files(final, sources)
        parents = [
            self._module(content, modules[content.path])
            for content in new_files
            if content.path in modules
        ]
        return [*self._root_files(result), *parents, *result.files.values()]

    def _entries(self, file_index: int) -> list[list[str]]:
        """Return the paths in each include entry of one root file: its environment files."""
        return [[environment.path] for environment in self.state.environments[file_index]]

    @property
    def since(self) -> str:
        """The oldest Docker Compose that reads the result."""
        return SINCE_EXTENDS_IN_ROOT if self.split.in_environments else SINCE_EXTENDS

    def notes(self, planned_files: Iterable[PlannedFile]) -> Iterator[str]:
        """Yield how many paths are rewritten, and which attributes do not move, with reasons."""
        count = sum(planned_file.replacements for planned_file in planned_files)
        if count:
            yield f"paths rewritten relative to the directory of their module: {count}"
        by_reason: dict[str, list[str]] = {}
        for service in self.split.all.services:
            if service.shared is not None and any(service.shared.remainders):
                first = service.definitions[0]
                for reason in fixed_attributes(first.region.entry.value, first.source).values():
                    names = by_reason.setdefault(reason, [])
                    names += [service.name] if service.name not in names else []
        for reason, names in by_reason.items():
            yield f"not moved to a module: {reason} ({', '.join(names)})"

    def _additions(self, file_index: int) -> Additions:
        """Return the stubs of one root file, and the services that it defines whole."""
        services = self.split.all.of_file(file_index).values()
        stubs = tuple(service.name for service in services if service.shared is not None)
        return Additions(stubs, (), tuple(s.name for s in services if s.shared is None))

    def _module(self, content: Content, services: tuple[str, ...]) -> PlannedFile:
        """Return the module with *content*; its paths are rewritten for its own directory.

        A missing build context is written out where stubs are in environment files, which have
        another directory than the root.
        """
        source = content.file.source
        root = directory_of(content.file.path)
        up = posixpath.relpath(root, directory_of(content.path))
        if self.split.in_environments:
            paths = self._paths_of([content])[content.path]
            return paths.rewritten(to_planned_file(content), up)
        bodies = [content.file.services[name] for name in services]
        changes = [c for body in bodies for c in replacements(body, source, up)]
        return to_planned_file(content).rewritten(source, changes)

    def _with_stubs(self, content: Content, directory: str) -> Content:
        """Return *content*, that of an environment file, with the stub of each shared service.

        The file is read as if it were in *directory*.
        """
        file_index = self.state.files.index(content.file)
        own = self.split.all.of_file(file_index)
        services = [
            lines
            if own[lines.region.entry.name or ""].shared is None
            else replace(
                lines,
                with_comment=lines.with_comment and bool(lines.spans),
                stub=self._stub(file_index, lines.region, directory),
            )
            for lines in content.services
        ]
        return replace(content, services=services)

    def _stub(self, file_index: int, region: Region, directory: str) -> str:
        """Return the stub of the service at *region* of one root file, for use in *directory*."""
        name = region.entry.name
        path = next(
            module.path
            for file_indices, module in self.state.modules
            if file_index in file_indices and name in module.services
        )
        local = posixpath.relpath(path, directory or ".")
        return stub_lines(self.factored.files[file_index].source, region, local)

    def _root_files(self, new: IncludedFiles) -> Iterator[PlannedFile]:
        """Yield the root files: with an include list, or with the stubs."""
        if self.split.in_environments:
            yield from super()._root_files(new)
            return
        for i, file in enumerate(self.factored.files):
            directory = posixpath.dirname(file.path)
            services = {service.name: service for service in self.split.all.services}
            destinations = {
                element: path if not element[1] else ROOT
                for element, path in self.state.destinations[i].items()
            }
            yield StubRoot(
                FileLayout(file, self.factored.anchors[i], destinations, ()),
                {
                    name: self._stub(i, s.definition(i).region, directory)
                    for name, s in services.items()
                },
                {name: s.remainder(i) for name, s in services.items()},
            ).root()


class StubRoot(Assembler):
    """Writes a root file that keeps the stubs of its services.

    Args:
        layout: the destinations of the ``x-`` sections; all else stays, or is in *stubs*.
        stubs: the lines of the stub of each service that moves, by name.
        remainders: the lines of each such service that stay below its stub.
    """

    def __init__(
        self,
        layout: FileLayout,
        stubs: Mapping[str, str],
        remainders: Mapping[str, Sequence[Span]],
    ) -> None:
        super().__init__(layout, IncludeEdit(layout.file, ()))
        self.stubs, self.remainders = stubs, remainders

    def _stays_whole(self, section: FileSection) -> bool:
        return section.name != "services" and super()._stays_whole(section)

    def _write_entries(self, out: Output, section: FileSection, names: Iterable[str]) -> None:
        """Write the services *names*, with stubs in place of those that move."""
        before: Region | None = None
        for name in names:
            region = (section.entries or {})[name]
            is_kept = name not in self.stubs
            if before is not None and is_kept and before.entry.name not in self.stubs:
                out.verbatim(before.end, region.lead)
            elif before is not None and self._is_apart(before, region):
                out.separate()
            if is_kept:
                out.verbatim(region.lead, region.end)
            else:
                key = written_key(self.source, region)
                out.end_line()
                out.add(NewText(f"{key}:{self.source.newline}{self.stubs[name]}"))
                for start, end in self.remainders.get(name, ()):
                    out.verbatim(start, end)
            before = region

    def _is_apart(self, one: Region, other: Region) -> bool:
        """Return whether the blank line between two services stays: not between two mere stubs."""
        is_blank_line_between = "\n" in self.source.text[one.end : other.lead]
        return is_blank_line_between and (self._is_long(one) or self._is_long(other))

    def _is_long(self, region: Region) -> bool:
        """Return whether more than a stub is left of a service."""
        name = region.entry.name or ""
        return name not in self.stubs or bool(self.remainders.get(name))

    def _copies(self, destination: str) -> list[Block]:  # noqa: ARG002 - there are no modules
        """Return the blocks with anchors that the remaining text needs, as they are ordered."""
        anchors = self.layout.anchors
        used_keys = {name for name in self.sections if self._kept_names(self.sections[name])}
        return anchors.blocks_of(anchors.needs_of(list(self._kept_nodes())), used_keys)

    def _kept_nodes(self) -> Iterator[Node]:
        """Yield the nodes that stay in the root file."""
        for section in self.sections.values():
            if section.name != "services":
                if self._kept_names(section):
                    yield section.region.entry.value
                continue
            for name, region in (section.entries or {}).items():
                if name not in self.stubs:
                    yield region.entry.value
                    continue
                for node in walk(region.entry.value):
                    spans = self.remainders.get(name, ())
                    if any(start <= node.outer_start < end for start, end in spans):
                        yield node


def stub_lines(source: Source, region: Region, path: str) -> str:
    """Return the lines that make a service extend the one of the same name in the file *path*.

    The lines are those below the key of the service at *region*, indented as its attributes are.
    """
    key, value = region.entry.key, region.entry.value
    unit = " " * (source.column(region.entry.start) or 2)
    indent = source.text[region.key : region.entry.start] + unit
    if isinstance(value, MappingNode) and not value.flow and value.entries:
        indent = " " * source.column(value.entries[0].start)
    name = source.text[key.start : key.end]
    lines = (f"{indent}extends:", f"{indent}{unit}file: {path}", f"{indent}{unit}service: {name}")
    return "".join(line + source.newline for line in lines)


def written_key(source: Source, region: Region) -> str:
    """Return the key of the service at *region* as it is written, with its indentation."""
    return source.text[region.key : region.entry.key.end]
