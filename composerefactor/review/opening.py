"""Two states of a project, opened; either may have no such project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.errors import InputError
from composerefactor.proposal.compare import opened_state
from composerefactor.proposal.opening import Choice, Opened


@contextmanager
def opened_pair(
    old: str, new: str, here: Path, choice: Choice
) -> Iterator[tuple[Opened | None, Opened | None]]:
    """Open both states; one in which there is no such project is None.

    Raises InputError where neither is there.
    """
    with ExitStack() as stack:
        states: list[Opened | None] = []
        errors: list[InputError] = []
        for name in (old, new):
            try:
                states.append(stack.enter_context(opened_state(name, here, choice)))
            except InputError as error:
                states.append(None)
                errors.append(error)
        for n, name in enumerate((old, new)):
            other = states[1 - n]
            if states[n] is None and other is not None:
                states[n] = _like(stack, name, here, choice, other)
        if states == [None, None]:
            raise errors[-1]
        yield states[0], states[1]


def _like(stack: ExitStack, name: str, here: Path, choice: Choice, other: Opened) -> Opened | None:
    """Open *name* with the entry points of *other*; None where it has none of their files."""
    entries = other.project.entries
    opened = stack.enter_context(opened_state(name, here, choice, entries))
    there = [e for e in entries if any(opened.files.exists(file) for file in e.files)]
    return opened if there else None


def content_of(opened: Opened | None, path: str) -> bytes | None:
    """Return the content of *path*; None where there is no such file, or no such state."""
    if opened is None or not opened.files.exists(path):
        return None
    return opened.files.read_bytes(path)


def is_ignored(opened: Opened | None, path: str) -> bool:
    """Return whether git ignores *path* in that state."""
    return opened is not None and not path.startswith("../") and opened.project.is_ignored(path)


def entries_of(opened: Opened | None) -> tuple[EntryPoint, ...]:
    """Return the entry points of a state; none where there is no such state."""
    return opened.project.entries if opened else ()
