"""What a build sends to its builder."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import merged_entries, merged_get, scalar_text
from composerefactor.yamltree.nodes import Mapping, resolve

_ELSEWHERE = ("git@", "github.com/", "$", "/", "~", "service:")


def services_that_send(file: ComposeFile, directory: str) -> Iterator[str]:
    """Yield the services whose build context holds *directory*, relative to the project directory.

    A missing context is the project directory (Compose specification). Remote contexts, and those
    that begin with a variable, are left out.
    """
    for name, body in file.services.items():
        entry = merged_entries(body).get("build")
        if entry is None:
            continue
        build = resolve(entry.value)
        written = merged_get(build, "context") if isinstance(build, Mapping) else build
        context = scalar_text(written) or "."
        if "://" in context or context.startswith(_ELSEWHERE):
            continue
        context = posixpath.normpath(context)
        if context in {".", directory} or directory.startswith(f"{context}/"):
            yield name
