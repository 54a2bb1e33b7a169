"""What each new file takes: modules from the first file that has it, environment files from one."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from composerefactor.compose.file import RESOURCE_SECTIONS
from composerefactor.factoring.parts import unknown
from composerefactor.factoring.places import ROOT, Places, head
from composerefactor.factoring.variants import Variant
from composerefactor.factoring.write import Content, ServicePart
from composerefactor.modules.anchors import Holder
from composerefactor.source import Source
from composerefactor.yamltree.regions import Region


def contents(places: Places) -> list[Content]:
    """Return the contents of the modules, then those of the environment files."""
    return _titled(places, [*_modules(places), *_environments(places)])


def _modules(places: Places) -> Iterator[Content]:
    variants = {(v.owners, v.name): v for v in places.factored.variants}
    resources = _resources_by_path(places)
    for owners, module in places.modules:
        file = places.files[owners[0]]
        entries = file.regions_in("services")
        parts = []
        for name in module.services:
            found = variants.get((owners, name))
            if found is None or found.shared is None:
                parts.append(_whole(file.source, entries[name]))
            else:
                notes = [*found.shared.notes, *_head_notes(found)]
                parts.append(ServicePart(entries[name], found.shared.common, notes))
        parts.sort(key=lambda part: part.region.key)  # anchors before their aliases
        own = resources.get((owners[0], module.path), [])
        yield Content(module.path, file, places.anchors[owners[0]], parts, own)


def _resources_by_path(places: Places) -> dict[tuple[int, str], list[Holder]]:
    """Return the resources of each file by the path that they move to."""
    found: dict[tuple[int, str], list[Holder]] = {}
    for i, homes in places.homes.items():
        for holder, home in homes.items():
            if holder[0] in RESOURCE_SECTIONS:
                found.setdefault((i, home), []).append(holder)
    return found


def _environments(places: Places) -> Iterator[Content]:
    for i, file in enumerate(places.files):
        own = {v.name: v for v in places.factored.variants if i in v.owners}
        for piece in places.environments[i]:
            parts = [_added(own[name], i) for name in piece.services]
            parts.sort(key=lambda part: part.region.key)  # anchors before their aliases
            yield Content(piece.path, file, places.anchors[i], parts)


def _added(found: Variant, owner: int) -> ServicePart:
    """Return what *owner* adds to a service; comments above it only where they are its own."""
    d, first = found.definition(owner), found.definitions[0]
    if found.shared is None:
        return _whole(d.source, d.region)
    known = head(first.source, first.region)
    differs = any(comment not in known for comment in head(d.source, d.region))
    return ServicePart(d.region, found.rest(owner), (), differs)


def _whole(source: Source, region: Region) -> ServicePart:
    return ServicePart(region, [(source.next_line(region.key), region.end)])


def _head_notes(found: Variant) -> Iterator[tuple[int, str]]:
    """Yield comments above the service in files that add nothing to it."""
    first = found.definitions[0]
    known = head(first.source, first.region)
    for owner in found.owners[1:]:
        d = found.definition(owner)
        if not found.rest(owner):
            for comment in unknown(d.source, d.region, d.source.next_line(d.region.key), known):
                known.append(comment)
                yield first.region.lead, comment


def _titled(places: Places, found: list[Content]) -> list[Content]:
    """Return *found* with the comments on sections of which nothing stays in their file."""
    done: set[Holder] = set()
    result = []
    for content in found:
        homes = places.homes[places.files.index(content.file)]
        titled = set()
        for section in dict.fromkeys(section for section, _ in content.entries):
            region = (content.file.sections or {})[section].region
            known = (content.file.path, section)
            if known in done or not head(content.file.source, region):
                continue
            if all(h != ROOT for (s, _), h in homes.items() if s == section):
                done.add(known)
                titled.add(section)
        result.append(replace(content, titled=frozenset(titled)))
    return result
