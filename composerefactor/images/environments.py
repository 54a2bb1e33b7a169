"""What a Compose file is for: production, staging, development or tests.

The settings file decides. Otherwise the first of these does: the name of the file or of its
directory, its header comment, a service that emulates a cloud service, and the values of
``NODE_ENV``, ``APP_ENV`` ... and of ``build.target``, if all of them agree.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.merge_keys import item_nodes, merged_entries, merged_get, scalar_text
from composerefactor.compose.project import EnvironmentKind, Project
from composerefactor.images.catalog import load_catalog
from composerefactor.yaml.comments import full_line_comments
from composerefactor.yaml.nodes import MappingNode, Node

NAMES: dict[EnvironmentKind, frozenset[str]] = {
    "test": frozenset("ci e2e integration test testing tests".split()),  # noqa: SIM905 - words
    "development": frozenset(
        "debug dev devcontainer devel develop development local".split()  # noqa: SIM905 - words
    ),
    "staging": frozenset("preprod preproduction stage staging uat".split()),  # noqa: SIM905 - words
    "production": frozenset("live prod production".split()),  # noqa: SIM905 - words
}
"""What environments are called in names of files, in variables and in build targets."""

PURPOSES: dict[EnvironmentKind, str] = {
    "test": "tests",
    "development": "development",
    "staging": "staging",
    "production": "production",
}
"""What the file of an environment is for, for messages."""

MODE_VARIABLE = re.compile(r"(?:[A-Z]+_)*ENV(?:IRONMENT)?|SPRING_PROFILES_ACTIVE|(?:[A-Z]+_)+MODE")
"""The name of a variable that tells a program in which environment it runs."""

_WORDS: dict[EnvironmentKind, str] = {
    "test": r"(?:ci|e2e|end-to-end|integration|testing|tests?)",
    "development": r"(?:dev|development|debugging|developers)",
    "staging": r"staging",
    "production": r"production",
}
_HEADERS = {
    kind: re.compile(
        rf"^{words}\b|\bfor (?:\w+ )?{words}\b|\bwhen {words}\b"
        rf"|\b{words} (?:docker|compose|environment|setup|stack|only|configuration|deployment)\b",
        re.IGNORECASE,
    )
    for kind, words in _WORDS.items()
}
_OF_ANOTHER_FILE = re.compile(r"\b(?:not?|never|instead|see)\b|don't|\.ya?ml\b", re.IGNORECASE)
_HEADER_LINES = 12


class FileEnvironment(Struct, frozen=True):
    """The environment of a Compose file.

    Attributes:
        kind: The environment.
        reason: How we know, for messages.
        is_named: False if only values such as that of ``NODE_ENV`` say so: with other values the
            same file would be for another environment.
    """

    kind: EnvironmentKind
    reason: str
    is_named: bool = True


def environment_of(project: Project, path: str) -> FileEnvironment | None:
    """Return the environment of the Compose file at *path* of *project*; None if it is unknown."""
    configured = project.environments.get(path)
    if configured is not None:
        return FileEnvironment(configured, "the settings")
    file = project.files.get(path)
    return _named(path) or (_described(file) if file is not None else None)


def short_lived_reason(project: Project, path: str) -> str | None:
    """Return why containers of the file at *path* run only for development or tests, or None."""
    environment = environment_of(project, path)
    if environment is None or environment.kind not in {"development", "test"}:
        return None
    return f"{path} is for {PURPOSES[environment.kind]} ({environment.reason})"


def _named(path: str) -> FileEnvironment | None:
    """Return the environment that the name of the file, or of a directory above it, contains."""
    *directories, name = path.split("/")
    stem = posixpath.splitext(name)[0].lower()
    words = set(re.split(r"[._-]+", stem))
    for kind, names in NAMES.items():
        if words & names:
            return FileEnvironment(kind, "its name")
    for directory in reversed(directories):
        for kind, names in NAMES.items():
            if directory.lower().lstrip(".") in names:
                return FileEnvironment(kind, f"its directory {directory}")
    return None


@lru_cache(maxsize=64)
def _described(file: ComposeFile) -> FileEnvironment | None:
    """Return the environment that the content of *file* shows."""
    return _in_header(file) or _emulated(file) or _in_values(file)


def _in_header(file: ComposeFile) -> FileEnvironment | None:
    """Return the environment that the comments at the beginning of *file* name, if it is one."""
    lines = []
    for line in file.source.text.splitlines()[:_HEADER_LINES]:
        if line.strip() and not line.lstrip().startswith("#"):
            break
        lines += [text.strip("# \t-=*") for text in full_line_comments(line)]
    kinds: set[EnvironmentKind] = set()
    for line in lines:
        named = [
            k for k, words in _WORDS.items() if re.search(rf"\b{words}\b", line, re.IGNORECASE)
        ]
        if len(named) == 1 and not _OF_ANOTHER_FILE.search(line):
            kinds |= {kind for kind in named if _HEADERS[kind].search(line)}
    return FileEnvironment(kinds.pop(), "its header comment") if len(kinds) == 1 else None


def _emulated(file: ComposeFile) -> FileEnvironment | None:
    """Return development if a service of *file* emulates a cloud service."""
    for name, body in file.services.items():
        image = scalar_text(merged_get(body, "image"))
        if image and load_catalog().category(image) == "emulator":
            reason = f"{name} emulates a cloud service"
            return FileEnvironment("development", reason)
    return None


def _in_values(file: ComposeFile) -> FileEnvironment | None:
    """Return the environment in which all services of *file* that name one run."""
    found: dict[EnvironmentKind, str] = {}
    for body in file.services.values():
        for name, value in _modes(body):
            for kind, names in NAMES.items():
                if value.lower() in names:
                    found.setdefault(kind, f"{name}: {value}")
    if len(found) != 1:
        return None
    ((kind, reason),) = found.items()
    return FileEnvironment(kind, reason, is_named=False)


def _modes(body: Node) -> Iterator[tuple[str, str]]:
    """Yield the build target of the service *body*, and its variables that name an environment."""
    target = scalar_text(merged_get(merged_get(body, "build"), "target"))
    if target:
        yield "target", target
    node = merged_get(body, "environment")
    if isinstance(node, MappingNode):
        pairs = [(n, scalar_text(entry.value)) for n, entry in merged_entries(node).items()]
    else:
        texts = [(scalar_text(item) or "").partition("=") for item in item_nodes(node)]
        pairs = [(name, value) for name, _, value in texts]
    yield from ((name, value) for name, value in pairs if value and MODE_VARIABLE.fullmatch(name))
