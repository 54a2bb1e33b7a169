"""Credentials as secrets, for images that read them from a file (``POSTGRES_PASSWORD_FILE``)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from msgspec import Struct

from composerefactor.catalog.catalog import load
from composerefactor.catalog.facts import Secret
from composerefactor.compose.expand import expand
from composerefactor.compose.merged import item_nodes, merged_get, scalar_text
from composerefactor.compose.order import SERVICE_ORDER
from composerefactor.compose.project import Project
from composerefactor.credentials.groups import Credential
from composerefactor.credentials.ignoring import ignore
from composerefactor.credentials.literals import Literal, Use
from composerefactor.edits.operations import AddItem, AddKey, AddLines, Edit, Rename, Replace
from composerefactor.edits.render import Value
from composerefactor.topology.stack import Service
from composerefactor.transform import Effect
from composerefactor.yamltree.nodes import Sequence
from composerefactor.yamltree.path import node_at

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


def _variable(literal: Literal) -> str | None:
    """Return the variable that takes the place of *literal*; None where nothing can."""
    own = ("services", literal.services[0], "environment")
    if not literal.is_whole or len(literal.services) > 1 or literal.path[:3] != own:
        return None
    names = {_file_name(use, literal.key) for use in literal.uses}
    return names.pop() if len(names) == 1 else None


def _file_name(use: Use, key: str) -> str | None:
    service = use.stack.services[use.service]
    image = expand(service.text("image") or "", use.stack.variables)
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
        if isinstance(known, Sequence):
            yield from (AddItem(path, (*body, "secrets"), name) for name in dict.fromkeys(names))
        else:
            value: list[Value] = [*dict.fromkeys(names)]
            yield AddKey(path, body, "secrets", value, SERVICE_ORDER)


def _pointed(literal: Literal, variable: str, target: str) -> Iterator[Edit]:
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
