"""The start commands that Docker Compose itself rejects, as findings."""

from __future__ import annotations

from composerefactor.analysis.analysis import REJECTED
from composerefactor.analysis.findings import Finding
from composerefactor.compose.services import start_models
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.settle import error_location, prover_of, stable
from composerefactor.proof.engine import find_engine


def rejections(opened: OpenProject, choice: str) -> list[Finding]:
    """Return a finding for each start command of *opened* that Docker Compose rejects.

    Commands that cannot be read have findings already, and what another command completes is not
    meant to be one. *choice* selects Docker Compose, as in :func:`find_engine`.

    Raises EngineError if none can be used.
    """
    engine = find_engine(choice)
    if not opened.project.readable:
        return []
    with prover_of(opened, engine) as prover:
        rejected = {} if prover.accepts_all() else stable(opened.project, prover.rejected())
    used = {model.entry for model in start_models(opened.project)}
    return [
        Finding(
            REJECTED.id,
            REJECTED.severity,
            opened.masking.text(
                f"Docker Compose v{engine.version} rejects {entry.title}: {message}"
            ),
            error_location(opened.project, entry, message),
            subject=entry.title,
        )
        for entry, message in rejected.items()
        if entry in used
    ]
