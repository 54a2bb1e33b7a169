"""Files that are merged over a base, and define services that it has, once more from the start."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import merged_get
from composerefactor.compose.project import Project


def repeating(project: Project) -> Iterator[str]:
    """Yield the files that only follow others in ``-f`` lists and may repeat what those define.

    A file that names no image or build for any service that a base has is no copy of it.
    """
    bases = project.bases
    later = dict.fromkeys(path for entry in project.readable for path in entry.files[1:])
    known = {name for path in bases for name in project.files[path].services}
    for path in later:
        file = project.files[path]
        if path not in bases and any(n in known and may_repeat(file, n) for n in file.services):
            yield path


def may_repeat(file: ComposeFile, name: str) -> bool:
    """Return whether *file* has a definition of the service *name* that may be a copy of a base's.

    It gives an image, or tells how to build one. Files of variables are out: the path of one that
    is included is absolute, and stands twice in an uninterpolated model (observed: v5.6.1).
    """
    body = file.services[name]
    runs = any(merged_get(body, key) is not None for key in ("image", "build"))
    return runs and all(merged_get(body, key) is None for key in ("env_file", "label_file"))
