"""Services that several files define, and that stay there: they extend what these share.

Files that are merged over a base, as alternatives of each other, and files with few services are
not divided. What they repeat of a service goes to a module, or stays where it stands if one of the
definitions is nothing else; the others extend it. In each file the engine merges that before it
merges the files (observed: v2.24.1 to v5.6.1), so any combination of them is as before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.merge_keys import merged_get, scalar_text
from composerefactor.compose.paths import path_attributes
from composerefactor.compose.references import extended
from composerefactor.refactoring.deduplicate.definitions import Definition, Span, whole
from composerefactor.refactoring.deduplicate.variants import (
    Owners,
    SharedService,
    SharedServices,
    chains,
    definition,
    merged,
    shared_by,
)
from composerefactor.refactoring.modules.base_file import BaseFile
from composerefactor.refactoring.split.extends import StubDivision, with_fixed_apart
from composerefactor.yaml.nodes import Node

STUB_LINES = 3
"""Lines of a stub: ``extends``, ``file`` and ``service``."""

MODULE_LINES = 2
"""Lines that a module has around what is shared: ``services`` and the name."""

LEAST = STUB_LINES
"""Sharing that saves fewer lines is not worth the detour."""

_NAMING_SERVICES = ("depends_on", "links", "volumes_from")
_OF_A_SERVICE = ("ipc", "network_mode", "pid")

_NEWER = ("ports", "ulimits")
"""What v2.24.1 rejects in an extended file, in the forms that are usual, and v2.24.7 takes."""


class _Sharing(Struct, frozen=True):
    """A service, its owners, and what they share: in a module, or in the first owner's file."""

    variant: SharedService
    in_place: bool
    saved: int


def staying(roots: Sequence[BaseFile], *, late: bool) -> list[StubDivision]:
    """Return what services of *roots* share, a division for each group of files that share some.

    *late* allows for attributes that old engines reject in what is extended.
    """
    found = list(_sharings(roots, late=late))
    groups = merged(set(each.variant.owners) for each in found)
    return [_division(roots, found, sorted(group)) for group in groups]


def _sharings(roots: Sequence[BaseFile], *, late: bool) -> Iterator[_Sharing]:
    owners: dict[tuple[str, str], list[int]] = {}
    for i, root in enumerate(roots):
        names = root.movable()
        tied = set().union(*chains([root.file], {0: names}))
        # What an alias stands for has to be in the file: a copy of it is more than sharing saves.
        tied.update(*root.anchors.shared_services())
        for name in names:
            if name not in tied and _is_complete(root.file.services[name]):
                owners.setdefault((root.directory, name), []).append(i)
    for (_, name), of in owners.items():
        yield from _gathered(roots, name, of, late=late)


def _is_complete(body: Node) -> bool:
    """Return whether a service says what runs: else it only changes what another file says."""
    return any(merged_get(body, key) is not None for key in ("image", "build"))


def _gathered(
    roots: Sequence[BaseFile], name: str, of: Sequence[int], *, late: bool
) -> Iterator[_Sharing]:
    """Yield what those *of* the roots share: each joins the first ones where that saves more."""
    left = list(of)
    while len(left) > 1:
        members = [left.pop(0)]
        best: _Sharing | None = None
        for i in list(left):
            more = _best(roots, name, [*members, i], late=late)
            if more is not None and more.saved >= (best.saved if best else LEAST):
                best = more
                members.append(i)
                left.remove(i)
        if best is not None:
            yield best


def _best(
    roots: Sequence[BaseFile], name: str, of: Sequence[int], *, late: bool
) -> _Sharing | None:
    """Return the way of sharing that saves most: of equal ones the one without a new file."""
    elements = sorted(of, key=lambda i: len(roots[i].file.services))  # the one that says least else
    found = [_in_place(roots, name, [i, *(n for n in of if n != i)], late=late) for i in elements]
    found.append(_in_module(roots, name, of, late=late))
    return max((f for f in found if f is not None), key=lambda f: f.saved, default=None)


def _in_place(
    roots: Sequence[BaseFile], name: str, of: Sequence[int], *, late: bool
) -> _Sharing | None:
    """Return what the first *of* the roots holds for others, if they repeat all that it says."""
    found = _variant(roots, name, of)
    shared, element = found.shared, roots[of[0]].file
    if shared is None or shared.rests[0] or shared.notes or not _is_found(roots[of[0]], name):
        return None
    if not late and set(_rejected(element.services[name])):
        return None
    if any(_required(element) - _required(roots[i].file) for i in of[1:]):
        return None  # all of an extended file is interpolated, whoever needs it
    saved = sum(_lines(d, whole(d)) - _stub_lines(d, r) for d, r in _rests(found)[1:])
    return _Sharing(found, in_place=True, saved=saved)


def _is_found(root: BaseFile, name: str) -> bool:
    """Return whether the file is known to be used by itself, though others extend *name* from it.

    A command names it, or it says something on services that others complete.
    """
    path, entries = root.file.path, (*root.project.entries, *root.project.rejected)
    if any(path in e.files and (e.implicit or any(w.path for w in e.evidence)) for e in entries):
        return True
    others = (body for other, body in root.file.services.items() if other != name)
    return any(not _is_complete(body) and extended(body) is None for body in others)


def _in_module(
    roots: Sequence[BaseFile], name: str, of: Sequence[int], *, late: bool
) -> _Sharing | None:
    found = _variant(roots, name, of)
    if found.shared is None:
        return None
    body = roots[of[0]].file.services[name]
    missing = [p.kind.partition(".")[0] for p in path_attributes(body) if p.is_missing]
    found = with_fixed_apart(found, [*missing, *(() if late else _rejected(body))])
    if found.shared is None:
        return None
    first = found.definitions[0]
    saved = sum(_lines(d, whole(d)) - _stub_lines(d, r) for d, r in _rests(found))
    saved -= _lines(first, found.shared.common) + MODULE_LINES
    return _Sharing(found, in_place=False, saved=saved)


def _variant(roots: Sequence[BaseFile], name: str, of: Sequence[int]) -> SharedService:
    definitions = tuple(definition(roots[i].file, name) for i in of)
    return SharedService(name, tuple(of), definitions, shared_by(definitions))


def _rejected(body: Node) -> Iterator[str]:
    """Yield the attributes of *body* that an old engine rejects in what is extended (observed).

    Up to v2.24.7 it is those that name services.
    """
    for name in (*_NAMING_SERVICES, *_NEWER):
        if merged_get(body, name) is not None:
            yield name
    for name in _OF_A_SERVICE:
        text = scalar_text(merged_get(body, name)) or ""
        if text.startswith(("service:", "$")):
            yield name


def _required(file: ComposeFile) -> set[str]:
    return {variable.name for variable in file.variables if variable.required}


def _rests(found: SharedService) -> list[tuple[Definition, list[Span]]]:
    rests = found.shared.rests if found.shared else []
    return list(zip(found.definitions, rests, strict=True))


def _stub_lines(definition: Definition, rest: Sequence[Span]) -> int:
    return STUB_LINES + _lines(definition, rest)


def _lines(definition: Definition, spans: Iterable[Span]) -> int:
    """Return how many lines *spans* have, but for blank ones."""
    text = "".join(definition.source.text[start:end] for start, end in spans)
    return sum(bool(line.strip()) for line in text.splitlines())


def _division(
    roots: Sequence[BaseFile], found: Sequence[_Sharing], group: Sequence[int]
) -> StubDivision:
    """Return the division of the roots *group*, which share what *found* says."""
    mine = [roots[i] for i in group]
    in_modules: list[SharedService] = []
    everywhere: list[SharedService] = []
    elements: dict[tuple[Owners, str], int] = {}
    for each in found:
        if each.variant.owners[0] not in group:
            continue
        variant = replace(each.variant, owners=tuple(map(group.index, each.variant.owners)))
        everywhere.append(variant)
        if each.in_place:
            elements[variant.owners, variant.name] = variant.owners[0]
        else:
            in_modules.append(variant)
    files, anchors = [root.file for root in mine], [root.anchors for root in mine]
    return StubDivision(
        mine,
        in_environments=False,
        modules=SharedServices(files, anchors, in_modules),
        all=SharedServices(files, anchors, everywhere),
        elements=elements,
    )
