"""The text of a file without some of its services, keys, items and pairs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from composerefactor.compose.file import ComposeFile
from composerefactor.edits.operations import Remove, YamlEdit
from composerefactor.edits.splices import edited
from composerefactor.source import Source
from composerefactor.yamltree.build import parse
from composerefactor.yamltree.nodes import Mapping, Sequence
from composerefactor.yamltree.path import Path, node_at
from composerefactor.yamltree.regions import Region, item_regions, regions


def production(file: ComposeFile, gone: Collection[Path], edits: Iterable[YamlEdit]) -> str:
    """Return the text of *file* with *edits* and without what stands at the addresses *gone*.

    Comments go with what they belong to, since they stand in *file* as before. Raises RefusedError
    where an edit cannot be made.
    """
    cuts, inline = [], list(edits)
    for path in gone:
        region = _region(file, path)
        if region is None:
            inline.append(Remove(file.path, path))
        else:
            cuts.append((region.lead, _with_blank(file.source, region)))
    if inline and cuts:  # offsets are those of the text before
        edited_file = _read(file, edited(file, inline))
        return production(edited_file, [p for p in gone if _region(file, p) is not None], ())
    if inline:
        return edited(file, inline)
    text, at = [], 0
    for start, end in sorted(cuts):
        text.append(file.source.text[at : max(start, at)])
        at = max(end, at)
    return "".join([*text, file.source.text[at:]])


def _read(file: ComposeFile, text: str) -> ComposeFile:
    return ComposeFile.of(parse(Source(file.path, text, file.source.has_bom)))


def _region(file: ComposeFile, path: Path) -> Region | None:
    """Return the lines of what stands at *path*; None where it has none of its own."""
    region = file.regions_in(str(path[0])).get(str(path[1]))
    for n in range(2, len(path)):
        if region is None:
            return None
        region = next(
            (part for part, step in _parts(file, path[:n], region) if step == path[n]), None
        )
    return region


def _parts(
    file: ComposeFile, path: Path, region: Region
) -> Iterator[tuple[Region, str | int | None]]:
    node, start = node_at(file.root, path), file.source.next_line(region.key)
    if isinstance(node, Mapping):
        for part in regions(file.source, node, start=start, end=region.end) or []:
            yield part, part.entry.name
    elif isinstance(node, Sequence):
        found = item_regions(file.source, node, start=start, end=region.end) or []
        yield from ((part, n) for n, part in enumerate(found))


def _with_blank(source: Source, region: Region) -> int:
    """Return the end of the lines of *region*, with a blank line below where one stands above."""
    above = source.line(region.lead - 1) if region.lead else ""
    if region.end < len(source.text) and not above.strip() and not source.line(region.end).strip():
        return source.next_line(region.end)
    return region.end
