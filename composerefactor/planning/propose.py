"""The proposal of a run: a plan, its proof, and the files to write.

:func:`propose` plans a refactoring, and :func:`propose_fixes` plans fixes. Both run Docker Compose
unless it is disabled, and exclude what it rejects. :func:`oldest_engine` computes the version of
Docker Compose that the result requires.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project
from composerefactor.compose.remarks import notes_against_edits
from composerefactor.edit.planned_files import Changeset, FileChange, NewText, PlannedFile
from composerefactor.errors import EngineError, UsageError
from composerefactor.planning.fixes import (
    ChangeFilter,
    ChosenFixer,
    FixPlan,
    PlannedFix,
    plan_fixes,
)
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.readers import with_readers
from composerefactor.planning.selection import (
    EVERYTHING,
    Selection,
    Transformation,
    changeset,
    keeping,
    selected,
)
from composerefactor.planning.settle import Settler, error_location, prover_of, stable
from composerefactor.proof.comparison import ProofFinding, ProofResult
from composerefactor.proof.engine import Engine, release
from composerefactor.proof.intended import AtPlaces, Intention
from composerefactor.proof.prover import PlannedVariables, Prover
from composerefactor.proof.staging import Progress, Run
from composerefactor.refactoring.contract import Effect, FileElement, Plan, Refusal
from composerefactor.refactoring.move_roots.plan import Move
from composerefactor.refactoring.move_roots.relocation import Relocation, plan_relocation
from composerefactor.yaml.source import Source

if TYPE_CHECKING:
    from composerefactor.proof.probes import OverrideSensitivity


OVERRIDE_OF_INCLUDED = (2, 24, 6)
"""Before it, merging a second ``-f`` file over an included service fails (observed: v2.24.5)."""


class Proposal(Struct, frozen=True):
    """What a run would do.

    Attributes:
        opened: The project that is open.
        project: The project with only those start commands that Docker Compose accepts.
        plan: The planned files.
        changes: The files to write and to delete.
        engine: Docker Compose; None if it is disabled.
        proof: The result of the proof; None if nothing was run or there is nothing to prove.
        rejected: The start commands that Docker Compose rejects, with its message.
        findings: The elements that do not move, each with the difference that prevents it.
        sensitivities: Override files that would have a different effect than before.
        fix_plan: The changes of a run that applies fixers; None for a refactoring.
        repaired: The start commands that Docker Compose rejects now but accepts after the fixes.
    """

    opened: OpenProject
    project: Project
    plan: Plan
    changes: Changeset
    engine: Engine | None = None
    proof: ProofResult | None = None
    rejected: dict[Invocation, str] = {}
    findings: dict[FileElement, ProofFinding] = {}
    sensitivities: tuple[OverrideSensitivity, ...] = ()
    fix_plan: FixPlan | None = None
    repaired: tuple[Invocation, ...] = ()

    @property
    def leaves_readers_behind(self) -> bool:
        """True if another reader of the files does not follow, and the user has to act."""
        return any(each.state == "named" and each.breaks for each in self.plan.readers)

    @property
    def own_changes(self) -> Changeset:
        """The :attr:`changes` without those in files of other readers."""
        others = {each.path for each in self.plan.reader_files}
        return Changeset(tuple(c for c in self.changes.changes if c.path not in others))


Checker: TypeAlias = Callable[[Proposal], None]
"""Raises an error if a proposal must not be written; it need not be proved yet."""


def propose(
    opened: OpenProject,
    transformation: Transformation,
    engine: Engine | None,
    selection: Selection = EVERYTHING,
    progress: Progress | None = None,
    check: Checker | None = None,
) -> Proposal:
    """Return the proposal of a refactoring for the project that is open.

    Args:
        opened: The project.
        transformation: The refactoring.
        engine: Docker Compose; None to plan without proof.
        selection: Which changes the user wants.
        progress: Shows how far the verification is.
        check: Checks what is planned before the proof, which can take minutes.

    Raises:
        EngineError: Docker Compose rejects every start command of the unchanged project.
        UsageError: *selection* contains an id that no change has.
    """
    first: Plan | None = None
    if engine is None or check is not None:
        chosen = selected(opened, opened.project, transformation, selection)
        first = chosen(opened.project, {}, frozenset())
        plan = with_readers(opened, opened.project, first)
        unproved = Proposal(opened, opened.project, plan, changeset(opened, plan))
        if check is not None:
            check(unproved)
        if engine is None:
            return unproved
    with ExitStack() as stack:
        prover = stack.enter_context(prover_of(opened, engine, progress, probes=True))
        rejected = stable(opened.project, prover.rejected())
        accepted = tuple(e for e in opened.project.readable if e not in rejected)
        if not accepted:
            raise rejection_error(opened, rejected)
        project = replace(opened.project, entries=accepted)
        chosen = selected(opened, project, transformation, selection)
        if engine.release < OVERRIDE_OF_INCLUDED:
            chosen, first = _without_overridden(chosen, project), None
        if first is None or accepted != tuple(opened.project.entries):
            first = chosen(project, {}, frozenset())
        # This refuses conflicting paths before they reach the staged copy.
        changeset(opened, first)
        settler = Settler(
            lambda keep, move: chosen(project, keep, move) if keep or move else first, prover
        )
        settled = settler.settle()
        plan = with_readers(opened, project, settled.plan)
        changes = changeset(opened, plan)
        sensitivities: tuple[OverrideSensitivity, ...] = ()
        if not changes.is_empty:
            sensitivities = tuple(
                prover.sensitivities(
                    changes.as_mapping(), settled.plan.entries, settled.proof.probed
                )
            )
        return Proposal(
            opened,
            project,
            plan,
            changes,
            engine,
            settled.proof,
            rejected,
            settled.findings,
            sensitivities,
        )


def _without_overridden(transformation: Transformation, project: Project) -> Transformation:
    """Return *transformation* without services that files outside the start commands may override.

    Not every combination of files is known, and an old Docker Compose rejects an override of an
    included service; see :data:`OVERRIDE_OF_INCLUDED`.
    """
    bases = set(project.root_files)
    unmoved: dict[FileElement, str] = {}
    for path in bases:
        for name in project.files[path].services:
            others = project.overriding(path, name) - bases - project.included_by.keys()
            if others:
                unmoved[path, "services", name] = (
                    f"{min(others)} may override it, which Docker Compose before v2.24.6 "
                    "rejects for included services"
                )
    return keeping(unmoved, transformation)


def rejection_error(
    opened: OpenProject,
    rejected: Mapping[Invocation, str],
    refusals: Iterable[Refusal] | None = None,
    still_rejected: Mapping[Invocation, str] | None = None,
    *,
    is_partial: bool = False,
) -> EngineError:
    """Return the error for a project of which Docker Compose rejects every start command.

    Args:
        opened: The project.
        rejected: The start commands, with the message of Docker Compose.
        refusals: Why fixers could not repair it, and what the user can do; None if none has tried.
        still_rejected: The messages of Docker Compose with all possible fixes applied.
        is_partial: Whether the user selected only some fixers or changes.
    """
    is_only_one = len(opened.project.entries) == 1
    lines = [
        message if is_only_one else f"{entry.title}: {message}"
        for entry, message in rejected.items()
    ]
    for entry, message in (still_rejected or {}).items():
        if message != rejected[entry]:
            lines.append(f"{entry.title}, after possible fixes: {message}")
    lines += [f"{entry.title}: {error}" for entry, error in opened.project.errors.items()]
    lines += [
        f"{refusal.location}: {refusal.reason} -> {refusal.remedy}"
        for refusal in refusals or ()
        if refusal.repairs
    ]
    how = "first, perhaps with `composerefactor fix`" if refusals is None else "by hand first"
    if is_partial:
        how = "first, perhaps with all changes of `composerefactor fix`"
    return EngineError(
        "Docker Compose rejects this project\n" + "\n".join(f"  {line}" for line in lines),
        location=error_location(opened.project, *next(iter(rejected.items()))),
        remedy=f"correct this {how}; what Docker Compose rejects cannot be verified",
    )


def intention_of(effects: Sequence[Effect]) -> Intention:
    """Return what :func:`is_declared` decides by, for each place of a resolved configuration."""
    at_places = AtPlaces((each.path, repr(each)) for each in effects)
    return Intention(
        repr(effects),
        services=tuple(sorted({each.service for each in effects if each.service is not None})),
        places={each.path[:n] for each in effects for n in range(1, 4)},
        at=lambda place: "\n".join(sorted({*at_places(place)})),
    )


def is_declared(finding: ProofFinding, effects: Collection[Effect]) -> bool:
    """Return whether one of *effects* declares *finding*; a rejection is never declared."""
    if finding.rejects:
        return False
    if finding.kind == "hash":
        return finding.service in {effect.service for effect in effects}
    return any(
        _effect_allows(effect, finding) or _is_repeated(effect, finding) for effect in effects
    )


def _effect_allows(effect: Effect, finding: ProofFinding) -> bool:
    if finding.kind != "raw" and not effect.resolved:
        return False
    common = min(len(effect.path), len(finding.path))
    if effect.path[:common] != finding.path[:common]:
        return False
    if finding.kind == "raw":
        # Short forms are not expanded, so the difference may be at a parent of the declared path.
        return len(finding.path) > 1
    if len(finding.path) < len(effect.path):
        # The whole mapping around the declared path was added or removed.
        return {"adds": not finding.was, "removes": not finding.now, "changes": False}[effect.verb]
    if effect.verb == "adds":
        return not finding.was
    return effect.verb == "changes" or not finding.now


def _is_repeated(effect: Effect, finding: ProofFinding) -> bool:
    """Return whether *finding* is *effect* once more, in another ``x-`` block with an alias of it.

    The resolved configuration has these blocks as well, without aliases; no container uses them.
    """
    blocks = (effect.path[0], *finding.path[:1])
    return all(block.startswith("x-") for block in blocks) and effect.path[-1] in finding.path[1:]


MAX_TRIES = 8
"""Plans that are tried, at most; each excludes what was rejected in the one before."""


def propose_fixes(
    opened: OpenProject,
    chosen: Sequence[ChosenFixer],
    engine: Engine | None,
    selection: Selection,
    progress: Progress | None = None,
    check: Checker | None = None,
) -> Proposal:
    """Return the proposal of the *chosen* fixers for the project that is open.

    A change for which Docker Compose rejects the result is excluded, with its message as the
    reason. Differences that no change declares remain in the proof, which then is not ok.

    Args:
        opened: The project.
        chosen: The fixers, in order.
        engine: Docker Compose; None to plan without proof.
        selection: Which changes the user wants.
        progress: Shows how far the verification is.
        check: Checks what is planned before the proof, which can take minutes.

    Raises:
        EngineError: Docker Compose rejects every start command, and no change repairs one.
        UsageError: *selection* contains an id that no change has.
    """
    change_filter = ChangeFilter(selection.take, selection.leave)

    def plan_with(change_filter: ChangeFilter) -> FixPlan:
        return plan_fixes(opened.project, opened.library, chosen, change_filter, opened.environ)

    fix_plan = plan_with(change_filter)
    if check is not None:
        check(_proposal_of(opened, fix_plan))
    if engine is None:
        return _proposal_of(opened, fix_plan)
    with prover_of(opened, engine, progress) as prover:
        if not fix_plan.applied and prover.accepts_all():
            return replace(_proposal_of(opened, fix_plan), engine=engine)
        rejected = stable(opened.project, prover.rejected())
        for _ in range(MAX_TRIES):
            proof, still_rejected = _prove_fixes(opened, engine, prover, fix_plan, progress)
            blamed = _blamed_changes(fix_plan, proof)
            if not blamed:
                break
            change_filter = replace(change_filter, rejected={**change_filter.rejected, **blamed})
            fix_plan = plan_with(change_filter)
        repaired = tuple(entry for entry in rejected if entry not in still_rejected)
        if len(rejected) == len(opened.project.readable) and not repaired:
            refusals = (refusal for _, refusal in fix_plan.refusals)
            raise rejection_error(
                opened,
                rejected,
                refusals,
                still_rejected,
                is_partial=selection != EVERYTHING or any(each.by_name for each in chosen),
            )
        return replace(
            _proposal_of(opened, fix_plan),
            engine=engine,
            proof=proof,
            rejected=rejected,
            repaired=repaired,
        )


def _prove_fixes(
    opened: OpenProject,
    engine: Engine,
    prover: Prover,
    fix_plan: FixPlan,
    progress: Progress | None,
    *,
    planned_win: bool = False,
) -> tuple[ProofResult, Mapping[Invocation, str]]:
    """Return the proof with only undeclared differences, and what is still rejected.

    Start commands that Docker Compose rejects now are compared without its consistency checks.
    The second value has the messages for those that it also rejects with the changes. Where a
    difference is left, the new variables have their values in all scenarios (*planned_win*).
    """
    variables = PlannedVariables(fix_plan.variables, planned_win)
    effects = fix_plan.effects
    expected = partial(is_declared, effects=effects)
    intention = intention_of(effects)
    proof = prover.check(
        fix_plan.contents,
        variables=variables,
        entries=fix_plan.entries,
        expected=expected,
        intention=intention,
    )
    rejected = stable(opened.project, prover.rejected())
    affected = [entry for entry in rejected if _is_affected(opened.project, entry, fix_plan)]
    untouched = {entry: rejected[entry] for entry in rejected if entry not in affected}
    after = prover.rejected_after(fix_plan.contents, affected)
    still_rejected = untouched | stable(opened.project, after)
    if affected:
        with prover_of(opened, engine, progress, entries=affected, consistent=False) as lenient:
            lenient_proof = lenient.check(
                fix_plan.contents,
                variables=variables,
                expected=expected,
                intention=intention,
            )
        proof = proof.with_lenient(lenient_proof, affected)
    undeclared = [difference for difference in proof.differences if not expected(difference)]
    undeclared += _variant_differences(prover, fix_plan)
    if undeclared and fix_plan.variables and not planned_win:
        second = _prove_fixes(opened, engine, prover, fix_plan, progress, planned_win=True)
        if not second[0].differences:
            return second
    return replace(proof, differences=undeclared), still_rejected


def _is_affected(project: Project, entry: Invocation, fix_plan: FixPlan) -> bool:
    """Return whether *entry* may read a file that the plan changes: not only files of others."""
    others = project.files.keys() - project.files_of[entry]
    return not fix_plan.contents.keys() <= others


def _variant_differences(prover: Prover, fix_plan: FixPlan) -> Iterator[ProofFinding]:
    """Yield undeclared differences between a new file and the file that it is a variant of.

    Both are resolved at the same path: the new file's content replaces that of the old one, or of
    the file in whose place it is read; or the start command reads it after its other files.
    """
    for fix in fix_plan.applied:
        for variant in fix.change.variants:
            contents, entries = fix_plan.contents, fix_plan.entries
            if variant.start is None:
                place = variant.at or variant.of
                contents = {**contents, place: contents[variant.path]}
                only = partial(_is_of_file, variant.of)
            else:
                old, new = variant.start
                entries = {**entries, old: new}
                only = partial(_is_of_entry, old)
            expected = partial(is_declared, effects=variant.effects)
            proof = prover.check(contents, only=only, entries=entries, expected=expected)
            for finding in proof.differences:
                if not expected(finding):
                    yield replace(finding, message=f"{variant.path}: {finding.message}")


def _is_of_file(path: str, run: Run) -> bool:
    return run.entry.files == (path,)


def _is_of_entry(entry: Invocation, run: Run) -> bool:
    return run.entry == entry


def _blamed_changes(fix_plan: FixPlan, proof: ProofResult) -> Mapping[str, str]:
    """Return the changes for which Docker Compose rejects the result: its message by id.

    If no change is about the service that the message names, the last change is blamed.
    """
    blamed: dict[str, str] = {}
    for finding in proof.differences:
        if not finding.rejects:
            continue
        of_service = [fix for fix in fix_plan.applied if _is_about_service(fix, finding)]
        of_attribute = [fix for fix in of_service if _names_attribute(fix, finding)]
        for fix in of_attribute or of_service or fix_plan.applied[-1:]:
            blamed.setdefault(fix.id, f"rejected by verification: {finding.message}")
    return blamed


def _is_about_service(fix: PlannedFix, finding: ProofFinding) -> bool:
    return finding.service is not None and any(
        len(effect.path) > 1 and effect.path[:2] == ("services", finding.service)
        for effect in fix.change.effects
    )


def _names_attribute(fix: PlannedFix, finding: ProofFinding) -> bool:
    """Return whether the message of *finding* names an attribute that *fix* changes.

    Docker Compose writes ``undefined network`` for an item of ``networks``, and ``depends on`` for
    ``depends_on``.
    """
    attributes = {effect.path[2] for effect in fix.change.effects if len(effect.path) > 2}  # noqa: PLR2004
    spoken = {attribute.removesuffix("s").replace("_", " ") for attribute in attributes}
    message = finding.message.replace("_", " ")
    return any(re.search(rf"\b{re.escape(word)}s?\b", message) for word in spoken)


def _proposal_of(opened: OpenProject, fix_plan: FixPlan) -> Proposal:
    files = opened.files
    changes = Changeset(
        tuple(
            FileChange(
                path,
                files.read_bytes(path) if files.exists(path) else None,
                content,
                private=path in fix_plan.private,
            )
            for path, content in fix_plan.contents.items()
        )
    )
    planned_files = tuple(
        PlannedFile(change.path, (NewText(source.text),), source.has_bom)
        for change in changes.changes
        if change.after is not None
        for source in [Source.decode(change.path, change.after)]
    )
    changed = (f for path in fix_plan.contents if (f := opened.project.files.get(path)))
    plan = Plan(planned_files, notes=tuple(notes_against_edits(changed)))
    return Proposal(opened, opened.project, plan, changes, fix_plan=fix_plan)


SINCE_INCLUDE = "2.24.1"
"""The first version that resolves ``project_directory: .`` correctly.

Up to v2.23.3 it is resolved against the current directory (observed).
"""

SINCE_OVERRIDE_OF_INCLUDED = ".".join(map(str, OVERRIDE_OF_INCLUDED))

SINCE_ENV_FILE = "2.24.7"
"""The first version that finds the ``env_file`` of an include from every current directory.

Up to v2.24.6 it is resolved against the current directory (observed).
"""

SINCE_NESTED = "2.29.7"
"""The first tested version that resolves the include of an included file correctly.

v2.24.7 resolves it against the outer project, or the current directory (observed).
"""

_INCLUDE = r"(?m)^[\"']?include[\"']?\s*:"
_ENV_FILE_OF_INCLUDE = re.compile(r"project_directory: \.,?\s+env_file: (?!/)")


def oldest_engine(proposal: Proposal) -> str:
    """Return the oldest version of Docker Compose that can read the result of *proposal*.

    ``""`` if no planned file includes another one, since any version can then read them.
    """
    return max(proposal.plan.since, _oldest_for_include(proposal), key=release)


def _oldest_for_include(proposal: Proposal) -> str:
    texts = [each.text() for each in proposal.plan.planned_files]
    including = [text for text in texts if re.search(_INCLUDE, text)]
    if not including:
        return ""
    project = proposal.project
    bases = set(project.root_files)
    split_files = {path for path, _, _ in proposal.plan.moved}
    if split_files & project.own_includes:
        return SINCE_NESTED
    if any(map(_ENV_FILE_OF_INCLUDE.search, including)):
        return SINCE_ENV_FILE
    moved = {n for p, section, n in proposal.plan.moved if section == "services" and p in bases}
    for entry in project.readable:
        for path in entry.files[1:]:
            file = project.files.get(path)
            if file is not None and moved & file.services.keys():
                return SINCE_OVERRIDE_OF_INCLUDED
    return SINCE_INCLUDE


def root_move(opened: OpenProject, path: Path, directory: str) -> Move:
    """Return the move of the root files of the project that is open to *directory*.

    Args:
        opened: The project.
        path: The project directory that the user gives. Root files that are already in *directory*
            below it form a project of their own, and do not move.
        directory: The new directory of the root files, relative to *path*.

    Raises:
        UsageError: *path* is not the project directory, or *directory* is not below it.
        RefusedError: Files or commands cannot be adapted to the move.
    """
    if opened.root == (path / directory).resolve():
        return Move(opened.project, Relocation(directory), opened.listing)
    if opened.root != path.resolve():
        below = opened.root.relative_to(path.resolve()).as_posix()
        raise UsageError(
            f"--move-roots: the project directory is {below}, below {path}",
            remedy=f"give it as PATH: composerefactor split {below} --move-roots {directory}",
        )
    place = opened.root / directory
    is_directory = place.is_dir() or not os.path.lexists(place)
    planned_move = plan_relocation(
        opened.project, opened.readers, directory, is_directory=is_directory
    )
    return Move.of(opened.project, opened.listing, opened.readers, planned_move, opened.root.name)
