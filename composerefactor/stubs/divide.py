"""What of each service goes to a module, and what stays with its stub.

A root by itself keeps the stubs, as long as no more than half of its services have something to
keep; else, and where several roots define the same services, environment files hold them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.references import extended
from composerefactor.factoring.layout import ENVIRONMENTS
from composerefactor.factoring.parts import Shared
from composerefactor.factoring.repeating import may_repeat
from composerefactor.factoring.variants import (
    Factored,
    Owners,
    Variant,
    chains,
    definition,
    factor,
    keep_chain,
)
from composerefactor.modules.anchors import Holder
from composerefactor.modules.root import Reason, Root
from composerefactor.stubs.cut import cut, with_fixed_apart

FEW = 4
"""So many services may stay in a root, however many it has."""


class Division(Struct):
    """The roots of one group, and their services.

    *modules* has what modules are made of, *all* also what has no module. *stays* says, per root,
    what stays there. *in_environments* is True where environment files hold the stubs. *holders*
    gives, by owners and name, the root whose own definition is what the others extend.
    """

    roots: list[Root]
    in_environments: bool
    modules: Factored
    all: Factored
    stays: dict[int, dict[Holder, Reason]] = {}
    holders: dict[tuple[Owners, str], int] = {}

    def stubs_of(self, owner: int) -> list[Variant]:
        """Return the services of which a stub stands in the root *owner*."""
        return [
            v
            for v in self.all.variants
            if owner in v.owners and self.holders.get((v.owners, v.name)) != owner
        ]


def divided(roots: Sequence[Root]) -> Division:
    """Divide the services of *roots*; several of them are one group that shares services."""
    if len(roots) == 1 and not _has_environments(roots[0]):
        alone = _alone(roots[0])
        if not _is_crowded(roots[0], alone):
            return alone
    return _in_environments([root.without_stubs() for root in roots])


def _alone(root: Root) -> Division:
    """Divide the services of a root that keeps the stubs."""
    stays = dict(root.reasons)
    moving: dict[str, Shared] = {}
    for name in root.movable():
        found = cut(definition(root.file, name))
        if isinstance(found, str):
            stays["services", name] = Reason(found)
        else:
            moving[name] = found
    partly = {name for name, found in moving.items() if any(found.rests)}
    left = (root.file.services.keys() - moving.keys()) | partly
    heirs = _heirs(root)
    while more := [name for name in moving if heirs.get(name) in left]:
        for name in more:
            del moving[name]
            words = f"it extends {heirs[name]}, which stays or has a part that does"
            stays["services", name] = Reason(words)
            left.add(name)
    factored = factor([root.file], [root.anchors], {0: list(moving)})
    both = _with_cuts(factored, {0: moving})
    return Division([root], in_environments=False, modules=factored, all=both, stays={0: stays})


def _has_environments(root: Root) -> bool:
    """Return whether *root* includes environment files, as an earlier split leaves them."""
    directory = posixpath.normpath(posixpath.join(root.directory, root.into, ENVIRONMENTS))
    return any(
        path.startswith(f"{directory}/") and root.file.path in by
        for path, by in root.project.included_by.items()
    )


def _is_crowded(root: Root, found: Division) -> bool:
    """Return whether the root would still hold more than half of its services."""
    partly = {v.name for v in found.all.variants if any(v.rest(0))}
    kept = {name for section, name in found.stays[0] if section == "services"}
    count = len(partly | kept)
    return count > FEW and 2 * count > len(root.file.services)


def _in_environments(roots: list[Root]) -> Division:
    """Divide the services of *roots* whose environment files hold the stubs."""
    stays = {i: dict(root.reasons) for i, root in enumerate(roots)}
    for i, root in enumerate(roots):
        kept = root.file.services.keys() - set(root.movable())
        for name in _chained(root, kept) - kept:
            words = "it extends a service that stays, or is extended by one"
            stays[i]["services", name] = Reason(words)
    bases = roots[0].project.bases
    copies = frozenset(i for i, root in enumerate(roots) if root.file.path not in bases)
    movable = {
        i: [
            name
            for name in root.movable()
            if ("services", name) not in stays[i]
            and (i not in copies or may_repeat(root.file, name))
        ]
        for i, root in enumerate(roots)
    }
    files = [root.file for root in roots]
    found = factor(files, [root.anchors for root in roots], movable, copies)
    found.variants = [with_fixed_apart(variant) for variant in found.variants]
    for chain in chains(files, {i: names for i, names in movable.items() if i not in copies}):
        keep_chain(found, chain)
    cuts: dict[int, dict[str, Shared | None]] = {}
    for i, names in found.single.items():
        parts = {name: cut(definition(roots[i].file, name)) for name in names}
        partly = {n for n, p in parts.items() if isinstance(p, str) or any(p.rests)}
        whole = _chained(roots[i], partly)
        cuts[i] = {
            name: None if name in whole or isinstance(part, str) else part
            for name, part in parts.items()
        }
    return Division(
        roots, in_environments=True, modules=found, all=_with_cuts(found, cuts), stays=stays
    )


def _with_cuts(found: Factored, cuts: Mapping[int, Mapping[str, Shared | None]]) -> Factored:
    """Return *found* with single services as variants of one owner; whole ones leave *found*."""
    variants = list(found.variants)
    for i, names in found.single.items():
        for name in names:
            own = definition(found.files[i], name)
            variants.append(Variant(name, (i,), (own,), cuts[i][name]))
    found.single = {
        i: [name for name in names if cuts[i][name] is not None]
        for i, names in found.single.items()
    }
    return replace(found, variants=variants)


def _heirs(root: Root) -> dict[str, str]:
    """Return the services of *root* that extend another of the same file, which is seen there."""
    parents = {name: extended(body) for name, body in root.file.services.items()}
    return {name: p[1] for name, p in parents.items() if p and p[0] is None and p[1]}


def _chained(root: Root, names: Iterable[str]) -> set[str]:
    """Return the services that chains of ``extends`` without a file tie to *names*.

    Of *names* only those that are in such a chain themselves.
    """
    links = [{heir, parent} for heir, parent in _heirs(root).items()]
    found = set(names) & set().union(*links) if links else set()
    while more := [link for link in links if link & found and not link <= found]:
        found = found.union(*more)
    return found
