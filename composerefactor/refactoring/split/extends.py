"""What of each service goes to a module, and what stays with its stub.

A root by itself keeps the stubs, as long as no more than half of its services have something to
keep; else, and where several roots define the same services, environment files hold them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.merge_keys import merged_entries
from composerefactor.compose.paths import PathAttribute, path_attributes
from composerefactor.compose.references import extended
from composerefactor.edit.planned_files import Replacement
from composerefactor.refactoring.deduplicate.definitions import (
    Definition,
    SharedDefinition,
    Span,
    children_of,
)
from composerefactor.refactoring.deduplicate.layout import ENVIRONMENTS
from composerefactor.refactoring.deduplicate.variants import (
    Owners,
    SharedService,
    SharedServices,
    chains,
    definition,
    factor,
    keep_chain,
    may_repeat,
)
from composerefactor.refactoring.modules.anchors import Element
from composerefactor.refactoring.modules.base_file import BaseFile, Reason
from composerefactor.yaml.comments import Region
from composerefactor.yaml.nodes import (
    AliasNode,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    resolve,
    walk,
)
from composerefactor.yaml.source import Source

MERGE = "<<"


def fixed_attributes(service: Node, source: Source) -> dict[str, str]:
    """Return the written keys of *service* that have to stay in its directory, with the reasons.

    A merge key is among them where something that it brings has to stay; then so are the keys that
    it brings too, since they would be merged with what it says instead of replacing it.
    """
    fixed: dict[str, str] = {}
    for found in path_attributes(service):
        reason = _reason(found, source)
        if reason:
            fixed.setdefault(found.kind.partition(".")[0], reason)
    for name, entry in merged_entries(service).items():
        if _has_tags(entry.value):
            fixed.setdefault(name, f"{name} has a tag, which acts where it stands")
    body = resolve(service)
    written = {e.name or "" for e in body.entries} if isinstance(body, MappingNode) else set()
    merged = [name for name in fixed if name not in written]
    if merged:
        brought = {name for part in _merged(body) for name in merged_entries(part)}
        fixed |= dict.fromkeys(brought & written, fixed[merged[0]])
        fixed[MERGE] = fixed[merged[0]]
    return {name: reason for name, reason in fixed.items() if name in written}


def replacements(service: Node, source: Source, up: str) -> Iterator[Replacement]:
    """Yield what changes in *service* where *up* leads from its new directory to the one before.

    The nodes that its aliases stand for are among them.
    """
    if up == ".":
        return
    for found in path_attributes(service):
        if not (found.resolved and found.form == "relative" and not found.is_missing):
            continue
        start = _written_at(found, source)
        if start is None:
            continue
        if found.text == "." or found.text.startswith("./"):
            yield Replacement(start, start + 1, up)
        else:
            yield Replacement(start, start, f"{up}/")


def _reason(found: PathAttribute, source: Source) -> str:
    """Return why the path *found* cannot be written anew, or ``""``."""
    if not found.resolved or found.is_missing:
        return ""  # a missing context is the directory of the service that extends (observed)
    if found.form == "variable":
        return f"{found.kind} begins with a variable, which may hold any path"
    if found.form != "relative":
        return ""
    if found.kind == "build.ssh":  # up to v2.29.7 not resolved in an extended file (observed)
        return "build.ssh names a relative path, which not all engines resolve"
    if _written_at(found, source) is None:
        return f"{found.kind} is written with escapes or over several lines"
    return ""


def _written_at(found: PathAttribute, source: Source) -> int | None:
    """Return the offset at which the path *found* begins; None where its text is not its value."""
    node = found.node
    if not isinstance(node, ScalarNode) or node.style in {"|", ">"}:
        return None
    begin = node.start + len(node.style)
    head = node.value[: found.offset + 1]
    return begin + found.offset if source.text.startswith(head, begin) else None


def _has_tags(node: Node) -> bool:
    """Return whether ``!reset`` or the like stands in *node*, or in what its aliases stand for."""
    for inner in walk(node):
        if inner.tag is not None and not inner.tag.startswith("!!"):
            return True
        if isinstance(inner, AliasNode) and inner.target is not None and _has_tags(inner.target):
            return True
    return False


def _merged(body: Node) -> Iterator[Node]:
    """Yield the mappings that the merge keys of *body* name."""
    for entry in body.entries if isinstance(body, MappingNode) else ():
        if entry.is_merge:
            value = resolve(entry.value)
            yield from value.items if isinstance(value, SequenceNode) else [value]


def cut(definition: Definition) -> SharedDefinition | str:
    """Divide a service that one file defines; the reason where it has to stay as a whole."""
    source, region = definition.source, definition.region
    start = source.next_line(region.key)
    if _is_tagged(definition):
        return "it has a tag, which acts where it stands"
    fixed = fixed_attributes(region.entry.value, source)
    if not fixed:
        return SharedDefinition([(start, region.end)], [[]])
    reason = next(iter(fixed.values()))
    parts = children_of(source, region)
    if parts is None or "extends" in fixed:
        return reason
    if not parts.keys() - fixed.keys() - {"extends"}:
        return reason
    rest: list[Span] = []
    common: list[Span] = []
    above = start
    for name, part in parts.items():
        if name in fixed:
            rest.append((part.lead, part.end))
        else:  # with the blank lines above, but at the top
            common.append((above if common else part.lead, part.end))
        above = part.end
    return SharedDefinition(common, [rest])


def with_fixed_apart(variant: SharedService, also: Collection[str] = ()) -> SharedService:
    """Return *variant* with the attributes that have to stay in no shared part.

    *also* names some that have to stay for another reason than their paths. Where that cannot be
    told apart, nothing is shared.
    """
    shared, first = variant.shared, variant.definitions[0]
    if shared is None:
        return variant
    if _is_tagged(first):
        return replace(variant, shared=None)
    fixed = [*fixed_attributes(first.region.entry.value, first.source), *also]
    parts = [children_of(d.source, d.region) for d in variant.definitions]
    for name in fixed:
        own = (parts[0] or {}).get(name, first.region)
        if not any(_overlap((own.lead, own.end), span) for span in shared.common):
            continue
        found = [part[name] for part in parts if part and name in part]
        if name in {MERGE, "extends"} or len(found) != len(parts):
            return replace(variant, shared=None)
        shared = _without(shared, found)
    return replace(variant, shared=shared if shared.common else None)


def _is_tagged(definition: Definition) -> bool:
    tag = definition.region.entry.value.tag
    return tag is not None and not tag.startswith("!!")


def _without(shared: SharedDefinition, found: list[Region]) -> SharedDefinition:
    """Return *shared* with the attribute of the regions *found*, one a definition, in each rest."""
    first = (found[0].lead, found[0].end)
    rests = []
    for rest, region in zip(shared.rests, found, strict=True):
        whole = (region.lead, region.end)
        rests.append(sorted([*(s for s in rest if not _overlap(whole, s)), whole]))
    return SharedDefinition(
        [span for span in shared.common if not _overlap(first, span)],
        rests,
        [(at, note) for at, note in shared.notes if not first[0] <= at < first[1]],
    )


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


FEW = 4
"""So many services may stay in a root, however many it has."""


class StubDivision(Struct):
    """The roots of one group, and their services.

    *modules* has what modules are made of, *all* also what has no module. *unmoved* says, per root,
    what stays there. *in_environments* is True where environment files hold the stubs. *elements*
    gives, by owners and name, the root whose own definition is what the others extend.
    """

    roots: list[BaseFile]
    in_environments: bool
    modules: SharedServices
    all: SharedServices
    unmoved: dict[int, dict[Element, Reason]] = {}
    elements: dict[tuple[Owners, str], int] = {}

    def stubs_of(self, owner: int) -> list[SharedService]:
        """Return the services of which a stub stands in the root *owner*."""
        return [
            v
            for v in self.all.variants
            if owner in v.owners and self.elements.get((v.owners, v.name)) != owner
        ]


def divided(roots: Sequence[BaseFile]) -> StubDivision:
    """Divide the services of *roots*; several of them are one group that shares services."""
    if len(roots) == 1 and not _has_environments(roots[0]):
        alone = _alone(roots[0])
        if not _is_crowded(roots[0], alone):
            return alone
    return _in_environments([root.without_stubs() for root in roots])


def _alone(root: BaseFile) -> StubDivision:
    """Divide the services of a root that keeps the stubs."""
    unmoved = dict(root.reasons)
    moving: dict[str, SharedDefinition] = {}
    for name in root.movable():
        found = cut(definition(root.file, name))
        if isinstance(found, str):
            unmoved["services", name] = Reason(found)
        else:
            moving[name] = found
    partly = {name for name, found in moving.items() if any(found.rests)}
    left = (root.file.services.keys() - moving.keys()) | partly
    heirs = _heirs(root)
    while more := [name for name in moving if heirs.get(name) in left]:
        for name in more:
            del moving[name]
            words = f"it extends {heirs[name]}, which stays or has a part that does"
            unmoved["services", name] = Reason(words)
            left.add(name)
    factored = factor([root.file], [root.anchors], {0: list(moving)})
    both = _with_cuts(factored, {0: moving})
    return StubDivision(
        [root], in_environments=False, modules=factored, all=both, unmoved={0: unmoved}
    )


def _has_environments(root: BaseFile) -> bool:
    """Return whether *root* includes environment files, as an earlier split leaves them."""
    directory = posixpath.normpath(posixpath.join(root.directory, root.into, ENVIRONMENTS))
    return any(
        path.startswith(f"{directory}/") and root.file.path in by
        for path, by in root.project.included_by.items()
    )


def _is_crowded(root: BaseFile, found: StubDivision) -> bool:
    """Return whether the root would still hold more than half of its services."""
    partly = {v.name for v in found.all.variants if any(v.rest(0))}
    kept = {name for section, name in found.unmoved[0] if section == "services"}
    count = len(partly | kept)
    return count > FEW and 2 * count > len(root.file.services)


def _in_environments(roots: list[BaseFile]) -> StubDivision:
    """Divide the services of *roots* whose environment files hold the stubs."""
    unmoved = {i: dict(root.reasons) for i, root in enumerate(roots)}
    for i, root in enumerate(roots):
        kept = root.file.services.keys() - set(root.movable())
        for name in _chained(root, kept) - kept:
            words = "it extends a service that stays, or is extended by one"
            unmoved[i]["services", name] = Reason(words)
    bases = roots[0].project.bases
    copies = frozenset(i for i, root in enumerate(roots) if root.file.path not in bases)
    movable = {
        i: [
            name
            for name in root.movable()
            if ("services", name) not in unmoved[i]
            and (i not in copies or may_repeat(root.file, name))
        ]
        for i, root in enumerate(roots)
    }
    files = [root.file for root in roots]
    found = factor(files, [root.anchors for root in roots], movable, copies)
    found.variants = [with_fixed_apart(variant) for variant in found.variants]
    for chain in chains(files, {i: names for i, names in movable.items() if i not in copies}):
        keep_chain(found, chain)
    cuts: dict[int, dict[str, SharedDefinition | None]] = {}
    for i, names in found.single.items():
        parts = {name: cut(definition(roots[i].file, name)) for name in names}
        partly = {n for n, p in parts.items() if isinstance(p, str) or any(p.rests)}
        whole = _chained(roots[i], partly)
        cuts[i] = {
            name: None if name in whole or isinstance(part, str) else part
            for name, part in parts.items()
        }
    return StubDivision(
        roots, in_environments=True, modules=found, all=_with_cuts(found, cuts), unmoved=unmoved
    )


def _with_cuts(
    found: SharedServices, cuts: Mapping[int, Mapping[str, SharedDefinition | None]]
) -> SharedServices:
    """Return *found* with single services as variants of one owner; whole ones leave *found*."""
    variants = list(found.variants)
    for i, names in found.single.items():
        for name in names:
            own = definition(found.files[i], name)
            variants.append(SharedService(name, (i,), (own,), cuts[i][name]))
    found.single = {
        i: [name for name in names if cuts[i][name] is not None]
        for i, names in found.single.items()
    }
    return replace(found, variants=variants)


def _heirs(root: BaseFile) -> dict[str, str]:
    """Return the services of *root* that extend another of the same file, which is seen there."""
    parents = {name: extended(body) for name, body in root.file.services.items()}
    return {name: p[1] for name, p in parents.items() if p and p[0] is None and p[1]}


def _chained(root: BaseFile, names: Iterable[str]) -> set[str]:
    """Return the services that chains of ``extends`` without a file tie to *names*.

    Of *names* only those that are in such a chain themselves.
    """
    links = [{heir, parent} for heir, parent in _heirs(root).items()]
    found = set(names) & set().union(*links) if links else set()
    while more := [link for link in links if link & found and not link <= found]:
        found = found.union(*more)
    return found
