"""What mending transforms would do to a project, one change after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct

from composerefactor.compose import files as suppression
from composerefactor.compose.files import Library, Reader
from composerefactor.compose.project import Project, load
from composerefactor.edit.apply import edited
from composerefactor.edit.operations import AddLines, Edit, WriteFile, YamlEdit
from composerefactor.errors import InputError, Location, RefusedError, UsageError
from composerefactor.refactoring.contract import Change, Effect, Fixer, Refusal


class Overlay:
    """Files of *reader* with *contents* in their place; None for one that is gone."""

    def __init__(self, reader: Reader, contents: Mapping[str, bytes | None]) -> None:
        self._reader = reader
        self._contents = contents

    def read_bytes(self, path: str) -> bytes:
        """Return the content of *path*; raises InputError where it cannot be read."""
        if path not in self._contents:
            return self._reader.read_bytes(path)
        content = self._contents[path]
        if content is None:
            raise InputError("no such file", location=Location(path))
        return content

    def exists(self, path: str) -> bool:
        """Return whether *path* is a file."""
        if path in self._contents:
            return self._contents[path] is not None
        return self._reader.exists(path)


def changed(
    project: Project,
    library: Library,
    contents: Mapping[str, bytes | None],
    environ: Mapping[str, str],
) -> Project:
    """Return *project* with *contents*; what *library* has parsed is not parsed again."""
    overlay = Overlay(library.reader, contents)
    found = load(project.entries, Library(overlay, library, contents), environ)
    found.whole.update(project.whole)
    found.is_tracked, found.is_ignored = project.is_tracked, project.is_ignored
    return found


LEFT_OUT = "left out by --leave"

MAX_ROUNDS = 4
"""Rounds in which one transform builds on its own changes."""


class ChosenFixer(Struct, frozen=True):
    """A mending and its options.

    *unsafe* lets it change what runs, *asked* is True where it was chosen by name, *ignored* has
    services that it leaves alone, with the reason.
    """

    fixer: Fixer[Any]
    options: Any
    unsafe: bool = False
    asked: bool = False
    ignored: Mapping[str, str] = {}

    @property
    def is_only_offered(self) -> bool:
        """True where nothing that it could do is wanted: then neither is why it cannot."""
        return self.fixer.unsafe and not (self.unsafe or self.asked)


class PlannedFix(Struct, frozen=True):
    """A change of the transform called *transform*; *reason* is why it is left, if it is."""

    transform: str
    change: Change
    reason: str = ""

    @property
    def id(self) -> str:
        """The stable id of the change."""
        return self.change.id(self.transform)


class FixPlan(Struct):
    """The result: *taken* changes, and those that are *offered*, *suppressed* or *left*.

    *offered* would change what runs, which nobody has asked for. *suppressed* are kept away by a
    comment or the settings, *left* by the selection or the proof. *refusals* are by transform.
    *contents* has the new content of each file. *bases* has the project that each taken change was
    planned for, by id.
    """

    taken: list[PlannedFix] = []
    offered: list[PlannedFix] = []
    suppressed: list[PlannedFix] = []
    left: list[PlannedFix] = []
    refusals: list[tuple[str, Refusal]] = []
    contents: dict[str, bytes | None] = {}
    bases: dict[str, Project] = {}

    @property
    def ids(self) -> set[str]:
        """The ids of all changes, whatever becomes of them."""
        return {m.id for m in (*self.taken, *self.offered, *self.suppressed, *self.left)}

    @property
    def effects(self) -> list[Effect]:
        """What the changes declare, all together."""
        return [effect for fix in self.taken for effect in fix.change.effects]

    @property
    def variables(self) -> dict[str, str]:
        """Values for variables that the result needs."""
        return {k: v for fix in self.taken for k, v in fix.change.variables.items()}

    @property
    def private(self) -> set[str]:
        """Files that are not meant for a repository."""
        edits = (edit for fix in self.taken for edit in fix.change.edits)
        return {edit.file for edit in edits if isinstance(edit, AddLines) and edit.private}


class ChangeFilter(Struct, frozen=True):
    """Which changes are made: *take* only these ids where any is named, never those in *leave*.

    *rejected* has those that the proof did not accept, with its words.
    """

    take: frozenset[str] = frozenset()
    leave: frozenset[str] = frozenset()
    rejected: Mapping[str, str] = {}

    def why_left(self, found: PlannedFix) -> str:
        """Return why *found* is left out, or ``""``."""
        if found.id in self.rejected:
            return self.rejected[found.id]
        if found.id in self.leave:
            return LEFT_OUT
        return "left out by --take" if self.take and found.id not in self.take else ""


def plan_fixes(
    project: Project,
    library: Library,
    chosen: Sequence[ChosenFixer],
    wanted: ChangeFilter,
    environ: Mapping[str, str],
) -> FixPlan:
    """Plan the *chosen* mendings in turn, each on what those before it leave.

    Each runs until it has nothing more to do: what one change makes room for is not left to the
    next run. Raises UsageError for an id in *wanted* that no change has, and what the
    transforms raise.
    """
    result = _plan_fixes(project, library, chosen, wanted, environ)
    unknown = (wanted.take | wanted.leave) - result.ids
    if unknown:
        raise UsageError(
            f"no change has the id {min(unknown)!r}",
            remedy="`--dry-run --format json` lists the changes with their ids",
        )
    return result


def still_planned(
    project: Project,
    library: Library,
    chosen: Sequence[ChosenFixer],
    leave: frozenset[str],
    environ: Mapping[str, str],
) -> frozenset[str]:
    """Return those of the ids *leave* that a plan without them meets.

    The others are of changes that build on one that is left: leaving them as well means nothing.
    """
    return leave & _plan_fixes(project, library, chosen, ChangeFilter(leave=leave), environ).ids


def contents_with(project: Project, found: Iterable[PlannedFix]) -> dict[str, bytes | None]:
    """Return the new content of each file of *project* that the changes *found* are about.

    Raises RefusedError where they cannot be made.
    """
    edits: list[Edit] = []
    for edit in (edit for each in found for edit in each.change.edits):
        if edit not in edits:  # what several changes need is made once
            edits.append(edit)
    yaml: dict[str, list[YamlEdit]] = {}
    contents: dict[str, bytes | None] = {}
    for edit in edits:
        if isinstance(edit, WriteFile):
            contents[edit.file] = None if edit.text is None else edit.text.encode()
        elif isinstance(edit, AddLines):
            contents[edit.file] = _with_lines(project, contents, edit)
        else:
            yaml.setdefault(edit.file, []).append(edit)
    for path, those in yaml.items():
        file = project.files[path]
        contents[path] = file.source.encode(edited(file, those))
    return contents


def _plan_fixes(
    project: Project,
    library: Library,
    chosen: Sequence[ChosenFixer],
    wanted: ChangeFilter,
    environ: Mapping[str, str],
) -> FixPlan:
    result = FixPlan()
    made: set[str] = set()
    for each in chosen:
        for _ in range(MAX_ROUNDS):
            found = FixPlan()
            mine: list[PlannedFix] = []
            for planned in each.fixer.plan(project, each.options):
                if isinstance(planned, Refusal):
                    found.refusals.append((each.fixer.name, planned))
                    continue
                change = PlannedFix(each.fixer.name, planned)
                if change.id not in made:
                    mine += _classified(found, change, project, each, wanted)
            new = _applied(project, mine, found) if mine else {}
            result.taken += found.taken
            bases = dict.fromkeys((each.id for each in found.taken), project)
            result.bases |= bases
            made |= bases.keys()
            if not new:
                break
            result.contents = {**result.contents, **new}  # projects keep those before
            project = changed(project, library, result.contents, environ)
        result.refusals += [
            (name, refusal)
            for name, refusal in found.refusals
            if refusal.repairs or not each.is_only_offered
        ]
        result.offered += found.offered
        result.suppressed += found.suppressed
        result.left += found.left
    return result


def _classified(
    result: FixPlan, found: PlannedFix, project: Project, chosen: ChosenFixer, wanted: ChangeFilter
) -> list[PlannedFix]:
    """Put *found* where it belongs; return it in a list if it is to be made."""
    why = _suppressed(project, found, chosen.ignored)
    left = wanted.why_left(found)
    if why is not None:
        result.suppressed.append(PlannedFix(found.transform, found.change, why))
    elif left:
        result.left.append(PlannedFix(found.transform, found.change, left))
    elif not found.change.is_safe and not chosen.unsafe:
        result.offered.append(found)
    else:
        return [found]
    return []


def _suppressed(project: Project, found: PlannedFix, ignored: Mapping[str, str]) -> str | None:
    """Return the reason that a comment or the settings give for leaving *found*, or None.

    One service that is to be left alone is enough: a block that it shares stays as it is.
    """
    services = sorted({effect.service for effect in found.change.effects if effect.service})
    for name in services:
        why = ignored.get(name) or _ignored_at(project, name, found.transform)
        if why is not None:
            return why if len(services) == 1 else f"{name} is to be left alone: {why}"
    file = project.files.get(found.change.location.path)
    if file is None:
        return None
    return suppression.ignored(file, found.change.location.line, found.transform)


def _ignored_at(project: Project, service: str, transform: str) -> str | None:
    """Return the reason that a comment on *service* gives, in any of the files that have it."""
    for file in project.files.values():
        if service in file.services:
            at = file.location_of("services", service)
            why = suppression.ignored(file, at.line, transform)
            if why is not None:
                return why
    return None


def _applied(project: Project, found: list[PlannedFix], result: FixPlan) -> dict[str, bytes | None]:
    """Return the new contents after *found*; those that turn out impossible become refusals."""
    contents: dict[str, bytes | None] = {}
    with suppress(RefusedError):  # the usual case, in one go
        contents = contents_with(project, found)
        result.taken += found
        return contents
    made: list[PlannedFix] = []
    for each in found:
        try:
            new = contents_with(project, [*made, each])
        except RefusedError as error:
            location = error.location or each.change.location
            refusal = Refusal(f"{each.change.title}: {error.message}", location, error.remedy)
            result.refusals.append((each.transform, refusal))
        else:
            made.append(each)
            contents = new
    result.taken += made
    return contents


def _with_lines(project: Project, contents: dict[str, bytes | None], edit: AddLines) -> bytes:
    before = contents.get(edit.file)
    if before is None and project.read is not None and project.exists(edit.file):
        before = project.read(edit.file)
    newline = b"\r\n" if b"\r\n" in (before or b"") else b"\n"
    end = newline if before and not before.endswith(b"\n") else b""
    return (before or b"") + end + edit.text.encode().replace(b"\n", newline)
