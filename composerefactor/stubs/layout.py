"""The drafts of a group of base files: modules, environment files with stubs, and roots."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace

from composerefactor.edits.drafts import Draft
from composerefactor.factoring.blocks import place_blocks
from composerefactor.factoring.contents import contents
from composerefactor.factoring.environments import defines
from composerefactor.factoring.layout import Layout
from composerefactor.factoring.places import Piece, head
from composerefactor.factoring.variants import Variant
from composerefactor.factoring.write import Content, write
from composerefactor.modules.assignment import MAX_SERVICES
from composerefactor.modules.include import MAX_PATHS
from composerefactor.modules.ties import tied_groups
from composerefactor.stubs.divide import Division
from composerefactor.stubs.portable import fixed_attributes, replacements
from composerefactor.stubs.root import StubRoot
from composerefactor.stubs.text import stub
from composerefactor.yamltree.regions import Region

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

    division: Division = field(kw_only=True)

    def drafts(self) -> list[Draft]:
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
        drafts = []
        for content in found:
            if content.path in modules:
                drafts.append(self._module(content, modules[content.path]))
            else:
                drafts.append(write(self._with_stubs(content)))
        return [*self._roots(), *drafts]

    @property
    def since(self) -> str:
        """The oldest Docker Compose that reads the result."""
        return SINCE_INCLUDED_STUBS if self.division.in_environments else SINCE_STUBS

    def notes(self, drafts: Iterable[Draft]) -> Iterator[str]:
        """Yield how many paths are rewritten in *drafts*; what stays with the stubs, and why."""
        count = sum(draft.replacements for draft in drafts)
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

    def _pieces(self, owner: int, take: Callable[[], str]) -> Iterator[Piece]:
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
                yield Piece(take(), tuple(names), ())
                names = []
            names += unit
        if names:
            yield Piece(take(), tuple(names), ())

    def _module(self, content: Content, services: tuple[str, ...]) -> Draft:
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
        holders = self.division.holders.items()
        return next(
            self.factored.files[holder].path
            for (owners, held), holder in holders
            if owner in owners and held == name
        )

    def _roots(self) -> Iterator[Draft]:
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
                    section for (section, name), home in self.homes[i].items() if home and not name
                ),
                frozenset(name for name, v in moved.items() if self._is_titled(v, i)),
            ).draft()

    def _is_titled(self, found: Variant, owner: int) -> bool:
        """Return whether the comments above the service in *owner* stand nowhere else."""
        d, first = found.definition(owner), found.definitions[0]
        known = head(first.source, first.region)
        held = (found.owners, found.name) in self.division.holders
        return (held or bool(found.rest(owner))) and any(
            comment not in known for comment in head(d.source, d.region)
        )
