"""Networks, volumes, secrets and configs that move along with the one module that uses them."""

from __future__ import annotations

from collections.abc import Mapping

from composerefactor.compose.file import RESOURCE_SECTIONS
from composerefactor.factoring.kinds import meaning, typed
from composerefactor.factoring.places import ROOT, Places, head
from composerefactor.factoring.variants import Owners
from composerefactor.modules.anchors import Holder
from composerefactor.modules.divide import belongs_to_root, resource_users
from composerefactor.yamltree.comments import comments
from composerefactor.yamltree.values import to_python

Users = Mapping[int, Mapping[Holder, set[str]]]


def place_resources(places: Places) -> None:
    """Set the homes of the resources; services have theirs."""
    users: Users = {
        i: resource_users(
            places.project, file, {n: h for (s, n), h in places.homes[i].items() if s == "services"}
        )
        for i, file in enumerate(places.files)
    }
    modules = {(i, module.path): owners for owners, module in places.modules for i in owners}
    for i, file in enumerate(places.files):
        for section in RESOURCE_SECTIONS:
            for name in file.entries(section):
                (path, *others) = users[i].get((section, name), {ROOT})
                owners = modules.get((i, path), ())
                if others or not owners or owners[0] != i:
                    continue
                if _moves_along(places, (section, name), owners, path, users):
                    for owner in owners:
                        places.homes[owner][section, name] = path


def _moves_along(places: Places, holder: Holder, owners: Owners, path: str, users: Users) -> bool:
    """Return whether a resource is the same for all *owners*, and the module's alone."""
    section, name = holder
    texts = set()
    for owner in owners:
        file = places.files[owner]
        if places.homes[owner].get(holder) != ROOT or users[owner].get(holder) != {path}:
            return False
        value = (file.sections or {})[section].value
        if belongs_to_root(section, name, value):
            return False
        region = file.regions_in(section)[name]
        remarks = comments(file.source, region.entry, region.lead, region.end)
        found = to_python(region.entry.value, file.source)
        texts.add((repr(meaning(found, ())), repr(typed(found, ())), tuple(remarks)))
        if owner != owners[0] and _is_emptied(places, owner, section):
            return False
    return len(texts) == 1


def _is_emptied(places: Places, owner: int, section: str) -> bool:
    """Return whether a commented section would lose its last entry to another file's text."""
    file = places.files[owner]
    part = (file.sections or {})[section]
    if not head(file.source, part.region):
        return False
    left = [n for n in part.entries or {} if places.homes[owner][section, n] == ROOT]
    return len(left) <= 1
