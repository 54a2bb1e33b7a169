"""Files whose content Docker Compose passes on without reading it.

A resolved configuration has only the paths of mounted files, configs, secrets and Dockerfiles. So
two states are equal in it, and ``up`` recreates no container, although such a file differs.
"""

from __future__ import annotations

import contextlib
import filecmp
import posixpath
from collections.abc import Iterator

from composerefactor.compose.paths import is_absolute
from composerefactor.compose.project import Project
from composerefactor.compose.services import StartModel, start_models
from composerefactor.planning.opening import OpenProject


def differing_contents(old: OpenProject, new: OpenProject) -> tuple[str, ...]:
    """Return the paths of the files that both states pass on, and whose content differs.

    A file that is in only one of the states is not included: git may ignore it.
    """
    paths = _passed_on(old.project) & _passed_on(new.project)
    return tuple(sorted(path for path in paths if _differs(old, new, path)))


def _differs(old: OpenProject, new: OpenProject, path: str) -> bool:
    if not (old.files.exists(path) and new.files.exists(path)):
        return False
    with contextlib.suppress(OSError):
        return not filecmp.cmp(old.files.root / path, new.files.root / path, shallow=False)
    return False


def _passed_on(project: Project) -> set[str]:
    """Return the files that Docker Compose mounts, or gives to a build, without reading them."""
    paths = (path for model in start_models(project) for path in _paths(model))
    return {posixpath.normpath(path) for path in paths if not is_absolute(path)}


def _paths(model: StartModel) -> Iterator[str]:
    for service in model.services.values():
        mounts = (volume.value for volume in service.volumes)
        yield from (mount.source for mount in mounts if mount.kind == "bind" and mount.source)
        build = service.build.value if service.build is not None else None
        if build is not None and build.directory is not None and build.inline is None:
            yield build.dockerfile_path
    for section in ("configs", "secrets"):
        for nodes in model.declared(section).values():
            for node in nodes:
                if text := node.text_below("file"):
                    yield node.scope.path(text)
