"""Literals that are one and the same credential, and what a variable for it is called."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

from composerefactor.compose.merged import item_nodes, merged_get, scalar_text
from composerefactor.compose.project import Project
from composerefactor.credentials.literals import ATTRIBUTES, Literal, known_secrets
from composerefactor.credentials.names import is_common, variable_name
from composerefactor.topology.naming import words
from composerefactor.topology.stack import Service, Stack
from composerefactor.yamltree.nodes import Mapping as MappingNode
from composerefactor.yamltree.nodes import Scalar


class Credential(Struct, eq=False):
    """One credential: all *literals* have the same value; the first gives it its name."""

    literals: list[Literal]
    variable: str = ""

    @property
    def value(self) -> str:
        """What it is; never shown."""
        return self.literals[0].value

    @property
    def services(self) -> tuple[str, ...]:
        """The services that have it."""
        return tuple(dict.fromkeys(name for each in self.literals for name in each.services))

    @property
    def files(self) -> set[str]:
        """The Compose files in which it stands."""
        return {each.file.path for each in self.literals}


def credentials(found: Iterable[Literal]) -> list[Credential]:
    """Return *found*, those together that are one credential.

    That of a server comes first, and what others log in with goes to it. Equal values with another
    name count as one where nobody has such a value by chance, or where one service calls the other.
    """
    every = sorted(found, key=lambda each: not is_of_server(each))  # stable
    groups: list[Credential] = []
    for literal in every:
        group = _group_of(literal, groups)
        if group is None:
            groups.append(Credential([literal]))
        else:
            group.literals.append(literal)
    groups.sort(key=lambda each: (each.literals[0].file.path, each.literals[0].node.start))
    return groups


def is_of_server(literal: Literal) -> bool:
    """Return whether *literal* is what the image of its service takes as its own credential."""
    return literal.is_whole and any(
        literal.key in known_secrets(use.stack, use.service) for use in literal.uses
    )


def _group_of(literal: Literal, groups: Iterable[Credential]) -> Credential | None:
    alike = [group for group in groups if group.value == literal.value]
    if not literal.is_whole:
        called = [g for g in alike if is_of_server(g.literals[0]) and _calls_any(literal, g)]
        if called:
            return max(called, key=lambda group: _nearness(literal, group))
    for group in alike:
        if group.literals[0].name == literal.name:
            return group
    if is_of_server(literal):
        return None
    candidates = [
        group
        for group in alike
        if set(group.services) != set(literal.services)
        and (not is_common(literal.value) or _calls_any(literal, group))
    ]
    return max(candidates, key=lambda group: _nearness(literal, group), default=None)


def _nearness(literal: Literal, group: Credential) -> tuple[bool, int, bool]:
    """Return how well *literal* goes with *group*, for a choice of several with its value.

    The ordinary user's password comes before the administrator's.
    """
    first = group.literals[0]
    theirs = {*words(first.name), *(word for name in group.services for word in words(name))}
    return (
        _calls_any(literal, group),
        len(theirs.intersection(words(literal.name))),
        "root" not in words(first.name),
    )


def _calls_any(literal: Literal, group: Credential) -> bool:
    return any(_calls(literal, other) for other in group.literals)


def _calls(literal: Literal, other: Literal) -> bool:
    """Return whether a service with *literal* names one with *other* as what it needs or calls."""
    for use in literal.uses:
        service = use.stack.services[use.service]
        needed = {name for name, _ in service.names("depends_on")}
        needed |= {name.partition(":")[0] for name, _ in service.names("links")}
        for name in other.services:
            host = rf"[@/=(:,]{re.escape(name)}\b"
            if name in needed or re.search(host, literal.node.value):
                return True
    return False


class Names:
    """Gives variables names that nothing else of a project uses.

    *values* are what env files have. A name that a file refers to already keeps its meaning.
    """

    def __init__(self, project: Project, every: Iterable[Stack], values: Mapping[str, str]) -> None:
        self.values = dict(values)
        self.used = set(_referenced(project, every))

    def name(self, credential: Credential) -> str:
        """Return a name for *credential*, and keep it from others."""
        first = credential.literals[0]
        service = variable_name(first.services[0])
        stem = re.sub(
            r"^(?:docker-)?compose[.-]?|\.ya?ml$", "", posixpath.basename(first.file.path)
        )
        base = first.name
        candidates = [base, f"{service}_{base}"]
        if stem.replace(".", ""):
            candidates += [
                f"{base}_{variable_name(stem)}",
                f"{service}_{base}_{variable_name(stem)}",
            ]
        n = 2
        while True:
            for name in candidates:
                if self.is_free(name, credential.value):
                    self.values[name] = credential.value
                    return name
            candidates = [f"{base}_{n}"]
            n += 1

    def is_free(self, name: str, value: str) -> bool:
        """Return whether *name* can stand for *value*."""
        if name in self.values:
            return self.values[name] == value
        return name not in self.used


def _referenced(project: Project, every: Iterable[Stack]) -> Iterable[str]:
    """Yield the variables that the files of *project* refer to, by ``${X}`` or by a bare name."""
    for file in project.files.values():
        yield from (variable.name for variable in file.variables)
    for stack in every:
        for service in stack.services.values():
            yield from _passed_on(service)


def _passed_on(service: Service) -> Iterable[str]:
    for definition in service.definitions:
        for attribute in ATTRIBUTES:
            node = definition.body
            for key in attribute:
                inner = merged_get(node, key)
                if inner is None:
                    break
                node = inner
            else:
                if isinstance(node, MappingNode):
                    yield from (e.name for e in node.entries if e.name and _is_bare(e.value))
                else:
                    texts = (scalar_text(item) or "" for item in item_nodes(node))
                    yield from (text for text in texts if "=" not in text)


def _is_bare(node: object) -> bool:
    return isinstance(node, Scalar) and node.is_null
