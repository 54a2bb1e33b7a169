"""Top-level ``x-`` blocks that only carry anchors, and move to a file that needs them."""

from __future__ import annotations

from msgspec.structs import replace

from composerefactor.factoring.places import ROOT, Places
from composerefactor.factoring.write import Content, taken_nodes
from composerefactor.modules.anchors import Holder


def place_blocks(places: Places, contents: list[Content]) -> list[Content]:
    """Return *contents* with each block in the first one that needs it, and set its home.

    One that no file takes from here goes too, if another base has the same text and it moved.
    """
    contents = list(contents)
    moved: dict[tuple[str, str], str] = {}
    left: list[tuple[int, str]] = []
    for i, file in enumerate(places.files):
        anchors, homes = places.anchors[i], places.homes[i]
        blocks = [name for name in file.sections or {} if name.startswith("x-")]
        if not blocks:
            continue
        mine = [n for n, content in enumerate(contents) if content.file is file]
        needs = {n: anchors.needs_of(list(taken_nodes(contents[n]))) for n in mine}
        for name in reversed(blocks):
            holder: Holder = (name, "")
            kept = [h for h, home in homes.items() if home == ROOT and h != holder]
            carries = anchors.carries_only_anchors((file.sections or {})[name])
            if not carries or holder in anchors.needs(kept):
                continue
            first = next((n for n in mine if holder in needs[n]), None)
            if first is None:
                left.append((i, name))
                continue
            adopting = replace(contents[first], adopts=(*contents[first].adopts, name))
            contents[first] = adopting
            needs[first] = anchors.needs_of(list(taken_nodes(adopting)))
            homes[holder] = adopting.path
            moved.setdefault((name, _text(places, i, name)), adopting.path)
    for i, name in left:
        places.homes[i][name, ""] = moved.get((name, _text(places, i, name)), ROOT)
    return contents


def _text(places: Places, owner: int, section: str) -> str:
    file = places.files[owner]
    region = (file.sections or {})[section].region
    return file.source.text[region.lead : region.end]
