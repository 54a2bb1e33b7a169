"""What Docker Compose itself says of a project's entry points."""

from __future__ import annotations

from composerefactor.analysis.analysis import REJECTED
from composerefactor.findings.finding import Finding
from composerefactor.proposal.locate import blamed_place
from composerefactor.proposal.opening import Opened
from composerefactor.proposal.proving import prover_of
from composerefactor.verify.engine import Engine
from composerefactor.verify.masking import mask_text


def rejections(opened: Opened, engine: Engine) -> list[Finding]:
    """Return a finding for each readable entry point of *opened* that *engine* rejects."""
    if not opened.project.readable:
        return []
    with prover_of(opened, engine) as prover:
        rejected = {} if prover.accepts_all() else prover.rejected()
    return [
        Finding(
            REJECTED.id,
            REJECTED.severity,
            mask_text(f"Docker Compose v{engine.version} rejects {entry.title}: {words}"),
            blamed_place(opened.project, entry, words),
            subject=entry.title,
        )
        for entry, words in rejected.items()
    ]
