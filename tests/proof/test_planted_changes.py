"""No comparison overlooks a change, or reports one that is none; see ``bench/planted.py``."""

from __future__ import annotations

from pathlib import Path

from composerefactor.proof.engine import Engine
from support.planted import Overlooked, overlooked


def test_every_planted_change_is_found(compose: Engine, tmp_path: Path) -> None:
    planted, wrong = overlooked(compose, tmp_path)
    assert len(planted) >= 300
    assert wrong == Overlooked([], [], [], [])
