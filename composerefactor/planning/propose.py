"""A proposal: a plan with its proof and the changeset that carries it out."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import Project
from composerefactor.edit.planned_files import Changeset, FileChange, NewText, PlannedFile
from composerefactor.errors import EngineError, UsageError
from composerefactor.planning.fixes import (
    ChangeFilter,
    ChosenFixer,
    FixPlan,
    PlannedFix,
    plan_fixes,
)
from composerefactor.planning.opening import OpenProject, ProjectTexts
from composerefactor.planning.selection import (
    EVERYTHING,
    Selection,
    Transformation,
    changeset,
    selected,
)
from composerefactor.planning.settle import Incomplete, Settler, blamed_place, prover_of
from composerefactor.proof.comparison import ProofFinding, ProofResult
from composerefactor.proof.engine import Engine, release
from composerefactor.proof.prover import Prover
from composerefactor.refactoring.contract import Effect, Part, Plan, Refusal
from composerefactor.refactoring.move_roots.plan import Move
from composerefactor.refactoring.move_roots.relocation import Relocation, relocation
from composerefactor.yaml.source import Source

if TYPE_CHECKING:
    from composerefactor.proof.probes import OverrideSensitivity


OVERRIDE_OF_INCLUDED = (2, 24, 6)
"""Up to v2.24.5 a second ``-f`` file over an included service is a conflict (observed)."""


class Proposal(Struct, frozen=True):
    """What a run would do.

    *project* holds the entry points that the engine accepts, *rejected* the others with the
    engine's words. *proof* is None where no engine was asked. *fix_plan* has the changes of a run
    that works in place; after it the engine accepts those in *repaired* too.
    """

    opened: OpenProject
    project: Project
    plan: Plan
    changes: Changeset
    engine: Engine | None = None
    proof: ProofResult | None = None
    rejected: dict[Invocation, str] = {}
    findings: dict[Part, ProofFinding] = {}
    sensitivities: tuple[OverrideSensitivity, ...] = ()
    fix_plan: FixPlan | None = None
    repaired: tuple[Invocation, ...] = ()


def propose(
    opened: OpenProject,
    transformation: Transformation,
    engine: Engine | None,
    selection: Selection = EVERYTHING,
    progress: Callable[[int, int], None] | None = None,
) -> Proposal:
    """Return the proposal of *transformation* for the project that is open.

    Raises EngineError where the engine rejects every entry point as it stands, UsageError for a
    *selection* of changes that are not there, and what the transformation raises.
    """
    if engine is None:
        chosen = selected(opened, opened.project, transformation, selection)
        plan = chosen(opened.project, {}, frozenset())
        return Proposal(opened, opened.project, plan, changeset(opened, plan))
    # A plan without proof starts faster without what proves.

    with ExitStack() as stack:
        prover = stack.enter_context(prover_of(opened, engine, progress))
        rejected = prover.rejected()
        accepted = tuple(e for e in opened.project.readable if e not in rejected)
        if not accepted:
            raise all_rejected(opened, rejected)
        incomplete = Incomplete(opened, engine, tuple(rejected), stack)
        project = replace(
            opened.project,
            entries=accepted,
            rejected=tuple(rejected),
            incomplete=incomplete.resolved,
        )
        chosen = selected(opened, project, transformation, selection)
        if engine.release < OVERRIDE_OF_INCLUDED:
            chosen = _without_overridden(chosen, project)
        # Paths that cannot stand side by side are refused before the stage meets them.
        changeset(opened, chosen(project, {}, frozenset()))
        settler = Settler(lambda keep, move: chosen(project, keep, move), prover, incomplete)
        settled = settler.settle()
        changes = changeset(opened, settled.plan)
        sensitivities: tuple[OverrideSensitivity, ...] = ()
        if not changes.is_empty:
            entries = settled.plan.entries
            sensitivities = tuple(prover.sensitivities(changes.as_mapping(), entries))
        return Proposal(
            opened,
            project,
            settled.plan,
            changes,
            engine,
            settled.proof,
            rejected,
            settled.findings,
            sensitivities,
        )


def _without_overridden(transformation: Transformation, project: Project) -> Transformation:
    """Return *transformation* without the services that files outside of a base say something on.

    Not every combination of files is known, and with an old engine those that override an included
    service are rejected.
    """
    bases = set(project.bases)
    left: dict[Part, str] = {}
    for path in bases:
        for name in project.files[path].services:
            others = project.overriding(path, name) - bases - project.included_by.keys()
            if others:
                left[path, "services", name] = (
                    f"{min(others)} may be merged over it, which engines before v2.24.6 reject for "
                    "what is included"
                )

    def careful(project: Project, keep: dict[Part, str], move: frozenset[Part]) -> Plan:
        return transformation(project, {**left, **keep}, move)

    return careful


def all_rejected(
    opened: OpenProject,
    rejected: Mapping[Invocation, str],
    refusals: Iterable[Refusal] = (),
    still: Mapping[Invocation, str] | None = None,
) -> EngineError:
    """Return the error for a project of which the engine accepts nothing.

    *refusals* say why it could not be mended, and what to do; *still* has the engine's words on
    what is left of the problems when all that can be mended is.
    """
    lines = [f"{entry.title}: {words}" for entry, words in rejected.items()]
    for entry, words in (still or {}).items():
        if words != rejected[entry]:
            lines.append(f"{entry.title}, with what can be mended: {words}")
    lines += [f"{entry.title}: {error}" for entry, error in opened.project.errors.items()]
    lines += [f"{r.location}: {r.reason} -> {r.remedy}" for r in refusals if r.repairs]
    return EngineError(
        "the engine rejects this project as it stands\n" + "\n".join(f"  {x}" for x in lines),
        location=blamed_place(opened.project, *next(iter(rejected.items()))),
        remedy="correct this first (`composerefactor fix` mends some of it); what cannot be "
        "resolved cannot be proved",
    )


def is_declared(finding: ProofFinding, effects: Collection[Effect]) -> bool:
    """Return whether some effect allows for *finding*; a rejection by the engine never is."""
    if finding.rejects:
        return False
    if finding.kind == "hash":
        return finding.service in {effect.service for effect in effects}
    return any(_allows(effect, finding) for effect in effects)


def _allows(effect: Effect, finding: ProofFinding) -> bool:
    if finding.kind != "raw" and not effect.resolved:
        return False
    common = min(len(effect.path), len(finding.path))
    if effect.path[:common] != finding.path[:common]:
        return False
    if finding.kind == "raw":
        # Short forms stand there unexpanded, so what differs may be shown further up.
        return len(finding.path) > 1
    if len(finding.path) < len(effect.path):
        # The mapping around the place came or went with it.
        return {"adds": not finding.was, "removes": not finding.now, "changes": False}[effect.verb]
    if effect.verb == "adds":
        return not finding.was
    return effect.verb == "changes" or not finding.now


MAX_TRIES = 8
"""Plans that are tried, each without what the engine rejected in the one before."""

Progress = Callable[[int, int], None]


def propose_fixes(
    opened: OpenProject,
    chosen: Sequence[ChosenFixer],
    engine: Engine | None,
    selection: Selection,
    progress: Progress | None = None,
) -> Proposal:
    """Return the proposal of the *chosen* mendings for the project that is open.

    A change that makes the engine reject the result is left out and named. Differences that no
    change declares stay in the verdict, which then is not ok. Raises EngineError where the engine
    rejects every entry point and no change helps.
    """
    wanted = ChangeFilter(selection.take, selection.leave)
    plan = partial(_planned, opened, chosen)
    if engine is None:
        found = plan(wanted)
        return _proposal(opened, found)
    with prover_of(opened, engine, progress) as prover:
        found = plan(wanted)
        if not found.taken and prover.accepts_all():
            return replace(_proposal(opened, found), engine=engine)
        rejected = prover.rejected()
        for _ in range(MAX_TRIES):
            proof, still = _verdict(opened, engine, prover, found, progress)
            blamed = _blamed(found, proof)
            if not blamed:
                break
            wanted = replace(wanted, rejected={**wanted.rejected, **blamed})
            found = plan(wanted)
        repaired = tuple(entry for entry in rejected if entry not in still)
        if len(rejected) == len(opened.project.readable) and not repaired:
            refusals = (refusal for _, refusal in found.refusals)
            raise all_rejected(opened, rejected, refusals, still)
        return replace(
            _proposal(opened, found),
            engine=engine,
            proof=proof,
            rejected=rejected,
            repaired=repaired,
        )


def _planned(opened: OpenProject, chosen: Sequence[ChosenFixer], wanted: ChangeFilter) -> FixPlan:
    return plan_fixes(opened.project, opened.library, chosen, wanted, opened.environ)


def _verdict(
    opened: OpenProject, engine: Engine, prover: Prover, found: FixPlan, progress: Progress | None
) -> tuple[ProofResult, Mapping[Invocation, str]]:
    """Return what the proof found beyond the declared, and what is rejected with the changes too.

    Entry points that the engine rejects as they stand are compared without its checks of what
    belongs together.
    """
    proof = prover.check(found.contents, variables=found.variables)
    still = rejected = prover.rejected()
    if rejected and found.taken:
        still = prover.rejected_after(found.contents)
        with prover_of(
            opened, engine, progress, entries=tuple(rejected), consistent=False
        ) as lenient:
            lenience = lenient.check(found.contents, variables=found.variables)
        proof = proof.with_lenient(lenience, tuple(rejected))
    effects = found.effects
    undeclared = [f for f in proof.differences if not is_declared(f, effects)]
    undeclared += _of_variants(prover, found)
    return replace(proof, differences=undeclared), still


def _of_variants(prover: Prover, found: FixPlan) -> Iterator[ProofFinding]:
    """Yield what differs undeclared between a new file and the one that it is a variant of.

    Both give their model at the same place: the new file's text stands there for the old one's.
    """
    for each in found.taken:
        for variant in each.change.variants:
            there = {**found.contents, variant.of: found.contents[variant.path]}
            for finding in prover.check(there).differences:
                is_its = finding.entry.files == (variant.of,)
                if is_its and not is_declared(finding, variant.effects):
                    yield replace(finding, words=f"{variant.path}: {finding.words}")


def _blamed(found: FixPlan, proof: ProofResult) -> Mapping[str, str]:
    """Return the changes that the engine's rejections are about, by id, with its words."""
    blamed: dict[str, str] = {}
    for finding in proof.differences:
        if not finding.rejects:
            continue
        about = [fix for fix in found.taken if _is_about(fix, finding)]
        closer = [fix for fix in about if _is_named(fix, finding)]
        for each in closer or about or found.taken[-1:]:
            blamed.setdefault(each.id, f"the proof rejects it: {finding.words}")
    return blamed


def _is_about(found: PlannedFix, finding: ProofFinding) -> bool:
    return finding.service is not None and any(
        len(effect.path) > 1 and effect.path[:2] == ("services", finding.service)
        for effect in found.change.effects
    )


def _is_named(found: PlannedFix, finding: ProofFinding) -> bool:
    """Return whether the engine's words name the attribute that *found* is about.

    It says ``undefined network`` of an item of ``networks``, and ``depends on`` of ``depends_on``.
    """
    attributes = {effect.path[2] for effect in found.change.effects if len(effect.path) > 2}  # noqa: PLR2004
    words = {attribute.removesuffix("s").replace("_", " ") for attribute in attributes}
    said = finding.words.replace("_", " ")
    return any(re.search(rf"\b{re.escape(word)}s?\b", said) for word in words)


def _proposal(opened: OpenProject, found: FixPlan) -> Proposal:
    files = opened.files
    changes = Changeset(
        tuple(
            FileChange(path, files.read_bytes(path) if files.exists(path) else None, content)
            for path, content in found.contents.items()
        )
    )
    planned_files = tuple(
        PlannedFile(change.path, (NewText(source.text),), source.has_bom)
        for change in changes.changes
        if change.after is not None
        for source in [Source.decode(change.path, change.after)]
    )
    return Proposal(opened, opened.project, Plan(planned_files), changes, fix_plan=found)


SINCE_INCLUDE = "2.24.1"
"""Up to v2.23.3 ``project_directory: .`` is resolved against the current directory (observed)."""

SINCE_OVERRIDE_OF_INCLUDED = ".".join(map(str, OVERRIDE_OF_INCLUDED))

SINCE_NESTED = "2.29.7"
"""v2.24.7 resolves the include of an included file against the outer project; of the versions that
were tried, v2.29.7 is the first after it that does not (observed)."""

_INCLUDE = re.compile(r"^[\"']?include[\"']?\s*:", re.MULTILINE)


def oldest_engine(proposal: Proposal) -> str:
    """Return the oldest Docker Compose version that reads the result of *proposal*.

    ``""`` where no file that is written includes another: any version does.
    """
    return max(proposal.plan.since, _oldest_for_include(proposal), key=release)


def _oldest_for_include(proposal: Proposal) -> str:
    if not any(
        _INCLUDE.search(planned_file.text()) for planned_file in proposal.plan.planned_files
    ):
        return ""
    project = proposal.project
    bases = set(project.bases)
    divided = {path for path, _, _ in proposal.plan.moved}
    for path in divided & project.own_includes:
        if any(
            posixpath.dirname(path) != posixpath.dirname(by) for by in project.included_by[path]
        ):
            return SINCE_NESTED
    moved = {n for p, section, n in proposal.plan.moved if section == "services" and p in bases}
    for entry in project.readable:
        for path in entry.files[1:]:
            file = project.files.get(path)
            if file is not None and moved & file.services.keys():
                return SINCE_OVERRIDE_OF_INCLUDED
    return SINCE_INCLUDE


def relocated(opened: OpenProject, path: Path, directory: str) -> Move:
    """Return the move of the root files of the project that is open to *directory*.

    *path* is where the user says that the project is: roots that stand in *directory* below it
    already are a project of their own, and stay.

    Raises UsageError for a *path* that is not the project directory, or a *directory* that is none
    below it, and RefusedError for files
    and commands that cannot follow.
    """
    if opened.root == (path / directory).resolve():
        return Move(opened.project, Relocation(directory), ProjectTexts(opened.files))
    if opened.root != path.resolve():
        below = opened.root.relative_to(path.resolve()).as_posix()
        raise UsageError(
            f"--move-roots is given for {path}, and the project directory is {below} below it",
            remedy=f"give that: composerefactor split {below} --move-roots {directory}",
        )
    place = opened.root / directory
    is_directory = place.is_dir() or not os.path.lexists(place)
    found = relocation(opened.project, opened.readers, directory, is_directory=is_directory)
    files = ProjectTexts(opened.files)
    return Move.of(opened.project, files, opened.readers, found, opened.root.name)
