"""A git revision as files, as far as a Compose project can read it."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from composerefactor.errors import InputError, Location
from composerefactor.source import MAX_BYTES
from composerefactor.workspace.git import Repository, ask

MAX_TOTAL = 64 * 1024 * 1024
"""Bytes; a revision with more text files of interest than this is not compared."""


def export(repository: Repository, revision: str, target: Path) -> Path:
    """Write the YAML and env files of *revision* below *target*; return the project directory.

    The whole work tree is looked at, since a project reads ``../`` paths too. Links are left out.
    Raises InputError for a revision that git does not know, and for more than :data:`MAX_TOTAL`.
    """
    tree = f"{revision}^{{tree}}"
    listing = ask(repository.top, "ls-tree", "-r", "-l", "-z", "--full-tree", tree)
    wanted: list[tuple[str, str]] = []
    total = 0
    for record in listing.split(b"\0")[:-1]:
        about, _, name = record.partition(b"\t")
        mode, kind, digest, size = about.split()
        path = os.fsdecode(name)
        if kind != b"blob" or mode == b"120000" or not _is_wanted(path) or int(size) > MAX_BYTES:
            continue
        total += int(size)
        wanted.append((digest.decode(), path))
    if total > MAX_TOTAL:
        raise InputError(
            f"the YAML and env files of this revision have {total:,} bytes",
            location=Location(revision),
            remedy="check the revision out and give its directory",
        )
    base = target / repository.top.name
    root = base / repository.prefix
    root.mkdir(parents=True)
    for blob, path in wanted:
        place = base / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(ask(repository.top, "cat-file", "blob", blob))
    return root


def _is_wanted(path: str) -> bool:
    name = PurePosixPath(path).name.lower()
    return name.endswith((".yml", ".yaml", ".env", ".example")) or "env" in name or name in _SCRIPTS


_SCRIPTS = frozenset({"makefile", "package.json", "readme.md", "justfile"})
