"""The prover of a project that is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.proposal.opening import Opened
from composerefactor.verify.engine import Engine
from composerefactor.verify.prover import Prover


def prover_of(
    opened: Opened,
    engine: Engine,
    progress: Callable[[int, int], None] | None = None,
    *,
    entries: Sequence[EntryPoint] | None = None,
    consistent: bool = True,
) -> Prover:
    """Return the prover of what is *opened*, for all readable entry points or just *entries*.

    *consistent* and *progress* are as :class:`~composerefactor.verify.prover.Prover` has them.
    """
    return Prover(
        engine,
        opened.root,
        opened.project.readable if entries is None else entries,
        opened.project.inputs,
        env_files=opened.project.env_files,
        variables_of=opened.variables_of,
        profiles_of=opened.profiles_of,
        environ=opened.environ,
        progress=progress,
        consistent=consistent,
    )
