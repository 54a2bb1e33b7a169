"""One service in two parts: what its module says of it, and what has to stay with the stub."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from composerefactor.factoring.parts import Definition, Shared, Span, children_of
from composerefactor.factoring.variants import Variant
from composerefactor.stubs.portable import MERGE, fixed_attributes
from composerefactor.yamltree.regions import Region


def cut(definition: Definition) -> Shared | str:
    """Divide a service that one file defines; the reason where it has to stay as a whole."""
    source, region = definition.source, definition.region
    start = source.next_line(region.key)
    if _is_tagged(definition):
        return "it has a tag, which acts where it stands"
    fixed = fixed_attributes(region.entry.value, source)
    if not fixed:
        return Shared([(start, region.end)], [[]])
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
    return Shared(common, [rest])


def with_fixed_apart(variant: Variant, also: Collection[str] = ()) -> Variant:
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


def _without(shared: Shared, found: list[Region]) -> Shared:
    """Return *shared* with the attribute of the regions *found*, one a definition, in each rest."""
    first = (found[0].lead, found[0].end)
    rests = []
    for rest, region in zip(shared.rests, found, strict=True):
        whole = (region.lead, region.end)
        rests.append(sorted([*(s for s in rest if not _overlap(whole, s)), whole]))
    return Shared(
        [span for span in shared.common if not _overlap(first, span)],
        rests,
        [(at, note) for at, note in shared.notes if not first[0] <= at < first[1]],
    )


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
