"""What the environment or the variant of a root file is called.

The file's name says it (``docker-compose.prod.yml``), or its content does (``NODE_ENV:
production``, ``target: development``, the comment at its top).
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.interpolation import expand
from composerefactor.compose.merge_keys import (
    item_nodes,
    merged_entries,
    merged_get,
    scalar_text,
)
from composerefactor.compose.project import Project
from composerefactor.refactoring.modules.grouping import kebab
from composerefactor.yaml.nodes import MappingNode, Node

UNNAMED = "base"
"""The environment of a file if nothing says which one it is."""


_KINDS: Mapping[str, str] = MappingProxyType(
    {
        word: kind
        for kind, words in {
            "development": "dev devel develop development local",
            "production": "live prod production",
            "staging": "preprod stage staging uat",
            "testing": "ci e2e qa test testing tests",
            "demo": "demo preview",
        }.items()
        for word in words.split()
    }
)
"""Words that name an environment; those with one value mean the same."""

_FAMILY = re.compile(r"(?:^|[._-])(?:docker[._-]?)?compose(?=$|[._-])", re.IGNORECASE)
_VARIABLES = re.compile(
    r"(?:\w+_)?ENV(?:IRONMENT)?|DJANGO_SETTINGS_MODULE|SPRING_PROFILES_ACTIVE", re.ASCII
)
_HEADER = re.compile(
    r"\b(\w+)[ -](?:compose|config(?:uration)?|deployment|env(?:ironment)?|mode|setup|server"
    r"|stack)\b"
    r"|(?:^|\bfor |\bin |[-:(] ?)(?:local )?(\w+)(?=\s*(?:[-.,:)]|$))",
    re.IGNORECASE,
)
"""``production stack``, ``for local development``, ``Production:``."""
_OTHER = re.compile(r"\.ya?ml\b|\b(?:never|not|without)\b|n't\b", re.IGNORECASE)
"""A line about another environment: "for production see docker-compose.prod.yml"."""


def environment_name(project: Project, path: str) -> str:
    """Return the name of the environment of the root file *path*, in kebab-case.

    ``docker-compose.dev.yml``, ``dev.docker-compose.yml`` and ``dev.yml`` give ``dev``. A plain
    ``docker-compose.yml`` is called what its content says. It is ``base`` if that says nothing, or
    if another file of the directory is called so: Compose's documentation calls the file that is
    read without ``-f`` the base configuration, and a guess, such as ``development`` beside
    ``docker-compose.prod.yml``, would be wrong where it is what everybody runs.
    """
    named = name_in_path(path)
    if named:
        return named
    directory = posixpath.dirname(path)
    others = {name_in_path(p) for p in project.files if posixpath.dirname(p) == directory}
    said = _said(project.files[path])
    if not said or any(_kind(name) == _kind(said) for name in others):
        return UNNAMED
    return said


def are_environments(project: Project, paths: Sequence[str]) -> bool:
    """Return whether the root files *paths* are environments of a project, not variants of it.

    Variants have other parts: ``docker-compose-mysql.yml``, ``docker-compose-postgres.yml``. Files
    are environments if each is of a known kind by its name or its content, and these are not the
    same for all. A plain ``docker-compose.yml`` may belong to either.
    """
    kinds = {path: _kind_in(name_in_path(path)) for path in paths if name_in_path(path)}
    said = {path: _kind(_said(project.files[path])) for path in paths}
    if not all(kind or said[path] for path, kind in kinds.items()):
        return False
    return any(kinds.values()) or len(set(said.values())) > 1


def _kind_in(name: str) -> str:
    return next((_kind(word) for word in name.split("-") if _kind(word)), "")


def name_in_path(path: str) -> str:
    """Return what the file name of *path* says besides ``docker-compose``, maybe ``""``."""
    stem = posixpath.basename(path).rsplit(".", 1)[0]
    rest = _FAMILY.sub("", stem).strip("._-")
    return kebab(rest) if rest else ""


def _kind(word: str) -> str:
    return _KINDS.get(word, "")


def _said(file: ComposeFile) -> str:
    """Return the environment that *file* names, ``""`` if it names none or contradicts itself.

    Variables of services say most, then the build stages, then the comment at the top.
    """
    for words in (_variables(file), _stages(file), _header(file)):
        known = [word for word in words if _kind(word)]
        kinds = Counter(map(_kind, known)).most_common(2)
        if len(kinds) == 1 or (kinds and kinds[0][1] > kinds[1][1]):
            return Counter(w for w in known if _kind(w) == kinds[0][0]).most_common(1)[0][0]
    return ""


def _variables(file: ComposeFile) -> Iterator[str]:
    """Yield the values of variables for the environment; of a settings module, the last name."""
    for body in file.services.values():
        for name, value in _pairs(merged_get(body, "environment")):
            if _VARIABLES.fullmatch(name):
                yield expand(value, {}).rsplit(".", 1)[-1].lower()


def _pairs(node: Node | None) -> Iterator[tuple[str, str]]:
    if isinstance(node, MappingNode):
        for name, entry in merged_entries(node).items():
            yield name, scalar_text(entry.value) or ""
    for item in item_nodes(node):
        name, _, value = (scalar_text(item) or "").partition("=")
        yield name, value


def _stages(file: ComposeFile) -> Iterator[str]:
    for body in file.services.values():
        stage = scalar_text(merged_get(merged_get(body, "build"), "target"))
        yield expand(stage or "", {}).lower()


def _header(file: ComposeFile) -> Iterator[str]:
    """Yield the words that may name an environment in the comments at the top."""
    for line in file.source.text.splitlines():
        text = line.strip()
        if text and not text.startswith("#"):
            return
        if not _OTHER.search(text):
            found = _HEADER.finditer(text.strip("#=*- "))
            yield from ((match[1] or match[2]).lower() for match in found)
