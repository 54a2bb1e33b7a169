"""A project in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from composerefactor.discovery.files import Listing, TreeFacts
    from composerefactor.discovery.find import Survey

SERVICE = "services:\n  web:\n    image: nginx\n"
OVERRIDE = "services:\n  web:\n    restart: always\n"


class MemoryFiles:
    """A Reader over a dictionary; None means a binary or too large file."""

    def __init__(self, texts: Mapping[str, str | None]) -> None:
        self.texts = dict(texts)

    def exists(self, path: str) -> bool:
        return self.texts.get(path) is not None

    def read_bytes(self, path: str) -> bytes:
        return (self.texts[path] or "").encode()


@pytest.fixture
def listing() -> Callable[[Mapping[str, str | None]], Listing]:
    """Return a function that lists a project: path -> text."""
    # Imported late: the C parser is hidden only after this file is read.
    from composerefactor.discovery.files import Listing  # noqa: PLC0415

    return lambda texts: Listing(lambda: sorted(texts), texts.get)


@pytest.fixture
def facts(
    listing: Callable[[Mapping[str, str | None]], Listing],
) -> Callable[[Mapping[str, str | None]], TreeFacts]:
    """Return a function that reads the Compose files of a project: path -> text."""
    from composerefactor.compose.files import Library  # noqa: PLC0415
    from composerefactor.discovery.files import TreeFacts  # noqa: PLC0415

    return lambda texts: TreeFacts(listing(texts), Library(MemoryFiles(texts)))


@pytest.fixture
def surveyed(
    listing: Callable[[Mapping[str, str | None]], Listing],
    facts: Callable[[Mapping[str, str | None]], TreeFacts],
) -> Callable[[Mapping[str, str | None]], Survey]:
    """Return a function that surveys a project: path -> text."""
    from composerefactor.discovery.find import survey  # noqa: PLC0415

    return lambda texts: survey(listing(texts), facts(texts))


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
