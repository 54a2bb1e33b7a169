"""The two states that are compared: opening, resolving, and the values of a review.

:func:`opened_pair` opens both states, :func:`resolve` resolves them with Docker Compose. A
:class:`Review` consists of a :class:`ComparedStart` for each start command and of
:class:`LocatedImpact` values. :func:`masking_of` and :func:`masked` keep secrets out of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.analysis.diff.impact import Impact
from composerefactor.analysis.diff.kinds import Risk
from composerefactor.compose.dotenv import assignments
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.masking import Masking, values_in_config
from composerefactor.compose.paths import is_outside
from composerefactor.compose.project import project_name
from composerefactor.errors import InputError, Location
from composerefactor.planning.opening import OpenProject, ProjectSelection
from composerefactor.planning.verify import open_state
from composerefactor.proof.comparison import Difference
from composerefactor.proof.engine import Engine
from composerefactor.proof.side_by_side import SideBySide, StateRequest, resolve_both
from composerefactor.proof.staging import Progress


@contextmanager
def opened_pair(
    old: str, new: str, here: Path, choice: ProjectSelection
) -> Iterator[tuple[OpenProject | None, OpenProject | None]]:
    """Open both states of the project; one in which it does not exist is None.

    Raises InputError if it exists in neither.
    """
    with ExitStack() as stack:
        states: list[OpenProject | None] = []
        errors: list[InputError] = []
        for name in (old, new):
            try:
                states.append(stack.enter_context(open_state(name, here, choice)))
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


def _like(
    stack: ExitStack, name: str, here: Path, choice: ProjectSelection, other: OpenProject
) -> OpenProject | None:
    """Open *name* with the start commands of *other*; None if it has none of their files."""
    entries = other.project.entries
    opened = stack.enter_context(open_state(name, here, choice, entries))
    has_files = any(opened.files.exists(file) for entry in entries for file in entry.files)
    return opened if has_files else None


def content_of(opened: OpenProject | None, path: str) -> bytes | None:
    """Return the content of *path*; None if the file or the state does not exist."""
    if opened is None or not opened.files.exists(path):
        return None
    return opened.files.read_bytes(path)


def is_ignored(opened: OpenProject | None, path: str) -> bool:
    """Return whether git ignores *path* in that state."""
    return opened is not None and not is_outside(path) and opened.project.is_ignored(path)


def entries_of(opened: OpenProject | None) -> tuple[Invocation, ...]:
    """Return the start commands of a state, () if the state does not exist."""
    return opened.project.entries if opened else ()


Pair: TypeAlias = tuple[Invocation | None, Invocation | None]
"""A start command in the old and in the new state."""


class LocatedImpact(Struct, frozen=True):
    """An impact with its location.

    Attributes:
        change: The impact.
        location: The file and line, None if unknown.
        entries: The start commands in which it occurs.
        services: The services that it affects in the same way.
        nearby: The nearest line in the new state if the place itself was removed.
        parts: The same impact at each of several places, this one included; () for one place.
    """

    change: Impact
    location: Location | None
    entries: tuple[Invocation, ...]
    services: tuple[str, ...] = ()
    nearby: Location | None = None
    parts: tuple[LocatedImpact, ...] = ()

    @property
    def single(self) -> tuple[LocatedImpact, ...]:
        """The impact at each of its places."""
        return self.parts or (self,)


class ComparedStart(Struct, frozen=True):
    """The comparison of one start command.

    Attributes:
        old: The start command in the old state, None if it is new.
        new: The start command in the new state, None if it was removed.
        changes: The impacts.
        recreated: The containers that ``up`` would recreate, None if unknown.
        evidence: The differences of the resolved configurations.
        services: The number of services.
        reason: Why the two states were not compared, ``""`` if they were.
        excluded: Services that were not compared because at least one state does not resolve them.
    """

    old: Invocation | None
    new: Invocation | None
    changes: tuple[Impact, ...] = ()
    recreated: tuple[str, ...] | None = ()
    evidence: tuple[Difference, ...] = ()
    services: int = 0
    reason: str = ""
    excluded: tuple[str, ...] = ()

    @property
    def entry(self) -> Invocation:
        """The start command in the new state, else in the old one."""
        entry = self.new or self.old
        assert entry is not None  # noqa: S101 - one of the two exists
        return entry


class Review(Struct, frozen=True):
    """The comparison of two states of a project.

    Attributes:
        old_name: The name of the old state as given by the user.
        new_name: The name of the new state.
        engine: Docker Compose.
        compared: The comparison of each start command.
        changes: All impacts, those with the highest risk first.
        notes: Assumptions on which the comparison is based.
        prefix: The path of the project below the top level of the git repository.
        contents: The files with another content; the resolved configuration has only their paths.
    """

    old_name: str
    new_name: str
    engine: Engine
    compared: tuple[ComparedStart, ...]
    changes: tuple[LocatedImpact, ...]
    notes: tuple[str, ...] = ()
    prefix: str = ""
    contents: tuple[str, ...] = ()

    @property
    def risk(self) -> Risk:
        """The highest risk of all changes."""
        return max((each.change.risk for each in self.changes), default=Risk.NONE)

    @property
    def differs(self) -> bool:
        """Whether anything changed, or could not be compared."""
        return bool(self.changes) or any(each.reason or each.excluded for each in self.compared)


def resolve(
    old: OpenProject | None,
    new: OpenProject | None,
    pairs: Sequence[Pair],
    engine: Engine,
    progress: Progress | None,
) -> tuple[SideBySide, dict[str, bytes]]:
    """Resolve the start commands of both states with Docker Compose.

    Start commands of *pairs* that no changed file can affect are omitted. The second value has the
    files that count for both states because git ignores them.
    """
    some = old or new
    assert some is not None  # noqa: S101 - as above
    inputs = {path for one in (old, new) if one for path in one.project.inputs}
    changes, shared = _file_changes(old, new, inputs)
    needed = [pair for pair in pairs if _is_affected(pair, old, new, changes)]
    if any(None in pair for pair in needed):  # a new one is compared with the nearest old one
        needed = list(pairs)

    def request(opened: OpenProject | None, entries: Sequence[Invocation | None]) -> StateRequest:
        requested = {entry for entry in entries if entry is not None}
        if opened is None:
            return StateRequest((), lambda _: (), lambda _: ())
        readable = tuple(entry for entry in opened.project.readable if entry in requested)
        names = _names_of_moved(old, new) if opened is new else {}
        return StateRequest(readable, opened.variables_of, opened.profiles_of, names)

    resolved = resolve_both(
        engine,
        some.root,
        inputs,
        changes,
        needed,
        request(old, [pair[0] for pair in needed]),
        request(new, [pair[1] for pair in needed]),
        shared=shared,
        env_files={path for one in (old, new) if one for path in one.project.env_files},
        environ={name: v for one in (old, new) if one for name, v in one.environ.items()},
        progress=progress,
    )
    return resolved, shared


def _names_of_moved(old: OpenProject | None, new: OpenProject | None) -> dict[Invocation, str]:
    """Return the new project names that come from the directory, if that directory was moved."""
    if old is None or new is None or old.prefix == new.prefix:
        return {}
    name = project_name(new.root.name)
    return {
        entry: name
        for entry in new.project.readable
        if not (name == "" or entry.project_name or _sets_name(new, entry))
    }


def _sets_name(opened: OpenProject, entry: Invocation) -> bool:
    """Return whether a file or a variable sets the project name of *entry*."""
    files = [opened.project.files.get(path) for path in entry.files]
    settings = assignments((content_of(opened, ".env") or b"").decode("utf-8", "replace"))
    return any(file and "name" in file.root_keys for file in files) or (
        "COMPOSE_PROJECT_NAME" in {each.name for each in settings}
    )


def _file_changes(
    old: OpenProject | None, new: OpenProject | None, inputs: set[str]
) -> tuple[dict[str, bytes | None], dict[str, bytes]]:
    """Return the file changes that lead from the old state to the new, and the shared files.

    A file that git ignores is not part of a change: if only one state has it, it counts for both.
    """
    changes: dict[str, bytes | None] = {}
    shared: dict[str, bytes] = {}
    for path in sorted(inputs):
        before, after = (content_of(one, path) for one in (old, new))
        if before is None and after is not None and is_ignored(new, path):
            shared[path] = after
        elif not (before is not None and after is None and is_ignored(old, path)):
            # Without an old state, the staged copy is made from the new one.
            if old is None or before != after:
                changes[path] = after
        else:
            shared[path] = before or b""
    return changes, shared


def _is_affected(
    pair: Pair,
    old: OpenProject | None,
    new: OpenProject | None,
    changes: Mapping[str, bytes | None],
) -> bool:
    """Return whether a changed file can affect the start command."""
    if None in pair or pair[0] != pair[1] or pair[0] is None or pair[1] is None:
        return True
    if old and new and old.prefix != new.prefix:
        return True  # another directory can mean another project name
    own = {
        path
        for entry, opened in zip(pair, (old, new), strict=True)
        if opened and entry
        for path in opened.project.files_of[entry]
    }
    known = {path for one in (old, new) if one for path in one.project.files}
    return any(path in own or path not in known for path in changes)


def masking_of(old: OpenProject | None, new: OpenProject | None, resolved: SideBySide) -> Masking:
    """Return the masking of the secrets in both states and their resolved configurations."""
    configs = (*resolved.old.values(), *resolved.new.values())
    masking = Masking(value for config in configs for value in values_in_config(config.model))
    for opened in (old, new):
        masking = masking | opened.masking if opened else masking
    return masking


def masked(compared: ComparedStart, masking: Masking) -> ComparedStart:
    """Return *compared* with the secrets that *masking* knows masked."""
    return replace(
        compared,
        changes=tuple(replace(c, message=masking.message(c.message)) for c in compared.changes),
        evidence=tuple(
            replace(d, before=masking.document(d.before), after=masking.document(d.after))
            for d in compared.evidence
        ),
    )
