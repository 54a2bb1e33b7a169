"""The words of a stub: the service of another file that it extends."""

from __future__ import annotations

from composerefactor.source import Source
from composerefactor.yamltree.nodes import Mapping
from composerefactor.yamltree.regions import Region


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
    if isinstance(value, Mapping) and not value.flow and value.entries:
        indent = " " * source.column(value.entries[0].start)
    name = source.text[key.start : key.end]
    lines = (f"{indent}extends:", f"{indent}{unit}file: {path}", f"{indent}{unit}service: {name}")
    return "".join(line + source.newline for line in lines)
