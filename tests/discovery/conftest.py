"""A project in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from composerefactor.discovery.find import Survey

SERVICE = "services:\n  web:\n    image: nginx\n"
OVERRIDE = "services:\n  web:\n    restart: always\n"


class MemoryFiles:
    """A FileReader over a dictionary; None means a binary or too large file."""

    def __init__(self, texts: Mapping[str, str | None]) -> None:
        self.texts = dict(texts)

    def paths(self) -> Sequence[str]:
        return sorted(self.texts)

    def read(self, path: str) -> str | None:
        return self.texts.get(path)

    def exists(self, path: str) -> bool:
        return self.texts.get(path) is not None

    def read_bytes(self, path: str) -> bytes:
        return (self.texts[path] or "").encode()


@pytest.fixture
def files() -> Callable[[Mapping[str, str | None]], MemoryFiles]:
    """Return a factory of projects: path -> text."""
    return MemoryFiles


@pytest.fixture
def surveyed() -> Callable[[Mapping[str, str | None]], Survey]:
    """Return a function that surveys a project: path -> text."""
    # Imported late: the C parser is hidden only after this file is read.
    from composerefactor.compose.files import Library  # noqa: PLC0415
    from composerefactor.discovery.files import TreeFacts  # noqa: PLC0415
    from composerefactor.discovery.find import survey  # noqa: PLC0415

    def run(texts: Mapping[str, str | None]) -> Survey:
        reader = MemoryFiles(texts)
        return survey(reader, TreeFacts(reader, Library(reader)))

    return run


@pytest.fixture
def project() -> dict[str, str]:
    """A default file, an override and three more files."""
    return {
        "docker-compose.yml": SERVICE,
        "docker-compose.prod.yml": OVERRIDE,
        "docker-compose.dev.yml": OVERRIDE,
        "docker/extra.yml": OVERRIDE,
        "scripts/x/keep": "",
    }
