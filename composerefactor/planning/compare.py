"""Comparing two states of a project: directories, files, git revisions."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.invocation import Invocation
from composerefactor.errors import EngineError, InputError, Location, UsageError
from composerefactor.planning.opening import OpenProject, ProjectSelection, open_project
from composerefactor.proof.comparison import ProofResult
from composerefactor.proof.engine import Engine
from composerefactor.proof.prover import Prover
from composerefactor.refactoring.modules.anchors import AnchorIndex
from composerefactor.workspace.git import export, find_repository


class Comparison(Struct, frozen=True):
    """The verdict on two states; *old* and *new* are open as they were compared."""

    old: OpenProject
    new: OpenProject
    engine: Engine
    proof: ProofResult
    rejected: dict[Invocation, str]


def compare(
    old: OpenProject,
    new: OpenProject,
    engine: Engine,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Return whether *new* resolves to what *old* does, for every entry point of *old*.

    Raises EngineError where the engine rejects every entry point of the old state.
    """
    inputs = old.project.inputs | new.project.inputs
    changes: dict[str, bytes | None] = {}
    names = {  # files that are compared under two names
        name: other
        for entry, like in zip(old.project.entries, new.project.entries, strict=True)
        for name, other in zip(entry.files, like.files, strict=True)
    }
    for path in sorted(inputs):
        name = names.get(path, path)
        before = old.files.read_bytes(path) if old.files.exists(path) else None
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
    ) as prover:
        rejected = prover.rejected()
        if len(rejected) == len(old.project.readable):
            entry, words = next(iter(rejected.items()))
            raise EngineError(
                f"the engine rejects the old state: {words}",
                location=Location(entry.base),
                remedy="there is nothing to compare with",
            )
        return Comparison(
            old, new, engine, prover.check(changes, moved=list(_anchor_blocks(old))), rejected
        )


def _anchor_blocks(opened: OpenProject) -> Iterator[str]:
    """Yield the ``x-`` sections that only carry anchors: they are not part of the model."""
    for file in opened.project.files.values():
        anchors = AnchorIndex(file)
        for name, section in (file.sections or {}).items():
            if name.startswith("x-") and anchors.carries_only_anchors(section):
                yield name


@contextmanager
def opened_state(
    name: str, here: Path, choice: ProjectSelection, like: Sequence[Invocation] | None = None
) -> Iterator[OpenProject]:
    """Open the state *name*: a directory, a Compose file, or a git revision of *here*.

    *like* opens it with these entry points instead of those that are found; a file then stands for
    the only file that they name. A revision is exported
    to a private directory, as far as a Compose project can read it, for as long as it is open.

    Raises InputError where *name* is none of the three, and UsageError for a file that cannot stand
    for what *like* names.
    """
    path = Path(name)
    if path.is_file():
        if like is not None:
            if [len(entry.files) for entry in like] != [1]:
                raise UsageError(
                    f"{name} is a file, and the old state is more than one file",
                    remedy="compare a file with a file, or a directory with a directory",
                )
            like = [replace(like[0], files=(path.name,))]
        yield open_project(replace(choice, path=path.parent, file=(path.name,)), like)
        return
    if path.is_dir():
        yield open_project(replace(choice, path=path), like)
        return
    repository = find_repository(here.resolve())
    if repository is None:
        raise InputError(
            "neither a file nor a directory, and there is no git repository",
            location=Location(name),
        )
    with tempfile.TemporaryDirectory(prefix="composerefactor-") as temporary:
        target = export(repository, name, Path(temporary))
        try:
            opened = open_project(replace(choice, path=target), like)
        except InputError as error:
            if error.location and error.location.path.startswith(temporary):
                error.location = Location(name)
            raise
        top = Path(temporary).resolve() / repository.top.name
        below = opened.root.relative_to(top).as_posix()
        yield replace(opened, exported=below.removeprefix("."))
