"""A proposal: a plan with its proof and the changeset that carries it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.compose.project import Project
from composerefactor.edits.changeset import Changeset
from composerefactor.errors import EngineError
from composerefactor.proposal.opening import Opened
from composerefactor.proposal.selection import (
    EVERYTHING,
    Selection,
    Transformation,
    changeset,
    selected,
)
from composerefactor.transform import Part, Plan, Refusal

if TYPE_CHECKING:
    from composerefactor.proposal.mended import Mended
    from composerefactor.verify.engine import Engine
    from composerefactor.verify.probes import Weakness
    from composerefactor.verify.verdict import Finding, Verdict


OVERRIDE_OF_INCLUDED = (2, 24, 6)
"""Up to v2.24.5 a second ``-f`` file over an included service is a conflict (observed)."""


class Proposal(Struct, frozen=True):
    """What a run would do.

    *project* holds the entry points that the engine accepts, *rejected* the others with the
    engine's words. *verdict* is None where no engine was asked. *mended* has the changes of a run
    that works in place; after it the engine accepts those in *repaired* too.
    """

    opened: Opened
    project: Project
    plan: Plan
    changes: Changeset
    engine: Engine | None = None
    verdict: Verdict | None = None
    rejected: dict[EntryPoint, str] = {}
    findings: dict[Part, Finding] = {}
    weaknesses: tuple[Weakness, ...] = ()
    mended: Mended | None = None
    repaired: tuple[EntryPoint, ...] = ()


def propose(
    opened: Opened,
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
    from composerefactor.proposal.incomplete import Incomplete  # noqa: PLC0415
    from composerefactor.proposal.proving import prover_of  # noqa: PLC0415
    from composerefactor.proposal.settle import Settler  # noqa: PLC0415

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
        weaknesses: tuple[Weakness, ...] = ()
        if not changes.is_empty:
            entries = settled.plan.entries
            weaknesses = tuple(prover.weaknesses(changes.as_mapping(), entries))
        return Proposal(
            opened,
            project,
            settled.plan,
            changes,
            engine,
            settled.verdict,
            rejected,
            settled.findings,
            weaknesses,
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
    opened: Opened,
    rejected: Mapping[EntryPoint, str],
    refusals: Iterable[Refusal] = (),
    still: Mapping[EntryPoint, str] | None = None,
) -> EngineError:
    """Return the error for a project of which the engine accepts nothing.

    *refusals* say why it could not be mended, and what to do; *still* has the engine's words on
    what is left of the problems when all that can be mended is.
    """
    from composerefactor.proposal.locate import blamed_place  # noqa: PLC0415 - as in propose()

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
