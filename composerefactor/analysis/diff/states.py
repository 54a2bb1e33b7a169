"""Two states of a project, opened; either may have no such project."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.analysis.diff.change import Impact, Risk
from composerefactor.compose.dotenv import assignments
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import project_name
from composerefactor.compose.secrets import MASK, is_common, is_credential
from composerefactor.errors import InputError, Location
from composerefactor.planning.compare import opened_state
from composerefactor.planning.opening import OpenProject, ProjectSelection
from composerefactor.proof.comparison import Difference
from composerefactor.proof.engine import Engine
from composerefactor.proof.side_by_side import SideBySide, StateRequest, resolve_both


@contextmanager
def opened_pair(
    old: str, new: str, here: Path, choice: ProjectSelection
) -> Iterator[tuple[OpenProject | None, OpenProject | None]]:
    """Open both states; one in which there is no such project is None.

    Raises InputError where neither is there.
    """
    with ExitStack() as stack:
        states: list[OpenProject | None] = []
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


def _like(
    stack: ExitStack, name: str, here: Path, choice: ProjectSelection, other: OpenProject
) -> OpenProject | None:
    """Open *name* with the entry points of *other*; None where it has none of their files."""
    entries = other.project.entries
    opened = stack.enter_context(opened_state(name, here, choice, entries))
    there = [e for e in entries if any(opened.files.exists(file) for file in e.files)]
    return opened if there else None


def content_of(opened: OpenProject | None, path: str) -> bytes | None:
    """Return the content of *path*; None where there is no such file, or no such state."""
    if opened is None or not opened.files.exists(path):
        return None
    return opened.files.read_bytes(path)


def is_ignored(opened: OpenProject | None, path: str) -> bool:
    """Return whether git ignores *path* in that state."""
    return opened is not None and not path.startswith("../") and opened.project.is_ignored(path)


def entries_of(opened: OpenProject | None) -> tuple[Invocation, ...]:
    """Return the entry points of a state; none where there is no such state."""
    return opened.project.entries if opened else ()


Pair: TypeAlias = tuple[Invocation | None, Invocation | None]
"""An entry point in the old and in the new state."""


class LocatedImpact(Struct, frozen=True):
    """One change with its *location*, and the entry points in which it is seen.

    *services* are all those in which one text makes the same change. *nearby* is the nearest line
    of the new state, for what is gone.
    """

    change: Impact
    location: Location | None
    entries: tuple[Invocation, ...]
    services: tuple[str, ...] = ()
    nearby: Location | None = None


class ComparedStart(Struct, frozen=True):
    """One entry point: *old* or *new* is None where the other state alone has it.

    *recreated* names the containers that ``up`` would make anew, None where that is unknown.
    *evidence* is where the resolved models differ. *blank* are variables without a value.
    *reason* says why the two states were not compared, *left_out* are services that were not, since
    the engine resolves them in one state or in neither.
    """

    old: Invocation | None
    new: Invocation | None
    changes: tuple[Impact, ...] = ()
    recreated: tuple[str, ...] | None = ()
    evidence: tuple[Difference, ...] = ()
    services: int = 0
    reason: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def entry(self) -> Invocation:
        """The entry point, as it is now where it is still there."""
        found = self.new or self.old
        assert found is not None  # noqa: S101 - one of the two is there
        return found


class Review(Struct, frozen=True):
    """All that a change means. *notes* say what the comparison rests on.

    *prefix* is the path of the project below git's top level.
    """

    old_name: str
    new_name: str
    engine: Engine
    compared: tuple[ComparedStart, ...]
    changes: tuple[LocatedImpact, ...]
    notes: tuple[str, ...] = ()
    runs: int = 0
    prefix: str = ""

    @property
    def risk(self) -> Risk:
        """The highest of all changes."""
        return max((each.change.risk for each in self.changes), default=Risk.NONE)

    @property
    def differs(self) -> bool:
        """Whether anything changed, or could not be compared."""
        return bool(self.changes) or any(each.reason or each.left_out for each in self.compared)


def resolve(
    old: OpenProject | None,
    new: OpenProject | None,
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

    def asked(opened: OpenProject | None, entries: Sequence[Invocation | None]) -> StateRequest:
        wanted = {entry for entry in entries if entry is not None}
        if opened is None:
            return StateRequest((), lambda _: (), lambda _: ())
        readable = tuple(entry for entry in opened.project.readable if entry in wanted)
        names = _names_of_moved(old, new) if opened is new else {}
        return StateRequest(readable, opened.variables_of, opened.profiles_of, names)

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


def _names_of_moved(old: OpenProject | None, new: OpenProject | None) -> dict[Invocation, str]:
    """Return the project's new name where its directory gives it, and is another one in git."""
    if old is None or new is None or old.prefix == new.prefix:
        return {}
    name = project_name(new.root.name)
    return {
        entry: name
        for entry in new.project.readable
        if not (name == "" or entry.project_name or _says_name(new, entry))
    }


def _says_name(opened: OpenProject, entry: Invocation) -> bool:
    """Return whether a file or a variable names the project of *entry*."""
    files = [opened.project.files.get(path) for path in entry.files]
    dotenv = content_of(opened, ".env") or b""
    return any(file and "name" in file.root_keys for file in files) or (
        b"COMPOSE_PROJECT_NAME" in dotenv
    )


def _file_changes(
    old: OpenProject | None, new: OpenProject | None, inputs: set[str]
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
    pair: Pair,
    old: OpenProject | None,
    new: OpenProject | None,
    changes: Mapping[str, bytes | None],
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


_SHORT = 5
"""Characters of a credential that other texts may hold by chance."""


def credentials(old: OpenProject | None, new: OpenProject | None, found: SideBySide) -> list[str]:
    """Return the credentials of both states, the longest first: they may stand in other texts too.

    What unrelated texts may hold by chance is left out.
    """
    pairs: list[tuple[str, Any]] = []
    for opened in (old, new):
        for path in sorted(opened.project.inputs) if opened else ():
            if opened and (".env" in path or path in opened.project.env_files):
                text = (content_of(opened, path) or b"").decode("utf-8", "replace")
                pairs += [(each.name, each.value) for each in assignments(text)]
    for resolved in (*found.old.values(), *found.new.values()):
        for service in (resolved.model.get("services") or {}).values():
            pairs += (service.get("environment") or {}).items()
    values = {v for n, v in pairs if isinstance(v, str) and is_credential(n, v)}
    return sorted((v for v in values if _is_telling(v)), key=len, reverse=True)


def _is_telling(value: str) -> bool:
    """Return whether *value*, a credential, stands in no text by chance."""
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return "$" not in value and (not is_common(value) or (mixed and len(value) > _SHORT))


def scrubbed(compared: ComparedStart, secrets: Sequence[str]) -> ComparedStart:
    """Return *compared* without *secrets*, wherever they stand."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: clean(part) for name, part in value.items()}
        if isinstance(value, list):
            return [clean(part) for part in value]
        for secret in secrets if isinstance(value, str) else ():
            value = value.replace(secret, MASK)
        return value

    return replace(
        compared,
        changes=tuple(replace(c, words=clean(c.words)) for c in compared.changes),
        evidence=tuple(
            replace(d, before=clean(d.before), after=clean(d.after)) for d in compared.evidence
        ),
    )
