"""Strategy ``extends``: what of each service moves to a module, and what remains in a stub.

A stub is what is left of a service in its file: ``extends`` with the path of a module, and the
attributes that cannot move. An attribute is fixed where a path in it cannot be rewritten for the
directory of the module (:func:`fixed_attributes`); paths that can be are rewritten.

A single root file keeps its stubs, as long as no more than half of its services keep anything else.
Otherwise, and where several root files define the same services, the stubs are in environment
files.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.paths import path_attributes, path_from
from composerefactor.compose.references import extends_target
from composerefactor.refactoring.contract import Unmoved
from composerefactor.refactoring.deduplicate.definitions import (
    SharedDefinition,
    SourceDefinition,
    Span,
    children_of,
)
from composerefactor.refactoring.deduplicate.layout import ENVIRONMENTS, VARIANTS
from composerefactor.refactoring.deduplicate.variants import (
    SharedService,
    SharedServices,
    definition_of,
    extends_chains,
    factor,
    keep_chain,
    may_repeat,
)
from composerefactor.refactoring.modules.anchors import Element
from composerefactor.refactoring.modules.paths import why_fixed
from composerefactor.refactoring.modules.root_file import RootFile
from composerefactor.yaml.comments import Region
from composerefactor.yaml.nodes import AliasNode, MappingNode, Node, resolve, walk
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import acts_on_merge, merged_entries, merged_mappings

MERGE = "<<"
"""The merge key."""


MAX_IN_ROOT = 4
"""This many services may keep more than a stub in a root file, however few services it has."""


class StubSplit(Struct):
    """How the services of a group of root files are split. Files are indices in the group.

    Attributes:
        in_environments: True where environment files contain the stubs, False where the root file
            does.
        modules: the services of which a part moves to a module.
        all: those, and the services that are in environment files as a whole.
        unmoved: the elements that stay in each root file, with reasons.
    """

    in_environments: bool
    modules: SharedServices
    all: SharedServices
    unmoved: dict[int, dict[Element, Unmoved]] = {}


def split_services(roots: Sequence[RootFile]) -> StubSplit:
    """Split the services of *roots*: one root file, or several that share services."""
    if len(roots) == 1 and not _has_environments(roots[0]):
        alone = _stubs_in_root(roots[0])
        if not _keeps_too_much(roots[0], alone):
            return alone
    return _stubs_in_environments([root.without_stubs() for root in roots])


def _stubs_in_root(root: RootFile) -> StubSplit:
    """Split the services of a root file that keeps the stubs."""
    unmoved = dict(root.unmoved)
    moving: dict[str, SharedDefinition] = {}
    for name in root.movable():
        result = split_service(definition_of(root.file, name))
        if isinstance(result, str):
            unmoved["services", name] = root.stays(("services", name), result)
        else:
            moving[name] = result
    partly = {name for name, shared in moving.items() if any(shared.remainders)}
    left = (root.file.services.keys() - moving.keys()) | partly
    parents = _parents_in_same_file(root)
    while more := [name for name in moving if parents.get(name) in left]:
        for name in more:
            del moving[name]
            reason = f"it extends {parents[name]}, which does not move completely"
            unmoved["services", name] = root.stays(("services", name), reason)
            left.add(name)
    factored = factor([root.file], [root.anchors], {0: list(moving)})
    with_moving = _with_single_services(factored, {0: moving})
    return StubSplit(in_environments=False, modules=factored, all=with_moving, unmoved={0: unmoved})


def _has_environments(root: RootFile) -> bool:
    """Return whether *root* includes environment files of an earlier split."""
    into = posixpath.join(root.directory, root.into)
    directories = [path_from(into, n) for n in (ENVIRONMENTS, VARIANTS)]
    return any(
        posixpath.dirname(path) in directories and root.file.path in by
        for path, by in root.project.included_by.items()
    )


def _keeps_too_much(root: RootFile, found: StubSplit) -> bool:
    """Return whether more than stubs would remain of most services in *root*."""
    partly = {service.name for service in found.all.services if any(service.remainder(0))}
    kept = {name for section, name in found.unmoved[0] if section == "services"}
    count = len(partly | kept)
    return count > MAX_IN_ROOT and 2 * count > len(root.file.services)


def _stubs_in_environments(roots: list[RootFile]) -> StubSplit:
    """Split the services of root files that include environment files with the stubs."""
    unmoved = {i: dict(root.unmoved) for i, root in enumerate(roots)}
    for i, root in enumerate(roots):
        kept = root.file.services.keys() - set(root.movable())
        for name in _tied_by_extends(root, kept) - kept:
            reason = "it extends a service that does not move, or such a service extends it"
            unmoved[i]["services", name] = root.stays(("services", name), reason)
    bases = roots[0].project.root_files
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
    factored = factor(files, [root.anchors for root in roots], movable, copies)
    factored.services = [with_fixed_apart(service) for service in factored.services]
    names_of_bases = {i: names for i, names in movable.items() if i not in copies}
    for chain in extends_chains(files, names_of_bases):
        keep_chain(factored, chain)
    single: dict[int, dict[str, SharedDefinition | None]] = {}
    for i, names in factored.single.items():
        results = {name: split_service(definition_of(roots[i].file, name)) for name in names}
        partly = {n for n, r in results.items() if isinstance(r, str) or any(r.remainders)}
        whole = _tied_by_extends(roots[i], partly)
        single[i] = {
            name: None if name in whole or isinstance(result, str) else result
            for name, result in results.items()
        }
    return StubSplit(
        in_environments=True,
        modules=factored,
        all=_with_single_services(factored, single),
        unmoved=unmoved,
    )


def _with_single_services(
    factored: SharedServices, single: Mapping[int, Mapping[str, SharedDefinition | None]]
) -> SharedServices:
    """Return *factored* with the services that only one file defines among its services.

    *single* is what moves of each of them, None where it stays whole. Those that stay whole are
    removed from ``factored.single``.
    """
    services = list(factored.services)
    for i, names in factored.single.items():
        for name in names:
            own = definition_of(factored.files[i], name)
            services.append(SharedService(name, (i,), (own,), single[i][name]))
    factored.single = {
        i: [name for name in names if single[i][name] is not None]
        for i, names in factored.single.items()
    }
    return replace(factored, services=services)


def _parents_in_same_file(root: RootFile) -> dict[str, str]:
    """Return the service that each service of *root* extends, where it is in the same file."""
    targets = {name: extends_target(body) for name, body in root.file.services.items()}
    return {name: t[1] for name, t in targets.items() if t and t[0] is None and t[1]}


def _tied_by_extends(root: RootFile, names: Iterable[str]) -> set[str]:
    """Return the services of *root* that chains of ``extends`` in the file connect with *names*.

    A name that is in no such chain is not in the result.
    """
    links = [{name, parent} for name, parent in _parents_in_same_file(root).items()]
    tied = set(names) & set().union(*links) if links else set()
    while more := [link for link in links if link & tied and not link <= tied]:
        tied = tied.union(*more)
    return tied


def split_service(definition: SourceDefinition) -> SharedDefinition | str:
    """Split a service that one file defines into what moves and what remains.

    Return the reason instead where the whole service has to stay.
    """
    source, region = definition.source, definition.region
    start = source.next_line(region.key)
    if acts_on_merge(region.entry.value):
        return "it has a tag, which only works in its own file"
    fixed = fixed_attributes(region.entry.value, source)
    if not fixed:
        return SharedDefinition([(start, region.end)], [[]])
    reason = next(iter(fixed.values()))
    children = children_of(source, region)
    if children is None or "extends" in fixed:
        return reason
    if not children.keys() - fixed.keys() - {"extends"}:
        return reason
    remainder: list[Span] = []
    common: list[Span] = []
    above = start
    for name, child in children.items():
        if name in fixed:
            remainder.append((child.lead, child.end))
        else:  # with the blank lines above, except at the top
            common.append((above if common else child.lead, child.end))
        above = child.end
    return SharedDefinition(common, [remainder])


def with_fixed_apart(service: SharedService) -> SharedService:
    """Return *service* with its fixed attributes in the remainders, not in the shared part.

    Nothing is shared where they cannot be separated.
    """
    shared, first = service.shared, service.definitions[0]
    if shared is None:
        return service
    if acts_on_merge(first.region.entry.value):
        return replace(service, shared=None)
    fixed = fixed_attributes(first.region.entry.value, first.source)
    children = [children_of(d.source, d.region) for d in service.definitions]
    for name in fixed:
        own = (children[0] or {}).get(name, first.region)
        if not any(_overlap((own.lead, own.end), span) for span in shared.common):
            continue
        regions = [each[name] for each in children if each and name in each]
        if name in {MERGE, "extends"} or len(regions) != len(children):
            return replace(service, shared=None)
        shared = _without_attribute(shared, regions)
    return replace(service, shared=shared if shared.common else None)


def _without_attribute(shared: SharedDefinition, regions: list[Region]) -> SharedDefinition:
    """Return *shared* with one attribute moved to the remainders.

    *regions* are its lines, one region for each definition.
    """
    first = (regions[0].lead, regions[0].end)
    remainders = []
    for remainder, region in zip(shared.remainders, regions, strict=True):
        whole = (region.lead, region.end)
        remainders.append(sorted([*(s for s in remainder if not _overlap(whole, s)), whole]))
    return SharedDefinition(
        [span for span in shared.common if not _overlap(first, span)],
        remainders,
        [(at, text) for at, text in shared.added_lines if not first[0] <= at < first[1]],
    )


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def fixed_attributes(service: Node, source: Source) -> dict[str, str]:
    """Return the keys of *service* that have to stay in its directory, each with the reason.

    A merge key is one of them where it sets an attribute that has to stay. Then so is each written
    key that the merge key sets too: in another file it would be merged with the value from the
    merge key instead of replacing it.
    """
    fixed: dict[str, str] = {}
    for path in path_attributes(service):
        reason = why_fixed(path, source)
        if reason:
            fixed.setdefault(path.kind.partition(".")[0], reason)
    for name, entry in merged_entries(service).items():
        if _has_tags(entry.value):
            fixed.setdefault(name, f"{name} has a tag, which only works in its own file")
    body = resolve(service)
    written = {e.name or "" for e in body.entries} if isinstance(body, MappingNode) else set()
    merged = [name for name in fixed if name not in written]
    if merged:
        set_by_merge = {name for part in merged_mappings(body)[1:] for name in merged_entries(part)}
        fixed |= dict.fromkeys(set_by_merge & written, fixed[merged[0]])
        fixed[MERGE] = fixed[merged[0]]
    return {name: reason for name, reason in fixed.items() if name in written}


def _has_tags(node: Node) -> bool:
    """Return whether *node* has ``!reset`` or another such tag, also in nodes of its aliases."""
    for inner in walk(node):
        if acts_on_merge(inner):
            return True
        if isinstance(inner, AliasNode) and inner.target is not None and _has_tags(inner.target):
            return True
    return False
