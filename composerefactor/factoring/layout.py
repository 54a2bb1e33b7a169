"""Where the services of several base files go, and the drafts that follow from it."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from composerefactor.catalog.placement import Placement
from composerefactor.compose.file import RESOURCE_SECTIONS, ComposeFile
from composerefactor.compose.project import Project
from composerefactor.edits.drafts import Draft
from composerefactor.factoring.kinds import meaning
from composerefactor.factoring.variants import Factored, Owners, Variant
from composerefactor.factoring.write import Content, ServicePart, taken_nodes, write
from composerefactor.modules.anchors import Holder
from composerefactor.modules.assemble import Assembler, Division
from composerefactor.modules.assignment import MAX_SERVICES, LayoutOptions, Module, assign
from composerefactor.modules.divide import belongs_to_root, resource_users
from composerefactor.modules.include import MAX_PATHS, IncludeEdit
from composerefactor.modules.naming import Family, Names, variant
from composerefactor.modules.ties import tied_groups
from composerefactor.yamltree.comments import comments
from composerefactor.yamltree.values import to_python

ROOT = ""

MAX_IN_ENTRY = 12
"""Modules in one include entry with an environment file, which is cut for further ones."""


@dataclass(frozen=True)
class Piece:
    """An environment file of one base: its *services*, and the *modules* that it adds to.

    All of them stand in one include entry: until v5 a service in two entries is a conflict.
    """

    path: str
    services: tuple[str, ...]
    modules: tuple[str, ...]


@dataclass
class Layout:
    """Builds the drafts of one group of base files, all with the same project directory."""

    project: Project
    factored: Factored
    options: LayoutOptions
    names: Names
    place: Callable[[ComposeFile, str], Placement]
    modules: list[tuple[Owners, Module]] = field(default_factory=list)
    environments: dict[int, list[Piece]] = field(default_factory=dict)
    homes: dict[int, dict[Holder, str]] = field(default_factory=dict)

    def drafts(self) -> list[Draft]:
        """Return the drafts of the roots, the modules and the environment files."""
        self._assign()
        self._place_services()
        self._place_resources()
        contents = [*self._module_contents(), *self._environment_contents()]
        self._place_anchor_blocks(contents)
        return [*self._roots(), *(write(content) for content in contents)]

    @property
    def files(self) -> list[ComposeFile]:
        """The base files."""
        return self.factored.files

    def _family(self, owner: int) -> Family:
        return Family.of(self.files[owner].path)

    def _assign(self) -> None:
        by_owners: dict[Owners, list[str]] = {}
        for v in self.factored.variants:
            if v.shared is not None:
                by_owners.setdefault(v.owners, []).append(v.name)
        everyone = tuple(range(len(self.files)))
        for owners, services in sorted(by_owners.items(), key=lambda x: (-len(x[0]), x[0])):
            prefix = "" if owners == everyone else f"{self._variant(owners[0])}-"
            self._take(owners, [[name] for name in services], prefix)
        for owner, services in sorted(self.factored.single.items()):
            units = tied_groups(self.files[owner], self.factored.anchors[owner], services)
            self._take((owner,), units, f"{self._variant(owner)}-")
        self.modules.sort(key=lambda m: "/infrastructure/" in m[1].path)

    def _take(self, owners: Owners, units: list[list[str]], prefix: str) -> None:
        file = self.files[owners[0]]
        found = assign(
            units,
            lambda name: self.place(file, name),
            self.options,
            self._family(owners[0]),
            self.names,
            prefix,
        )
        self.modules += [(owners, module) for module in found]

    def _variant(self, owner: int) -> str:
        name = variant(self.files[owner].path)
        return "default" if name == "main" else name

    def _place_services(self) -> None:
        home = {
            (owner, name): module.path
            for owners, module in self.modules
            for name in module.services
            for owner in owners
        }
        for i, file in enumerate(self.files):
            self.environments[i] = list(self._pieces(i))
            homes: dict[Holder, str] = {}
            for name, section in (file.sections or {}).items():
                if section.entries is None or name.startswith("x-"):
                    homes[name, ""] = ROOT
                    continue
                for key in section.entries:
                    homes[name, key] = ROOT
            for name in file.services:
                if (i, name) in home:
                    homes["services", name] = home[i, name]
            for piece in self.environments[i]:
                for name in piece.services:
                    homes.setdefault(("services", name), piece.path)
                    if homes["services", name] == ROOT:
                        homes["services", name] = piece.path
            self.homes[i] = homes

    def _pieces(self, owner: int) -> Iterator[Piece]:
        """Yield the environment files of *owner*; none becomes a monolith again."""
        own = [v for v in self.factored.variants if owner in v.owners]
        adding = {v.name for v in own if v.rest(owner)}
        items = [
            (path, [n for n in m.services if n in adding])
            for o, m in self.modules
            if owner in o and adding & set(m.services)
            for path in [m.path]
        ]
        items += [("", [v.name]) for v in own if v.shared is None]
        largest = max(len(file.services) for file in self.files)
        most = min(MAX_SERVICES, max(3, largest // 2))
        names: list[str] = []
        paths: list[str] = []
        for n, (path, services) in enumerate(items):
            names += services
            paths += [path] if path else []
            following = items[n + 1][1] if n + 1 < len(items) else []
            defining = sum(self._defines(owner, name) for name in [*names, *following])
            if not following or defining > most or len(paths) == MAX_IN_ENTRY:
                directory = posixpath.join(self.options.into, "environments")
                taken = self.names.take(directory, self._family(owner), self._variant(owner))
                yield Piece(taken, tuple(names), tuple(paths))
                names, paths = [], []

    def _defines(self, owner: int, name: str) -> bool:
        """Return whether *owner* itself says what runs, in what it adds to a service."""
        found = next(v for v in self.factored.variants if v.name == name and owner in v.owners)
        if found.shared is None:
            return True
        d = found.definitions[found.owners.index(owner)]
        text = "".join(d.source.text[a:b] for a, b in found.rest(owner))
        return any(line.strip().startswith(("image:", "build:")) for line in text.splitlines())

    def _place_resources(self) -> None:
        users = {
            i: resource_users(
                self.project, file, {n: h for (s, n), h in self.homes[i].items() if s == "services"}
            )
            for i, file in enumerate(self.files)
        }
        for owners, module in self.modules:
            first = owners[0]
            for section in RESOURCE_SECTIONS:
                for name in self.files[first].entries(section):
                    if self._moves_along((section, name), owners, module.path, users):
                        for owner in owners:
                            self.homes[owner][section, name] = module.path

    def _moves_along(
        self,
        holder: Holder,
        owners: Owners,
        path: str,
        users: Mapping[int, Mapping[Holder, set[str]]],
    ) -> bool:
        """Return whether a resource is the same for all *owners*, and the module's alone."""
        section, name = holder
        texts = set()
        for owner in owners:
            file = self.files[owner]
            if self.homes[owner].get(holder) != ROOT or users[owner].get(holder) != {path}:
                return False
            value = (file.sections or {})[section].value
            if belongs_to_root(section, name, value):
                return False
            region = ((file.sections or {})[section].entries or {})[name]
            remarks = comments(file.source, region.entry, region.lead, region.end)
            found = meaning(to_python(region.entry.value, file.source), ())
            texts.add((repr(found), tuple(remarks)))
            if len(owners) > 1 and self._is_emptied(owner, section):
                return False
        return len(texts) == 1

    def _is_emptied(self, owner: int, section: str) -> bool:
        """Return whether a commented section of a second file would lose its last entry."""
        file = self.files[owner]
        part = (file.sections or {})[section]
        head = comments(
            file.source, part.region.entry, part.region.lead, file.source.next_line(part.region.key)
        )
        left = [n for n in part.entries or {} if self.homes[owner][section, n] == ROOT]
        return bool(head) and len(left) <= 1

    def _module_contents(self) -> Iterator[Content]:
        variants = {(v.owners, v.name): v for v in self.factored.variants}
        for owners, module in self.modules:
            file = self.files[owners[0]]
            entries = (file.sections or {})["services"].entries or {}
            parts = []
            for name in module.services:
                found = variants.get((owners, name))
                region = entries[name]
                if found is None or found.shared is None:
                    parts.append(ServicePart(region, [(_body(file, region.key), region.end)]))
                else:
                    parts.append(
                        ServicePart(
                            region,
                            found.shared.common,
                            [*found.shared.notes, *self._head_notes(found)],
                        )
                    )
            moved = [h for h, home in self.homes[owners[0]].items() if home == module.path]
            resources = [h for h in moved if h[0] in RESOURCE_SECTIONS]
            yield Content(module.path, file, self.factored.anchors[owners[0]], parts, resources)

    def _head_notes(self, found: Variant) -> Iterator[tuple[int, str]]:
        """Yield comments above the service in files that add nothing to it."""
        first = found.definitions[0]
        known = self._head(first)
        for owner, d in list(zip(found.owners, found.definitions, strict=True))[1:]:
            if not found.rest(owner):
                for comment in self._head(d):
                    if comment not in known:
                        known.append(comment)
                        yield first.region.lead, comment

    @staticmethod
    def _head(d: object) -> list[str]:
        source, region = d.source, d.region  # type: ignore[attr-defined]
        return comments(source, region.entry, region.lead, source.next_line(region.key))

    def _environment_contents(self) -> Iterator[Content]:
        for i, file in enumerate(self.files):
            own = {v.name: v for v in self.factored.variants if i in v.owners}
            for piece in self.environments[i]:
                parts = []
                for name in piece.services:
                    v = own[name]
                    d = v.definitions[v.owners.index(i)]
                    if v.shared is None:
                        span = (_body(file, d.region.key), d.region.end)
                        parts.append(ServicePart(d.region, [span]))
                    else:
                        known = self._head(v.definitions[0])
                        differs = any(c not in known for c in self._head(d))
                        parts.append(ServicePart(d.region, v.rest(i), (), differs))
                yield Content(piece.path, file, self.factored.anchors[i], parts)

    def _place_anchor_blocks(self, contents: list[Content]) -> None:
        """Move each ``x-`` block that only carries anchors to the first file that needs it.

        One that no file takes from here goes too, if another base has the same text and it moved.
        """
        moved: set[tuple[str, str]] = set()
        left: list[tuple[int, Holder]] = []
        for i, file in enumerate(self.files):
            anchors = self.factored.anchors[i]
            mine = [n for n, content in enumerate(contents) if content.file is file]
            needs = {n: anchors.needs_of(list(taken_nodes(contents[n]))) for n in mine}
            for name in reversed([n for n in file.sections or {} if n.startswith("x-")]):
                holder = (name, "")
                kept = [h for h, home in self.homes[i].items() if home == ROOT and h != holder]
                if holder in anchors.needs(kept):
                    continue
                if not anchors.carries_only_anchors((file.sections or {})[name]):
                    continue
                first = next((n for n in mine if holder in needs[n]), None)
                if first is None:
                    left.append((i, holder))
                    continue
                adopting = replace(contents[first], adopts=(*contents[first].adopts, name))
                contents[first] = adopting
                needs[first] = anchors.needs_of(list(taken_nodes(adopting)))
                self.homes[i][holder] = adopting.path
                moved.add((name, self._text(i, name)))
        for i, holder in left:
            if (holder[0], self._text(i, holder[0])) in moved:
                self.homes[i][holder] = next(
                    path
                    for homes in self.homes.values()
                    for known, path in homes.items()
                    if known == holder and path != ROOT
                )

    def _text(self, owner: int, section: str) -> str:
        file = self.files[owner]
        region = (file.sections or {})[section].region
        return file.source.text[region.lead : region.end]

    def _roots(self) -> Iterator[Draft]:
        for i, file in enumerate(self.files):
            entries = [[*piece.modules, piece.path] for piece in self.environments[i]]
            listed = {path for entry in entries for path in entry}
            others = [m.path for o, m in self.modules if i in o and m.path not in listed]
            entries += [list(c) for c in _cut(others, MAX_PATHS)]
            directory = posixpath.dirname(file.path) or "."
            local = tuple(tuple(posixpath.relpath(p, directory) for p in e) for e in entries)
            division = Division(file, self.factored.anchors[i], self.homes[i], ())
            yield Assembler(division, IncludeEdit(file, local, fill=False)).root()


def _body(file: ComposeFile, key: int) -> int:
    return file.source.next_line(key)


def _cut(paths: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (paths[n : n + size] for n in range(0, len(paths), size))
