"""Where images keep what must outlive their containers."""

from __future__ import annotations

from composerefactor.catalog.catalog import Catalog
from composerefactor.catalog.facts import DataPath
from composerefactor.catalog.tags import in_range, parse_tag
from composerefactor.compose.image import parse_image
from composerefactor.compose.merged import scalar_text
from composerefactor.topology.stack import Service
from composerefactor.yamltree.nodes import Sequence


def data_paths(image: str, catalog: Catalog) -> list[DataPath] | None:
    """Return the paths at which *image*, with variables by default, keeps data that it needs.

    Paths whose loss costs little are left out, and an image that *catalog* does not know has
    none. None where its tag does not tell which path is the right one.
    """
    entry = catalog.match(image)
    if entry is None:
        return []
    reference = parse_image(image)
    tag = parse_tag(reference.tag or "")
    found = []
    for path in entry.data:
        fits = in_range(tag, path.versions) if path.versions else True
        if fits is None or (path.versions and reference.digest and not reference.tag):
            return None
        if fits and not path.optional:
            found.append(path)
    return found


def keeps_nothing(service: Service) -> bool:
    """Return whether the command of *service* says that nothing is to be kept."""
    found = service.value("command")
    words = scalar_text(found.node) if found else None
    if found and isinstance(found.node, Sequence):
        words = " ".join(scalar_text(item) or "" for item in found.node.items)
    return '--save ""' in f"{words} " or "--save ''" in f"{words} " or "--save  " in f"{words} "
