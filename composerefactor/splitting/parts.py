"""What a plan says of the parts of a base file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from composerefactor.catalog.placement import Placement, place
from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import merged_get, scalar_text
from composerefactor.modules.anchors import Holder
from composerefactor.modules.root import Reason, Root
from composerefactor.splitting.options import SplitOptions
from composerefactor.transform import Part, Plan, Stay


def moved_parts(root: Root, homes: Mapping[Holder, str]) -> dict[Part, str]:
    """Return the new path of each part of *root* that moves."""
    return {(root.file.path, s, name): home for (s, name), home in homes.items() if home}


def stays_of(root: Root, reasons: Mapping[Holder, Reason]) -> tuple[Stay, ...]:
    """Return what stays in *root*, with the reasons."""
    return tuple(
        Stay((root.file.path, *holder), r.words, root.file.location_of(*holder), r.forecast)
        for holder, r in reasons.items()
    )


def plan_whole(root: Root) -> Plan:
    """Return the plan of a file that is not divided."""
    reason = Reason(root.whole)
    return Plan(stays=stays_of(root, {("services", n): reason for n in root.file.services}))


def placement_of(options: SplitOptions) -> Callable[[ComposeFile, str], Placement]:
    """Return what tells where a service belongs."""
    known: dict[tuple[str, str], Placement] = {}

    def placement(file: ComposeFile, name: str) -> Placement:
        key = (file.path, name)
        if key not in known:
            image = scalar_text(merged_get(file.services[name], "image"))
            known[key] = place(name, image, options.catalog)
        return known[key]

    return placement
