"""Entry points that the engine rejects for what they lack, compared without its checks of that.

Many an override is found without the files that complete it, so no entry point with it is accepted.
``config --no-consistency`` still gives what it says (observed: v2.24.1 to v5.6.1).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack

from msgspec.structs import replace

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.proposal.opening import Opened
from composerefactor.proposal.proving import prover_of
from composerefactor.transform import Plan
from composerefactor.verify.engine import Engine
from composerefactor.verify.prover import Prover
from composerefactor.verify.runner import Run
from composerefactor.verify.verdict import Verdict


class Incomplete:
    """The *rejected* entry points of a project; *stages* closes the staged copies that it makes."""

    def __init__(
        self, opened: Opened, engine: Engine, rejected: Sequence[EntryPoint], stages: ExitStack
    ) -> None:
        self._opened, self._engine = opened, engine
        self._rejected = rejected
        self._provers: dict[EntryPoint, Prover] = {}
        self._resolved: set[EntryPoint] = set()
        self._stages = stages

    def resolved(self, paths: Collection[str]) -> tuple[EntryPoint, ...]:
        """Return those that read one of *paths*, and that the engine resolves without checks."""
        asked = [e for e in self._rejected if not set(paths).isdisjoint(e.files)]
        unknown = [entry for entry in asked if entry not in self._provers]
        if unknown:
            prover = self._stages.enter_context(
                prover_of(self._opened, self._engine, entries=unknown, consistent=False)
            )
            self._provers |= dict.fromkeys(unknown, prover)
            self._resolved |= set(unknown) - prover.rejected().keys()
        return tuple(entry for entry in asked if entry in self._resolved)

    def check(
        self,
        plan: Plan,
        verdict: Verdict,
        only: Callable[[Run], bool] | None,
        moved: Collection[str],
    ) -> Verdict:
        """Return *verdict* with what else *plan* changes in files that no accepted one reads.

        *only* and *moved* are as :meth:`~composerefactor.verify.prover.Prover.check` has them.
        """
        changes = plan.contents()
        read = {path for entry in self._accepted() for path in self._opened.project.files_of[entry]}
        for prover in dict.fromkeys(self._provers.values()):
            concerned = tuple(
                entry
                for entry in prover.entries
                if entry in self._resolved and not (changes.keys() - read).isdisjoint(entry.files)
            )
            if concerned:
                found = prover.check(
                    changes,
                    only=lambda run: run.entry in concerned and (only is None or only(run)),  # noqa: B023
                    moved=moved,
                )
                verdict = replace(
                    verdict.with_lenient(found, concerned),
                    incomplete=(*verdict.incomplete, *concerned),
                )
        return verdict

    def _accepted(self) -> list[EntryPoint]:
        return [e for e in self._opened.project.readable if e not in self._rejected]
