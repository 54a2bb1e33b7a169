"""From a project to changes in place whose effects are proved to be the declared ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.edits.changeset import Changeset, FileChange
from composerefactor.edits.drafts import Draft, Written
from composerefactor.proposal.declared import is_declared
from composerefactor.proposal.mended import Chosen, Mend, Mended, Wanted, mend
from composerefactor.proposal.opening import Opened
from composerefactor.proposal.propose import Proposal, all_rejected
from composerefactor.proposal.proving import prover_of
from composerefactor.proposal.selection import Selection
from composerefactor.source import Source
from composerefactor.transform import Plan
from composerefactor.verify.engine import Engine
from composerefactor.verify.prover import Prover
from composerefactor.verify.verdict import Finding, Verdict

MAX_TRIES = 8
"""Plans that are tried, each without what the engine rejected in the one before."""

Progress = Callable[[int, int], None]


def propose_mends(
    opened: Opened,
    chosen: Sequence[Chosen],
    engine: Engine | None,
    selection: Selection,
    progress: Progress | None = None,
) -> Proposal:
    """Return the proposal of the *chosen* mendings for the project that is open.

    A change that makes the engine reject the result is left out and named. Differences that no
    change declares stay in the verdict, which then is not ok. Raises EngineError where the engine
    rejects every entry point and no change helps.
    """
    wanted = Wanted(selection.take, selection.leave)
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
            verdict, still = _verdict(opened, engine, prover, found, progress)
            blamed = _blamed(found, verdict)
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
            verdict=verdict,
            rejected=rejected,
            repaired=repaired,
        )


def _planned(opened: Opened, chosen: Sequence[Chosen], wanted: Wanted) -> Mended:
    return mend(opened.project, opened.library, chosen, wanted, opened.environ)


def _verdict(
    opened: Opened, engine: Engine, prover: Prover, found: Mended, progress: Progress | None
) -> tuple[Verdict, Mapping[EntryPoint, str]]:
    """Return what the proof found beyond the declared, and what is rejected with the changes too.

    Entry points that the engine rejects as they stand are compared without its checks of what
    belongs together.
    """
    verdict = prover.check(found.contents, variables=found.variables)
    still = rejected = prover.rejected()
    if rejected and found.taken:
        still = prover.rejected_after(found.contents)
        with prover_of(
            opened, engine, progress, entries=tuple(rejected), consistent=False
        ) as lenient:
            lenience = lenient.check(found.contents, variables=found.variables)
        verdict = verdict.with_lenient(lenience, tuple(rejected))
    effects = found.effects
    undeclared = [f for f in verdict.differences if not is_declared(f, effects)]
    undeclared += _of_variants(prover, found)
    return replace(verdict, differences=undeclared), still


def _of_variants(prover: Prover, found: Mended) -> Iterator[Finding]:
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


def _blamed(found: Mended, verdict: Verdict) -> Mapping[str, str]:
    """Return the changes that the engine's rejections are about, by id, with its words."""
    blamed: dict[str, str] = {}
    for finding in verdict.differences:
        if not finding.rejects:
            continue
        about = [mend for mend in found.taken if _is_about(mend, finding)]
        closer = [mend for mend in about if _is_named(mend, finding)]
        for each in closer or about or found.taken[-1:]:
            blamed.setdefault(each.id, f"the proof rejects it: {finding.words}")
    return blamed


def _is_about(found: Mend, finding: Finding) -> bool:
    return finding.service is not None and any(
        len(effect.path) > 1 and effect.path[:2] == ("services", finding.service)
        for effect in found.change.effects
    )


def _is_named(found: Mend, finding: Finding) -> bool:
    """Return whether the engine's words name the attribute that *found* is about.

    It says ``undefined network`` of an item of ``networks``, and ``depends on`` of ``depends_on``.
    """
    attributes = {effect.path[2] for effect in found.change.effects if len(effect.path) > 2}  # noqa: PLR2004
    words = {attribute.removesuffix("s").replace("_", " ") for attribute in attributes}
    said = finding.words.replace("_", " ")
    return any(re.search(rf"\b{re.escape(word)}s?\b", said) for word in words)


def _proposal(opened: Opened, found: Mended) -> Proposal:
    files = opened.files
    changes = Changeset(
        tuple(
            FileChange(path, files.read_bytes(path) if files.exists(path) else None, content)
            for path, content in found.contents.items()
        )
    )
    drafts = tuple(
        Draft(change.path, (Written(source.text),), source.has_bom)
        for change in changes.changes
        if change.after is not None
        for source in [Source.decode(change.path, change.after)]
    )
    return Proposal(opened, opened.project, Plan(drafts), changes, mended=found)
