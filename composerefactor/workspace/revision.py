"""A git revision as files, as far as a Compose project can read it."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from composerefactor.errors import InputError, Location
from composerefactor.workspace.files import SKIPPED_DIRECTORIES
from composerefactor.workspace.git import Repository, ask

MAX_BLOB = 1024 * 1024
MAX_TOTAL = 128 * 1024 * 1024
"""Bytes; larger files are no texts of a project, and more of them are not compared."""


def export(repository: Repository, revision: str, target: Path) -> Path:
    """Write the files of *revision* below *target*; return the project directory there.

    The whole work tree is looked at, since a project reads ``../`` paths too, and scripts of any
    name say how it is started. Links, files of more than :data:`MAX_BLOB` bytes and what a partial
    clone has not fetched are left out.
    Raises InputError for a revision that git does not know, and for more than :data:`MAX_TOTAL`.
    """
    tree = f"{revision}^{{tree}}"
    listing = ask(
        repository.top, "ls-tree", "-r", "-l", "-z", "--full-tree", "--end-of-options", tree
    )
    wanted: list[tuple[bytes, str]] = []
    total = 0
    for record in listing.split(b"\0")[:-1]:
        about, _, name = record.partition(b"\t")
        mode, kind, digest, size = about.split()
        path = os.fsdecode(name)
        # git says BAD for what a partial clone has not fetched
        is_file = kind == b"blob" and mode != b"120000" and size.isdigit()
        is_file = is_file and int(size) <= MAX_BLOB
        if is_file and not SKIPPED_DIRECTORIES & set(PurePosixPath(path).parts):
            total += int(size)
            wanted.append((digest, path))
    if total > MAX_TOTAL:
        raise InputError(
            f"the files of this revision have {total:,} bytes",
            location=Location(revision),
            remedy="check the revision out and give its directory",
        )
    base = target / repository.top.name
    root = base / repository.prefix
    root.mkdir(parents=True)
    digests = b"".join(digest + b"\n" for digest, _ in wanted)
    answer = ask(repository.top, "cat-file", "--batch", stdin=digests)
    at = 0
    for _, path in wanted:
        head = answer.index(b"\n", at)
        size_of = int(answer[at:head].split()[2])
        place = base / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(answer[head + 1 : head + 1 + size_of])
        at = head + 1 + size_of + 1
    return root
