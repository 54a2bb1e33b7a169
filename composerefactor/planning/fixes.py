"""Planning fixes: which changes the chosen fixers make to a project, one after the other.

Each fixer plans its changes for the project as the fixers before it leave it. Changes that are not
made are listed too, with the reason: the user excluded them, a comment suppresses them, they need
``--unsafe``, or they are less certain than requested.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.files import FileReader, Library
from composerefactor.compose.ignore_comments import ignore_reason
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project, reload_project
from composerefactor.confidence import CONFIDENCES, DEFAULT_CONFIDENCE, Confidence
from composerefactor.discovery.readers import STACK_DEPLOY
from composerefactor.edit.added_lines import with_lines
from composerefactor.edit.apply import apply_edits
from composerefactor.edit.line_diff import Match, matches
from composerefactor.edit.operations import AddKey, AddLines, Edit, WriteFile, YamlEdit
from composerefactor.errors import InputError, Location, RefusedError
from composerefactor.images.environments import development_profile_reason, short_lived_reason
from composerefactor.planning.selection import EXCLUDED_BY_LEAVE, EXCLUDED_BY_TAKE, Selection
from composerefactor.planning.vetoes import veto
from composerefactor.refactoring.contract import Change, Effect, Fixer, Refusal, Unneeded


class Overlay:
    """Files of *reader* with *contents* in place of its own; None marks a deleted file.

    A fixer plans on the files that those before it leave, which are on no disk.
    """

    def __init__(self, reader: FileReader, contents: Mapping[str, bytes | None]) -> None:
        self._reader = reader
        self._contents = contents

    def read_bytes(self, path: str) -> bytes:
        """Return the content of *path*.

        Raises:
            InputError: The file does not exist or cannot be read.
        """
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


def project_with(
    project: Project,
    library: Library,
    contents: Mapping[str, bytes | None],
    environ: Mapping[str, str],
) -> Project:
    """Return *project* with changed files, without parsing the unchanged files again.

    Args:
        project: The project.
        library: Its parsed files.
        contents: The new content by path; None for a deleted file.
        environ: The shell's variables.
    """
    overlay = Overlay(library.reader, contents)
    return reload_project(project, Library(overlay, library, contents), environ)


class _OriginalLines:
    """Turns places in the files of *current* into places in those of *original*.

    Both are states of one project: fixers plan for the text that earlier fixers leave, but users
    look at the text that they have.
    """

    def __init__(self, original: Project, current: Project) -> None:
        self._original = original
        self._current = current
        self._matches: dict[str, list[Match]] = {}

    def location(self, location: Location) -> Location:
        """Return the place in the original file; of a line that is new, the line before it."""
        path, line = location.path, location.line
        current, original = self._current.files.get(path), self._original.files.get(path)
        if not line or current is original or current is None or original is None:
            return location
        if path not in self._matches:
            now, before = (each.source.text.splitlines() for each in (current, original))
            self._matches[path] = matches(now, before)
        runs = self._matches[path]
        at = bisect_right(runs, line - 1, key=itemgetter(0)) - 1
        if at < 0:
            return Location(path, 1)
        start, old_start, length = runs[at]
        return Location(path, old_start + min(line - start, length))

    def text(self, text: str) -> str:
        """Return *text*, a message, with the lines of the original files."""
        return re.sub(
            _PLACE, lambda match: str(self.location(Location(match[1], int(match[2])))), text
        )

    def fix(self, fix: PlannedFix) -> PlannedFix:
        """Return *fix* with the lines of the original files; its id stays the same."""
        change = fix.change
        moved = replace(
            change,
            location=self.location(change.location),
            evidence=self.text(change.evidence),
        )
        return PlannedFix(fix.transform, moved, self.text(fix.reason))

    def refusal(self, refusal: Refusal) -> Refusal:
        """Return *refusal* with the lines of the original files."""
        return replace(
            refusal,
            reason=self.text(refusal.reason),
            location=self.location(refusal.location),
            remedy=self.text(refusal.remedy),
        )


_PLACE = r"(?<![\w./-])([\w./-]+\.ya?ml):(\d+)"
"""A place in a Compose file, in a message."""

MAX_ROUNDS = 4
"""Rounds in which one fixer builds on its own changes, at most."""


class ChosenFixer(Struct, frozen=True):
    """A fixer with its options.

    Attributes:
        fixer: The fixer.
        options: Its options.
        unsafe: Whether its changes that affect running containers are applied.
        confidence: The least confidence of the changes that are applied.
        by_name: Whether the user selected it by name.
        ignored: The services that it does not change, each with the reason.
    """

    fixer: Fixer[Any]
    options: Any
    unsafe: bool = False
    confidence: Confidence = DEFAULT_CONFIDENCE
    by_name: bool = False
    ignored: Mapping[str, str] = {}

    @property
    def is_only_available(self) -> bool:
        """True if none of its changes are applied; then its refusals are not reported either."""
        return self.fixer.unsafe and not (self.unsafe or self.by_name)

    @property
    def is_wanted(self) -> bool:
        """True if the user selected by name what runs only if selected: no further consent."""
        return self.by_name and self.fixer.selected_only and not self.fixer.unsafe

    def is_certain(self, change: Change) -> bool:
        """Return whether *change* is as certain as requested."""
        return CONFIDENCES.index(change.confidence) <= CONFIDENCES.index(self.confidence)


class PlannedFix(Struct, frozen=True):
    """A change that a fixer has planned.

    Attributes:
        transform: The name of the fixer.
        change: The change.
        reason: Why the change is not applied; ``""`` for a change that is applied or available.
    """

    transform: str
    change: Change
    reason: str = ""

    @property
    def id(self) -> str:
        """The stable id of the change."""
        return self.change.id(self.transform)


class FixPlan(Struct):
    """The changes of all chosen fixers.

    Attributes:
        applied: Changes that are made.
        available: Changes that affect running containers and are not made without ``--unsafe``.
        uncertain: Changes that are not made because they are less certain than requested.
        suppressed: Changes that a comment or the settings suppress, with the reason.
        excluded: Changes that the user's selection or the proof excludes, with the reason.
        refusals: What the fixers could not do, each with the name of the fixer.
        contents: The new content of each changed file; None for a deleted file.
        bases: The project for which an applied change was planned, by the id of the change.
    """

    applied: list[PlannedFix] = []
    available: list[PlannedFix] = []
    uncertain: list[PlannedFix] = []
    suppressed: list[PlannedFix] = []
    excluded: list[PlannedFix] = []
    refusals: list[tuple[str, Refusal]] = []
    contents: dict[str, bytes | None] = {}
    bases: dict[str, Project] = {}

    @property
    def ids(self) -> set[str]:
        """The ids of all changes, applied or not."""
        not_made = (*self.available, *self.uncertain, *self.suppressed, *self.excluded)
        return {fix.id for fix in (*self.applied, *not_made)}

    @property
    def effects(self) -> list[Effect]:
        """The declared effects of the applied changes."""
        return [effect for fix in self.applied for effect in fix.change.effects]

    @property
    def variables(self) -> dict[str, str]:
        """Values of variables that the changed project needs."""
        return {name: value for fix in self.applied for name, value in fix.change.variables.items()}

    @property
    def entries(self) -> dict[Invocation, Invocation]:
        """The start command afterwards for each one that reads more files."""
        return {old: new for fix in self.applied for old, new in fix.change.entries.items()}

    @property
    def private(self) -> set[str]:
        """Files that the changes write to and that should not be committed."""
        edits = (edit for fix in self.applied for edit in fix.change.edits)
        return {edit.file for edit in edits if isinstance(edit, AddLines) and edit.private}


class ChangeFilter(Selection, frozen=True):
    """Which changes are made: what the user wants, without what the proof rejects.

    Attributes:
        rejected: The ids of changes that the proof rejects, each with the reason.
    """

    rejected: Mapping[str, str] = {}

    def exclusion_reason(self, fix: PlannedFix) -> str:
        """Return why *fix* is excluded; ``""`` if it is not."""
        if fix.id in self.rejected:
            return self.rejected[fix.id]
        if fix.id in self.leave:
            return EXCLUDED_BY_LEAVE
        return EXCLUDED_BY_TAKE if self.take and fix.id not in self.take else ""


def plan_fixes(
    project: Project,
    library: Library,
    chosen: Sequence[ChosenFixer],
    selection: ChangeFilter,
    environ: Mapping[str, str],
) -> FixPlan:
    """Plan the *chosen* fixers in turn, each for the project as those before it leave it.

    Each fixer runs repeatedly until it has nothing more to do, so that a second run of the command
    finds nothing that the first one made possible.

    Args:
        project: The project.
        library: Its parsed files.
        chosen: The fixers, in order.
        selection: Which changes are made.
        environ: The shell's variables.

    Raises:
        UsageError: *selection* contains an id that no change has.
    """
    result = _plan_fixes(project, library, chosen, selection, environ)
    selection.check(result.ids)
    return result


def still_planned(
    project: Project,
    library: Library,
    chosen: Sequence[ChosenFixer],
    leave: frozenset[str],
    environ: Mapping[str, str],
) -> frozenset[str]:
    """Return those of the ids *leave* that are still planned if these changes are not made.

    The other ids belong to changes that build on one of these, so leaving them too has no effect.
    """
    return leave & _plan_fixes(project, library, chosen, ChangeFilter(leave=leave), environ).ids


def contents_with(project: Project, fixes: Iterable[PlannedFix]) -> dict[str, bytes | None]:
    """Return the content of each file of *project* that *fixes* change, after the changes.

    Raises:
        RefusedError: The changes cannot be made, alone or together.
    """
    edits: list[Edit] = []
    for edit in (edit for fix in fixes for edit in fix.change.edits):
        if edit not in edits:  # several changes may need the same edit
            edits.append(edit)
    yaml: dict[str, list[YamlEdit]] = {}
    contents: dict[str, bytes | None] = {}
    for edit in edits:
        if isinstance(edit, WriteFile):
            contents[edit.file] = None if edit.text is None else edit.text.encode()
        elif isinstance(edit, AddLines):
            contents[edit.file] = _with_added_lines(project, contents, edit)
        else:
            yaml.setdefault(edit.file, []).append(edit)
    for path, yaml_edits in yaml.items():
        file = project.files[path]
        contents[path] = file.source.encode(apply_edits(file, yaml_edits))
    return contents


def _plan_fixes(
    project: Project,
    library: Library,
    chosen: Sequence[ChosenFixer],
    selection: ChangeFilter,
    environ: Mapping[str, str],
) -> FixPlan:
    original = project
    plan = FixPlan()
    applied_ids: set[str] = set()
    for each in chosen:
        for _ in range(MAX_ROUNDS):
            this_round, to_apply = _one_round(project, each, selection, applied_ids, original)
            new_contents = _apply_possible(project, to_apply, this_round) if to_apply else {}
            lines = _OriginalLines(original, project)
            plan.applied += map(lines.fix, this_round.applied)
            bases = dict.fromkeys((fix.id for fix in this_round.applied), project)
            plan.bases |= bases
            applied_ids |= bases.keys()
            if not new_contents:
                break
            # a new dictionary, since earlier projects read from the one before
            plan.contents = {**plan.contents, **new_contents}
            project = project_with(project, library, plan.contents, environ)
        # only the last round counts: in earlier ones the changes were not applied yet
        has_applied = any(fix.transform == each.fixer.name for fix in plan.applied)
        plan.refusals += [
            (name, lines.refusal(refusal))
            for name, refusal in this_round.refusals
            if (refusal.repairs or not each.is_only_available)
            and not (has_applied and isinstance(refusal, Unneeded))
        ]
        plan.available += map(lines.fix, this_round.available)
        plan.uncertain += map(lines.fix, this_round.uncertain)
        plan.suppressed += map(lines.fix, this_round.suppressed)
        plan.excluded += map(lines.fix, this_round.excluded)
    if not (plan.ids or plan.refusals):
        selected = (each.fixer for each in chosen if each.by_name)
        plan.refusals += [(each.name, _nothing_found(each)) for each in selected]
    return plan


def _nothing_found(fixer: Fixer[Any]) -> Unneeded:
    """Return what *fixer*, which has nothing to do in the whole project, looks for."""
    summary = fixer.summary[:1].lower() + fixer.summary[1:].rstrip(".")
    return Unneeded(f"found no place to {summary}", Location("."))


def first_changes(project: Project, chosen: Iterable[ChosenFixer]) -> FixPlan:
    """Return what each of *chosen* would change in *project* as it is, without the others.

    The changes are listed as applied, though none is made.
    """
    plan = FixPlan()
    for each in chosen:
        of_fixer, to_apply = _one_round(project, each, ChangeFilter(), frozenset(), project)
        plan.applied += to_apply
        plan.uncertain += of_fixer.uncertain
        plan.suppressed += of_fixer.suppressed
        plan.refusals += of_fixer.refusals
    return plan


def _one_round(
    project: Project,
    chosen: ChosenFixer,
    selection: ChangeFilter,
    applied_ids: Container[str],
    original: Project,
) -> tuple[FixPlan, list[PlannedFix]]:
    """Return what is not to be applied, and the changes to apply, except those in *applied_ids*."""
    plan, to_apply = FixPlan(), []
    for planned in chosen.fixer.plan(project, chosen.options):
        if isinstance(planned, Refusal):
            is_short_lived = short_lived_reason(project, planned.location.path) is not None
            if not (chosen.fixer.lasting and is_short_lived):
                plan.refusals.append((chosen.fixer.name, planned))
            continue
        fix = PlannedFix(chosen.fixer.name, planned)
        if fix.id in applied_ids:
            continue
        if not _set_aside(plan, fix, project, chosen, selection, original):
            to_apply.append(fix)
    return plan, to_apply


def _set_aside(
    plan: FixPlan,
    fix: PlannedFix,
    project: Project,
    chosen: ChosenFixer,
    selection: ChangeFilter,
    original: Project,
) -> bool:
    """Append *fix* to the list of *plan* for its kind, unless it is to be applied.

    Returns:
        True if the fix was appended to ``suppressed``, ``excluded``, ``available`` or
        ``uncertain``; False if it is to be applied.
    """
    suppressed = _suppression_reason(project, fix, chosen, original)
    excluded = selection.exclusion_reason(fix)
    if suppressed is not None:
        plan.suppressed.append(PlannedFix(fix.transform, fix.change, suppressed))
    elif excluded:
        plan.excluded.append(PlannedFix(fix.transform, fix.change, excluded))
    elif not fix.change.is_safe and not chosen.unsafe and not chosen.is_wanted:
        plan.available.append(fix)
    elif not chosen.is_certain(fix.change) and fix.id not in selection.take:
        plan.uncertain.append(fix)
    else:
        return False
    return True


def _suppression_reason(
    project: Project, fix: PlannedFix, chosen: ChosenFixer, original: Project
) -> str | None:
    """Return why *fix* is suppressed: by a comment, the settings, the environment or its files.

    None if nothing suppresses it. One suppressed service is enough: a block that it shares with
    others is not changed either.
    """
    for path in sorted({edit.file for edit in fix.change.edits}):
        if foreign := project.foreign_reason(path):
            return foreign
    services = sorted({effect.service for effect in fix.change.effects if effect.service})
    for name in services:
        reason = chosen.ignored.get(name) or _comment_reason(project, name, fix.transform)
        if reason is not None:
            return reason if len(services) == 1 else f"{name} is excluded: {reason}"
    file = project.files.get(fix.change.location.path)
    if file is not None:
        reason = ignore_reason(file, fix.change.location.line, fix.transform)
        if reason is not None:
            return reason
    if fix.change.repairs:
        return None
    environment = _environment_reason(project, fix.change) if chosen.fixer.lasting else None
    return environment or _swarm_reason(project, fix.change) or veto(project, fix.change, original)


_NOT_IN_SWARM = frozenset(
    {
        *("cgroup_parent", "container_name", "depends_on", "devices", "external_links", "links"),
        *("network_mode", "restart", "security_opt", "tmpfs", "userns_mode"),
    }
)
"""Attributes that ``docker stack deploy`` ignores, or accepts in the short form only (Docker docs,
Compose file reference 3: not supported for docker stack deploy)."""


def _swarm_reason(project: Project, change: Change) -> str | None:
    """Return why *change* does not work in a file for Docker Swarm that it edits, or None."""
    for path in sorted({edit.file for edit in change.edits}):
        protected = project.protected_files.get(path)
        if protected is None or protected.reader != STACK_DEPLOY:
            continue
        attributes = {e.path[2] for e in change.effects if len(e.path) > 2}  # noqa: PLR2004
        ignored = sorted(_NOT_IN_SWARM & attributes)
        if ignored:
            return f"{STACK_DEPLOY} does not support {ignored[0]}; {protected.reason}"
        if change.variables:
            return f"{STACK_DEPLOY} does not read .env; {protected.reason}"
    return None


def _environment_reason(project: Project, change: Change) -> str | None:
    """Return why *change* suits no service that it edits; None if it suits one of them."""
    edits = [edit for edit in change.edits if not isinstance(edit, AddLines | WriteFile)]
    edited = {edit.file for edit in edits if not isinstance(edit, AddKey) or len(edit.path) > 1}
    services = sorted({effect.service for effect in change.effects if effect.service})
    for reasons in (
        [short_lived_reason(project, path) for path in sorted(edited)],
        [development_profile_reason(project, name) for name in services],
    ):
        if reasons and all(reasons):
            return reasons[0]
    return None


def _comment_reason(project: Project, service: str, transform: str) -> str | None:
    """Return why a comment on *service*, in any file that defines it, suppresses *transform*."""
    for file in project.files.values():
        if service in file.services:
            at = file.location_of("services", service)
            reason = ignore_reason(file, at.line, transform)
            if reason is not None:
                return reason
    return None


def _apply_possible(
    project: Project, fixes: list[PlannedFix], plan: FixPlan
) -> dict[str, bytes | None]:
    """Return the new contents after *fixes*, and append them to ``applied`` of *plan*.

    A fix that cannot be made together with those before it becomes a refusal of *plan* instead.
    """
    contents: dict[str, bytes | None] = {}
    with suppress(RefusedError):  # usually all are possible at once
        contents = contents_with(project, fixes)
        plan.applied += fixes
        return contents
    possible: list[PlannedFix] = []
    for fix in fixes:
        try:
            new = contents_with(project, [*possible, fix])
        except RefusedError as error:
            location = error.location or fix.change.location
            refusal = Refusal(f"{fix.change.title}: {error.message}", location, error.remedy)
            plan.refusals.append((fix.transform, refusal))
        else:
            possible.append(fix)
            contents = new
    plan.applied += possible
    return contents


def _with_added_lines(project: Project, contents: dict[str, bytes | None], edit: AddLines) -> bytes:
    """Return the content of the file of *edit* with its lines added where they belong."""
    before = contents.get(edit.file)
    if before is None and project.read is not None and project.exists(edit.file):
        before = project.read(edit.file)
    text = (before or b"").decode("utf-8", "surrogateescape")
    return with_lines(text, edit.text.splitlines()).encode("utf-8", "surrogateescape")
