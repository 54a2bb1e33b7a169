"""Verifying that two states of a project are equal: directories, Compose files or git revisions."""

from __future__ import annotations

import contextlib
import filecmp
import os
import posixpath
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import RESOURCE_SECTIONS
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.paths import is_absolute, path_from
from composerefactor.compose.project import Project
from composerefactor.compose.services import StartModel, start_models
from composerefactor.discovery.command_files import reader_for
from composerefactor.errors import (
    EngineError,
    InputError,
    Location,
    RefusedError,
    UsageError,
    first_of,
)
from composerefactor.planning.opening import OpenProject, ProjectSelection, open_project
from composerefactor.proof.comparison import ProofResult
from composerefactor.proof.engine import Engine
from composerefactor.proof.prover import Prover
from composerefactor.proof.scenarios import Definitions, needed_scenarios
from composerefactor.proof.staging import Progress
from composerefactor.refactoring.modules.anchors import AnchorIndex
from composerefactor.workspace.git import export, find_repository

_MOST_NAMED = 3


class StateComparison(Struct, frozen=True):
    """The comparison of two states.

    Attributes:
        old: The old state.
        new: The new state.
        engine: Docker Compose, as it was run.
        proof: The result.
        rejected: The start commands of the old state that Docker Compose rejects, with its message.
        contents: The files with another content; the resolved configuration has only their paths.
    """

    old: OpenProject
    new: OpenProject
    engine: Engine
    proof: ProofResult
    rejected: dict[Invocation, str]
    contents: tuple[str, ...] = ()


def compare(
    old: OpenProject,
    new: OpenProject,
    engine: Engine,
    progress: Progress | None = None,
) -> StateComparison:
    """Compare the resolved configurations of *old* and *new*, for every start command of *old*.

    Args:
        old: The old state.
        new: The new state, with the same number of start commands.
        engine: Docker Compose.
        progress: Shows how far the verification is.

    Raises:
        EngineError: Docker Compose rejects every start command of the old state.
    """
    inputs = old.project.inputs | new.project.inputs
    changes: dict[str, bytes | None] = {}
    names = {  # the root files of the new state may have other names
        old_name: new_name
        for old_entry, new_entry in zip(old.project.entries, new.project.entries, strict=True)
        for old_name, new_name in zip(old_entry.files, new_entry.files, strict=True)
    }
    texts: dict[str, bytes] = {}
    for path in sorted(inputs):
        name = names.get(path, path)
        before = old.files.read_bytes(path) if old.files.exists(path) else None
        if before is not None:
            texts[path] = before
        after = new.files.read_bytes(name) if new.files.exists(name) else None
        if before != after:
            changes[path] = after
    with Prover(
        engine,
        old.root,
        old.project.readable,
        inputs,
        env_files=old.project.env_files | new.project.env_files,
        variables_of=old.variables_of,
        profiles_of=old.profiles_of,
        environ=old.environ,
        progress=progress,
        needed=needed_scenarios(
            old.project.readable,
            texts,
            changes,
            _definitions(old, {}),
            _definitions(new, {new_name: old_name for old_name, new_name in names.items()}),
        ),
    ) as prover:
        rejected = prover.rejected()
        if len(rejected) == len(old.project.readable):
            entry, message = next(iter(rejected.items()))
            raise EngineError(
                f"Docker Compose rejects the old state: {message}",
                location=Location(entry.root_file),
                remedy="correct the old state, or compare with another one",
            )
        proof = prover.check(changes, moved=list(_moved_blocks(old, new)))
        return StateComparison(old, new, engine, proof, rejected, differing_contents(old, new))


def _definitions(opened: OpenProject, names: Mapping[str, str]) -> Definitions:
    """Return what the files of a state define; *names* has other names of files."""
    files = opened.project.files
    return Definitions(
        frozenset(names.get(path, path) for path in files),
        frozenset(opened.project.env_files),
        frozenset(
            (section, name)
            for file in files.values()
            for section in RESOURCE_SECTIONS
            for name in file.entries(section)
        ),
    )


def _moved_blocks(old: OpenProject, new: OpenProject) -> Iterator[str]:
    """Yield the ``x-`` sections of *old* whose move has no effect on services.

    They only carry anchors, or are the value of an anchor without an alias, which a comment may
    name, and are in a file of *new*.
    """
    kept = {name for file in new.project.files.values() for name in file.sections or ()}
    for file in old.project.files.values():
        anchors = AnchorIndex(file)
        for name, section in (file.sections or {}).items():
            is_spare = name in kept and section.region.entry.value.anchor is not None
            if name.startswith("x-") and (is_spare or anchors.carries_only_anchors(section)):
                yield name


def differing_contents(old: OpenProject, new: OpenProject) -> tuple[str, ...]:
    """Return the paths of the files that both states pass on, and whose content differs.

    A resolved configuration has only the paths of mounted files, configs, secrets and Dockerfiles.
    So two states are equal in it, and ``up`` recreates no container, although such a file differs.
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


@contextlib.contextmanager
def open_state(
    name: str, here: Path, choice: ProjectSelection, entries: Sequence[Invocation] | None = None
) -> Iterator[OpenProject]:
    """Open the state *name*: a directory, a Compose file, or a git revision of *here*.

    A revision is exported to a private directory while the context is active, as far as a Compose
    project can read it.

    Args:
        name: The state.
        here: A directory in the git repository.
        choice: How to open it; its path is ignored.
        entries: The start commands to use instead of those that are found. If *name* is a file, it
            replaces the only file of the only start command.

    Raises:
        InputError: *name* is none of the three.
        UsageError: *name* is a file, and *entries* has more than one file.
    """
    path = Path(name)
    if path.is_file():
        if entries is not None:
            if [len(entry.files) for entry in entries] != [1]:
                raise UsageError(
                    f"{name} is a single file, but the old state has more than one",
                    remedy="compare a file with a file, or a directory with a directory",
                )
            entries = [replace(entries[0], files=(path.name,))]
        yield open_project(replace(choice, path=path.parent, file=(path.name,)), entries)
        return
    if path.is_dir():
        yield open_project(replace(choice, path=path), entries)
        return
    repository = find_repository(here.resolve())
    if repository is None:
        raise InputError(
            "neither a file nor a directory, and not in a git repository",
            location=Location(name),
        )
    with tempfile.TemporaryDirectory(prefix="composerefactor-") as temporary:
        exported = export(repository, name, Path(temporary))
        try:
            opened = open_project(replace(choice, path=exported.root), entries)
        except InputError as error:
            if exported.missing:
                raise _not_fetched(name, exported.missing) from None
            if error.location and error.location.path.startswith(temporary):
                error.location = Location(name)
            raise
        top = Path(temporary).resolve() / repository.top.name
        prefix = opened.root.relative_to(top).as_posix()
        read = {path_from(prefix, path) for path in opened.project.inputs}
        lacking = {
            path
            for path in exported.missing
            if path in read or ((top / path).is_relative_to(opened.root) and _may_decide(path))
        }
        if lacking:
            raise _not_fetched(name, lacking)
        yield replace(opened, exported=prefix.removeprefix("."))


def _may_decide(path: str) -> bool:
    """Return whether the file *path* may be a Compose file, or contain a start command."""
    return path.endswith((".yml", ".yaml")) or reader_for(path) is not None


def _not_fetched(revision: str, paths: AbstractSet[str]) -> RefusedError:
    """Return the error for files of *revision* that a partial clone does not have.

    It is no InputError: the state exists, and must not count as one without these files.
    """
    return RefusedError(
        f"this partial clone has not fetched {first_of(sorted(paths), _MOST_NAMED)}",
        location=Location(revision),
        remedy=f"fetch them with `git archive {shlex.quote(revision)} > {os.devnull}`",
    )
