"""Several base files that define the same services: shared modules, and what each file adds.

A service that several files define goes to a module that holds what all share, and to the
environment file of each, which holds the rest. One that is so different that sharing saves nothing
stays whole in each environment file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from composerefactor.compose.file import ComposeFile
from composerefactor.compose.references import extended
from composerefactor.factoring.kinds import meaning
from composerefactor.factoring.parts import Definition, Shared
from composerefactor.factoring.share import share
from composerefactor.modules.anchors import AnchorIndex
from composerefactor.yamltree.comments import comments
from composerefactor.yamltree.values import to_python

Owners = tuple[int, ...]
"""Indices of the base files that define a service."""


@dataclass(frozen=True)
class Variant:
    """A service of several files. *shared* is None where each keeps its definition whole."""

    name: str
    owners: Owners
    definitions: tuple[Definition, ...]
    shared: Shared | None

    def definition(self, owner: int) -> Definition:
        """Return the definition in the file *owner*."""
        return self.definitions[self.owners.index(owner)]

    def rest(self, owner: int) -> list[tuple[int, int]]:
        """Return the lines that the file *owner* adds to the shared part."""
        return self.shared.rests[self.owners.index(owner)] if self.shared else []


@dataclass
class Factored:
    """All services of the base files: *variants* of several, *single* ones by file."""

    files: list[ComposeFile]
    anchors: list[AnchorIndex]
    variants: list[Variant] = field(default_factory=list)
    single: dict[int, list[str]] = field(default_factory=dict)


def factor(
    files: Sequence[ComposeFile],
    anchors: Sequence[AnchorIndex],
    movable: Mapping[int, Sequence[str]],
) -> Factored:
    """Divide the services of *files*; *movable* has the names that may leave each of them."""
    owners: dict[str, list[int]] = {}
    for i, names in movable.items():
        for name in names:
            owners.setdefault(name, []).append(i)
    result = Factored(list(files), list(anchors))
    several = {name for name, of in owners.items() if len(of) > 1}
    bound = {i: _bound(files[i], names, several) for i, names in movable.items()}
    for name, of in owners.items():
        if len(of) == 1 and name not in bound[of[0]]:
            result.single.setdefault(of[0], []).append(name)
            continue
        definitions = tuple(_definition(files[i], name) for i in of)
        tied = any(_is_tied(files[i], anchors[i], name) for i in of)
        shared = _worth(definitions, tied=tied)
        result.variants.append(Variant(name, tuple(of), definitions, shared))
    return result


def _definition(file: ComposeFile, name: str) -> Definition:
    section = (file.sections or {})["services"]
    return Definition(file.source, (section.entries or {})[name])


def _bound(file: ComposeFile, names: Sequence[str], several: set[str]) -> set[str]:
    """Return which of *names* stand in one chain of ``extends`` with a service of *several* files.

    Without a file ``extends`` sees its own file alone (Compose specification).
    """
    parents = {name: extended(file.services[name]) for name in names}
    links = [
        {name, parent[1]}
        for name, parent in parents.items()
        if parent and parent[0] is None and parent[1]
    ]
    found = set(several)
    while more := [link for link in links if link & found and not link <= found]:
        found = found.union(*more)
    return found & set(names)


def _is_tied(file: ComposeFile, anchors: AnchorIndex, name: str) -> bool:
    """Return whether other services of *file* depend on the text of this one, or it on theirs."""
    parents = {n: extended(body) for n, body in file.services.items()}
    parent = parents[name]
    if parent and parent[0] is None:
        return True
    if any(p and p[0] is None and p[1] == name for p in parents.values()):
        return True
    return any(owner == name for _, owner in anchors.shared_services())


def _worth(definitions: tuple[Definition, ...], *, tied: bool) -> Shared | None:
    """Return what *definitions* share, or None where sharing it saves no text."""
    if tied:
        return None
    shared = share(definitions)
    if shared is None:
        return _equal(definitions)
    if not any(shared.rests):
        return shared
    source = definitions[0].source
    lines = sum(source.text[a:b].count("\n") for a, b in shared.common)
    # Each file that adds something repeats the service's key; the module costs three lines more.
    cost = 3 + sum(1 for rest in shared.rests if rest)
    return shared if lines * (len(definitions) - 1) > cost else None


def _equal(definitions: tuple[Definition, ...]) -> Shared | None:
    """Return the whole first definition as shared, where all mean the same."""
    values = [meaning(to_python(d.region.entry.value, d.source), ()) for d in definitions]
    first = definitions[0]
    if any(repr(value) != repr(values[0]) for value in values[1:]):
        return None
    start = first.source.next_line(first.region.key)
    result = Shared([(start, first.region.end)], [[] for _ in definitions])
    known = comments(first.source, first.region.entry, first.region.lead, first.region.end)
    for d in definitions[1:]:
        body = d.source.next_line(d.region.key)
        for comment in comments(d.source, d.region.entry, body, d.region.end):
            if comment not in known:
                known.append(comment)
                result.notes.append((first.region.lead, comment))
    return result
