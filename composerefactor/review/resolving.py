"""Asking the engine about both states at one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.compose.project import project_name
from composerefactor.proposal.opening import Opened
from composerefactor.review.opening import content_of, is_ignored
from composerefactor.review.reviewed import Pair
from composerefactor.verify.engine import Engine
from composerefactor.verify.sidebyside import Asked, SideBySide, resolve_both


def resolve(
    old: Opened | None,
    new: Opened | None,
    pairs: Sequence[Pair],
    engine: Engine,
    progress: Callable[[int, int], None] | None,
) -> tuple[SideBySide, dict[str, bytes]]:
    """Ask the engine about both states; return also the files that count for both."""
    some = old or new
    assert some is not None  # noqa: S101 - as above
    inputs = {path for one in (old, new) if one for path in one.project.inputs}
    changes, shared = _file_changes(old, new, inputs)
    needed = [pair for pair in pairs if _is_affected(pair, old, new, changes)]
    if any(None in pair for pair in needed):  # what is new is compared with what is nearest to it
        needed = list(pairs)

    def asked(opened: Opened | None, entries: Sequence[EntryPoint | None]) -> Asked:
        wanted = {entry for entry in entries if entry is not None}
        if opened is None:
            return Asked((), lambda _: (), lambda _: ())
        readable = tuple(entry for entry in opened.project.readable if entry in wanted)
        names = _names_of_moved(old, new) if opened is new else {}
        return Asked(readable, opened.variables_of, opened.profiles_of, names)

    found = resolve_both(
        engine,
        some.root,
        inputs,
        changes,
        needed,
        asked(old, [pair[0] for pair in needed]),
        asked(new, [pair[1] for pair in needed]),
        shared=shared,
        env_files={path for one in (old, new) if one for path in one.project.env_files},
        environ={name: v for one in (old, new) if one for name, v in one.environ.items()},
        progress=progress,
    )
    return found, shared


def _names_of_moved(old: Opened | None, new: Opened | None) -> dict[EntryPoint, str]:
    """Return the project's new name where its directory gives it, and is another one in git."""
    if old is None or new is None or old.prefix == new.prefix:
        return {}
    name = project_name(new.root.name)
    return {
        entry: name
        for entry in new.project.readable
        if not (name == "" or entry.project_name or _says_name(new, entry))
    }


def _says_name(opened: Opened, entry: EntryPoint) -> bool:
    """Return whether a file or a variable names the project of *entry*."""
    files = [opened.project.files.get(path) for path in entry.files]
    dotenv = content_of(opened, ".env") or b""
    return any(file and "name" in file.root_keys for file in files) or (
        b"COMPOSE_PROJECT_NAME" in dotenv
    )


def _file_changes(
    old: Opened | None, new: Opened | None, inputs: set[str]
) -> tuple[dict[str, bytes | None], dict[str, bytes]]:
    """Return what makes the new state of the old one, and files that count for both.

    What git ignores is no part of a change: where one state alone has it, it counts for both.
    """
    changes: dict[str, bytes | None] = {}
    shared: dict[str, bytes] = {}
    for path in sorted(inputs):
        before, after = (content_of(one, path) for one in (old, new))
        if before is None and after is not None and is_ignored(new, path):
            shared[path] = after
        elif not (before is not None and after is None and is_ignored(old, path)):
            # With no old state the stage is a copy of the new one.
            if old is None or before != after:
                changes[path] = after
        else:
            shared[path] = before or b""
    return changes, shared


def _is_affected(
    pair: Pair, old: Opened | None, new: Opened | None, changes: Mapping[str, bytes | None]
) -> bool:
    """Return whether a changed file may matter to the entry point."""
    if None in pair or pair[0] != pair[1] or pair[0] is None or pair[1] is None:
        return True
    if old and new and old.prefix != new.prefix:
        return True  # another directory may be another project name
    own = {
        path
        for entry, opened in zip(pair, (old, new), strict=True)
        if opened and entry
        for path in opened.project.files_of[entry]
    }
    known = {path for one in (old, new) if one for path in one.project.files}
    return any(path in own or path not in known for path in changes)
