"""Literals that are one and the same credential, and what a variable for it is called."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch

from msgspec import Struct

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.env_files import text_of
from composerefactor.compose.hosts import words
from composerefactor.compose.interpolation import expand
from composerefactor.compose.merge_keys import item_nodes, merged_get, scalar_text
from composerefactor.compose.project import Project
from composerefactor.compose.secrets import is_common, variable_name
from composerefactor.compose.services import Service, StartModel
from composerefactor.edit.operations import AddItem, AddKey, AddLines, Edit, Rename, Replace
from composerefactor.edit.rendering import Value
from composerefactor.images.catalog import load
from composerefactor.images.credentials import ATTRIBUTES, LiteralCredential, Use, known_secrets
from composerefactor.images.entries import Secret
from composerefactor.refactoring.contract import Effect
from composerefactor.yaml.nodes import MappingNode, ScalarNode, SequenceNode, node_at


class Credential(Struct, eq=False):
    """One credential: all *literals* have the same value; the first gives it its name."""

    literals: list[LiteralCredential]
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


def credentials(found: Iterable[LiteralCredential]) -> list[Credential]:
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


def is_of_server(literal: LiteralCredential) -> bool:
    """Return whether *literal* is what the image of its service takes as its own credential."""
    return literal.is_whole and any(
        literal.key in known_secrets(use.model, use.service) for use in literal.uses
    )


def _group_of(literal: LiteralCredential, groups: Iterable[Credential]) -> Credential | None:
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


def _nearness(literal: LiteralCredential, group: Credential) -> tuple[bool, int, bool]:
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


def _calls_any(literal: LiteralCredential, group: Credential) -> bool:
    return any(_calls(literal, other) for other in group.literals)


def _calls(literal: LiteralCredential, other: LiteralCredential) -> bool:
    """Return whether a service with *literal* names one with *other* as what it needs or calls."""
    for use in literal.uses:
        service = use.model.services[use.service]
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

    def __init__(
        self, project: Project, every: Iterable[StartModel], values: Mapping[str, str]
    ) -> None:
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


def _referenced(project: Project, every: Iterable[StartModel]) -> Iterable[str]:
    """Yield the variables that the files of *project* refer to, by ``${X}`` or by a bare name."""
    for file in project.files.values():
        yield from (variable.name for variable in file.variables)
    for model in every:
        for service in model.services.values():
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
    return isinstance(node, ScalarNode) and node.is_null


def ignore(project: Project, path: str, pattern: str = "") -> AddLines | None:
    """Return the edit of ``.gitignore`` that keeps *path* out of git, or None where something does.

    *pattern* is its name, unless another is given. Without git the lines of the file decide.
    """
    if project.is_ignored(path):
        return None
    pattern = pattern or posixpath.basename(path)
    lines = [line.strip().removeprefix("/") for line in text_of(project, ".gitignore").splitlines()]
    if any(line and not line.startswith(("#", "!")) and fnmatch(pattern, line) for line in lines):
        return None
    return AddLines(".gitignore", f"{pattern}\n")


FOLDER = "secrets"
"""Where the files of secrets stand, below the project directory."""


class FileSecret(Struct, frozen=True):
    """A *credential* that becomes the secret *name*, whose value stands in the file *path*.

    *variables* has the name of the variable that tells the image where the file is, by literal.
    """

    credential: Credential
    name: str
    path: str
    variables: tuple[str, ...]


def file_secret(project: Project, credential: Credential) -> FileSecret | None:
    """Return *credential* as a secret; None where an image, or somebody else, needs the text."""
    found = [_variable(literal) for literal in credential.literals]
    directories = {d for path in credential.files for d in project.directories.get(path, set())}
    name = credential.literals[0].name.lower()
    files = [literal.file for literal in credential.literals]
    if (
        any(variable is None for variable in found)
        or len(directories) != 1
        or any(name in file.entries("secrets") for file in files)
    ):
        return None
    path = posixpath.normpath(posixpath.join(directories.pop(), FOLDER, f"{name}.txt"))
    if path.startswith(("../", "/")) or project.exists(path) or project.is_tracked(path):
        return None
    return FileSecret(credential, name, path, tuple(v for v in found if v is not None))


def _variable(literal: LiteralCredential) -> str | None:
    """Return the variable that takes the place of *literal*; None where nothing can."""
    own = ("services", literal.services[0], "environment")
    if not literal.is_whole or len(literal.services) > 1 or literal.path[:3] != own:
        return None
    names = {_file_name(use, literal.key) for use in literal.uses}
    return names.pop() if len(names) == 1 else None


def _file_name(use: Use, key: str) -> str | None:
    service = use.model.services[use.service]
    image = expand(service.text("image") or "", use.model.variables)
    entry = load().match(image) if image else None
    known: Secret | None = next((s for s in entry.secrets if s.env == key), None) if entry else None
    if known is None or not known.file or known.versions or _is_needed_inside(service, key):
        return None
    if len(service.values("secrets")) > 1:
        return None
    return known.file_name


def _is_needed_inside(service: Service, key: str) -> bool:
    """Return whether a command in the container reads the variable, which is empty then."""
    texts = [
        scalar_text(node) or ""
        for attribute in ("command", "entrypoint")
        for found in service.values(attribute)
        for node in item_nodes(found.node)
    ]
    for check in service.values("healthcheck"):
        texts += [scalar_text(node) or "" for node in item_nodes(merged_get(check.node, "test"))]
    return any(re.search(rf"\$\{{?{re.escape(key)}\b", text) for text in texts)


def edits(project: Project, found: list[FileSecret]) -> Iterator[Edit]:
    """Yield what makes secrets of *found*, which are those of the same services."""
    granted: dict[tuple[str, str], list[str]] = {}
    for each in found:
        for literal, variable in zip(each.credential.literals, each.variables, strict=True):
            yield from _pointed(literal, variable, f"/run/secrets/{each.name}")
            granted.setdefault((literal.file.path, literal.services[0]), []).append(each.name)
        for file in sorted(each.credential.files):
            yield AddKey(file, (FOLDER,), each.name, {"file": f"./{FOLDER}/{each.name}.txt"})
        yield AddLines(each.path, f"{each.credential.value}\n", private=True)
        if (ignored := ignore(project, each.path, f"{FOLDER}/")) is not None:
            yield ignored
    for (path, service), names in granted.items():
        body = ("services", service)
        known = node_at(project.files[path].root, (*body, "secrets"))
        if isinstance(known, SequenceNode):
            yield from (AddItem(path, (*body, "secrets"), name) for name in dict.fromkeys(names))
        else:
            value: list[Value] = [*dict.fromkeys(names)]
            yield AddKey(path, body, "secrets", value, SERVICE_ORDER)


def _pointed(literal: LiteralCredential, variable: str, target: str) -> Iterator[Edit]:
    """Yield the edits that name the file in place of the value."""
    if literal.start:  # an item of a list: NAME=value
        yield Replace(literal.file.path, literal.path, f"{variable}={target}")
        return
    yield Rename(literal.file.path, literal.path, variable)
    yield Replace(literal.file.path, literal.path, target)


def effects(found: list[FileSecret]) -> Iterator[Effect]:
    """Yield what *found* change in the model."""
    for each in found:
        yield Effect(("secrets", each.name), "adds")
        for literal, variable in zip(each.credential.literals, each.variables, strict=True):
            for use in literal.uses:
                service = ("services", use.service)
                yield Effect((*service, "environment", literal.key), "removes")
                yield Effect((*service, "environment", variable), "adds")
                yield Effect((*service, "secrets"), "changes")
                yield Effect((*service, "secrets"), "adds")
