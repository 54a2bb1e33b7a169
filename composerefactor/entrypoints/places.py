"""Places of files: paths as scripts write them, and what is read where nothing is named."""

from __future__ import annotations

from composerefactor.entrypoints.declared import settings
from composerefactor.entrypoints.files import Listing, join
from composerefactor.entrypoints.variables import OPEN, ROOT


def split_files(value: str, separator: str = "") -> tuple[str, ...]:
    """Split a ``COMPOSE_FILE``; without *separator* at ``:``, or ``;`` as Windows has it."""
    if not separator:
        separator = ";" if ";" in value else ":"
    return tuple(part for part in value.split(separator) if part)


def local_path(directory: str, path: str) -> str | None:
    """Return *path* as a path relative to the project, or None where it is outside or unknown."""
    at = path.rfind(ROOT)
    if at >= 0:
        directory, path = ".", path[at + 1 :].lstrip("/") or "."
    if path.startswith(("/", "~")) or OPEN in path:
        return None
    joined = join(directory, path)
    return None if joined == ".." or joined.startswith("../") else joined


def implicit_files(directory: str, listing: Listing) -> tuple[str, ...]:
    """Return the files that the engine takes in *directory* without ``-f``; empty for none.

    These are ``COMPOSE_FILE`` of the ``.env`` there, else the default file with its override.
    """
    text = (
        listing.read(join(directory, ".env")) if listing.exists(join(directory, ".env")) else None
    )
    given = settings(text or "")
    value = given.get("COMPOSE_FILE", ("", 0))[0]
    if value:
        named = split_files(value, given.get("COMPOSE_PATH_SEPARATOR", ("", 0))[0])
        files = tuple(path for name in named if (path := local_path(directory, name)) is not None)
        if len(files) == len(named) and all(map(listing.exists, files)):
            return files
    return default_files(directory, listing)


def default_files(directory: str, listing: Listing) -> tuple[str, ...]:
    """Return the default file in *directory* with its override; empty for none."""
    default = listing.default_file(directory)
    if default is None:
        return ()
    override = listing.override_file(directory)
    return (default, override) if override else (default,)
